"""Erasing: what a rule or a person has marked goes, files before rows, and a signed certificate says what went."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from asr.decode import EXTENSIONS
from asr.errors import PipelineError
from compliance import vault
from compliance.canonical import Json
from compliance.certificate import ErasedItem, certificate, erasure
from compliance.types import CallFacts, Kind, Scope
from flows.custody import Custody
from flows.metadata import sidecars_of
from storage.errors import UnknownRecordingError
from storage.places import erase_place, file_path, move_place
from storage.session import scrub
from storage.types import Intention, Outcome, Place

_HELD = "legal hold"

_IDENTITY = "the recordings' SHA-256 and size, so that they are not done again"
_TRAIL = (
    "events of the audit trail and certificates of redaction: hashes, kinds, counts and times, and no word that was "
    "said (45 CFR 164.316(b)(2)(i))"
)
_COPIES = (
    "copies outside of callwright, such as backups of the database and of objects, until their own time is over; "
    "what was sealed in the vault cannot be read from any copy"
)
"""What outlives every erasure, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """What came of one kind of one recording."""

    sha256: str
    kind: Kind
    why: str
    state: str
    """"erased", "failed" or "held"; in a dry run "due"."""
    count: int
    note: str


@dataclass(frozen=True, slots=True)
class Erased:
    """What came of a request: its number, its certificate's object key, and every part."""

    request_id: int
    certificate: str
    lines: tuple[Line, ...]

    @property
    def complete(self) -> bool:
        """Whether all that was asked for is gone."""
        return all(line.state == "erased" for line in self.lines)


def erase(custody: Custody, scope: Scope, value: str, reason: str) -> Erased:
    """Erase all that is kept of a call (by its SHA-256), a caller or an agent, but for what a hold covers.

    Killed at any moment, the next sweep ends it. Raises UnknownRecordingError if nothing is kept of whom was named.
    """
    found = [stock for stock in custody.ledger.stock() if _is_meant(stock.facts, scope, value)]
    if not found:
        raise UnknownRecordingError(f"no recording of that {scope.value} is known", "`callwright status` shows calls")
    call = value if scope is Scope.CALL else None
    request_id = custody.ledger.begin_request(scope, call, reason, [stock.recording_id for stock in found])
    ours = [intention for stock in found for intention in custody.ledger.intentions(stock.recording_id)]
    lines = tuple(carry_out(custody, ours))
    scrub(custody.database)
    return Erased(request_id, certify_request(custody, request_id), lines)


def carry_out(custody: Custody, intentions: Iterable[Intention]) -> list[Line]:
    """Do what is intended, but for what a hold covers by now. One that fails stays open and stops no other."""
    lines = []
    for intention in intentions:
        hold = custody.hold_on(intention.facts)
        if hold:
            outcome = Outcome(done=False, count=0, note=f"{_HELD} {hold.id}")
        elif custody.ledger.in_hand(intention.recording_id):
            # What it is about to keep would stay behind. It cannot publish any more, and nobody takes it up again.
            outcome = Outcome(done=False, count=0, note="a worker has it in hand; the next sweep goes on")
        else:
            outcome = _attempt(custody, intention)
        if outcome.done or outcome.note != intention.note:
            outcome = custody.ledger.close(intention, outcome, in_vault=custody.in_vault(intention.facts.sha256))
        state = "erased" if outcome.done else "held" if hold else "failed"
        lines.append(Line(intention.facts.sha256, intention.kind, intention.why, state, outcome.count, outcome.note))
    return lines


def certify_request(custody: Custody, request_id: int) -> str:
    """Make the certificate of what came of a request so far, and return its object key."""
    request = custody.ledger.request(request_id)
    outcomes = custody.ledger.outcomes(request_id)
    items = [
        ErasedItem(sha256, kind.value, outcome.done, outcome.count, outcome.note or ("" if outcome.done else "not yet"))
        for sha256, kind, outcome in outcomes
    ]
    recordings = sorted({sha256 for sha256, _, _ in outcomes})
    events = custody.ledger.events_of(recordings)
    kept = (_IDENTITY, f"{events} {_TRAIL}", _COPIES)
    told: dict[str, Json] = {
        "number": request.id,
        "scope": request.scope,
        "call": request.call,
        "reason": request.reason,
        "by": request.actor,
        "at": request.at.isoformat(timespec="seconds"),
    }
    document = certificate(erasure(told, items, kept, custody.ledger.now()), custody.signer)
    key = custody.objects.put(document, request.at.date())
    custody.ledger.certify(key, request_id=request_id)
    return key


def _is_meant(facts: CallFacts, scope: Scope, value: str) -> bool:
    named = getattr(facts, "sha256" if scope is Scope.CALL else scope.value)
    return named is not None and named.strip().casefold() == value.strip().casefold()


def _attempt(custody: Custody, intention: Intention) -> Outcome:
    sha256 = intention.facts.sha256
    if intention.kind is Kind.SOURCE_AUDIO:
        return _erase_sources(custody, intention)
    if intention.kind is Kind.VAULT:
        try:
            return Outcome(done=True, count=vault.erase(custody.vault_folder, sha256))
        except OSError as error:
            return Outcome(done=False, count=0, note=f"the vault: {error.strerror}")
    keys = custody.ledger.object_keys(intention.recording_id, intention.kind)
    try:
        return Outcome(done=True, count=sum(custody.objects.delete(key) for key in keys))
    except PipelineError as error:
        return Outcome(done=False, count=0, note=error.reason)


def _erase_sources(custody: Custody, intention: Intention) -> Outcome:
    """All files of a recording; each that is gone is marked at once, so that a kill forgets none."""
    asked_for = intention.request_id is not None
    outcomes = []
    for place in custody.ledger.places(intention.recording_id):
        if place.moved and not asked_for:
            continue
        outcome, moved_to = _clear(custody, intention, place, asked_for=asked_for)
        if outcome.done:
            custody.ledger.mark_place(intention.recording_id, place, moved_to)
        outcomes.append(outcome)
    return Outcome(
        done=all(outcome.done for outcome in outcomes),
        count=sum(outcome.count for outcome in outcomes),
        note="; ".join(dict.fromkeys(outcome.note for outcome in outcomes if outcome.note)),
    )


def erase_sidecars(custody: Custody, place: Place) -> int:
    """Delete what lay beside a file that is gone and told of it; one that tells of another recording too stays."""
    if not place.uri.startswith("file://"):
        return 0
    path = file_path(place.uri)
    if path.exists():  # another recording has taken its place
        return 0
    shared = any(other.stem == path.stem for other in path.parent.glob("*") if other.suffix.lower() in EXTENSIONS)
    sidecars = [
        sidecar
        for sidecar in sidecars_of(path, custody.settings.metadata)
        if sidecar.is_file() and not (shared and sidecar.stem == path.stem)
    ]
    for sidecar in sidecars:
        sidecar.unlink()
    return len(sidecars)


def _clear(custody: Custody, intention: Intention, place: Place, *, asked_for: bool) -> tuple[Outcome, str | None]:
    """Delete or move one file, as the settings say; on request it is always deleted."""
    options, sha256 = custody.settings.retention, intention.facts.sha256
    try:
        if options.source == "move" and not asked_for:
            return move_place(place.uri, sha256, options.move_to)
        outcome = erase_place(place.uri, sha256)
        return replace(outcome, count=outcome.count + erase_sidecars(custody, place) if outcome.done else 0), None
    except PipelineError as error:
        # A file's name may be a caller's number.
        return Outcome(done=False, count=0, note=error.reason.replace(place.uri, "its file")), None
    except OSError as error:
        return Outcome(done=False, count=0, note=f"{error.strerror} where its sidecar lies"), None

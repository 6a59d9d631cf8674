"""A sweep: whatever is over its time goes, and whatever an earlier one had begun is ended first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from asr.errors import PipelineError
from compliance.retention import Decision, Policy, audit_keep, decide
from compliance.types import Hold, Kind
from compliance.vault import recordings_in
from flows.custody import Custody, retention_policy
from flows.erase import Line, carry_out, certify_request
from flows.evidence import prune_statement, write_anchor
from storage.session import scrub
from storage.types import Stock


@dataclass(frozen=True, slots=True)
class Swept:
    """What a sweep did; a dry one, what it would do. `events` counts audit events that went."""

    lines: tuple[Line, ...]
    resumed: int
    events: int
    certificates: tuple[str, ...]
    anchor: str | None
    dry_run: bool

    @property
    def complete(self) -> bool:
        """Whether nothing that was to go has failed to."""
        return all(line.state != "failed" for line in self.lines)


def sweep(custody: Custody, *, dry_run: bool) -> Swept:
    """Erase what is over its time. Killed at any moment, the next sweep ends what was begun.

    Raises RetentionError for rules that cannot be read, before anything is touched.
    """
    policy = retention_policy(custody.settings)
    begun = custody.ledger.intentions()
    lines = [] if dry_run else carry_out(custody, begun)
    tried = {intention.id for intention in begun}
    in_vault = set(recordings_in(custody.vault_folder))
    held_calls: set[str] = set()
    for stock in custody.ledger.stock():
        holds = custody.ledger.holds()
        if custody.held(stock.facts, holds):
            held_calls.add(stock.facts.sha256)
        if stock.leftovers:
            is_held = stock.facts.sha256 in held_calls
            lines += _leftovers(custody, stock, "held" if is_held else "due" if dry_run else "erased")
        decisions = overdue(custody, stock, policy, holds, vaulted=stock.facts.sha256 in in_vault)
        lines += _lines(stock, decisions, "held") if held_calls & {stock.facts.sha256} else []
        due = {kind: decision.why for kind, decision in decisions.items() if decision.delete}
        if dry_run:
            lines += _lines(stock, {kind: decisions[kind] for kind in due}, "due")
        elif due and custody.ledger.intend(stock.recording_id, due, custody.held):
            own = custody.ledger.intentions(stock.recording_id)
            lines += carry_out(custody, [intention for intention in own if intention.id not in tried])
    events = 0 if dry_run else _prune(custody, policy, held_calls)
    if dry_run:
        return Swept(tuple(lines), len(begun), events, (), None, dry_run)
    if any(line.state == "erased" for line in lines):
        scrub(custody.database)
    done = {line.sha256 for line in lines if line.state == "erased"}
    requests = sorted({i.request_id for i in begun if i.request_id is not None and i.facts.sha256 in done})
    certificates = tuple(certify_request(custody, request_id) for request_id in requests)
    return Swept(tuple(lines), len(begun), events, certificates, write_anchor(custody), dry_run)


def overdue(
    custody: Custody, stock: Stock, policy: Policy, holds: tuple[Hold, ...], *, vaulted: bool
) -> dict[Kind, Decision]:
    """Return what is over its time of a recording, held or not; the words go with the transcript."""
    now = custody.ledger.now()
    kinds = (*stock.kinds, *((Kind.VAULT,) if vaulted else ()))
    found = {kind: decide(kind, stock.facts, policy, holds, now) for kind in kinds}
    over = {kind: one for kind, one in found.items() if one.due_at is not None and one.due_at <= now}
    if Kind.TRANSCRIPT in over:
        over.pop(Kind.WORDS, None)
    return over


def _leftovers(custody: Custody, stock: Stock, state: str) -> Iterator[Line]:
    """Objects that were announced of a recording and of which nothing came go whatever the rules say, since no row
    tells of them; but not while a worker has it in hand."""
    if custody.ledger.in_hand(stock.recording_id):
        return
    count, note = 0, ""
    if state == "erased":
        in_vault = custody.in_vault(stock.facts.sha256)
        try:
            count = custody.ledger.drop_leftovers(
                stock.recording_id, custody.objects.delete, custody.held, in_vault=in_vault
            )
        except PipelineError as error:
            state, note = "failed", error.reason
    if count or state != "erased":
        yield Line(stock.facts.sha256, Kind.TRANSCRIPT, "announced and never published", state, count, note)


def _lines(stock: Stock, decisions: dict[Kind, Decision], state: str) -> Iterator[Line]:
    for kind, decision in decisions.items():
        yield Line(stock.facts.sha256, kind, decision.why, state, 0, "")


def _prune(custody: Custody, policy: Policy, held_calls: set[str]) -> int:
    """Delete the oldest audit events as far as they are over their time and no held call is among them."""
    keep, now = audit_keep(policy), custody.ledger.now()
    if keep is None:
        return 0
    through = custody.ledger.prunable(
        lambda at: (end := keep.after(at)) is not None and end <= now, held_calls.__contains__
    )
    return 0 if through is None else custody.ledger.prune(prune_statement(custody, through, now))

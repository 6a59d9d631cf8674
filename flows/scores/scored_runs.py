"""Which references and transcripts are scored together: from folders, and from the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from asr.errors import ConfigError
from compliance.redactor import Redactor
from flows.scores.said import Said, SaidCall, redacted, said_in, said_of
from flows.scores.scoring import CallScore, Method, noise_band, score_call
from flows.wiring import Archive, actor
from storage.errors import AmbiguousRecordingError, NoTranscriptError, UnknownRecordingError
from storage.golden import Golden, GoldenCall

_NOBODY_CORRECTED = "Correct one: `callwright correct CALL --text FILE`; `callwright score` takes --reference too"


@dataclass(frozen=True, slots=True)
class Run:
    """What came of the transcripts of one run: scores by call, and why calls with a reference have none.

    `shown` are scores of the same calls as far as they may be written down: what redaction removes is in neither text.
    """

    calls: tuple[CallScore, ...]
    shown: tuple[CallScore, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class References:
    """What was said, by the name of the call; `ids` are those of the recordings of the golden set, and `is_redacted`
    says that nothing has to be removed from them."""

    calls: Mapping[str, SaidCall]
    ids: Mapping[str, int] = field(default_factory=dict)
    is_redacted: bool = False


class Scorer:
    """Scores runs by one method. `load` loads the redactor, once, if texts have to be redacted; `archive` is the
    database, None if all texts are in folders."""

    def __init__(self, method: Method, load: Callable[[], Redactor], archive: Archive | None) -> None:
        self._method = method
        self._redactor = cache(load)
        self._archive = archive

    def references(self, folder: Path | None) -> References:
        """What was said in the calls of a folder, or of the golden set. Raises ConfigError if there are none."""
        return References(said_in(folder)) if folder else golden_set(self._kept())

    def run(self, said: References, folder: Path | None) -> Run:
        """Score the transcripts of a folder, or those that are published. Raises ConfigError if a folder has none."""
        if folder is None:
            heard, left_out = _published(said, self._kept())
            return self._scored(said, heard, left_out, heard_is_redacted=True)
        heard = said_in(folder)
        left_out = {name: f"no transcript of that name in {folder}" for name in said.calls if name not in heard}
        return self._scored(said, heard, left_out, heard_is_redacted=False)

    def _scored(
        self, said: References, heard: Mapping[str, SaidCall], left_out: Mapping[str, str], *, heard_is_redacted: bool
    ) -> Run:
        both = [name for name in said.calls if name in heard]
        own, theirs = [said.calls[name] for name in both], [heard[name] for name in both]
        scores = self._scores(own, theirs)
        if said.is_redacted and heard_is_redacted:
            return Run(scores, scores, left_out)
        own = own if said.is_redacted else redacted(own, self._redactor())
        theirs = theirs if heard_is_redacted else redacted(theirs, self._redactor())
        return Run(scores, self._scores(own, theirs), left_out)

    def _scores(self, own: Sequence[SaidCall], theirs: Sequence[SaidCall]) -> tuple[CallScore, ...]:
        return tuple(score_call(*pair, self._method) for pair in zip(own, theirs, strict=True))

    def _kept(self) -> Archive:
        if self._archive is None:
            raise ValueError("a scorer of folders alone was asked for what is in the database")
        return self._archive


def golden_set(archive: Archive) -> References:
    """The corrected calls of the database. Raises ConfigError if nobody corrected one."""
    found = Golden(archive.database, actor=actor()).calls()
    if not found:
        raise ConfigError("no call was corrected yet", _NOBODY_CORRECTED)
    names = [Path(call.name).stem for call in found]
    own = [
        f"{name} ({call.sha256[:12]})" if names.count(name) > 1 else name
        for name, call in zip(names, found, strict=True)
    ]
    return References(
        {name: _golden(name, call) for name, call in zip(own, found, strict=True)},
        {name: call.recording_id for name, call in zip(own, found, strict=True)},
        is_redacted=True,
    )


def _published(said: References, archive: Archive) -> tuple[dict[str, SaidCall], dict[str, str]]:
    """The published transcripts of calls that have references, by name, and why others have none."""
    repository, golden = archive.repository, Golden(archive.database, actor=actor())
    heard: dict[str, SaidCall] = {}
    left_out: dict[str, str] = {}
    ids: dict[str, int] = {}
    for name in said.calls:
        try:
            ids[name] = said.ids[name] if name in said.ids else repository.find(name).id
            heard[name] = said_of(name, repository.transcript(ids[name]))
        except (AmbiguousRecordingError, NoTranscriptError, UnknownRecordingError) as error:
            left_out[name] = error.reason
    known = golden.facts(ids.values())
    for name, call in heard.items():
        told = known[ids[name]]
        facts = {
            "agent": told.agent,
            "queue": told.queue,
            "codec": told.codec,
            "model": told.model,
            "noise": noise_band(told.low_snr_db, low_only=True),
        }
        heard[name] = replace(call, facts={key: value for key, value in facts.items() if value is not None})
    repository.looked_at("golden" if said.ids else "references", "transcript.score", {"calls": len(heard)})
    return heard, left_out


def _golden(name: str, call: GoldenCall) -> SaidCall:
    """A corrected call as a reference; where no turn tells when it begins, the order is that of the text."""
    timed = any(turn.start_s is not None for turn in call.turns)
    turns = (
        Said(turn.speaker, turn.channel.value, tuple(turn.text.split()), (turn.start_s or 0.0) if timed else None)
        for turn in call.turns
    )
    return SaidCall(name, tuple(turns))

"""A model or a setting on trial: what it hears of the corrected calls, beside what is in use now."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from asr.decode import identify
from asr.engines.registry import load_engine
from asr.errors import ConfigError, PipelineError, SkippableError
from asr.scoring.errors import EditErrors
from asr.scoring.matched_pairs import MatchedPairs
from asr.scoring.normalisation import PIPELINES
from configs.load import PROMOTED_FILE, Layer, key_of
from configs.options import PromotionOptions
from configs.settings import Settings, fingerprint, plain, toml_line
from flows import preparation, stages, wiring
from flows.preparation import Prepared
from flows.redo import file_at
from flows.scores.said import SaidCall, said_of
from flows.scores.scored_runs import References
from flows.scores.scoring import Figures, Method, compare, figures, score_call
from flows.wiring import Archive, actor
from storage.audit_log import Detail
from storage.backlog import Due
from storage.golden import Golden
from storage.ledger import Ledger
from storage.types import Place

SECTIONS = ("decode", "denoise", "loudness", "vad", "chunk", "transcribe", "guards", "diarize", "turns")
"""Those whose settings decide which words are heard. What is redacted is no question of word errors."""

_METHOD = Method(PIPELINES["whisper-english"])


@dataclass(frozen=True, slots=True)
class Heard:
    """What settings hear of the golden set: unredacted, in memory alone; and why some calls could not be done."""

    calls: Mapping[str, SaidCall] = field(repr=False)
    left_out: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Trial:
    """What is in use and a candidate on the same calls. Calls that are `left_out` cannot be done now, and `lost` are
    those that the candidate alone could not do; each with why."""

    now: Figures
    candidate: Figures
    versus: MatchedPairs
    left_out: Mapping[str, str]
    lost: Mapping[str, str]

    def refusals(self, limits: PromotionOptions) -> tuple[str, ...]:
        """Why the candidate is not promoted, each with its figures; none if it is."""
        before, after, versus = self.now.words, self.candidate.words, self.versus
        too_few = (
            f"the corrected calls have {before.reference_length} words that can be scored; "
            f"promotion.min_words is {limits.min_words}"
        )
        significant = (
            f"it made {versus.second_errors} errors where {versus.first_errors} were made: by matched pairs over "
            f"{versus.segments} segments p is {versus.p_value:.4f}, below promotion.significance, {limits.significance}"
        )
        is_worse = versus.is_enough and versus.z < 0 and versus.p_value < limits.significance
        checks = [
            (before.reference_length < limits.min_words, too_few),
            (bool(self.lost), f"it could not do {len(self.lost)} calls that can be done now"),
            _risen("the word error rate", before.rate, after.rate, limits.max_wer_rise),
            (is_worse, significant),
            _risen("the share of lost words", _lost(before), _lost(after), limits.max_deletion_rise),
        ]
        digits, heard_digits = self.now.digits, self.candidate.digits
        if min(digits.reference_length, heard_digits.reference_length) >= limits.min_digits:
            rise = limits.max_digit_wer_rise
            checks.append(_risen("the error rate of digits", digits.rate, heard_digits.rate, rise))
        return tuple(reason for failed, reason in checks if failed)


class Bench:
    """The golden set with its recordings, as far as they are still where they were; `left_out` says why others are
    not. Files that have to be fetched go to `scratch`."""

    def __init__(self, archive: Archive, said: References, scratch: Path, fetch_s: float) -> None:
        self._said = said
        self._archive = archive
        self._files: dict[str, Path] = {}
        self.left_out: dict[str, str] = {}
        ledger = Ledger(archive.database, actor=actor())
        known = {call.recording_id: call for call in Golden(archive.database, actor=actor()).calls()}
        for name, recording_id in said.ids.items():
            call = known[recording_id]
            due = Due(recording_id, call.sha256, call.name, call.size_bytes)
            try:
                self._files[name] = _file(due, ledger.places(recording_id), scratch, fetch_s)
            except PipelineError as error:
                self.left_out[name] = error.reason

    def try_out(self, now: Settings, candidate: Settings, on_step: Callable[[str], None]) -> Trial:
        """Transcribe the calls by both settings, one after the other, and score them. `on_step` is told what happens.

        Raises ConfigError if no recording is there, and what loading models does.
        """
        if not self._files:
            raise ConfigError(
                "no recording of the golden set is there any more", "Correct calls whose recordings are still kept"
            )
        on_step(f"hearing {len(self._files)} calls as they are heard now")
        first = self._hear(now)
        on_step(f"hearing {len(self._files)} calls by the candidate")
        second = self._hear(candidate)
        both = [name for name in self._files if name in first.calls and name in second.calls]
        scores = [
            [score_call(self._said.calls[name], heard.calls[name], _METHOD) for name in both]
            for heard in (first, second)
        ]
        return Trial(
            now=figures(scores[0]),
            candidate=figures(scores[1]),
            versus=compare(*scores),
            left_out={**self.left_out, **first.left_out},
            lost={name: why for name, why in second.left_out.items() if name in first.calls},
        )

    def _hear(self, settings: Settings) -> Heard:
        engine = load_engine(wiring.fetch_model(settings, settings.transcribe.model), settings.transcribe)
        detector, diarizer = wiring.detector(settings), wiring.diarizer(settings)
        prepared: dict[str, Prepared] = {}
        left_out: dict[str, str] = {}
        for name, path in self._files.items():
            told = self._archive.repository.metadata(self._said.ids[name])
            try:
                prepared[name] = preparation.prepare(identify(path), detector, settings, told, diarizer=diarizer)
            except SkippableError as error:
                left_out[name] = error.reason
        heard = stages.hear(list(prepared.values()), engine, settings, lambda _: None)
        made_by = wiring.provenance(engine, settings)
        calls = {
            name: said_of(name, stages.assemble(item, answer, made_by, settings))
            for (name, item), answer in zip(prepared.items(), heard, strict=True)
        }
        return Heard(calls, left_out)


def _file(due: Due, places: Sequence[Place], scratch: Path, fetch_s: float) -> Path:
    """A recording's file, fetched if it is in S3. Raises PipelineError, with why, if it cannot be had."""
    for place in places:
        if (path := file_at(place, due, scratch / str(due.id), fetch_s)) is not None:
            return path
    raise SkippableError("its recording is no longer where it was" if places else "its recording is gone")


def changes(layers: Sequence[Layer], wanted: Sequence[Layer], now: Settings, candidate: Settings) -> dict[str, object]:
    """The values to be promoted, by key.

    Raises ConfigError for keys that are no question of which words are heard, for those that something stronger than a
    promotion sets, and if nothing would change.
    """
    paths = {path: None for layer in wanted for path in layer.values}
    for path in paths:
        if key_of(path, "--set").section not in SECTIONS:
            raise ConfigError(f"{path} does not decide which words are heard", f"Promote keys of {', '.join(SECTIONS)}")
        stronger = [layer.origin for layer in layers if path in layer.values and not _is_weaker(layer)]
        if stronger:
            raise ConfigError(
                f"{path} is set in {stronger[-1]}, which a promotion does not reach", f"Take it out of {stronger[-1]}"
            )
    values = plain(candidate)
    if fingerprint(now) == fingerprint(candidate):
        raise ConfigError("the candidate is what is in use", "Name another model, or a setting with --set")
    return {path: values[path] for path in paths}


def _is_weaker(layer: Layer) -> bool:
    return layer.origin == PROMOTED_FILE or layer.origin.startswith("profile ")


def promote(values: Mapping[str, object], trial: Trial, at: datetime, folder: Path) -> Path:
    """Write values into callwright.promoted.toml in a folder, where the next run from there takes them, beside what
    was promoted before; return the file. Raises ConfigError for one that cannot be read or written."""
    path = folder / PROMOTED_FILE
    tables = _promoted(path)
    for key, value in values.items():
        section, _, name = key.partition(".")
        tables.setdefault(section, {})[name] = value
    lines = [
        "# Written by `callwright promote`; stronger than profiles, weaker than callwright.toml.",
        "# To take something back, delete its line.",
        f"# {at:%Y-%m-%d %H:%M} UTC, {actor()}: {', '.join(values)}. {in_words(trial)}",
    ]
    for section, entries in tables.items():
        lines += [f"\n[{section}]", *(toml_line(name, value) for name, value in entries.items())]
    new = path.with_suffix(".new")
    try:
        new.write_text("\n".join(lines) + "\n", encoding="utf-8")
        new.replace(path)
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be written: {error.strerror}", "Work in a folder that you may write"
        ) from error
    return path


def in_words(trial: Trial) -> str:
    """The figures of a trial in a sentence, without names."""
    before, after, versus = trial.now, trial.candidate, trial.versus
    return (
        f"On {before.calls} corrected calls, {before.words.reference_length} words: word errors "
        f"{before.words.rate:.2%} -> {after.words.rate:.2%}, lost words {_lost(before.words):.2%} -> "
        f"{_lost(after.words):.2%}, digits {before.digits.rate:.2%} -> {after.digits.rate:.2%} of "
        f"{before.digits.reference_length}; matched pairs over {versus.segments} segments, p {versus.p_value:.4f}."
    )


def as_detail(trial: Trial, values: Mapping[str, object], refusals: Sequence[str]) -> Detail:
    """What the audit trail keeps of a trial."""
    return {
        **{f"set.{key}": str(value) for key, value in values.items()},
        "calls": trial.now.calls,
        "words": trial.now.words.reference_length,
        "wer_now": trial.now.words.rate,
        "wer_candidate": trial.candidate.words.rate,
        "p_value": trial.versus.p_value,
        "refusals": "; ".join(refusals),
    }


def _promoted(path: Path) -> dict[str, dict[str, object]]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read as TOML", "Mend it, or move it away") from error


def _risen(what: str, before: float, after: float, limit: float) -> tuple[bool, str]:
    reason = f"{what} rose from {before:.2%} to {after:.2%}; {100 * limit:.1f} points are too many"
    return round(after - before, 9) >= limit, reason


def _lost(errors: EditErrors) -> float:
    return errors.deletions / max(1, errors.reference_length)

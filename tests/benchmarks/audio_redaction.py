"""What of all that had to go is gone from redacted copies, what else went, what another model still hears, the cost.

`python -m tests.benchmarks.audio_redaction [CALLS] [--phone FOLDER] [--proof whisper-tiny.en]` takes CALLS
(sample_audio) through the whole job, with a folder of telephone calls these beside them, as one job. A reference
without entities has nothing to be covered. With `--digits FOLDER` of spoken digits (Free Spoken Digit Dataset: WAVs
and a manifest.json that tells their entity) it takes calls instead in which these stand for the numbers of `order` and
`bank`; with `--planted` it leaves half of each number in the sound of CALLS on purpose, and counts who hears it.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.bleeping import merged
from asr.decode import identify
from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.timebase import covering
from asr.types import Channel, Provenance, Span
from compliance.bleep import PAD_S, Removal
from compliance.spoken_numbers import read_numbers
from configs.load import load
from configs.settings import Settings
from flows import preparation, proof, stages, wiring
from flows.desk import Desk
from flows.proof import Case, Listening

ROOT = Path(__file__).parents[2]
SIDES = (Channel.AGENT, Channel.CUSTOMER)
STANDS_FOR = {"CREDIT_CARD": "order", "CREDIT_CARD_CVV": "order", "US_SSN": "bank", "PHONE_NUMBER": "bank"}
HEADING = (
    "| calls | n | s of numbers | covered | s replaced | beyond padding | at numbers: beyond them | whole turns "
    "| numbers | heard whole | 4 digits heard | rounds | failed | share of time |"
)
_NUMBERS = ("CREDIT_CARD", "CREDIT_CARD_CVV", "US_SSN", "ACCOUNT_NUMBER", "PHONE_NUMBER", "MEDICAL_RECORD")
_GAP_S = 0.3
"""Silence on both sides of digits that are laid into a call."""


@dataclass(slots=True)
class Score:
    """Sums over calls; seconds of sound, of which all but `pii_s` and `covered_s` are of what was replaced."""

    calls: int = 0
    pii_s: float = 0.0
    covered_s: float = 0.0
    replaced_s: float = 0.0
    beyond_s: float = 0.0
    at_numbers_s: float = 0.0
    beside_numbers_s: float = 0.0
    whole_turns: int = 0
    numbers: int = 0
    whole_numbers_heard: int = 0
    runs_heard: int = 0
    failed: list[str] = field(default_factory=list)
    stage_s: Counter[str] = field(default_factory=Counter)
    """CPU seconds, which do not depend on what else the machine does."""
    rounds: Counter[int] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Told:
    """A call and what is known of it: numbers as (channel, start_s, end_s, digits), of other secrets about where they
    are said, and where each channel speaks."""

    path: Path
    exact: tuple[tuple[int, float, float, str], ...]
    about: tuple[tuple[int, float, float], ...]
    speech: tuple[tuple[int, float, float], ...]


def told(path: Path, facts: dict[str, Any]) -> Told:
    """A call's reference: of secrets inside a sentence the time is guessed by their place among its letters."""
    speech = [(turn["channel"], *span) for turn in facts["turns"] for span in turn.get("speech", ())]
    exact, about = [], []
    for entity in facts.get("entities", ()):
        turn = facts["turns"][entity["turn"]]
        if entity["exact"]:
            digits = "".join(run.digits for run in read_numbers(entity["text"].split()))
            exact.append((turn["channel"], entity["start_s"], entity["end_s"], digits))
            continue
        at, length = turn["text"].index(entity["text"]), len(turn["text"])
        per_letter_s = (turn["end_s"] - turn["start_s"]) / length
        start_s = turn["start_s"] + at * per_letter_s
        about.append((turn["channel"], start_s, start_s + len(entity["text"]) * per_letter_s))
    return Told(path, tuple(exact), tuple(about), tuple(speech))


def laid_in(name: str, spoken: dict[str, tuple[Path, str]], to: Path) -> Told:
    """A sample call in which spoken digits stand for its numbers, by entity: everything after them moves."""
    facts = json.loads((ROOT / "sample_audio" / f"{name}.json").read_text())
    audio, rate_hz = soundfile.read(ROOT / "sample_audio" / f"{name}.wav", dtype="float32")
    for entity in sorted(facts["entities"], key=lambda entity: -entity["start_s"]):
        if entity["entity"] not in spoken or not entity["exact"]:
            continue
        path, digits = spoken[entity["entity"]]
        audio, moved_s = _replaced(audio, rate_hz, facts["turns"][entity["turn"]]["channel"], entity, path)
        after_s = entity["end_s"]
        _move(facts, entity, after_s, moved_s)
        entity["text"] = " ".join(digits)
        entity["start_s"], entity["end_s"] = entity["start_s"] + _GAP_S, after_s + moved_s - _GAP_S
    soundfile.write(to, audio, rate_hz, subtype="ULAW")
    return told(to, facts)


def _replaced(
    audio: NDArray[np.float32], rate_hz: int, channel: int, entity: dict[str, Any], path: Path
) -> tuple[NDArray[np.float32], float]:
    """The call with a number's sound replaced, (n_samples, 2), and how many seconds longer it is."""
    start, stop = int(entity["start_s"] * rate_hz), int(entity["end_s"] * rate_hz)
    said = _without_silence(soundfile.read(path, dtype="float32")[0], rate_hz)
    said *= np.sqrt(np.mean(audio[start:stop, channel] ** 2) / max(float(np.mean(said**2)), 1e-9))
    gap = int(_GAP_S * rate_hz)
    noise = audio[: rate_hz // 4]
    there = np.tile(noise, (-(-(len(said) + 2 * gap) // len(noise)), 1))[: len(said) + 2 * gap].copy()
    there[gap : gap + len(said), channel] += said
    return np.concatenate([audio[:start], there, audio[stop:]]), (len(there) - (stop - start)) / rate_hz


def _without_silence(said: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """What was said from its first sound to its last: 30 dB below its loudest hundredth of a second."""
    size = rate_hz // 100
    power = np.array([np.mean(said[at : at + size] ** 2) for at in range(0, len(said) - size, size)])
    loud = np.flatnonzero(power > power.max() / 1_000)
    return said[loud[0] * size : (loud[-1] + 1) * size].copy()


def _move(facts: dict[str, Any], entity: dict[str, Any], after_s: float, moved_s: float) -> None:
    """Everything that comes later comes later still."""
    for one in (*facts["turns"], *facts["entities"]):
        if one is entity:
            continue
        for key in ("start_s", "end_s"):
            if one[key] >= after_s:
                one[key] += moved_s
        one["speech"] = [
            [edge + moved_s if edge >= after_s else edge for edge in span] for span in one.get("speech", ())
        ]


def run(calls: Sequence[Told], models: wiring.Models, other: Engine, settings: Settings) -> Score:
    """The whole job on the calls, as one group."""
    score = Score(calls=len(calls))
    began_s = time.process_time()
    prepared = [preparation.prepare(identify(call.path), models.detector, settings) for call in calls]
    score.stage_s["prepare"] = time.process_time() - began_s
    began_s = time.process_time()
    heard = stages.hear(prepared, models.engine, settings, lambda _: None)
    score.stage_s["transcribe"] = time.process_time() - began_s
    made_by = Provenance("m", "s", "e", "p", "c", "v")
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        for item, answer in zip(prepared, heard, strict=True):
            began_s = time.process_time()
            transcript = stages.assemble(item, answer, made_by, settings)
            redacted = stages.sound_to_remove(item, transcript, stages.redact(transcript, models.redactor))
            score.stage_s["redact"] += time.process_time() - began_s
            began_s = time.process_time()
            cases.append(proof.begin(item, redacted, Path(folder), settings))
            score.stage_s["bleep"] += time.process_time() - began_s
        began_s, desk = time.process_time(), Desk()
        proof.prove(cases, Listening(models.listeners, models.redactor, settings), desk)
        score.stage_s["prove"] = time.process_time() - began_s
        score.failed = [failure.reason for failure in desk.failures.values()]
        for call, case in zip(calls, cases, strict=True):
            score.rounds[case.rounds] += 1
            _measure(score, call, case)
            _listen(score, call, case, models, other, settings)
    return score


def _measure(score: Score, call: Told, case: Case) -> None:
    rate_hz, n_samples = case.copy.sample_rate_hz, case.copy.n_samples
    for channel, spans in enumerate(case.copy.spans):
        gone = _mask(spans, n_samples)
        exact_s = [(a, b) for at, a, b, _ in call.exact if at == channel]
        about_s = [(a, b) for at, a, b in call.about if at == channel]
        exact = _spoken(exact_s, 0.0, rate_hz, n_samples)
        # What was only guessed may lie a word away.
        near = _spoken(exact_s, PAD_S, rate_hz, n_samples) | _spoken(about_s, 2 * PAD_S, rate_hz, n_samples)
        keys_s = [(one.start_s, one.end_s) for one in case.removals if one.cause == "DTMF"]
        other = gone & ~_spoken(keys_s, 0.0, rate_hz, n_samples)
        score.pii_s += exact.sum() / rate_hz
        score.covered_s += (exact & gone).sum() / rate_hz
        score.replaced_s += other.sum() / rate_hz
        score.beyond_s += (other & ~near).sum() / rate_hz
        for span in spans:
            if exact[span.start : span.stop].any():
                score.at_numbers_s += len(span) / rate_hz
                score.beside_numbers_s += (~exact[span.start : span.stop]).sum() / rate_hz
    score.whole_turns += sum(one.doubt is not None for one in case.removals)


def _listen(score: Score, call: Told, case: Case, models: wiring.Models, other: Engine, settings: Settings) -> None:
    """What another model hears in the whole copy of the numbers that were said."""
    copy = preparation.prepare(identify(case.copy.path), models.detector, settings)
    [heard] = stages.hear([copy], other, settings, lambda _: None)
    transcript = stages.assemble(copy, heard, Provenance("m", "s", "e", "p", "c", "v"), settings)
    text = [" ".join(run.digits for run in read_numbers(turn.text.split())) for turn in transcript.turns]
    joined = "".join(text).replace(" ", "")
    for _, _, _, digits in call.exact:
        if len(digits) >= 3:
            score.numbers += 1
            score.whole_numbers_heard += digits in joined
            runs = (digits[at : at + 4] for at in range(len(digits) - 3))
            score.runs_heard += len(digits) >= 4 and any(run in line for run in runs for line in text)


def _spoken(places_s: Sequence[tuple[float, float]], pad_s: float, rate_hz: int, n_samples: int) -> NDArray[np.bool_]:
    return _mask([covering(max(0.0, a - pad_s), b + pad_s, rate_hz) for a, b in places_s], n_samples)


def _mask(spans: Sequence[Span], n_samples: int) -> NDArray[np.bool_]:
    mask = np.zeros(n_samples, bool)
    for span in merged(spans):
        mask[span.start : span.stop] = True
    return mask


def digit_calls(folder: Path, to: Path, most: int) -> Iterator[Told]:
    """Calls with spoken digits laid in, two for each number of the folder."""
    entities = {"CVV": "CREDIT_CARD_CVV"}
    spoken: dict[str, list[tuple[Path, str]]] = {}
    for item in json.loads((folder / "manifest.json").read_text()):
        entity = entities.get(item["entity"], item["entity"])
        spoken.setdefault(entity, []).append((folder / item["audio"], item["digits"]))
    for at in range(min(most, *map(len, spoken.values()))):
        for name in ("order", "bank"):
            wanted = {entity: spoken[entity][at] for entity, call in STANDS_FOR.items() if call == name}
            yield laid_in(name, wanted, to / f"{name}-{at:02d}.wav")


def line(name: str, score: Score) -> str:
    """A row of the table."""
    stages_s = sum(score.stage_s.values())
    proof_s = score.stage_s["bleep"] + score.stage_s["prove"]
    replaced_s = max(score.replaced_s, 1e-9)
    return (
        f"| {name} | {score.calls} | {score.pii_s:.0f} | {score.covered_s / max(score.pii_s, 1e-9):.2%} "
        f"| {score.replaced_s:.0f} | {score.beyond_s / replaced_s:.1%} "
        f"| {score.beside_numbers_s / max(score.at_numbers_s, 1e-9):.1%} "
        f"| {score.whole_turns} | {score.numbers} | {score.whole_numbers_heard} | {score.runs_heard} "
        f"| {max(score.rounds, default=0)} | {len(score.failed)} | {proof_s / max(stages_s, 1e-9):.1%} |"
    )


def planted(calls: Sequence[Told], models: wiring.Models, settings: Settings) -> Counter[str]:
    """How many halves of numbers were left in copies on purpose, as "planted", and how many of them each listener hears
    alone, by its model and search, and all together, as "any"."""
    prepared = [preparation.prepare(identify(call.path), models.detector, settings) for call in calls]
    heard = stages.hear(prepared, models.engine, settings, lambda _: None)
    cases: list[tuple[Case, Removal]] = []
    with tempfile.TemporaryDirectory() as folder:
        for item, answer in zip(prepared, heard, strict=True):
            transcript = stages.assemble(item, answer, Provenance("m", "s", "e", "p", "c", "v"), settings)
            redacted = stages.sound_to_remove(item, transcript, stages.redact(transcript, models.redactor))
            for number, removal in enumerate(one for one in redacted.removals if one.cause in _NUMBERS):
                to = Path(folder) / str(number)
                to.mkdir(exist_ok=True)
                case = proof.begin(item, _half_left(redacted, removal), to, settings)
                case.places = [(removal.channel, removal.start_s, (removal.start_s + removal.end_s) / 2)]
                case.whole_call = False
                cases.append((case, removal))
        counts = Counter(planted=len(cases))
        found: dict[int, bool] = {}
        for listener in models.listeners:
            proof.listen([case for case, _ in cases], Listening((listener,), models.redactor, settings))
            for at, (case, removal) in enumerate(cases):
                middle_s = (removal.start_s + removal.end_s) / 2
                is_heard = any(one.start_s < removal.end_s and one.end_s > middle_s for one in case.left)
                found[at] = found.get(at, False) or is_heard
                counts[f"{listener.told.model} {listener.search}"] += is_heard
    counts["any"] = sum(found.values())
    return counts


def _half_left(redacted: stages.Redacted, removal: Removal) -> stages.Redacted:
    """The call with the second half of a removal left in its sound, and of the mark too, as if its time were wrong."""
    middle_s = (removal.start_s + removal.end_s) / 2
    short = replace(removal, end_s=middle_s)
    others = tuple(
        one
        for one in redacted.removals
        if one is not removal
        and not (one.channel is removal.channel and one.start_s < removal.end_s and one.end_s > middle_s)
    )
    marks = tuple(
        replace(one, end_s=middle_s) if one.channel is removal.channel and one.start_s <= middle_s <= one.end_s else one
        for one in redacted.transcript.redactions
    )
    transcript = replace(redacted.transcript, redactions=marks)
    return replace(redacted, removals=(*others, short), transcript=transcript)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("calls", nargs="?", type=Path, default=ROOT / "sample_audio")
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--phone", type=Path)
    parser.add_argument("--most", type=int, default=12)
    parser.add_argument("--proof", default="whisper-tiny.en")
    parser.add_argument("--planted", action="store_true")
    asked = parser.parse_args()
    settings = load(None, ["redact.audio=beep", f"redact.proof={asked.proof}"], {}, None)
    models = wiring.load_models(settings)
    paths = sorted(asked.calls.glob("*.wav"))
    calls = [told(path, json.loads(path.with_suffix(".json").read_text())) for path in paths]
    if asked.planted:
        print(dict(planted(calls, models, settings)))
        return
    tiny = settings.transcribe.model_copy(update={"model": "whisper-tiny.en", "card": ""})
    other = load_engine(wiring.fetch_model(settings, "whisper-tiny.en"), tiny)
    print(HEADING)
    with tempfile.TemporaryDirectory() as folder:
        name = "samples"
        if asked.digits:
            name, calls = "with people's digits", list(digit_calls(asked.digits, Path(folder), asked.most))
        elif asked.phone:
            phone = [Told(path, (), (), ()) for path in sorted(asked.phone.glob("*.wav"))]
            name, calls = "samples among telephone calls", [*calls, *phone]
        score = run(calls, models, other, settings)
        print(line(name, score), flush=True)
        print("  ", {stage: round(took_s, 1) for stage, took_s in score.stage_s.items()}, score.failed, flush=True)


if __name__ == "__main__":
    main()

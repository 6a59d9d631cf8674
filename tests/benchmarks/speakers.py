"""How well it is told who spoke: `python -m tests.benchmarks.speakers FOLDER [--no-words] [--only SET] [--set K=V]`.

FOLDER holds phone/ (two-channel calls with .json and .rttm) and overlap/ (mixes with manifest.json). Measured are the
calls as they are, the same mixed to one channel, and the mixes, each beside a guess that one speaker says everything.
--no-words transcribes nothing, so that the columns of words stay empty; --only is "two", "mixed" or "overlap".
Thresholds were chosen on every other recording by name, from the first on ("chosen on"); "held out" are the rest.

DER, JER: pyannote.metrics, without collar and, DER, with 0.25 s on both sides of a border; overlap is scored.
cpWER, tcpWER (collar 5 s): meeteval. Words are compared after Whisper's English normaliser. Word speaker accuracy: of
the words that minimum edit distance pairs with one of the reference, all turns by time, the share whose speaker is the
reference's, under the best one-to-one naming of speakers. Overlap: frames of 10 ms in which two talk at once.
"""

from __future__ import annotations

import flows  # noqa: F401 - before numpy: OpenBLAS's threads spin, and would count as time of the diarizer

# isort: split
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path
from typing import Any

import jiwer
import meeteval
import numpy as np
import soundfile
from pyannote.core import Annotation, Segment, Timeline
from pyannote.metrics.diarization import DiarizationErrorRate, JaccardErrorRate

from asr.decode import identify
from asr.diarize.rttm import Talk, read_rttm
from asr.engines.registry import load_engine
from asr.scoring.normalisation import whisper_english
from asr.spans import join
from asr.timebase import to_seconds
from asr.types import Samples, Transcript
from configs.load import load
from configs.settings import Settings
from flows import preparation, stages, wiring
from flows.preparation import Prepared


@dataclass(frozen=True)
class Said:
    """A turn of the reference or of what was found."""

    speaker: str
    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True)
class Case:
    """A recording with what is true of it."""

    path: Path
    duration_s: float
    talk: list[Talk]
    said: list[Said]


@dataclass(frozen=True)
class Found:
    """What came of it."""

    talk: list[Talk]
    said: list[Said]
    cpu_s: float


def main(folder: Path, settings: Settings, only: str, *, words: bool) -> None:
    """Print the tables."""
    warnings.filterwarnings("ignore")
    two_channel = list(_calls(folder / "phone"))
    with tempfile.TemporaryDirectory() as out:
        sets = {
            "two": ("phone, two channels", lambda: two_channel),
            "mixed": ("phone, mixed", lambda: [_mixed(case, Path(out)) for case in two_channel]),
            "overlap": ("overlap, mixed", lambda: list(_mixes(folder / "overlap"))),
        }
        machine = Machine(settings, words=words)
        print(
            "| set | part | speakers by | word speaker accuracy | WER | cpWER | tcpWER | DER | DER, collar | JER "
            "| overlap precision | recall |"
        )
        print("|---" * 12 + "|")
        for name, made in [one for key, one in sets.items() if only in {"", key}]:
            cases = made()
            found = machine.hear(cases)
            for part, own in (("chosen on", slice(0, None, 2)), ("held out", slice(1, None, 2)), ("all", slice(None))):
                for by, answers in (("callwright", found), ("one speaker", [_constant(one) for one in found])):
                    print(f"| {name} | {part} | {by} | {_row(cases[own], answers[own])} |", flush=True)
            audio_s, cpu_s = sum(case.duration_s for case in cases), sum(one.cpu_s for one in found)
            if cpu_s:
                print(f"{name}: {audio_s:.0f} s told apart in {cpu_s:.1f} CPU-s, {audio_s / cpu_s:.0f}x on one core")


class Machine:
    """The models, loaded once."""

    def __init__(self, settings: Settings, *, words: bool) -> None:
        self._settings = settings
        self._detector = wiring.detector(settings)
        self._diarizer = Timed(wiring.diarizer(settings))
        speech = wiring.fetch_model(settings, settings.transcribe.model)
        self._engine = load_engine(speech, settings.transcribe) if words else None

    def hear(self, cases: Sequence[Case]) -> list[Found]:
        """Transcribe recordings."""
        prepared, cpu_s = [], []
        for case in cases:
            self._diarizer.cpu_s = 0.0
            recording = identify(case.path)
            prepared.append(preparation.prepare(recording, self._detector, self._settings, diarizer=self._diarizer))
            cpu_s.append(self._diarizer.cpu_s)
        if self._engine is None:
            return [Found(_talk(one), [], spent_s) for one, spent_s in zip(prepared, cpu_s, strict=True)]
        heard = stages.hear(prepared, self._engine, self._settings, lambda _: None)
        made_by = wiring.provenance(self._engine, self._settings)
        return [
            Found(_talk(one), _said(stages.assemble(one, words, made_by, self._settings)), spent_s)
            for one, words, spent_s in zip(prepared, heard, cpu_s, strict=True)
        ]


def _talk(prepared: Prepared) -> list[Talk]:
    """Who talks when, by voice, or else by channel, with pauses under 0.3 s closed as the references have them."""
    return [
        Talk(str(one.speaker), to_seconds(one.span.start), to_seconds(one.span.stop))
        for channel in prepared.channels
        for one in channel.speaking
    ] or [
        Talk(channel.channel.value, to_seconds(span.start), to_seconds(span.stop))
        for channel in prepared.channels
        for span in join(channel.bursts, 4_800)
    ]


class Timed:
    """A diarizer whose CPU time is counted."""

    def __init__(self, diarizer: Any) -> None:
        self._diarizer = diarizer
        self.cpu_s = 0.0

    def diarize(self, sound: Iterator[Samples], speech: Any, *, shared: bool = True) -> Any:
        """See Diarizer.diarize."""
        began_s = time.process_time()
        found = self._diarizer.diarize(sound, speech, shared=shared)
        self.cpu_s += time.process_time() - began_s
        return found


def _said(transcript: Transcript) -> list[Said]:
    return [Said(turn.speaker, turn.start_s, turn.end_s, whisper_english(turn.text)) for turn in transcript.turns]


def _calls(folder: Path) -> Iterator[Case]:
    for path in sorted(folder.glob("*.rttm")):
        told = json.loads(path.with_suffix(".json").read_text())
        talk = read_rttm(path.read_text())
        yield Case(folder / told["audio"], told["duration_s"], talk, _reference(told["turns"]))


def _mixes(folder: Path) -> Iterator[Case]:
    for told in sorted(json.loads((folder / "manifest.json").read_text()), key=lambda told: str(told["audio"])):
        talk = [Talk(turn["speaker"], turn["start_s"], turn["end_s"]) for turn in told["turns"]]
        yield Case(folder / told["audio"], told["duration_s"], talk, _reference(told["turns"]))


def _reference(turns: list[dict[str, Any]]) -> list[Said]:
    said = [Said(turn["speaker"], turn["start_s"], turn["end_s"], whisper_english(turn["text"])) for turn in turns]
    return sorted(said, key=lambda one: one.start_s)


def _mixed(case: Case, out: Path) -> Case:
    samples, rate_hz = soundfile.read(case.path, dtype="float32")
    soundfile.write(out / case.path.name, samples.mean(axis=1), rate_hz, subtype="PCM_16")
    return Case(out / case.path.name, case.duration_s, case.talk, case.said)


def one_speaker(talk: Sequence[Talk]) -> list[Talk]:
    """The same with one speaker for everything."""
    whole = Timeline([Segment(one.start_s, one.end_s) for one in talk]).support()
    return [Talk("one", one.start, one.end) for one in whole]


def _constant(found: Found) -> Found:
    said = [Said("one", turn.start_s, turn.end_s, turn.text) for turn in found.said]
    return Found(one_speaker(found.talk), said, 0.0)


def errors(pairs: Sequence[tuple[Sequence[Talk], Sequence[Talk]]]) -> list[float]:
    """DER, DER with a collar and JER of what was found, the second of each pair, pooled over recordings."""
    metrics = DiarizationErrorRate(), DiarizationErrorRate(collar=0.5), JaccardErrorRate()
    for truth, found in pairs:
        whole = Timeline([Segment(0, max((one.end_s for one in (*truth, *found)), default=0.0))])
        for metric in metrics:
            metric(_annotation(truth), _annotation(found), uem=whole)
    return [abs(metric) for metric in metrics]


def shown(rates: Sequence[float]) -> str:
    """Rates as cells of a table; a dash for what nothing tells of."""
    return " | ".join("-" if np.isnan(rate) else f"{rate:.1%}" for rate in rates)


def _row(cases: Sequence[Case], found: Sequence[Found]) -> str:
    """The figures of a part, each pooled over its recordings."""
    right = np.zeros(2)
    shared = np.zeros(3)
    word_errors, cp_errors, tcp_errors, n_words = 0, 0, 0, 0
    for case, one in zip(cases, found, strict=True):
        shared += _overlap(case.talk, one.talk, case.duration_s)
        if not one.said:
            continue
        right += _word_speakers(case.said, one.said)
        out = jiwer.process_words(_text(case.said), _text(one.said))
        word_errors += out.substitutions + out.deletions + out.insertions
        n_words += len(_text(case.said).split())
        cp_errors += meeteval.wer.wer.cp.cp_word_error_rate(_seglst(case.said), _seglst(one.said)).errors
        tcp_errors += meeteval.wer.wer.time_constrained.time_constrained_minimum_permutation_word_error_rate(
            _seglst(case.said), _seglst(one.said), collar=5
        ).errors
    rates = [_share(*right), *(_share(wrong, n_words) for wrong in (word_errors, cp_errors, tcp_errors))]
    rates += errors([(case.talk, one.talk) for case, one in zip(cases, found, strict=True)])
    rates += [_share(shared[0], shared[1]), _share(shared[0], shared[2])]
    return shown(rates)


def _share(part: float, whole: float) -> float:
    return part / whole if whole else float("nan")


def _text(said: Sequence[Said]) -> str:
    return " ".join(one.text for one in said)


def _annotation(talk: Sequence[Talk]) -> Annotation:
    found = Annotation()
    for number, one in enumerate(talk):
        found[Segment(one.start_s, one.end_s), number] = one.speaker
    return found


def _seglst(said: Sequence[Said]) -> Any:
    return meeteval.io.SegLST(
        [
            {
                "session_id": "call",
                "speaker": one.speaker,
                "words": one.text,
                "start_time": one.start_s,
                "end_time": max(one.end_s, one.start_s + 0.01),
            }
            for one in said
        ]
    )


def _word_speakers(truth: Sequence[Said], found: Sequence[Said]) -> Any:
    """(words of the right speaker, words that are paired)."""
    own, theirs = ([one.speaker for one in said for _ in one.text.split()] for said in (truth, found))
    (pairs,) = jiwer.process_words(_text(truth), _text(found)).alignments
    names, labels = sorted(set(own)), sorted(set(theirs))
    counts = np.zeros((len(names), max(len(names), len(labels))))
    for part in pairs:
        if part.type in {"equal", "substitute"}:
            for at in range(part.ref_end_idx - part.ref_start_idx):
                speaker = theirs[part.hyp_start_idx + at]
                counts[names.index(own[part.ref_start_idx + at]), labels.index(speaker)] += 1
    best = max(
        sum(counts[row, column] for row, column in enumerate(columns))
        for columns in permutations(range(counts.shape[1]), len(names))
    )
    return np.array([best, counts.sum()])


def _overlap(truth: Sequence[Talk], found: Sequence[Talk], duration_s: float) -> Any:
    """Frames of 10 ms in which several talk: in both, found, true."""

    def several(talk: Sequence[Talk]) -> Any:
        counts = np.zeros(round(duration_s * 100) + 100, int)
        for speaker in {one.speaker for one in talk}:
            own = np.zeros(len(counts), bool)
            for one in talk:
                if one.speaker == speaker:
                    own[round(one.start_s * 100) : round(one.end_s * 100)] = True
            counts += own
        return counts > 1

    here, there = several(truth), several(found)
    return np.array([(here & there).sum(), there.sum(), here.sum()])


def settings_of(arguments: Sequence[str]) -> Settings:
    """The defaults with what is set on the command line."""
    given = [value for key, value in pairwise(arguments) if key == "--set"]
    return load(None, given, {}, Path(os.devnull))


if __name__ == "__main__":
    given = sys.argv[2:]
    which = given[given.index("--only") + 1] if "--only" in given else ""
    main(Path(sys.argv[1]), settings_of(given), which, words="--no-words" not in given)

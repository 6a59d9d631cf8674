"""What noise and level cost, and what noise reduction and the level rule give back, on calls with references.

`python -m tests.benchmarks.noise noise FOLDER` adds noise of three kinds to every channel of the folder's calls, and
`... level FOLDER` makes them fainter. Each answer is a line of JSON in --out, so that what was stopped goes on where it
stopped; the table is printed at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.cores import cores
from asr.decode import decode, identify
from asr.denoise import METHODS, is_noisy
from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.files.options import DecodeOptions
from asr.options import DenoiseOptions
from asr.scoring.errors import EditErrors, pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.timebase import to_samples, to_seconds
from asr.vad import SpeechDetector
from configs.load import load
from configs.settings import Settings
from flows import preparation, stages, wiring
from flows.benches.benchmark import find_calls, references

SNRS_DB = (20, 10, 5, 0)
FAINTER_DB = (0, -20, -30, -40)
EVERYWHERE_DB = 1_000.0
"""As denoise.max_snr_db: every channel is cleaned."""

_SEED = 20_260_101
_BAND_HZ = (200, 3_600)
_BABBLERS = 6
_HALVES = {None: slice(None), "first": slice(0, None, 2), "second": slice(1, None, 2)}

Sound = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Call:
    """A call with its channels, (n_channels, n) at its own rate, and where each is spoken in, (n,) bool."""

    path: Path
    sample_rate_hz: int
    samples: Sound
    spoken: list[NDArray[np.bool_]]


@dataclass(frozen=True, slots=True)
class Heard:
    """One channel of one call, heard once under a condition."""

    condition: str
    variant: str
    call: str
    channel: int
    snr_db: float
    speech_s: float
    errors: EditErrors


def read(path: Path) -> Call:
    """A call and where it is spoken in, by its reference."""
    audio = decode(identify(path), DecodeOptions())
    spoken = [np.zeros(audio.n_samples, bool) for _ in audio.channels]
    for turn in json.loads(path.with_suffix(".json").read_text())["turns"]:
        for start_s, end_s in turn.get("speech", [(turn["start_s"], turn["end_s"])]):
            first, last = (to_samples(at_s, audio.sample_rate_hz) for at_s in (start_s, end_s))
            spoken[turn["channel"]][first:last] = True
    return Call(path, audio.sample_rate_hz, audio.samples.astype(np.float64), spoken)


def white(call: Call, others: Sequence[Call], rng: np.random.Generator) -> Sound:
    """Line noise: white in the telephone's band."""
    return _shaped(call.samples.shape[1], call.sample_rate_hz, 0.0, rng)


def street(call: Call, others: Sequence[Call], rng: np.random.Generator) -> Sound:
    """Traffic: 6 dB an octave down, swelling and fading by some 6 dB within seconds."""
    n = call.samples.shape[1]
    every_s = rng.standard_normal(n // call.sample_rate_hz + 2)
    swell_db = 6 * np.interp(np.arange(n) / call.sample_rate_hz, np.arange(len(every_s)), every_s)
    return _shaped(n, call.sample_rate_hz, -6.0, rng) * 10 ** (swell_db / 20)


def babble(call: Call, others: Sequence[Call], rng: np.random.Generator) -> Sound:
    """Six people of other calls, all equally loud, who never pause."""
    mixed = np.zeros(call.samples.shape[1])
    for at in rng.choice(len(others), _BABBLERS, replace=False):
        channel = int(rng.integers(len(others[at].spoken)))
        speech = others[at].samples[channel][others[at].spoken[channel]]
        mixed += np.resize(np.roll(speech, int(rng.integers(len(speech)))), len(mixed)) / np.sqrt(np.mean(speech**2))
    return mixed


NOISES: dict[str, Callable[[Call, Sequence[Call], np.random.Generator], Sound]] = {
    "white": white,
    "babble": babble,
    "street": street,
}


def _shaped(n: int, rate_hz: int, db_per_octave: float, rng: np.random.Generator) -> Sound:
    spectrum = np.fft.rfft(rng.standard_normal(n))
    at_hz = np.fft.rfftfreq(n, 1 / rate_hz)
    low_hz, high_hz = _BAND_HZ
    tilt = (np.maximum(at_hz, low_hz) / low_hz) ** (db_per_octave / (20 * np.log10(2)))
    return np.fft.irfft(spectrum * tilt * ((at_hz >= low_hz) & (at_hz <= high_hz)), n)


def noisy(call: Call, others: Sequence[Call], kind: str, snr_db: float) -> Sound:
    """A call with noise of a kind on every channel, at a ratio to the power of that channel's speech."""
    rng = np.random.default_rng([_SEED, *os.fsencode(call.path.name), *os.fsencode(kind)])
    mixed = call.samples.copy()
    for channel, spoken in zip(mixed, call.spoken, strict=True):
        noise = NOISES[kind](call, others, rng)
        wanted = np.mean(channel[spoken] ** 2) / 10 ** (snr_db / 10)
        np.add(channel, noise * np.sqrt(wanted / np.mean(noise**2)), out=channel)
    return mixed


Condition = Callable[[Call], Sound]
"""A call's channels as they are to be heard."""


def levels() -> dict[str, Condition]:
    """The conditions of `level`, by name."""

    def fainter(by_db: float) -> Condition:
        return lambda call: call.samples * 10 ** (by_db / 20)

    return {f"{by_db} dB": fainter(by_db) for by_db in FAINTER_DB}


def noises(every: Sequence[Call]) -> dict[str, Condition]:
    """The conditions of `noise`, by name."""

    def with_noise(kind: str, snr_db: float) -> Condition:
        return lambda call: noisy(call, [one for one in every if one is not call], kind, snr_db)

    mixed = {f"{kind} {snr_db} dB": with_noise(kind, snr_db) for snr_db in SNRS_DB for kind in NOISES}
    return {"as received": lambda call: call.samples, **mixed}


def hear(paths: Sequence[Path], engine: Engine, detector: SpeechDetector, settings: Settings) -> Iterator[tuple]:
    """Of every channel of every call: (call's index, channel's, text, ratio in dB, seconds of speech found)."""
    with ThreadPoolExecutor(cores(settings.transcribe)) as pool:
        prepared = list(pool.map(lambda path: preparation.prepare(identify(path), detector, settings), paths))
    heard = stages.hear(prepared, engine, settings, lambda _: None)
    made_by = wiring.provenance(engine, settings)
    for at, (item, said) in enumerate(zip(prepared, heard, strict=True)):
        turns = stages.assemble(item, said, made_by, settings).turns
        for number, channel in enumerate(item.channels):
            text = " ".join(turn.text for turn in turns if turn.channel == channel.channel)
            speech_s = to_seconds(sum(map(len, channel.bursts)))
            yield at, number, text, channel.treatment.snr_db, speech_s


def measure(
    calls: Sequence[Call], conditions: dict[str, Condition], subtype: str, variants: dict[str, Settings], out: Path
) -> None:
    """Hear all calls under every condition with every variant of the settings that is not in `out` yet."""
    settings = next(iter(variants.values()))
    engine = load_engine(wiring.fetch_model(settings, settings.transcribe.model), settings.transcribe)
    detector = wiring.detector(settings)
    done = {(one.condition, one.variant, one.call) for one in answers(out)}
    for condition, change in conditions.items():
        for variant, chosen in variants.items():
            left = [call for call in calls if (condition, variant, call.path.name) not in done]
            if not left:
                continue
            with tempfile.TemporaryDirectory() as folder:
                paths = [Path(folder) / call.path.name for call in left]
                for path, call in zip(paths, left, strict=True):
                    soundfile.write(path, change(call).T.clip(-1, 1), call.sample_rate_hz, subtype=subtype)
                lines = []
                for at, number, text, ratio_db, speech_s in hear(paths, engine, detector, chosen):
                    truth = references(left[at].path, len(left[at].spoken))[number]
                    errors = word_errors(truth, whisper_english(text))
                    one = Heard(condition, variant, paths[at].name, number, ratio_db, speech_s, errors)
                    lines.append(json.dumps(asdict(one)) + "\n")
            with out.open("a") as file:
                file.writelines(lines)


def answers(out: Path) -> list[Heard]:
    """What was measured so far."""
    if not out.exists():
        return []
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    return [Heard(**{**line, "errors": EditErrors(**line["errors"])}) for line in lines]


def wer(heard: Sequence[Heard]) -> float:
    """Word error rate of all that was heard together, in %."""
    return 100 * pooled(one.errors for one in heard).rate


def by_rule(heard: Sequence[Heard], method: str, max_snr_db: float) -> list[Heard]:
    """What is heard under denoise.max_snr_db: channels do not touch each other, so that those which are noisy by the
    rule are taken from where all are cleaned, and the others from where none is."""
    options = DenoiseOptions(method=method, max_snr_db=max_snr_db)
    return [one for one in heard if one.variant == (method if is_noisy(one.snr_db, options) else "off")]


def print_noise(heard: Sequence[Heard], methods: Sequence[str], max_snr_db: float) -> None:
    """A line for each condition: WER without, and with each method always and by the rule."""
    print("| noise | off | " + " | ".join(f"{m}: always | rule | cleaned" for m in methods) + " |")
    print("|---" * (2 + 3 * len(methods)) + "|")
    for condition in dict.fromkeys(one.condition for one in heard):
        here = [one for one in heard if one.condition == condition]
        off = [one for one in here if one.variant == "off"]
        cells = [f"{wer(off):.1f}"]
        for method in methods:
            always = [one for one in here if one.variant == method]
            ruled = by_rule([*off, *always], method, max_snr_db)
            cleaned = sum(one.variant == method for one in ruled)
            cells += [f"{wer(always):.1f}", f"{wer(ruled):.1f}", f"{cleaned} of {len(off)}"]
        print(f"| {condition} | " + " | ".join(cells) + " |")


def print_levels(heard: Sequence[Heard]) -> None:
    """A line for each level: seconds of speech found and WER, without and with the rule."""
    variants = list(dict.fromkeys(one.variant for one in heard))
    print("| level | " + " | ".join(f"{name}: speech found, s | WER, %" for name in variants) + " |")
    print("|---" * (1 + 2 * len(variants)) + "|")
    for condition in dict.fromkeys(one.condition for one in heard):
        cells = []
        for variant in variants:
            here = [one for one in heard if (one.condition, one.variant) == (condition, variant)]
            cells += [f"{sum(one.speech_s for one in here):.0f}", f"{wer(here):.1f}"]
        print(f"| {condition} | " + " | ".join(cells) + " |")


def main() -> None:
    """Measure, then print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["noise", "level"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--half", choices=["first", "second"], help="Every other call; the first chose the rule.")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--only", default="", help="Conditions by commas, as the table names them.")
    parser.add_argument("--max-snr-db", type=float, default=DenoiseOptions().max_snr_db)
    parser.add_argument("--set", action="append", default=[], dest="overrides")
    parser.add_argument("--out", type=Path, required=True)
    asked = parser.parse_args()
    every = [read(path) for path in find_calls(asked.folder)]
    methods = asked.methods.split(",")
    changes: dict[str, list[str]] = {"off": ["denoise.method=off"]}
    if asked.kind == "noise":
        for method in methods:
            changes[method] = [f"denoise.method={method}", f"denoise.max_snr_db={EVERYWHERE_DB}"]
    else:
        changes = {"as received": ["loudness.max_gain_db=0"], "level rule": []}
    variants = {name: load(None, [*asked.overrides, *given], {}, None) for name, given in changes.items()}
    conditions, subtype = (noises(every), "ULAW") if asked.kind == "noise" else (levels(), "PCM_16")
    chosen = {name: conditions[name] for name in asked.only.split(",") if name} or conditions
    measure(every[_HALVES[asked.half]], chosen, subtype, variants, asked.out)
    if asked.kind == "noise":
        print_noise(answers(asked.out), methods, asked.max_snr_db)
    else:
        print_levels(answers(asked.out))


if __name__ == "__main__":
    main()

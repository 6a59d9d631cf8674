"""Calls with references as they are heard, as they are and made worse: what drift.py and estimated_wer.py work on.

`python -m tests.benchmarks.calls_heard FOLDER OUT` makes versions of the folder's calls below OUT and hears each with
two models, by the way that every call goes, into OUT/heard.json, which holds figures and no text; it takes a quarter of
an hour on two cores. Of another language there is no real audio here: espeak-ng (Debian's package) says made-up calls
in Spanish, and the same calls in English, which tell how much of a difference is the voice's.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jiwer
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from asr.decode import identify
from asr.estimate import unworded_s, word_features
from asr.models import cache_folder, resolve
from asr.scoring.errors import pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.types import Transcript
from configs.settings import Settings
from flows import preparation, stages, wiring
from flows.hearing.call_quality import call_quality
from flows.hearing.second_hearing import SecondModel
from flows.preparation import Prepared
from tests.benchmarks.noise import Call, read, white

MODELS = ("whisper-base", "whisper-tiny.en")

SPOKEN = {
    "es": Path(__file__).with_name("spoken_es.txt"),
    "en-us": Path(__file__).with_name("spoken_en.txt"),
}
_VOICES = ("m1", "m2", "m3", "m4", "m5", "m6", "m7", "f1", "f2", "f3", "f4", "f5")
_SEED = 20_260_101
_RATE_HZ, _ESPEAK_HZ, _WAV_HEADER = 8_000, 22_050, 44
_FRAME = 160
_GROUP = 12

Sound = NDArray[np.float64]


def gsm(call: Call, _: np.random.Generator) -> Sound:
    """Every channel through GSM full rate, 13 kbit/s, and back: what a trunk that transcodes leaves."""
    return np.stack([_through_gsm(channel, call.sample_rate_hz) for channel in call.samples])


def dead(call: Call, _: np.random.Generator) -> Sound:
    """Nothing but digital silence from the second channel."""
    return np.stack([call.samples[0], np.zeros_like(call.samples[1])])


def noise_up_10_db(call: Call, rng: np.random.Generator) -> Sound:
    """The noise of every channel 10 dB up: nine times its power is added, in the telephone's band."""
    return _noisier(call, rng, lambda channel, spoken: 9 * _floor(channel, spoken))


def snr_10_db(call: Call, rng: np.random.Generator) -> Sound:
    """Noise 10 dB under speech."""
    return _noisier(call, rng, lambda channel, spoken: float(np.mean(channel[spoken] ** 2)) / 10)


def snr_5_db(call: Call, rng: np.random.Generator) -> Sound:
    """Noise 5 dB under speech."""
    return _noisier(call, rng, lambda channel, spoken: float(np.mean(channel[spoken] ** 2)) / 10**0.5)


VERSIONS: dict[str, Callable[[Call, np.random.Generator], Sound]] = {
    "gsm": gsm,
    "dead": dead,
    "plus10": noise_up_10_db,
    "snr10": snr_10_db,
    "snr5": snr_5_db,
}


def _through_gsm(channel: Sound, rate_hz: int) -> Sound:
    held = io.BytesIO()
    soundfile.write(held, channel, rate_hz, "GSM610", format="WAV")
    held.seek(0)
    decoded = soundfile.read(held)[0][: len(channel)]
    return np.pad(decoded, (0, len(channel) - len(decoded)))


def _floor(channel: Sound, spoken: NDArray[np.bool_]) -> float:
    """The median power of frames of 20 ms in which nobody speaks."""
    whole = len(channel) // _FRAME * _FRAME
    power = (channel[:whole].reshape(-1, _FRAME) ** 2).mean(axis=1)
    quiet = ~spoken[:whole].reshape(-1, _FRAME).any(axis=1) & (power > 0)
    return float(np.median(power[quiet]))


def _noisier(call: Call, rng: np.random.Generator, power: Callable[[Sound, NDArray[np.bool_]], float]) -> Sound:
    noisy = []
    for channel, spoken in zip(call.samples, call.spoken, strict=True):
        noise = white(call, (), rng)
        noisy.append(channel + noise * np.sqrt(power(channel, spoken) / np.mean(noise**2)))
    return np.stack(noisy)


def make_versions(folder: Path, out: Path) -> None:
    """Write every version of the folder's calls to a folder of its name."""
    for name, version in VERSIONS.items():
        (out / name).mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(_SEED)
        for path in sorted(folder.glob("*.wav")):
            call = read(path)
            _write(out / name / path.name, version(call, rng), call.sample_rate_hz)


def make_spoken(language: str, n_calls: int, out: Path) -> None:
    """Write calls of two of espeak-ng's voices in a language, of lines that alternate between the sides."""
    lines = [line.split("|") for line in SPOKEN[language].read_text(encoding="utf-8").splitlines()]
    out.mkdir(parents=True, exist_ok=True)
    chosen, rng = random.Random(_SEED), np.random.default_rng(_SEED)  # noqa: S311
    for number in range(n_calls):
        voices = chosen.sample(_VOICES, 2)
        sides: list[list[Sound]] = [[], []]
        for at in sorted(chosen.sample(range(len(lines)), chosen.randint(6, 10))):
            for side in (0, 1):
                said = _say(f"{language}+{voices[side]}", lines[at][side], chosen)
                pause = np.zeros(round(_RATE_HZ * chosen.uniform(0.3, 0.9)))
                sides[side] += [pause, said]
                sides[1 - side].append(np.zeros(len(pause) + len(said)))
        samples = np.stack([np.concatenate(side) for side in sides])
        samples += rng.standard_normal(samples.shape) * 10 ** (-62 / 20)
        _write(out / f"{out.name}-{number:03}.wav", samples, _RATE_HZ)


def _say(voice: str, text: str, chosen: random.Random) -> Sound:
    speed, pitch = chosen.randint(135, 185), chosen.randint(30, 70)
    command = ["espeak-ng", "-v", voice, "-s", f"{speed}", "-p", f"{pitch}", "--stdout", text]
    spoken = subprocess.run(command, capture_output=True, check=True).stdout[_WAV_HEADER:]
    samples = soxr.resample(np.frombuffer(spoken, "<i2") / 32_768, _ESPEAK_HZ, _RATE_HZ)
    return np.asarray(samples / np.sqrt(np.mean(samples**2)) * 10 ** (-24 / 20))


def _write(path: Path, samples: Sound, rate_hz: int) -> None:
    soundfile.write(path, np.clip(samples.T, -1, 1), rate_hz, "ULAW", format="WAV")


def hear(folder: Path, model: str, references: Path) -> list[dict[str, Any]]:
    """A folder's calls as a model hears them, with what the other model made of a part of each."""
    settings = Settings.model_validate({"transcribe": {"model": model}, "quality": {"sample": 1.0}})
    models, cache = wiring.load_models(settings), cache_folder(settings.models)
    (other,) = (name for name in MODELS if name != model)
    second = SecondModel(resolve(wiring.registry(settings).get(other), cache), settings)
    made_by = wiring.provenance(models.engine, settings)
    paths = sorted(folder.glob("*.wav"))
    found = []
    for first in range(0, len(paths), _GROUP):
        prepared = [
            preparation.prepare(identify(path), models.detector, settings) for path in paths[first : first + _GROUP]
        ]
        for item, heard in zip(prepared, stages.hear(prepared, models.engine, settings, lambda _: None), strict=True):
            transcript = stages.assemble(item, heard, made_by, settings)
            removed = len(models.redactor.redact(transcript).redactions)
            answer = second.hear(item, heard.hypotheses, settings)
            quality = asdict(call_quality(item, heard.hypotheses, transcript, answer)) | {"redactions": removed}
            found.append(measured(item, transcript, quality, references))
    return found


def measured(prepared: Prepared, transcript: Transcript, quality: dict[str, Any], references: Path) -> dict[str, Any]:
    """A call's figures and, if there is a reference for both of its channels, its errors and its words': confidence,
    letters, and whether it is wrong."""
    row: dict[str, Any] = {"call": prepared.recording.name, "quality": {name: _short(v) for name, v in quality.items()}}
    reference = references / f"{prepared.recording.path.stem}.json"
    if not reference.exists() or len(transcript.channels) != 2:
        return row
    turns = sorted(json.loads(reference.read_text())["turns"], key=lambda turn: turn["start_s"])
    said = [" ".join(turn["text"] for turn in turns if turn["channel"] == at) for at in (0, 1)]
    heard = [" ".join(turn.text for turn in transcript.turns if turn.channel is one) for one in transcript.channels]
    errors = pooled(word_errors(whisper_english(a), whisper_english(b)) for a, b in zip(said, heard, strict=True))
    words, lost = [], 0
    for text, channel in zip(said, transcript.channels, strict=True):
        more, gone = _judged(text, transcript, channel)
        words += more
        lost += gone
    return row | {
        "errors": errors.count,
        "reference": errors.reference_length,
        "words": words,
        "lost": lost,
        "unworded_s": _short(unworded_s(transcript.turns, transcript.regions)),
    }


def _judged(said: str, transcript: Transcript, channel: Any) -> tuple[list[list[float]], int]:
    """The words of a channel as (confidence, letters, wrong), and how many of the reference were lost."""
    words = sorted(
        (word for turn in transcript.turns if turn.channel is channel for word in turn.words),
        key=lambda word: word.start_s,
    )
    # A word may be several once it is normalised, or none.
    pieces = [(piece, at) for at, word in enumerate(words) for piece in whisper_english(word.text).split()]
    reference = whisper_english(said).split()
    if not reference or not pieces:
        return [[_short(word.confidence), 0, 1] for word in words], len(reference)
    wrong, lost = [0] * len(words), 0
    (alignment,) = jiwer.process_words(" ".join(reference), " ".join(piece for piece, _ in pieces)).alignments
    for part in alignment:
        if part.type in ("substitute", "insert"):
            for _, at in pieces[part.hyp_start_idx : part.hyp_end_idx]:
                wrong[at] = 1
        elif part.type == "delete":
            lost += part.ref_end_idx - part.ref_start_idx
    letters = word_features(words)[:, 1]
    return [[_short(w.confidence), int(n), x] for w, n, x in zip(words, letters, wrong, strict=True)], lost


def _short(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def conditions(folder: Path, out: Path) -> Iterator[tuple[str, Path]]:
    """The name and the folder of each version of the calls, as they are first."""
    yield "clean", folder
    for name in (*VERSIONS, "spanish", "espeak"):
        yield name, out / name


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args(arguments)
    make_versions(options.folder, options.out)
    make_spoken("es", 24, options.out / "spanish")
    make_spoken("en-us", 24, options.out / "espeak")
    heard: dict[str, dict[str, Any]] = {}
    for name, folder in conditions(options.folder, options.out):
        heard[name] = {model: hear(folder, model, options.folder) for model in MODELS}
        (options.out / "heard.json").write_text(json.dumps(heard))
        print(name, flush=True)


if __name__ == "__main__":
    main()

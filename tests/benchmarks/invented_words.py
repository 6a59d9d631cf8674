"""Words invented where nobody speaks: `python -m tests.benchmarks.invented_words FOLDER OUT`.

FOLDER has hold music, to which ringing, busy and other tones, keys, an idle line and a noisy one are added (written to
OUT), ten minutes in all. Beside callwright is faster-whisper, without and with its VAD filter, on the same weights,
beam and cores.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from asr.decode import decode, identify
from asr.resample import resample
from asr.sounds.spectra import RATE_HZ
from asr.sounds.tones import STEPS_HZ
from configs.load import load
from configs.settings import Settings
from flows.benches import contestants, peers
from tests.benchmarks import noises

_LENGTH_S = 57.4
"""Of each of the five others: with five minutes and 13 s of tunes it makes ten."""


def made(out: Path) -> list[Path]:
    """Write what is not music, and name the files."""
    size = round(_LENGTH_S * RATE_HZ)
    press = noises.keys("4111#*0258369", -16.0, 0.12, 0.2)
    line = noises.noise(_LENGTH_S, -62.0, 1)
    rings = noises.cadence("ringback US", _LENGTH_S / 2, -19.0)
    steps = noises.special(STEPS_HZ, (0.33, 0.33, 0.33), -20.0)
    busy = [noises.cadence("busy US", _LENGTH_S / 3, -19.0), noises.cadence("congestion US", _LENGTH_S / 3, -22.0)]
    signals = {
        "ringback": line + np.concatenate([rings, noises.cadence("ringback Europe", _LENGTH_S / 2, -22.0)]),
        "busy": line + np.concatenate([*busy, *[steps] * 10])[:size],
        "keys": line + np.tile(np.concatenate([press, np.zeros(2 * RATE_HZ)]), 20)[:size],
        "idle_line": line,
        "noisy_line": noises.noise(_LENGTH_S, -38.0, 2),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, signal in signals.items():
        soundfile.write(out / f"{name}.wav", signal, RATE_HZ, subtype="ULAW")
    return [out / f"{name}.wav" for name in signals]


def _callwright(settings: Settings) -> Callable[[Sequence[Path]], list[str]]:
    system = contestants.callwright(settings, "openvino")
    return lambda calls: [" ".join(texts) for texts in system(calls).texts]


def _faster_whisper(settings: Settings, *, vad_filter: bool) -> Callable[[Sequence[Path]], list[str]]:
    model, options, _ = peers._faster_whisper(settings)
    options["vad_filter"] = vad_filter

    def answer(calls: Sequence[Path]) -> list[str]:
        texts = []
        for call in calls:
            audio = decode(identify(call), settings.decode)
            segments, _ = model.transcribe(resample(audio.samples[0], audio.sample_rate_hz), **options)
            texts.append(" ".join(segment.text for segment in segments))
        return texts

    return answer


def main(folder: str, out: str) -> None:
    """Print a row for each system: words invented in each file, and in all."""
    calls = [*sorted(Path(folder).glob("*.wav")), *made(Path(out))]
    settings = load(None, ["decode.min_duration_s=0"], os.environ, None)
    length_s = sum(soundfile.info(call).duration for call in calls)
    print(f"| {length_s / 60:.1f} min | {' | '.join(call.stem for call in calls)} | all | seconds |")
    print("|---" * (len(calls) + 3) + "|")
    for name, load_system in (
        ("callwright", lambda: _callwright(settings)),
        ("faster-whisper with VAD filter", lambda: _faster_whisper(settings, vad_filter=True)),
        ("faster-whisper", lambda: _faster_whisper(settings, vad_filter=False)),
    ):
        system = load_system()
        began_s = time.perf_counter()
        words = [len(text.split()) for text in system(calls)]
        took_s = time.perf_counter() - began_s
        print(f"| {name} | {' | '.join(map(str, words))} | {sum(words)} | {took_s:.1f} |", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

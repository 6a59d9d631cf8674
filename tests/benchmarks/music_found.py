"""How much music is found, and what else is taken for some: `python -m tests.benchmarks.music_found CALLS TUNES`.

CALLS are recordings whose .json beside them says where there is hold music, TUNES are music from end to end; made-up
pieces are added. It also prints what else is found in the calls, which have no tones, and what finding costs.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.options import ChunkOptions, VadOptions
from asr.regions import find_speech, typed_regions
from asr.resample import resample
from asr.sounds.sound import SoundListener
from asr.timebase import resampled_length, to_samples
from asr.types import MODEL_RATE_HZ, Channel, RegionKind
from asr.vad import SileroVad
from configs.settings import Settings
from flows import wiring
from tests.benchmarks.noises import MUSIC, music

_MADE_S = 60.0


class Tally:
    """Seconds of music in one set: played, found of that, and found where none is played; with regions, where speech
    goes before music, and of the detector alone."""

    def __init__(self) -> None:
        self.played = self.found = self.wrong = self.wrong_alone = 0.0


def _marked(spans: list[tuple[float, float]], n_samples: int) -> NDArray[np.bool_]:
    marks = np.zeros(n_samples, bool)
    for start_s, end_s in spans:
        marks[to_samples(start_s) : to_samples(end_s)] = True
    return marks


class Bench:
    """Adds up channels."""

    def __init__(self, detector: SileroVad) -> None:
        self.tallies: dict[str, Tally] = {}
        self.others: Counter[str] = Counter()
        self.cpu_s = self.audio_s = 0.0
        self._detector = detector

    def add(self, name: str, samples: NDArray[Any], rate_hz: int, played_s: list[tuple[float, float]]) -> None:
        """One channel, and where music is played in it."""

        native = np.ascontiguousarray(samples, np.float32)
        began_s = time.process_time()
        listener = SoundListener(rate_hz)
        for at in range(0, len(native), 30 * rate_hz):
            listener.hear(native[at : at + 30 * rate_hz])
        sounds = listener.end()
        self.cpu_s += time.process_time() - began_s
        self.audio_s += len(native) / rate_hz
        n_samples = resampled_length(len(native), rate_hz, MODEL_RATE_HZ)
        probabilities = self._detector.probabilities(resample(native, rate_hz))

        speech = find_speech(probabilities, n_samples, VadOptions(), ChunkOptions(), sounds)
        regions = typed_regions(speech, Channel.MIXED, sounds)
        self.others.update(s.kind.value for s in sounds if s.kind is not RegionKind.MUSIC)
        played = _marked(played_s, n_samples)
        typed = _marked([(r.start_s, r.end_s) for r in regions if r.kind is RegionKind.MUSIC], n_samples)
        alone = np.zeros(n_samples, bool)
        for sound in sounds:
            if sound.kind is RegionKind.MUSIC:
                alone[sound.span.start : sound.span.stop] = True
        tally = self.tallies.setdefault(name, Tally())
        tally.played += played.sum() / MODEL_RATE_HZ
        tally.found += (typed & played).sum() / MODEL_RATE_HZ
        tally.wrong += (typed & ~played).sum() / MODEL_RATE_HZ
        tally.wrong_alone += (alone & ~played).sum() / MODEL_RATE_HZ


def main(calls: str, tunes: str) -> None:
    """Print a row for each set."""
    bench = Bench(SileroVad(wiring.vad_file(Settings())))
    for call in sorted(Path(calls).glob("*.wav")):
        samples, rate_hz = soundfile.read(call, dtype="float32", always_2d=True)
        held = json.loads(call.with_suffix(".json").read_text())["hold_music"]
        for channel in range(samples.shape[1]):
            is_held = held is not None and held["channel"] == channel
            bench.add("calls", samples[:, channel], rate_hz, [(held["start_s"], held["end_s"])] if is_held else [])
    tones = dict(bench.others)
    for tune in sorted(Path(tunes).glob("*.wav")):
        samples, rate_hz = soundfile.read(tune, dtype="float32")
        bench.add(tune.stem, samples, rate_hz, [(0.0, len(samples) / rate_hz)])
    for kind in MUSIC:
        bench.add(f"made: {kind}", music(kind, _MADE_S, 7), 8_000, [(0.0, _MADE_S)])
    print("| set | music s | found s | recall | wrong s | precision | wrong without the VAD, s |")
    print("|---" * 7 + "|")
    for name, one in bench.tallies.items():
        precision = one.found / max(one.found + one.wrong, 1e-9)
        print(
            f"| {name} | {one.played:.0f} | {one.found:.0f} | {one.found / one.played:.1%} | {one.wrong:.1f} | "
            f"{precision:.1%} | {one.wrong_alone:.1f} |"
        )
    hour_s = 7_200 * bench.cpu_s / bench.audio_s
    print(f"\ntones and keys in the calls: {tones or 'none'}; {hour_s:.2f} s of CPU for an hour of two channels")


if __name__ == "__main__":
    main(*sys.argv[1:])

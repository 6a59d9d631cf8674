"""Music of several kinds, and what is none: seconds found and missed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from asr.sounds.sound import SoundListener
from asr.timebase import to_seconds
from asr.types import RegionKind
from tests.benchmarks.noises import MUSIC, cadence, music, noise

ROOT = Path(__file__).parents[4]


def music_s(samples: NDArray[Any], rate_hz: int = 8_000) -> list[tuple[float, float]]:
    listener = SoundListener(rate_hz)
    listener.hear(samples.astype(np.float32))
    return [
        (to_seconds(sound.span.start), to_seconds(sound.span.stop))
        for sound in listener.end()
        if sound.kind is RegionKind.MUSIC
    ]


@pytest.mark.parametrize("kind", [kind for kind in MUSIC if kind != "drums"])
def test_most_of_a_made_up_piece_is_found(kind: str) -> None:
    spans = music_s(music(kind, 30.0, 5))
    assert sum(end_s - start_s for start_s, end_s in spans) > 27.0


def test_drums_alone_are_not() -> None:
    """They have no notes; nobody takes them for speech either."""
    assert music_s(music("drums", 30.0, 5)) == []


@pytest.mark.parametrize("name", ["ringback US", "busy Europe", "dial tone Europe"])
def test_tones_are_no_music(name: str) -> None:
    assert music_s(cadence(name, 30.0, -20.0) + noise(30.0, -50.0, 1)) == []


@pytest.mark.parametrize("call", sorted((ROOT / "sample_audio").glob("*.wav")), ids=lambda call: call.stem)
def test_of_a_call_the_music_is_found_and_nothing_else(call: Path) -> None:
    truth = json.loads(call.with_suffix(".json").read_text())["regions"]
    samples, _ = soundfile.read(call, dtype="float32", always_2d=True)
    for channel in range(2):
        played = [region for region in truth if region["kind"] == "music" and region["channel"] == channel]
        found = music_s(samples[:, channel])
        assert len(found) == len(played)
        for (start_s, end_s), region in zip(found, played, strict=True):
            assert -1.0 < start_s - region["start_s"] < 0.5
            assert -0.5 < end_s - region["end_s"] < 1.0


@pytest.mark.parametrize("snr_db", [20.0, 10.0, 0.0])
def test_speech_in_noise_is_no_music(snr_db: float) -> None:
    samples, _ = soundfile.read(ROOT / "sample_audio" / "car_repair.wav", dtype="float32", always_2d=True)
    for heard in samples.T:
        level_db = 10 * np.log10(np.mean(np.square(heard[np.abs(heard) > 0.01]))) - snr_db
        assert music_s(heard + noise(len(heard) / 8_000, level_db, 1)[: len(heard)]) == []


def test_a_rate_of_44_khz_is_told_alike() -> None:
    piece = music("chords", 10.0, 6).astype(np.float32)
    (low,) = music_s(piece)
    (high,) = music_s(soxr.resample(piece, 8_000, 44_100), 44_100)
    assert np.abs(np.subtract(low, high)).max() < 0.2

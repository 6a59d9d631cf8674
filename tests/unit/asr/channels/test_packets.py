"""Lost packets, made as networks make them, in sample calls that have none."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from asr.channels.packets import lost_samples

SAMPLES = Path(__file__).parents[4] / "sample_audio"


@pytest.fixture
def speech() -> NDArray[np.float32]:
    """A minute of the louder side of a call."""
    samples, _ = soundfile.read(SAMPLES / "bank.wav", frames=60 * 8_000, dtype="float32")
    return np.ascontiguousarray(samples[:, 0])


def packets_in_speech(samples: NDArray[np.float32], packet: int, n: int) -> list[int]:
    """Where n packets of loud speech begin, far from each other, whose neighbours are loud too."""
    rows = samples[: len(samples) // packet * packet].reshape(-1, packet)
    power = np.mean(np.square(rows), axis=1)
    loud = [i for i in range(2, len(rows) - 2) if power[i - 1 : i + 2].min() > 0.003]
    return [i * packet for i in loud[:: max(1, len(loud) // n)][:n]]


@pytest.mark.parametrize("packet_ms", [10, 20, 30])
def test_packets_of_zeros_are_counted(speech: NDArray[np.float32], packet_ms: int) -> None:
    packet = 8 * packet_ms
    starts = packets_in_speech(speech, packet, 20)
    for start in starts:
        speech[start : start + packet] = 0
    assert lost_samples(speech, 8_000) == pytest.approx(len(starts) * packet, rel=0.1)


@pytest.mark.parametrize("packet_ms", [10, 20, 30])
def test_packets_that_repeat_the_one_before_are_counted(speech: NDArray[np.float32], packet_ms: int) -> None:
    packet = 8 * packet_ms
    starts = packets_in_speech(speech, packet, 20)
    for start in starts:
        speech[start : start + packet] = speech[start - packet : start]
    assert lost_samples(speech, 8_000) == pytest.approx(len(starts) * packet, rel=0.15)


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_sound_calls_have_lost_nothing(path: Path) -> None:
    samples, rate_hz = soundfile.read(path, dtype="float32")
    assert [lost_samples(channel, rate_hz) for channel in np.ascontiguousarray(samples.T)] == [0, 0]


def test_pauses_of_digital_silence_are_no_gaps(speech: NDArray[np.float32]) -> None:
    """A line that sends nothing between words falls silent after they have faded."""
    envelope = np.repeat(np.sqrt(np.mean(np.square(speech.reshape(-1, 80)), axis=1)), 80)
    speech[envelope < 0.003] = 0
    assert lost_samples(speech, 8_000) < 0.001 * len(speech)


def test_a_tone_that_repeats_itself_is_no_packet() -> None:
    """400 Hz has 8 whole periods in 20 ms."""
    tone = np.tile(np.sin(2 * np.pi * 400 * np.arange(20) / 8_000).astype(np.float32), 4_000)
    assert lost_samples(tone, 8_000) == 0


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(79), np.zeros(800), np.full(8_000, np.nan)])
def test_what_holds_no_speech_has_lost_nothing(samples: NDArray[np.float64]) -> None:
    assert lost_samples(samples.astype(np.float32), 8_000) == 0

"""What every resampler does: one suite for all of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from asr.decode import decode, identify
from asr.errors import ConfigError
from asr.files.options import DecodeOptions
from asr.resample import RESAMPLERS, open_resampler, resample
from asr.timebase import resampled_length
from asr.types import Samples

CALL = Path(__file__).parents[2] / "sample_audio" / "bank.wav"
RATES_HZ = [4_000, 8_000, 11_025, 16_000, 44_100, 48_000]

INSTALLED = [
    pytest.param(
        name,
        marks=pytest.mark.skipif(
            name == "torchaudio" and not find_spec("torchaudio"),
            reason="the extra torch is not installed: make test-torch",
        ),
    )
    for name in RESAMPLERS
]


def _in_blocks(name: str, from_hz: int, samples: Samples, size: int) -> Samples:
    resampler = open_resampler(name, from_hz)
    blocks = [resampler.hear(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([*blocks, resampler.end()])


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("from_hz", RATES_HZ)
@pytest.mark.parametrize("n_samples", [0, 1, 7, 3_333, 50_000])
def test_block_by_block_gives_what_the_whole_gives(name: str, from_hz: int, n_samples: int) -> None:
    samples = np.random.default_rng(from_hz).standard_normal(n_samples).astype(np.float32)
    whole = _in_blocks(name, from_hz, samples, max(1, n_samples))
    blocks = _in_blocks(name, from_hz, samples, 1_001)
    assert blocks.dtype == np.float32
    assert len(blocks) == resampled_length(n_samples, from_hz, 16_000)
    assert np.abs(blocks - whole).max(initial=0.0) < 1e-5


@pytest.mark.parametrize("name", INSTALLED)
@pytest.mark.parametrize("from_hz", RATES_HZ)
def test_a_tone_keeps_frequency_phase_and_level(name: str, from_hz: int) -> None:
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * from_hz) / from_hz + 0.7)
    wanted = 0.5 * np.sin(2 * np.pi * 440 * np.arange(32_000) / 16_000 + 0.7)
    found = _in_blocks(name, from_hz, tone.astype(np.float32), 4_321)
    assert np.abs(found - wanted)[800:-800].max() < 1e-3


@pytest.mark.parametrize("name", INSTALLED)
def test_speech_is_what_the_default_makes_of_it(name: str) -> None:
    """All that differs lies at the edge of the band: under -35 dB of the call's power."""
    audio = decode(identify(CALL), DecodeOptions())
    default = resample(audio.samples[0], audio.sample_rate_hz)
    found = _in_blocks(name, audio.sample_rate_hz, audio.samples[0], 240_000)
    assert np.mean((found - default) ** 2) < 10 ** (-35 / 10) * np.mean(default**2)


@pytest.mark.skipif(find_spec("torchaudio") is not None, reason="the extra torch is installed")
def test_without_torchaudio_the_remedy_is_told() -> None:
    with pytest.raises(ConfigError, match=r"\.\[torch\]"):
        open_resampler("torchaudio", 8_000)

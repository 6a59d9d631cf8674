"""Offsets and bands, block by block."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from asr.channels.checks import ChannelChecks, OffsetRemover

CALL = Path(__file__).parents[4] / "sample_audio" / "bank.wav"


@pytest.fixture(scope="module")
def call() -> NDArray[np.float32]:
    samples, _ = soundfile.read(CALL, dtype="float32")
    return np.ascontiguousarray(samples.T)


def test_a_sound_channel_is_left_as_it_is(call: NDArray[np.float32]) -> None:
    remover = OffsetRemover()
    assert np.shares_memory(remover.hear(call[0]), call[0])
    assert remover.offset == 0.0


@pytest.mark.parametrize("offset", [0.05, -0.004])
def test_an_offset_is_taken_off_in_every_block(call: NDArray[np.float32], offset: float) -> None:
    remover = OffsetRemover()
    shifted = call[0] + np.float32(offset)
    heard = np.concatenate([remover.hear(part) for part in np.array_split(shifted, 4)])
    assert remover.offset == pytest.approx(offset, abs=1e-4)
    assert np.abs(heard - call[0]).max() < 1e-3


def test_the_mean_of_a_moment_of_noise_is_no_offset() -> None:
    remover = OffsetRemover()
    remover.hear(np.float32(0.1) * np.random.default_rng(4).standard_normal(800).astype(np.float32))
    assert remover.offset == 0.0


def test_what_is_no_number_moves_nothing(call: NDArray[np.float32]) -> None:
    remover = OffsetRemover()
    remover.hear(np.full(800, np.nan, np.float32))
    remover.hear(call[0])
    assert remover.offset == 0.0


def test_what_was_upsampled_has_nothing_above_4_khz(call: NDArray[np.float32]) -> None:
    wide = soxr.resample(call.T, 8_000, 16_000).T.astype(np.float32)
    checks = ChannelChecks(16_000, (0, 1))
    checks.hear(wide)
    for signs in checks.end().channels.values():
        assert signs.high_db is not None
        assert signs.high_db < -60
    hiss = 0.003 * np.random.default_rng(5).standard_normal(wide.shape).astype(np.float32)
    checks = ChannelChecks(16_000, (0, 1))
    checks.hear(wide + hiss)
    assert all(signs.high_db is not None and signs.high_db > -40 for signs in checks.end().channels.values())


def test_a_telephones_rate_holds_nothing_above(call: NDArray[np.float32]) -> None:
    checks = ChannelChecks(8_000, (0, 1))
    checks.hear(call)
    assert [signs.high_db for signs in checks.end().channels.values()] == [None, None]


def test_leaks_are_found_at_any_rate(call: NDArray[np.float32]) -> None:
    leaky = call.copy()
    leaky[1] += 0.1 * np.pad(call[0], (160, 0))[:-160]
    checks = ChannelChecks(44_100, (0, 2))
    checks.hear(soxr.resample(leaky.T, 8_000, 44_100).T.astype(np.float32))
    ((place, into_customer),) = checks.end().leaks.items()
    assert place == 2
    assert into_customer.level_db == pytest.approx(-20, abs=0.5)
    assert into_customer.delay_ms == pytest.approx(20, abs=0.2)


def test_one_channel_is_beside_no_other(call: NDArray[np.float32]) -> None:
    checks = ChannelChecks(8_000, (1,))
    checks.hear(call[:1])
    signs = checks.end()
    assert (signs.likeness, signs.leaks) == (None, {})

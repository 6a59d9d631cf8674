"""Levels counted block by block."""

from __future__ import annotations

import numpy as np
import pytest

from asr.levels import Levels


def _levels(*blocks: list[float]) -> Levels:
    levels = Levels()
    for block in blocks:
        levels.add(np.array(block, np.float32))
    return levels


def test_blocks_count_as_the_whole_does() -> None:
    levels = _levels([0.1, -0.5], [], [0.25, float("nan"), float("inf")])
    assert (levels.n_samples, levels.not_numbers, levels.peak) == (5, 2, 0.5)


def test_nothing_has_no_peak() -> None:
    assert (_levels().peak, _levels().clipped_share, _levels().n_samples) == (0.0, 0.0, 0)


@pytest.mark.parametrize("peak", [0.06, 0.5, 1.0, 1.7])
def test_samples_near_the_peak_are_clipped_wherever_the_peak_came(peak: float) -> None:
    near, below = 0.99 * peak, 0.9 * peak
    for blocks in (([near, below, 0.0], [-peak]), ([peak], [-near, below, 0.0])):
        assert _levels(*blocks).clipped_share == 0.5


def test_the_few_steps_of_an_idle_line_are_no_clipping() -> None:
    assert _levels([0.0078, -0.0078, 0.0078, 0.0]).clipped_share == 0.0


def test_a_channel_far_above_full_scale_is_clipped() -> None:
    assert _levels([5.0, -5.0, 0.0, 0.1]).clipped_share == 0.5

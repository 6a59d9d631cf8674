"""How far values reach, by three rules."""

from __future__ import annotations

import numpy as np
import pytest

from asr.whisper.ranges import Histogram, Range, find_range


def _seen(*blocks: object) -> Histogram:
    histogram = Histogram()
    for block in blocks:
        histogram.add(np.asarray(block, np.float32))
    return histogram


def test_blocks_count_as_the_whole_does_however_they_grow() -> None:
    values = np.random.default_rng(1).standard_normal(10_000) * np.geomspace(0.01, 30, 10_000)
    whole, parts = _seen(values), _seen(*np.split(values, 10))
    assert (whole.lowest, whole.highest) == (parts.lowest, parts.highest)
    assert parts.counts.sum() == whole.counts.sum() == len(values)
    assert parts.width * len(parts.counts) >= np.abs(values).max()


def test_all_that_was_seen_is_kept_by_minmax() -> None:
    assert find_range(_seen([-3.0, 0.0], [5.0]), "minmax") == Range(-3.0, 5.0)


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_steps_are_not_spent_where_nothing_lies(method: str) -> None:
    """After GELU no value is below -0.17."""
    values = np.abs(np.random.default_rng(2).standard_normal(50_000)) - 0.17
    found = find_range(_seen(values), method)  # type: ignore[arg-type]
    assert found.low == pytest.approx(-0.17, abs=1e-3)
    assert 0 < found.high <= values.max() + 1e-6


def test_one_outlier_reaches_minmax_alone() -> None:
    values = np.append(np.random.default_rng(3).standard_normal(200_000), 200.0)
    assert find_range(_seen(values), "minmax").high == 200.0
    assert find_range(_seen(values), "percentile").high < 6.0
    assert find_range(_seen(values), "entropy").high < 30.0


def test_percentile_keeps_that_share_of_magnitudes() -> None:
    values = np.random.default_rng(4).uniform(-1, 1, 100_000)
    found = find_range(_seen(values), "percentile")
    assert 0.9998 < np.mean(np.abs(values) <= found.high) <= 1.0


@pytest.mark.parametrize("scale", [0.5, 1.0, 40.0])
def test_entropy_scales_with_the_values(scale: float) -> None:
    values = np.random.default_rng(5).standard_normal(100_000)
    found, doubled = (find_range(_seen(factor * values), "entropy").high for factor in (scale, 2 * scale))
    assert doubled == pytest.approx(2 * found, rel=0.01)
    assert 2.0 * scale < found < 6.0 * scale


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_nothing_but_zeros_has_no_reach(method: str) -> None:
    assert find_range(_seen([0.0, 0.0]), method) == Range(0.0, 0.0)  # type: ignore[arg-type]

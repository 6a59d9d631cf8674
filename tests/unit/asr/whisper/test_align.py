"""Token times from attention, against the plain algorithms."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from asr.whisper.align import _median, _warped, token_starts

costs = st.tuples(st.integers(1, 7), st.integers(1, 12)).flatmap(
    lambda shape: arrays(np.float64, shape, elements=st.floats(-4, 4))
)


def _cheapest(cost: np.ndarray) -> float:
    """The cost of the best path by dynamic time warping as it is written in books."""
    total = np.full(cost.shape, np.inf)
    for i, j in np.ndindex(*cost.shape):
        before = [0.0] if i == j == 0 else []
        before += [total[i - 1, j - 1]] if i and j else []
        before += [total[i - 1, j]] if i else []
        before += [total[i, j - 1]] if j else []
        total[i, j] = cost[i, j] + min(before)
    return float(total[-1, -1])


def _along(cost: np.ndarray, starts: np.ndarray) -> float:
    """The cost of the path whose rows begin there: a row ends where the next begins, or one before."""
    total = float(cost[-1, starts[-1] :].sum())
    for row, (start, after) in enumerate(itertools.pairwise(starts)):
        straight = cost[row, start : after + 1].sum()
        slanted = cost[row, start:after].sum() if after > start else np.inf
        total += float(min(straight, slanted))
    return total


@given(costs)
def test_the_path_is_the_cheapest_and_never_goes_back(cost: np.ndarray) -> None:
    starts = _warped(cost)
    assert starts[0] == 0
    assert (np.diff(starts) >= 0).all()
    assert np.isclose(_along(cost, starts), _cheapest(cost), atol=1e-6)


@given(arrays(np.float32, st.integers(4, 30), elements=st.floats(-9, 9, width=32)))
def test_the_running_median_is_the_median_of_seven(x: np.ndarray) -> None:
    padded = np.pad(x, 3, mode="reflect")
    expected = [np.median(padded[at : at + 7]) for at in range(len(x))]
    assert np.array_equal(_median(x[None])[0], np.array(expected, np.float32))


@pytest.mark.parametrize("rows", [1, 16, 17, 40])
def test_each_row_has_a_median_of_its_own(rows: int) -> None:
    x = np.random.default_rng(rows).standard_normal((rows, 50)).astype(np.float32)
    alone = np.concatenate([_median(row[None]) for row in x])
    assert np.array_equal(_median(x), alone)


def test_what_is_shorter_than_the_median_is_left_alone() -> None:
    x = np.array([[3.0, 1.0, 2.0]], np.float32)
    assert np.array_equal(_median(x), x)


def test_a_long_text_in_a_whole_window_has_the_cheapest_path_too() -> None:
    """As many tokens and positions as there are: running sums over them lose nothing that matters."""
    cost = np.random.default_rng(2).normal(0.0, 1.0, (60, 1_500)).astype(np.float32)
    starts = _warped(cost)
    assert starts[0] == 0
    assert (np.diff(starts) >= 0).all()
    assert np.isclose(_along(cost.astype(np.float64), starts), _cheapest(cost.astype(np.float64)), atol=1e-6)


def test_costs_that_are_all_alike_have_a_path() -> None:
    for rows, columns in ((1, 1), (1, 5), (5, 1), (4, 9)):
        cost = np.full((rows, columns), -1.0)
        assert np.isclose(_along(cost, _warped(cost)), _cheapest(cost))


def test_a_head_that_looks_everywhere_alike_does_not_disturb_the_others() -> None:
    attention = np.full((3, 5, 100), 0.001, np.float32)
    for token in range(5):
        attention[:2, token, 20 * token : 20 * token + 20] = 0.05
    assert np.allclose(token_starts(attention), [0, 20, 40, 60, 80], atol=1)


def test_tokens_that_look_at_one_place_after_another_begin_there() -> None:
    attention = np.full((2, 5, 100), 0.001, np.float32)
    for token in range(5):
        attention[:, token, 20 * token : 20 * token + 20] = 0.05
    assert np.allclose(token_starts(attention), [0, 20, 40, 60, 80], atol=1)

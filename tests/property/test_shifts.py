from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from flows.hearing.shifts import ranks, shift

VALUES = arrays(np.float64, st.integers(1, 80), elements=st.integers(-5, 5).map(float))
SEEDS = st.integers(0, 2**32 - 1)


@given(VALUES, st.integers(1, 4))
def test_ranks_are_centred_in_each_stratum_and_alike_for_equal_values(values: np.ndarray, n: int) -> None:
    strata = np.arange(len(values)) % n
    scores = ranks(values, strata)
    assert (np.abs(scores) < 1).all()
    for stratum in range(n):
        own = strata == stratum
        assert abs(scores[own].sum()) < 1e-9
        for a in np.unique(values[own]):
            assert len(np.unique(scores[own & (values == a)].round(12))) == 1
            assert (scores[own & (values > a)] > scores[own & (values == a)][0]).all()


@given(SEEDS)
@settings(max_examples=25)
def test_what_keeps_the_order_changes_nothing_and_what_turns_it_changes_the_sign(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days, values = np.repeat(np.arange(15), 10), rng.normal(size=150)
    zeros = np.zeros(150, int)
    one = shift(ranks(values, zeros), days, 14)
    same = shift(ranks(np.exp(values) * 7 + 1, zeros), days, 14)
    turned = shift(ranks(-values, zeros), days, 14)
    assert one is not None
    assert turned is not None
    assert one == same
    assert abs(one.z + turned.z) < 1e-9
    assert abs(one.superiority + turned.superiority - 1) < 1e-9


@given(SEEDS)
@settings(max_examples=25)
def test_the_order_of_calls_changes_nothing(seed: int) -> None:
    rng = np.random.default_rng(seed)
    days, values = np.repeat(np.arange(15), 10), rng.integers(0, 5, 150).astype(float)
    mixed = rng.permutation(150)
    zeros = np.zeros(150, int)
    one, other = shift(ranks(values, zeros), days, 14), shift(ranks(values[mixed], zeros), days[mixed], 14)
    assert one is not None
    assert other is not None
    assert abs(one.z - other.z) < 1e-9


def test_where_nothing_changes_p_is_no_smaller_than_it_says() -> None:
    """Of a thousand undisturbed histories, whose days differ, no more are as sure as a level than it says."""
    rng, small = np.random.default_rng(20_260_101), []
    days = np.repeat(np.arange(29), 20)
    for _ in range(1_000):
        values = rng.lognormal(size=len(days)) * np.exp(rng.normal(0, 0.3, 29))[days]
        one = shift(ranks(values, np.zeros(len(days), int)), days, 28, lookbacks=(1,))
        assert one is not None
        small.append(one.p)
    for level in (0.2, 0.05, 0.01):
        assert np.mean(np.array(small) <= level) <= level + 3 * np.sqrt(level / 1_000)

from __future__ import annotations

import math

import numpy as np
import pytest

from flows.hearing.shifts import LEAST_SINCE, _as_normal, changed_on, ranks, shift


def calls(rng: np.random.Generator, n_days: int, per_day: int) -> tuple[np.ndarray, np.ndarray]:
    return rng.lognormal(size=n_days * per_day), np.repeat(np.arange(n_days), per_day)


def found(values: np.ndarray, days: np.ndarray, strata: np.ndarray | None = None) -> float:
    one = shift(ranks(values, np.zeros(len(values), int) if strata is None else strata), days, int(days.max()))
    assert one is not None
    return one.z


def test_a_day_of_other_calls_is_found_and_dated() -> None:
    values, days = calls(np.random.default_rng(1), 29, 40)
    values[days == 28] *= 4
    one = shift(ranks(values, np.zeros(len(values), int)), days, 28)
    assert one is not None
    assert (one.days, one.since) == (1, 28)
    assert one.z > 5
    assert one.p < 1e-6
    assert one.superiority > 0.75


def test_a_change_days_ago_is_dated_there() -> None:
    values, days = calls(np.random.default_rng(2), 35, 30)
    values[days >= 30] *= 0.3
    one = shift(ranks(values, np.zeros(len(values), int)), days, 34)
    assert one is not None
    assert one.since == 30
    assert one.z < -5


def test_one_wild_call_is_no_change() -> None:
    values, days = calls(np.random.default_rng(3), 29, 40)
    values[-1] = 1e9
    assert abs(found(values, days)) < 2


def test_days_that_differ_by_chance_hide_a_small_change() -> None:
    rng = np.random.default_rng(4)
    values, days = calls(rng, 29, 200)
    alike = values.copy()
    alike[days == 28] *= 1.5
    differing = values * np.exp(rng.normal(0, 0.5, 29))[days]
    differing[days == 28] = alike[days == 28]
    assert found(alike, days) > 4 > abs(found(differing, days))


def test_another_mix_of_strata_is_no_change() -> None:
    rng = np.random.default_rng(5)
    days = np.repeat(np.arange(29), 60)
    strata = (rng.random(len(days)) < np.where(days == 28, 0.9, 0.3)).astype(int)
    values = rng.normal(size=len(days)) + 3 * strata
    assert found(values, days) > 4
    assert abs(found(values, days, strata)) < 3


def test_too_little_says_nothing() -> None:
    values, days = calls(np.random.default_rng(6), 29, 40)
    last = np.flatnonzero(days == 28)[LEAST_SINCE - 1 :]
    kept = np.setdiff1d(np.arange(len(days)), last)
    scores = ranks(values[kept], np.zeros(len(kept), int))
    assert shift(scores, days[kept], 28, lookbacks=(1,)) is None
    recent = days >= 23
    assert shift(ranks(values[recent], np.zeros(recent.sum(), int)), days[recent], 28) is None
    assert shift(np.zeros(len(days)), days, 28) is None


@pytest.mark.parametrize(("t", "freedom"), [(2.0518, 27), (3.4210, 27), (4.0732, 27), (-2.0518, 27), (2.3646, 7)])
def test_t_is_told_as_the_normal_deviate_that_is_as_unlikely(t: float, freedom: int) -> None:
    """Two-sided 5 %, 0.2 % and 0.0366 % points of Student's t, from tables."""
    wanted = {2.0518: 1.96, 3.4210: 3.0902, 4.0732: 3.5603, 2.3646: 1.96}[abs(t)]
    assert _as_normal(t, freedom) == pytest.approx(math.copysign(wanted, t), abs=0.01)


def test_the_likeliest_change_weighs_days_by_their_calls() -> None:
    days, means = np.arange(6), np.array([0.0, 0.0, 0.9, 0.0, 1.0, 1.0])
    assert changed_on(days, means, np.ones(6)) == 4
    assert changed_on(days, means, np.array([1.0, 1.0, 0.01, 1.0, 1.0, 1.0])) == 4

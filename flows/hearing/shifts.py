"""Whether a figure of calls has changed of late, how sure that is, and since when: ranks against a rolling baseline.

Calls differ far more than days do, figures of them are skewed and full of ties, and weekdays and single days have ways
of their own. So a call counts by its rank among all of its stratum, which any figure has alike; days are compared and
not calls, with what days differ by chance on top of what their calls explain; and the test is one of a family whose
false alarms are bounded together (flows/hearing/drift.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOOKBACKS = (1, 2, 3, 7)
"""What is held against the days before: the last day alone shows what broke, a week what creeps."""

LEAST_BEFORE, LEAST_DAYS, LEAST_SINCE = 50, 7, 5
"""Calls and days that a baseline needs, and calls of late: with fewer nothing is said."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Shift:
    """How the calls of the last `days` days differ from those before, at the lookback where that is surest.

    `p` is two-sided, of this test alone, and `z` the standard normal deviate that is as unlikely, positive if the
    figure rose. `superiority` is the probability that a call of late has a higher figure than one before, 0.5 if
    nothing changed (Vargha & Delaney 2000). `since` is the day of the change by maximum likelihood.
    """

    days: int
    z: float
    p: float
    superiority: float
    since: int


def ranks(values: Floats, strata: Integers) -> Floats:
    """Each value's mean rank within its stratum, scaled to (-1, 1), (n,): what any monotone change leaves the same.

    >>> ranks(np.array([3.0, 1.0, 3.0, 9.0]), np.array([0, 0, 0, 1])).tolist()
    [0.25, -0.5, 0.25, 0.0]
    """
    order = np.lexsort((values, strata))
    value, stratum = values[order], strata[order]
    is_new = np.r_[True, stratum[1:] != stratum[:-1]]
    starts = np.flatnonzero(is_new)
    sizes = np.diff(np.r_[starts, len(values)])
    firsts = np.flatnonzero(is_new | np.r_[True, value[1:] != value[:-1]])
    ties = np.diff(np.r_[firsts, len(values)])
    within = firsts - starts[np.searchsorted(starts, firsts, side="right") - 1]
    mean_rank = np.repeat(within + (ties + 1) / 2, ties)
    found = np.empty(len(values))
    found[order] = 2 * mean_rank / (np.repeat(sizes, sizes) + 1) - 1
    return found


def shift(scores: Floats, days: Integers, today: int, lookbacks: Sequence[int] = LOOKBACKS) -> Shift | None:
    """The surest shift of some calls' ranks, (n,) both, up to `today`; None if there are too few calls to tell.

    Day means are compared by a random-effects model: a day's mean varies by the variance of a call's rank over its
    calls, and by that between days, estimated from the days before (DerSimonian & Laird 1986). The ratio follows
    Student's t with as many degrees of freedom as there are such days, less one.
    """
    found = [one for lookback in lookbacks if (one := _against_before(scores, days, today, lookback)) is not None]
    return max(found, key=lambda one: abs(one.z), default=None)


def _against_before(scores: Floats, days: Integers, today: int, lookback: int) -> Shift | None:
    is_late = days > today - lookback
    n_late, n_before = int(is_late.sum()), int((~is_late).sum())
    if n_late < LEAST_SINCE or n_before < LEAST_BEFORE:
        return None
    dated = _Days.of(scores, days)
    late = dated.day > today - lookback
    if (~late).sum() < LEAST_DAYS:
        return None
    within = float(scores.var())
    if within == 0.0:
        return None
    weights = 1.0 / (within / dated.n + _between(dated.n[~late], dated.mean[~late], within))
    before, now = (float(np.average(dated.mean[one], weights=weights[one])) for one in (~late, late))
    error = math.sqrt(1 / weights[late].sum() + 1 / weights[~late].sum())
    z = _as_normal((now - before) / error, int((~late).sum()) - 1)
    superiority = 0.5 + (float(scores[is_late].mean()) - float(scores[~is_late].mean())) / 2
    return Shift(lookback, z, math.erfc(abs(z) / math.sqrt(2)), superiority, changed_on(dated.day, dated.mean, weights))


@dataclass(frozen=True, slots=True, eq=False)
class _Days:
    """Days in order, their numbers of calls, and the means of their ranks, (n_days,) each."""

    day: Integers
    n: Floats
    mean: Floats

    @classmethod
    def of(cls, scores: Floats, days: Integers) -> _Days:
        day, place, n = np.unique(days, return_inverse=True, return_counts=True)
        return cls(day, n.astype(np.float64), np.bincount(place, scores) / n)


def _between(n: Floats, mean: Floats, within: float) -> float:
    """The variance between days beyond that of their calls (DerSimonian & Laird 1986, eq. 8)."""
    grand = float(np.average(mean, weights=n))
    spread = float((n * (mean - grand) ** 2).sum()) / within
    spare = float(n.sum() - (n**2).sum() / n.sum())
    return max(0.0, within * (spread - (len(n) - 1)) / spare)


def changed_on(days: Integers, means: Floats, weights: Floats) -> int:
    """The first day of the later of two levels that explain day means best, (n_days,) each, days in order: the maximum
    likelihood of one change among normal means of known variance, 1 / weight.

    >>> changed_on(np.array([1, 2, 3, 4]), np.array([0.1, 0.0, 0.9, 1.0]), np.ones(4))
    3
    """
    weight, sums = np.cumsum(weights)[:-1], np.cumsum(weights * means)[:-1]
    after, total = weights.sum() - weight, float((weights * means).sum())
    gain = weight * after * (sums / weight - (total - sums) / after) ** 2
    return int(days[1 + int(np.argmax(gain))])


def _as_normal(t: float, freedom: int) -> float:
    """The standard normal deviate that is as unlikely as a t (Wallace 1959, Ann. Math. Stat. 30: 1124; to 0.2 %)."""
    size = math.sqrt(freedom * math.log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3)
    return math.copysign(size, t)

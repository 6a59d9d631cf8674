"""What changed in how calls are heard, when, by which group, and the calls that show it: no reference is needed."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from configs.options import QualityOptions
from flows.hearing.shifts import LEAST_BEFORE, LOOKBACKS, Floats, Integers, Shift, ranks, shift
from storage.quality import MeasuredCall, load_history
from storage.session import Database
from storage.types import CallQuality

Chosen = NDArray[np.bool_]

_LEAST_EFFECT = 0.05
"""Of ten thousand calls a change is sure that nobody would notice: a call of late has the higher figure less often than
in 55 of 100 pairs with one before."""

_SHOWN = 5

ALL = "all calls"


@dataclass(frozen=True, slots=True)
class Statistic:
    """A figure of a call, None where it could not be told; `is_worse` is the sign of a change for the worse."""

    title: str
    of: Callable[[CallQuality], float | None]
    is_worse: int


def _of(count: float | None, whole: float | None) -> float | None:
    return None if count is None or not whole else count / whole


STATISTICS: Mapping[str, Statistic] = {
    "estimated_wer": Statistic("estimated word error rate", lambda one: one.estimated_wer, 1),
    "mean_confidence": Statistic("mean confidence of words", lambda one: one.mean_confidence, -1),
    "doubtful_share": Statistic("share of words of confidence under 0.5", lambda one: one.doubtful_share, 1),
    "mean_logprob": Statistic("mean log-probability of tokens", lambda one: one.mean_logprob, -1),
    "no_speech_prob": Statistic("probability of no speech", lambda one: one.no_speech_prob, 1),
    "compression_ratio": Statistic("compression ratio of texts", lambda one: one.compression_ratio, 1),
    "unknown_share": Statistic("share of words out of vocabulary", lambda one: one.unknown_share, 1),
    "unworded_share": Statistic("share of speech without text", lambda one: _of(one.unworded_s, one.speech_s), 1),
    "words_per_s": Statistic("words in a second of speech", lambda one: _of(one.words, one.speech_s), -1),
    "least_side_share": Statistic("share of speech of the quieter side", lambda one: one.least_side_share, -1),
    "redaction_rate": Statistic("redactions by word", lambda one: _of(one.redactions, one.words), -1),
    "snr_db": Statistic("signal-to-noise ratio, dB", lambda one: one.snr_db, -1),
    "second_wer": Statistic("disagreement of a second model", lambda one: _of(one.second_errors, one.second_words), 1),
}
"""What is watched of each call, by its name in `--json` and metrics."""

SHARE = "share_of_calls"
"""What is watched of a codec and of a model besides: which share of all calls it has. One that is new is told by it."""

_DIMENSIONS: Mapping[str, Callable[[MeasuredCall], str | None]] = {
    "queue": lambda call: call.queue,
    "trunk": lambda call: call.trunk,
    "codec": lambda call: call.codec,
    "model": lambda call: call.model,
}

_SHARES = ("codec", "model")

_MADE_BY: Mapping[str, Callable[[MeasuredCall], str | None]] = {
    "codec": lambda call: call.codec,
    "model": lambda call: call.model,
    "engine": lambda call: call.engine,
    "precision": lambda call: call.precision,
    "settings": lambda call: call.config_fingerprint,
    "version": lambda call: call.code_version,
}
"""What may explain a change, if it is new since then."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A call that shows a change: the head of its SHA-256, as `callwright show` takes it, its day and its figure."""

    call: str
    day: date
    value: float


@dataclass(frozen=True, slots=True)
class Figure:
    """One statistic of one group: means before and of late, and how sure it is that they differ.

    `before` is of the baseline, `now` of the days of the lookback; `since` is when it changed, if it did. `against` is
    whose baseline it is: its own, or that of all calls if the group is new. `news` is what made transcripts of the
    group since then and none before.
    """

    statistic: str
    group: str
    against: str
    before: float
    now: float
    n_before: int
    n_now: int
    z: float
    p: float
    superiority: float
    flagged: bool
    since: date | None = None
    news: tuple[str, ...] = ()
    calls: tuple[Shown, ...] = ()

    @property
    def is_worse(self) -> bool:
        """Whether a change is for the worse; of a share nobody can say."""
        return self.statistic != SHARE and self.z * STATISTICS[self.statistic].is_worse > 0

    @property
    def title(self) -> str:
        """The statistic in words."""
        return "share of all calls" if self.statistic == SHARE else STATISTICS[self.statistic].title


@dataclass(frozen=True, slots=True)
class Change:
    """A statistic that is flagged: where that is surest, and the other groups where it is, too."""

    surest: Figure
    others: tuple[str, ...]

    @property
    def where(self) -> str:
        """The groups in words."""
        return self.surest.group + (f" and {len(self.others)} more" if self.others else "")


@dataclass(frozen=True, slots=True)
class Drift:
    """All that was looked at on a day: `calls` of late and before, the number of tests that share the false alarms, and
    the p that one of them is flagged at; what is flagged comes first, the surest first."""

    today: date
    calls: int
    tests: int
    level: float
    figures: tuple[Figure, ...]

    @property
    def flags(self) -> tuple[Figure, ...]:
        """What has changed."""
        return tuple(figure for figure in self.figures if figure.flagged)

    @property
    def scores(self) -> Mapping[str, float]:
        """How far each statistic is from its baseline where it is furthest: log p over log level, over 1 where it is
        flagged and at most 1 where it is not."""
        found: dict[str, float] = {}
        for one in self.figures:
            score = math.log(max(one.p, 1e-300)) / math.log(self.level)
            told = math.nextafter(max(score, 1.0), math.inf) if one.flagged else min(score, 1.0)
            found[one.statistic] = max(found.get(one.statistic, 0.0), told)
        return found

    @property
    def changes(self) -> tuple[Change, ...]:
        """What has changed, a line for each statistic: what one cause changes shows in many groups."""
        by_statistic: dict[str, list[Figure]] = {}
        for flag in self.flags:
            by_statistic.setdefault(flag.statistic, []).append(flag)
        return tuple(Change(first, tuple(one.group for one in rest)) for first, *rest in by_statistic.values())


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Calls, their figures (n_calls, n_statistics), NaN where there is none, and their days as ordinals, (n_calls,)."""

    calls: Sequence[MeasuredCall]
    values: Floats
    days: Integers

    @classmethod
    def of(cls, calls: Sequence[MeasuredCall]) -> History:
        """The figures of some calls."""
        rows = [[one.of(call.quality) for one in STATISTICS.values()] for call in calls]
        values = np.array(rows, np.float64).reshape(len(calls), len(STATISTICS))
        return cls(calls, values, np.array([call.day.toordinal() for call in calls], np.int64))

    def labels(self, dimension: str) -> NDArray[np.object_]:
        """The calls' values of a dimension, (n_calls,), None where one is not told."""
        return np.array([_DIMENSIONS[dimension](call) for call in self.calls], object)


def current_drift(database: Database, options: QualityOptions, today: date) -> Drift:
    """What has changed by a day, in UTC, of the calls in a database. Raises as `load_history` does."""
    since = today - timedelta(days=options.baseline_days + max(LOOKBACKS) - 1)
    return drift(History.of(load_history(database, since, today, options.trunk)), options, today)


def drift(history: History, options: QualityOptions, today: date) -> Drift:
    """What has changed by a day, of the history's calls in the baseline and since.

    Every figure of every group is tested at each lookback. One is flagged if its p, times the number of tests
    (Bonferroni), is at most the false alarms allowed in a month of 30 days over 30: whatever the tests have in common,
    a day on which nothing changed is flagged no more often.
    """
    tested = list(_tested(history, options.baseline_days, today))
    n_tests = len(tested) * len(LOOKBACKS)
    level = options.false_alarms_per_month / 30 / max(1, n_tests)
    figures = [_figure(history, one, level, today) for one in tested]
    figures.sort(key=lambda one: (not one.flagged, -abs(one.z)))
    return Drift(today, len(history.calls), n_tests, level, tuple(figures))


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """One figure of one group, (n_calls,) of all calls: which of these are the group's, `chosen`, and which are tested,
    `pool`: those of late and those that they are held against; and what came of it."""

    statistic: str
    group: str
    against: str
    values: Floats
    chosen: Chosen
    pool: Chosen
    shift: Shift


def _tested(history: History, baseline_days: int, today: date) -> Iterator[_Tested]:
    last = today.toordinal()
    window = (history.days <= last) & (history.days > last - baseline_days - max(LOOKBACKS))
    late = window & (history.days > last - max(LOOKBACKS))
    queues = _codes(history.labels("queue"))
    for group, members in _groups(history, window, late):
        is_new = (members & window & ~late).sum() < LEAST_BEFORE
        pool = (members & late) | (window & ~late) if is_new else members & window
        # In all calls a queue that has more of them today is no change of any; a new group has no strata of its own.
        strata = np.zeros_like(queues) if is_new else queues
        for column, statistic in enumerate(STATISTICS):
            values = history.values[:, column]
            known = pool & ~np.isnan(values)
            if (found := _shift(values, known, strata, history.days, last)) is not None:
                against = ALL if is_new else group
                yield _Tested(statistic, group, against, values, members & known, known, found)
    for dimension in _SHARES:
        labels = history.labels(dimension)
        for label in _labels(labels[window]):
            values = (labels == label).astype(np.float64)
            if (found := _shift(values, window, queues, history.days, last)) is not None:
                yield _Tested(SHARE, f"{dimension}={label}", ALL, values, window, window, found)


def _shift(values: Floats, pool: Chosen, strata: Integers, days: Integers, last: int) -> Shift | None:
    return shift(ranks(values[pool], strata[pool]), days[pool], last) if pool.any() else None


def _groups(history: History, window: Chosen, late: Chosen) -> Iterator[tuple[str, Chosen]]:
    """All calls, and those of each label that had calls of late; none that is all calls again."""
    yield ALL, np.ones(len(history.calls), bool)
    for group, members in labels_of(history, late):
        if not members[window].all():
            yield group, members


def labels_of(history: History, chosen: Chosen) -> Iterator[tuple[str, Chosen]]:
    """The groups that some calls are of, "queue=billing", and all calls of each, (n_calls,)."""
    for dimension in _DIMENSIONS:
        labels = history.labels(dimension)
        for label in _labels(labels[chosen]):
            yield f"{dimension}={label}", labels == label


def _labels(labels: NDArray[np.object_]) -> list[str]:
    return sorted({label for label in labels.tolist() if label is not None})


def _codes(labels: NDArray[np.object_]) -> Integers:
    known = {label: code for code, label in enumerate(dict.fromkeys(labels.tolist()))}
    return np.array([known[label] for label in labels.tolist()], np.int64)


def _figure(history: History, tested: _Tested, level: float, today: date) -> Figure:
    found, values = tested.shift, tested.values
    is_late = history.days > today.toordinal() - found.days
    before, now = tested.pool & ~is_late, tested.pool & is_late
    flagged = found.p <= level and abs(found.superiority - 0.5) >= _LEAST_EFFECT
    since = tested.chosen & (history.days >= found.since)
    return Figure(
        statistic=tested.statistic,
        group=tested.group,
        against=tested.against,
        before=float(values[before].mean()),
        now=float(values[now].mean()),
        n_before=int(before.sum()),
        n_now=int(now.sum()),
        z=found.z,
        p=found.p,
        superiority=found.superiority,
        flagged=flagged,
        since=date.fromordinal(found.since) if flagged else None,
        news=_news(history, tested.chosen, found.since) if flagged else (),
        calls=_calls(history, since, values, found.z) if flagged else (),
    )


def _news(history: History, members: Chosen, since: int) -> tuple[str, ...]:
    calls = [history.calls[at] for at in np.flatnonzero(members).tolist()]
    told = []
    for name, of in _MADE_BY.items():
        before = {of(call) for call in calls if call.day.toordinal() < since}
        now = {of(call) for call in calls if call.day.toordinal() >= since}
        told += [f"{name} {label}" for label in sorted(str(label) for label in now - before)] if before else []
    return tuple(told)


def _calls(history: History, members: Chosen, values: Floats, z: float) -> tuple[Shown, ...]:
    """The calls that show a change most, of those since."""
    places = np.flatnonzero(members)
    most = places[np.argsort(-np.sign(z) * values[places], kind="stable")][:_SHOWN]
    return tuple(Shown(history.calls[at].sha256[:12], history.calls[at].day, float(values[at])) for at in most.tolist())

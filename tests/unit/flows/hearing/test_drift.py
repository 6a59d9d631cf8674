"""What is flagged of histories that are drawn from real calls, as the benchmark draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from configs.options import QualityOptions
from flows.hearing.drift import ALL, SHARE, STATISTICS, Drift, History, drift
from storage.quality import MeasuredCall
from tests.benchmarks.drift import DISTURBANCES, Centre, Disturbance, pools

OPTIONS = QualityOptions()
START = date(2026, 3, 2)
ONSET = START + timedelta(days=36)


@pytest.fixture(scope="module")
def calm() -> list[MeasuredCall]:
    """Five weeks on which nothing changes, up to the day before the onset."""
    return month()


def month(seed: int = 5) -> list[MeasuredCall]:
    centre = Centre(np.random.default_rng(seed), pools())
    return [call for at in range(36) for call in centre.day(START + timedelta(days=at))]


def by_name(start: str) -> Disturbance:
    (found,) = [one for one in DISTURBANCES if one.name.startswith(start)]
    return found


def a_day_of(disturbance: Disturbance | None, seed: int = 5) -> list[MeasuredCall]:
    centre = Centre(np.random.default_rng(seed), pools())
    return list(centre.day(ONSET, disturbance))


def told(calls: Sequence[MeasuredCall], today: date = ONSET) -> Drift:
    return drift(History.of(calls), OPTIONS, today)


def test_an_undisturbed_day_is_not_flagged(calm: list[MeasuredCall]) -> None:
    found = told([*calm, *a_day_of(None)])
    assert found.flags == ()
    assert found.tests > 200
    assert {figure.statistic for figure in found.figures} >= set(STATISTICS) - {"second_wer"}


def test_scores_are_over_one_for_what_is_flagged_and_nothing_else(calm: list[MeasuredCall]) -> None:
    assert max(told([*calm, *a_day_of(None)]).scores.values()) <= 1
    found = told([*calm, *a_day_of(by_name("a channel of trunk B goes dead"))])
    assert {name for name, score in found.scores.items() if score > 1} == {flag.statistic for flag in found.flags}


@pytest.mark.parametrize(
    ("name", "statistic", "group"),
    [
        ("a channel of trunk B goes dead", "least_side_share", "trunk=B"),
        ("noise +10 dB on trunk B", "snr_db", "trunk=B"),
        ("queue billing in Spanish", "mean_confidence", "queue=billing"),
        ("codec: the recorder writes GSM", SHARE, "codec=GSM610"),
        ("model: whisper-tiny.en", SHARE, "model=whisper-tiny.en"),
    ],
)
def test_what_breaks_is_flagged_on_its_day(name: str, statistic: str, group: str, calm: list[MeasuredCall]) -> None:
    broken = a_day_of(by_name(name))
    found = told([*calm, *broken])
    (flag,) = [one for one in found.flags if (one.statistic, one.group) == (statistic, group)]
    assert flag.since == ONSET
    assert flag.n_now > 20
    assert {shown.day for shown in flag.calls} == {ONSET}
    heads = {call.sha256[:12] for call in broken}
    assert 1 <= len({shown.call for shown in flag.calls} & heads) <= 5
    assert [one.flagged for one in found.figures] == sorted((one.flagged for one in found.figures), reverse=True)


def test_what_is_new_since_then_is_named(calm: list[MeasuredCall]) -> None:
    found = told([*calm, *a_day_of(by_name("model: whisper-tiny.en"))])
    assert all(flag.news == ("model whisper-tiny.en",) for flag in found.flags if flag.group == ALL)
    worse = {flag.statistic: flag.is_worse for flag in found.flags if flag.group == ALL}
    assert worse["mean_confidence"]
    assert not any(flag.is_worse for flag in found.flags if flag.statistic == SHARE)
    lines = [change.surest.statistic for change in found.changes]
    assert len(lines) == len(set(lines)) < len(found.flags)
    assert sum(1 + len(change.others) for change in found.changes) == len(found.flags)


def test_a_new_queue_is_held_against_all_calls(calm: list[MeasuredCall]) -> None:
    spanish = pools()["spanish", "whisper-base"].figures
    day = a_day_of(None)
    new = [replace(call, queue="español", quality=spanish[at % len(spanish)]) for at, call in enumerate(day[:40])]
    found = told([*calm, *new, *day[40:]])
    flags = [flag for flag in found.flags if flag.group == "queue=español"]
    assert flags
    assert {flag.against for flag in flags} == {ALL}
    assert all(flag.n_before > 5_000 for flag in flags if flag.statistic != "second_wer")


def test_later_calls_and_those_before_the_baseline_count_for_nothing(calm: list[MeasuredCall]) -> None:
    day = a_day_of(None)
    long_ago = [replace(call, day=ONSET - timedelta(days=60)) for call in a_day_of(by_name("noise +10 dB on all"))]
    later = [replace(call, day=ONSET + timedelta(days=1)) for call in a_day_of(by_name("a channel"))]
    one, other = told([*calm, *day]), told([*long_ago, *calm, *day, *later])
    assert [(f.statistic, f.group, f.z) for f in one.figures] == [(f.statistic, f.group, f.z) for f in other.figures]


def test_nothing_measured_says_nothing() -> None:
    assert told([]).figures == ()
    assert told(a_day_of(None)).flags == ()


def test_more_tests_ask_for_more(calm: list[MeasuredCall]) -> None:
    """A p that is flagged alone is not beside a thousand others."""
    day = a_day_of(by_name("codec: trunk B transcodes"), seed=7)
    strict = drift(History.of([*calm, *day]), OPTIONS.model_copy(update={"false_alarms_per_month": 1e-9}), ONSET)
    lax = drift(History.of([*calm, *day]), OPTIONS.model_copy(update={"false_alarms_per_month": 10.0}), ONSET)
    assert len(strict.flags) < len(lax.flags)

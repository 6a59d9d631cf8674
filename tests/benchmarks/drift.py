"""How soon drift is flagged, and how often for nothing, on histories drawn from real calls.

`python -m tests.benchmarks.drift figures HEARD.json` keeps of what calls_heard.py wrote each call's figures alone, in
tests/benchmarks/drift_calls.json. `python -m tests.benchmarks.drift` draws histories from that file by bootstrap: every
call is a real one with all of its figures, so that what they have in common stays. Queues have callers of their own
kind (weights over the calls), weekdays their volume, and each day its own weights: calls of a day are alike.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from configs.options import QualityOptions
from flows.hearing.drift import Drift, History, drift
from storage.quality import MeasuredCall
from storage.types import CallQuality
from tests.benchmarks.calls_heard import MODELS

FIGURES = Path(__file__).with_name("drift_calls.json")

QUEUES: Mapping[str, float] = {"billing": 0.4, "support": 0.3, "orders": 0.2, "returns": 0.1}
CALLS_BY_WEEKDAY = (260, 220, 210, 210, 230, 90, 50)
"""From Monday: a small centre, whose Sundays are hard to judge by."""

_CALLERS, _DAYS_OWN = 2.0, 60.0
"""Concentrations of Dirichlet distributions: of a queue's weights over the calls, for each call, and of a day's around
its queue's, in all. The second makes calls of a day so much alike that a mean of 60 varies by twice what as many
independent calls would."""

_SAMPLE = 0.02
_OLD, _NEW = MODELS
_START = date(2026, 1, 5)


@dataclass(frozen=True, slots=True)
class Pool:
    """The figures of all calls under one condition, as one model hears them, in the order of the calls."""

    figures: tuple[CallQuality, ...]


@dataclass(frozen=True, slots=True)
class Disturbance:
    """What happens on a day: to which calls, under which condition and model they are heard from then on, and what
    their recorder and callwright say of it. `codec` is None if they say nothing: a trunk transcodes. `before` is the
    condition of the same calls until then."""

    name: str
    hits: Callable[[MeasuredCall], bool]
    condition: str = "clean"
    model: str = _OLD
    codec: str | None = None
    told_model: str = _OLD
    before: str = "clean"

    @property
    def until_then(self) -> Disturbance | None:
        """What is so until it happens, if that is not what is so everywhere."""
        return None if self.before == "clean" else Disturbance(self.name, self.hits, self.before)


def _trunk_b(call: MeasuredCall) -> bool:
    return call.trunk == "B"


def _returns(call: MeasuredCall) -> bool:
    return call.queue == "returns"


def _everything(_: MeasuredCall) -> bool:
    return True


DISTURBANCES = (
    Disturbance("codec: the recorder writes GSM on trunk B", _trunk_b, "gsm", codec="GSM610"),
    Disturbance("codec: trunk B transcodes to GSM, nobody is told", _trunk_b, "gsm"),
    Disturbance("codec: all trunks transcode to GSM, nobody is told", _everything, "gsm"),
    Disturbance("a channel of trunk B goes dead", _trunk_b, "dead"),
    Disturbance("model: whisper-tiny.en in place of whisper-base", _everything, model=_NEW, told_model=_NEW),
    Disturbance("model: the same, and nobody is told", _everything, model=_NEW),
    Disturbance("noise +10 dB on trunk B", _trunk_b, "plus10"),
    Disturbance("noise +10 dB on all trunks", _everything, "plus10"),
    Disturbance("noise at 10 dB under speech on trunk B", _trunk_b, "snr10"),
    Disturbance("queue returns in Spanish", _returns, "spanish"),
    Disturbance("queue billing in Spanish", lambda call: call.queue == "billing", "spanish"),
    Disturbance("queue returns from English to Spanish, both by espeak-ng", _returns, "spanish", before="espeak"),
    Disturbance("control: queue returns from real calls to espeak-ng's English", _returns, "espeak"),
)


def pools() -> dict[tuple[str, str], Pool]:
    """The figures by condition and model."""
    kept = json.loads(FIGURES.read_text())
    return {
        (condition, model): Pool(tuple(CallQuality(**row) for row in rows))
        for condition, models in kept.items()
        for model, rows in models.items()
    }


class Centre:
    """A centre's calls, day by day, from a generator of random numbers."""

    def __init__(self, rng: np.random.Generator, pools: Mapping[tuple[str, str], Pool]) -> None:
        self.rng, self.pools = rng, pools
        n = len(pools["clean", _OLD].figures)
        self._weights = {queue: rng.dirichlet(np.full(n, _CALLERS)) for queue in QUEUES}

    def day(self, day: date, disturbance: Disturbance | None = None) -> Iterator[MeasuredCall]:
        """One day's calls."""
        n_calls = self.rng.poisson(CALLS_BY_WEEKDAY[day.weekday()])
        shares = self.rng.dirichlet(100 * np.array(list(QUEUES.values())))
        names = self.rng.choice(list(QUEUES), n_calls, p=shares)
        own = {queue: self.rng.dirichlet(_DAYS_OWN * weights + 1e-3) for queue, weights in self._weights.items()}
        for number, queue in enumerate(names.tolist()):
            at = int(self.rng.choice(len(own[queue]), p=own[queue]))
            trunk = "AB"[int(self.rng.integers(2))]
            sha256 = hashlib.sha256(f"{day} {number}".encode()).hexdigest()
            call = MeasuredCall(
                sha256, day, queue, trunk, "ULAW", _OLD, "openvino", "int8", "0" * 16, "1", self._figures(at)
            )
            yield call if disturbance is None or not disturbance.hits(call) else self._disturbed(call, at, disturbance)

    def _disturbed(self, call: MeasuredCall, at: int, by: Disturbance) -> MeasuredCall:
        quality = self._figures(at, by.condition, by.model)
        return replace(call, codec=by.codec or call.codec, model=by.told_model, quality=quality)

    def _figures(self, at: int, condition: str = "clean", model: str = _OLD) -> CallQuality:
        figures = self.pools[condition, model].figures
        quality = figures[at % len(figures)]
        if self.rng.random() < _SAMPLE:
            return quality
        return replace(quality, second_model=None, second_words=None, second_errors=None)


def judged(calls: Sequence[MeasuredCall], today: date, options: QualityOptions) -> Drift:
    """What would be told at the end of a day."""
    since = today - timedelta(days=options.baseline_days + 6)
    return drift(History.of([call for call in calls if since <= call.day <= today]), options, today)


def false_alarms(months: int, seed: int, options: QualityOptions) -> tuple[int, int, int]:
    """Of months of 30 days on which nothing changes: the days that are judged, those that are flagged, and how often
    flags begin: on a day after one without."""
    centre, calls = Centre(np.random.default_rng(seed), pools()), []
    flagged: list[bool] = []
    warm = options.baseline_days + 7
    for number in range(warm + 30 * months):
        today = _START + timedelta(days=number)
        calls = [call for call in calls if call.day > today - timedelta(days=warm)] + list(centre.day(today))
        if number >= warm:
            flagged.append(bool(judged(calls, today, options).flags))
    begins = sum(now and not before for before, now in zip([False, *flagged], flagged, strict=False))
    return len(flagged), sum(flagged), begins


@dataclass(frozen=True, slots=True)
class Found:
    """What came of one disturbance: days until it was flagged, None if not in a week; and, of the day on which it was,
    whether the surest flag dates it right, and its name."""

    days: int | None
    dated: bool = False
    surest: str = ""


def found(disturbance: Disturbance, seed: int, options: QualityOptions) -> Found:
    """Let a disturbance begin on a day of any weekday, after a baseline, and look for it for a week."""
    rng = np.random.default_rng(seed)
    centre = Centre(rng, pools())
    begins = _START + timedelta(days=options.baseline_days + 7 + int(rng.integers(7)))
    calls: list[MeasuredCall] = []
    day = _START
    while day < begins:
        calls += centre.day(day, disturbance.until_then)
        day += timedelta(days=1)
    for after in range(7):
        today = begins + timedelta(days=after)
        calls += centre.day(today, disturbance)
        if flags := judged(calls, today, options).flags:
            return Found(after + 1, flags[0].since == begins, f"{flags[0].statistic} of {flags[0].group}")
    return Found(None)


def _report(tries: int, months: int, histories: int) -> None:
    options = QualityOptions()
    print(
        "| what happens | flagged on its day | median days | dated right | the surest flag |\n|---|---:|---:|---:|---|"
    )
    known = pools()
    for disturbance in DISTURBANCES:
        if (disturbance.condition, disturbance.model) not in known:
            continue
        came = [found(disturbance, seed, options) for seed in range(tries)]
        days = [one.days for one in came if one.days is not None]
        surest = [one.surest for one in came if one.surest]
        most = max(set(surest), key=surest.count, default="none")
        print(
            f"| {disturbance.name} | {sum(one == 1 for one in days)} of {tries} | "
            f"{np.median(days) if days else 'not in 7'} | {sum(one.dated for one in came)} of {len(days)} | {most} |",
            flush=True,
        )
    judged_days = flagged = begins = 0
    for seed in range(histories):
        one = false_alarms(months, 1_000 + seed, options)
        judged_days, flagged, begins = judged_days + one[0], flagged + one[1], begins + one[2]
        print(
            f"\nnothing changes: {judged_days} days, {flagged} flagged, {begins} alarms, "
            f"{30 * begins / judged_days:.2f} a month",
            flush=True,
        )


def keep_figures(heard: Path) -> None:
    """Keep of each call that was heard its figures alone."""
    kept: dict[str, dict[str, list[Any]]] = {
        condition: {model: [row["quality"] for row in rows] for model, rows in models.items()}
        for condition, models in json.loads(heard.read_text()).items()
    }
    lines = [
        f'"{condition}": {{\n'
        + ",\n".join(f' "{m}": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "]" for m, rows in models.items())
        + "}"
        for condition, models in kept.items()
    ]
    FIGURES.write_text("{" + ",\n".join(lines) + "}\n")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["simulate", "figures"], default="simulate")
    parser.add_argument("heard", nargs="?", type=Path)
    parser.add_argument("--tries", type=int, default=50)
    parser.add_argument("--months", type=int, default=12)
    parser.add_argument("--histories", type=int, default=5)
    options = parser.parse_args(arguments)
    if options.what == "figures":
        keep_figures(options.heard)
    else:
        _report(options.tries, options.months, options.histories)


if __name__ == "__main__":
    main()

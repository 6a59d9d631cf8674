"""Benchmarks over time: what was measured is kept a line each, and held against what was measured before."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from math import hypot
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from asr.cores import cores
from asr.errors import ConfigError
from asr.instructions import cpu_flags, cpu_name, instruction_sets
from configs.settings import Settings, fingerprint
from flows.benches.rounds import Round, Rounds
from flows.wiring import code_version

_LIBRARIES = ("openvino", "ctranslate2", "onnxruntime", "numpy", "prefect", "sqlalchemy", "spacy")

_QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}

_LAST = 10
"""So many measurements before this one are what it is held against."""

_SIGMAS, _NORMAL = 3.0, 1.4826
"""Three standard deviations, which 1.4826 times the median absolute deviation estimates where values scatter normally
(Rousseeuw and Croux 1993): one outlier among the rounds does not move it."""

_LEAST_CHANGE, _UNSURE_CHANGE = 0.03, 0.1
"""Less is never told, and less than a tenth not before there are three measurements to be held against: rounds of one
lie close together, and two an hour apart differ by a tenth on a shared machine (docs/performance.md)."""

_SURE_FROM = 3
_LEAST_S = 0.01
"""Of seconds, what is less than this is not told either."""


@dataclass(frozen=True, slots=True)
class Record:
    """One measurement: when, where, of what, and each figure of every round. `of` is what has to be the same for two to
    be compared."""

    at: str
    of: Mapping[str, Any]
    versions: Mapping[str, str]
    audio_s: float
    figures: Mapping[str, Sequence[float]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """A figure now and before, medians of all rounds, and how far it may be off by chance."""

    figure: str
    now: float
    before: float
    noise: float

    @property
    def is_beyond_noise(self) -> bool:
        """Whether chance is not enough to tell it by."""
        return abs(self.now - self.before) > self.noise

    @property
    def is_worse(self) -> bool:
        """Whether it is slower, or takes more, than chance tells; of times realtime more is better."""
        more = self.now > self.before
        return self.is_beyond_noise and more != (self.figure == "x realtime")


def record(measured: Rounds, settings: Settings, now: datetime | None = None) -> Record:
    """What is kept of a measurement. Calls are known by one hash over theirs, and by no name."""
    calls = hashlib.sha256("\n".join(measured.sha256s).encode()).hexdigest()[:16]
    machine = {
        "cpu": cpu_name() or platform.machine(),
        "instructions": list(instruction_sets(cpu_flags())),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9),
    }
    of = {
        "machine": machine,
        "threads": cores(settings.transcribe),
        "config": fingerprint(settings),
        "calls": calls,
        "concurrency": settings.batch.group_recordings,
    }
    versions = {"callwright": code_version()} | {name: version(name) for name in _LIBRARIES}
    at = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    return Record(at, of, versions, measured.audio_s, figures(measured))


def figures(measured: Rounds) -> dict[str, list[float]]:
    """Every figure by its name, a value for each round; memory is that of the whole process, once."""
    found: dict[str, list[float]] = {}
    for one in measured.rounds:
        for name, value in _figures(one, measured.audio_s):
            found.setdefault(name, []).append(value)
    return found | {"RSS MB": [measured.rss_mb]}


def save(kept: Record, history: Path) -> None:
    """Add a measurement to the end of a file of JSON lines, which is made if need be. Raises ConfigError if it cannot
    be written."""
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
        with history.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(kept), sort_keys=True) + "\n")
    except OSError as error:
        raise ConfigError(f"{history} cannot be written: {error.strerror}", "Name another with --history") from error


def earlier(of: Mapping[str, Any], history: Path) -> list[Record]:
    """The last measurements of the same calls, by the same settings, on such a machine, the oldest first. Raises
    ConfigError for a file that is not such a history."""
    try:
        lines = history.read_text(encoding="utf-8").splitlines() if history.exists() else []
        records = [Record(**json.loads(line)) for line in lines]
    except (OSError, ValueError, TypeError) as error:
        raise ConfigError(f"{history} is no history of benchmarks", "Name another with --history") from error
    return [one for one in records if one.of == dict(of)][-_LAST:]


def changes(now: Record, before: Sequence[Record]) -> list[Change]:
    """Each figure against all rounds of earlier measurements, of which there is at least one.

    Chance is three standard deviations of what was measured before and now, by the median absolute deviation; at least
    3 %, 10 % where there are fewer than three measurements before, and 10 ms.
    """
    found, least = [], _LEAST_CHANGE if len(before) >= _SURE_FROM else _UNSURE_CHANGE
    for name, values in now.figures.items():
        if past := [value for one in before for value in one.figures.get(name, ())]:
            middle, scatter = median(past), hypot(_deviation(past), _deviation(values))
            noise = max(_SIGMAS * scatter, least * abs(middle), _LEAST_S if name.endswith(" s") else 0.0)
            found.append(Change(name, median(values), middle, noise))
    return found


def _deviation(values: Sequence[float]) -> float:
    """The standard deviation, by the median absolute deviation."""
    middle = median(values)
    return _NORMAL * median(abs(value - middle) for value in values)


def _figures(one: Round, audio_s: float) -> Iterable[tuple[str, float]]:
    yield "x realtime", audio_s / one.wall_s
    yield "CPU s an hour", 3_600 * one.cpu_s / audio_s
    yield from _quantiles("call", one.call_s)
    for stage, seconds in one.stage_s.items():
        yield from _quantiles(stage, seconds)


def _quantiles(name: str, seconds: Sequence[float]) -> Iterable[tuple[str, float]]:
    for quantile, share in _QUANTILES.items():
        yield f"{name} {quantile} s", float(np.quantile(seconds, share))

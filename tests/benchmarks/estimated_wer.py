"""What the word error rate that asr.estimate tells without a reference is worth, and its fit.

`python -m tests.benchmarks.estimated_wer HEARD.json` takes what calls_heard.py wrote. Each call is judged by a fit on
the words of the other calls alone, as they are first, by both models; versions of a call go with it. `--write` fits on
all calls, as they are first, and writes asr/estimate.json. Versions with a dead channel are left out: what was never
recorded cannot be missed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr import estimate
from asr.estimate import Calibration
from tests.benchmarks.calls_heard import MODELS

FITTED_ON = "clean"
_DEAD = "dead"
_RIDGE = 1.0
"""On standardised features: as much as one word says."""

_DRAWS, _SEED = 10_000, 20_260_101

Floats = NDArray[np.float64]
Rows = Sequence[dict[str, Any]]


def features(row: dict[str, Any]) -> tuple[Floats, Floats]:
    """A call's words, (n, 2) as asr.estimate.word_features gives them, and which are wrong, (n,) of 0 and 1."""
    words = np.array(row["words"], np.float64).reshape(-1, 3)
    confidence = words[:, 0].clip(1e-3, 1 - 1e-3)
    return np.stack([np.log(confidence / (1 - confidence)), words[:, 1]], axis=1), words[:, 2]


def fit(rows: Rows) -> Calibration:
    """A logistic regression of errors on words' features, by Newton's method, and lost words by seconds without any, by
    least squares through 0."""
    parts = [features(row) for row in rows]
    raw, wrong = np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])
    mean, scale = raw.mean(axis=0), raw.std(axis=0)
    design = np.c_[np.ones(len(raw)), (raw - mean) / scale]
    penalty = np.diag([0.0, _RIDGE, _RIDGE])
    weights = np.zeros(3)
    for _ in range(50):
        expected = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (wrong - expected) - penalty @ weights
        step = np.linalg.solve((design.T * (expected * (1 - expected))) @ design + penalty, gradient)
        weights += step
        if np.abs(step).max() < 1e-9:
            break
    slopes = weights[1:] / scale
    silent, lost = (np.array([row[name] for row in rows]) for name in ("unworded_s", "lost"))
    return Calibration(
        float(weights[0] - slopes @ mean), *map(float, slopes), float(silent @ lost / (silent @ silent)), MODELS
    )


def judged(heard: dict[str, dict[str, Rows]], condition: str, model: str) -> Floats:
    """The estimated and the true word error rate of each call under a condition, (n_calls, 2): none is judged by a fit
    that has seen it, in any version, by any model."""
    found = []
    for row in heard[condition][model]:
        if "reference" not in row or condition == _DEAD:
            continue
        others = [one for by in MODELS for one in heard[FITTED_ON][by] if one["call"] != row["call"]]
        told = fit(others).wer(features(row)[0], row["unworded_s"])
        found.append((told or 0.0, row["errors"] / row["reference"]))
    return np.array(found)


def disagreement(rows: Rows) -> Floats:
    """How far the second model is from the first in a part of each call, and the true word error rate, (n_calls, 2)."""
    return np.array(
        [
            (row["quality"]["second_errors"] / row["quality"]["second_words"], row["errors"] / row["reference"])
            for row in rows
            if "reference" in row and row["quality"]["second_words"]
        ]
    )


def spearman(pairs: Floats) -> float:
    """The correlation of ranks, ties having their mean rank."""
    return float(np.corrcoef(*(_ranks(column) for column in pairs.T))[0, 1])


def _ranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2)[place]


def interval(pairs: Floats, calls: NDArray[np.int64]) -> tuple[float, float]:
    """The 95 % interval of the correlation, by a bootstrap over calls; versions of a call are drawn together."""
    rng = np.random.default_rng(_SEED)
    names = np.unique(calls)
    members = {name: np.flatnonzero(calls == name) for name in names}
    drawn = [
        spearman(pairs[np.concatenate([members[name] for name in rng.choice(names, len(names))])])
        for _ in range(_DRAWS // 5 if len(pairs) > len(names) else _DRAWS)
    ]
    low, high = np.nanquantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _line(name: str, pairs: Floats, calls: NDArray[np.int64] | None = None) -> None:
    low, high = interval(pairs, np.arange(len(pairs)) if calls is None else calls)
    told, true = pairs.mean(axis=0)
    off = np.abs(pairs[:, 0] - pairs[:, 1]).mean()
    print(
        f"| {name} | {len(pairs)} | {100 * true:.1f} | {100 * told:.1f} | {100 * off:.1f} | "
        f"{spearman(pairs):.2f} | {low:.2f} to {high:.2f} |",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("heard", type=Path)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    heard = json.loads(options.heard.read_text())
    if options.write:
        rows = [row for model in MODELS for row in heard[FITTED_ON][model]]
        fitted = {name: _rounded(value) for name, value in asdict(fit(rows)).items()}
        estimate._FILE.write_text(json.dumps(fitted) + "\n")
    print(
        "| calls | n | WER, % | estimated, % | off by, points | Spearman | 95 % |\n|---|---:|---:|---:|---:|---:|---|"
    )
    every = []
    for condition in heard:
        for model in MODELS:
            if len(pairs := judged(heard, condition, model)):
                _line(f"{condition}, {model}", pairs)
                every.append(pairs)
    _line("all of these", np.concatenate(every), np.concatenate([np.arange(len(pairs)) for pairs in every]))
    for model in MODELS:
        _line(f"disagreement, clean, {model}", disagreement(heard[FITTED_ON][model]))


def _rounded(value: object) -> object:
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()

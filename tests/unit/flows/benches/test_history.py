"""Benchmarks over time: what is kept, what is compared with what, and what chance is taken for."""

from __future__ import annotations

import doctest
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asr.errors import ConfigError
from configs.load import load
from configs.settings import Settings
from flows.benches import rounds
from flows.benches.history import Change, Record, changes, earlier, figures, record, save
from flows.benches.rounds import Round, Rounds
from flows.cli import call

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def measured(*wall_s: float, sha256s: tuple[str, ...] = ("a" * 64, "b" * 64)) -> Rounds:
    each = tuple(Round(wall, 2 * wall, (wall / 2, wall), {"prepare": (0.1, 0.3)}) for wall in wall_s)
    return Rounds(sha256s, 120.0, each, 900.0)


def kept(*wall_s: float, settings: Settings | None = None) -> Record:
    return record(measured(*wall_s), settings or Settings(), NOW)


def test_figures_are_of_each_round() -> None:
    found = figures(measured(10.0, 20.0))
    assert found["x realtime"] == [12.0, 6.0]
    assert found["CPU s an hour"] == [600.0, 1200.0]
    assert found["call p50 s"] == [7.5, 15.0]
    assert found["call p99 s"] == [pytest.approx(9.95), pytest.approx(19.9)]
    assert found["prepare p95 s"] == pytest.approx([0.29, 0.29])
    assert found["RSS MB"] == [900.0]


def test_what_is_saved_is_read_again_the_last_ten_and_of_the_same_alone(tmp_path: Path) -> None:
    file = tmp_path / "made" / "bench.jsonl"
    now = kept(10.0)
    assert earlier(now.of, file) == []
    for seconds in range(12):
        save(kept(10.0 + seconds), file)
    fewer = Settings().model_copy(update={"batch": Settings().batch.model_copy(update={"group_recordings": 1})})
    for other in (
        kept(1.0, settings=fewer),
        kept(1.0, settings=load(None, ["transcribe.search=beam"], {}, Path(os.devnull))),
        record(measured(1.0, sha256s=("c" * 64,)), Settings(), NOW),
    ):
        save(other, file)
    found = earlier(now.of, file)
    assert [one.figures["x realtime"][0] for one in found] == [120.0 / (10.0 + seconds) for seconds in range(2, 12)]
    assert found[0] == kept(12.0)


def test_what_is_kept_says_where_and_of_what_and_no_name(tmp_path: Path) -> None:
    save(kept(10.0), tmp_path / "bench.jsonl")
    line = json.loads((tmp_path / "bench.jsonl").read_text())
    assert line["at"] == "2026-11-30T12:00:00+00:00"
    assert {"machine", "threads", "config", "calls", "concurrency"} == set(line["of"])
    assert {"cpu", "instructions", "memory_gb"} == set(line["of"]["machine"])
    assert {"callwright", "openvino", "prefect"} <= set(line["versions"])
    assert "a" * 64 not in json.dumps(line)


@pytest.mark.parametrize("text", ["nonsense\n", '{"at": "now"}\n'])
def test_a_file_that_is_no_history_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "bench.jsonl").write_text(text)
    with pytest.raises(ConfigError, match="no history"):
        earlier(kept(1.0).of, tmp_path / "bench.jsonl")


def change(now: Record, *before: Record, figure: str = "CPU s an hour") -> Change:
    return next(one for one in changes(now, before) if one.figure == figure)


def test_what_is_within_the_scatter_of_earlier_rounds_is_chance() -> None:
    scattered = [kept(9.0, 10.0, 11.0), kept(9.5, 10.0, 10.5)]
    # The absolute deviations of six rounds around 10 are 1, 0, 1, 0.5, 0, 0.5: median 0.5, and three sigmas 2.22.
    assert not change(kept(12.2), *scattered).is_beyond_noise
    worse = change(kept(12.3), *scattered)
    assert worse.is_beyond_noise
    assert worse.is_worse
    better = change(kept(7.7), *scattered)
    assert (better.is_beyond_noise, better.is_worse) == (True, False)
    assert not change(kept(7.7), *scattered, figure="x realtime").is_worse
    assert change(kept(13.5), *scattered, figure="x realtime").is_worse


def test_one_outlier_before_hides_nothing_and_three_percent_are_never_told() -> None:
    steady = [kept(10.0, 10.0, 10.0, 10.0, 60.0)] * 3
    assert not change(kept(10.29), *steady).is_beyond_noise
    assert change(kept(10.31), *steady).is_worse
    # Of one measurement less is known.
    assert not change(kept(10.99), steady[0]).is_beyond_noise
    assert change(kept(11.01), steady[0]).is_worse


def test_the_scatter_of_what_is_measured_now_counts_too() -> None:
    assert change(kept(12.0), *[kept(10.0)] * 3).is_worse
    assert not change(kept(11.0, 12.0, 13.0), *[kept(10.0)] * 3).is_beyond_noise


def test_some_milliseconds_are_never_told() -> None:
    before, now = (
        Rounds((), 60.0, (Round(1.0, 1.0, (1.0,), {"summarise": (took_s,)}),), 1.0) for took_s in (0.001, 0.009)
    )
    told = changes(record(now, Settings(), NOW), [record(before, Settings(), NOW)])
    assert not any(one.is_beyond_noise for one in told)


def test_the_command_prints_saves_and_compares(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    took = iter((10.0, 10.1, 20.0))
    seen = []

    def measure(paths: list[Path], settings: Settings, warm_up: int, n_rounds: int, on_round: object) -> Rounds:
        seen.append((paths, settings.batch.group_recordings, warm_up, n_rounds))
        return measured(next(took))

    monkeypatch.setattr(rounds, "measure", measure)
    file = tmp_path / "bench.jsonl"
    line = ["bench", "run", "--data", "calls", "--rounds", "1", "--concurrency", "8", "--save", "--compare"]
    line += ["--history", str(file)]
    assert call(line) == 0
    out = capsys.readouterr().out
    assert "2 calls, 2.0 min, 8 in hand at once, medians of 1 round\n\n12.0x realtime, 600 s of CPU time" in out
    assert "Nothing of the same calls, settings and machine was saved before" in out
    assert call(line) == 0
    assert "Against the 1 before: nothing beyond the noise" in capsys.readouterr().out
    assert call(line) == 1
    printed = capsys.readouterr().out
    assert "Against the 2 before: 5 beyond the noise" in printed
    assert "better" not in printed
    assert seen[0] == ([Path("calls")], 8, 1, 1)
    assert len(file.read_text().splitlines()) == 3


def test_examples_hold() -> None:
    assert doctest.testmod(rounds).attempted == 1
    assert doctest.testmod(rounds).failed == 0

from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow.dataset as ds
import pytest

from asr.errors import ConfigError
from compliance.types import Scope
from flows import parquet
from flows.cli import call
from flows.erase import erase
from flows.parquet import export
from storage.query import read_only
from storage.views import VIEWS
from tests.searches import CALLS, MONDAY, fill


def by_numbers(view: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    numbers = [name for name, kind in VIEWS[view].items() if kind is int]
    names = [name for name in ("name", "part") if name in VIEWS[view]]
    return sorted(rows, key=lambda row: (*(row[name] or 0 for name in numbers), *(row[name] for name in names)))


def table(folder: Path, view: str) -> list[dict[str, Any]]:
    return by_numbers(view, ds.dataset(folder / view, format="parquet", partitioning="hive").to_table().to_pylist())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.parquet")}


def test_what_is_exported_reads_back_as_the_views_have_it(kept, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    database, folder = kept.archive.database, tmp_path / "lake"
    fill(database)
    exported = export(database, folder, None, None)
    assert (exported.days, exported.rows["v_turns"]) == (5, 16)
    for view, columns in VIEWS.items():
        if exported.rows[view]:
            shown = read_only(database, f"SELECT {', '.join(columns)} FROM {view}")
            wanted = by_numbers(view, [dict(zip(shown.columns, row, strict=True)) for row in shown.rows])
            # SQLite gives times as texts without a zone; the next test looks at them.
            kept = [name for name, kind in columns.items() if kind is not datetime and name != "day"]
            found = [{name: row[name] for name in kept} for row in table(folder, view)]
            assert found == [{name: row[name] for name in kept} for row in wanted], view
    assert exported.rows["v_findings"] == 0


def test_times_are_in_utc(kept, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    fill(kept.archive.database)
    export(kept.archive.database, tmp_path / "lake", None, MONDAY.date())
    (row,) = table(tmp_path / "lake", "v_calls")
    assert (row["started_at"], row["call"], str(row["day"])) == (MONDAY, "late.wav", "2026-09-21")
    assert {turn["text"] for turn in table(tmp_path / "lake", "v_turns")} == set(CALLS["late"])


def test_a_second_export_gives_the_same_files_and_only_days_asked_for_change(kept, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    database, folder = kept.archive.database, tmp_path / "lake"
    fill(database)
    export(database, folder, None, None)
    before = files(folder)
    assert export(database, folder, None, None).removed == 0
    assert files(folder) == before
    old = folder / "v_turns" / "day=2020-01-01"
    old.mkdir()
    (old / "part-0.parquet").write_bytes(b"of a call that is gone")
    assert export(database, folder, MONDAY.date(), None).removed == 0
    assert export(database, folder, date(2020, 1, 1), date(2020, 1, 1)).removed == 1
    assert not old.exists()
    assert files(folder) == before


def test_what_was_erased_is_gone_from_the_folder(kept, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    database, folder = kept.archive.database, tmp_path / "lake"
    export(database, folder, None, None)
    assert "marzipan-ada" in {row["text"] for row in table(folder, "v_turns")}
    erase(kept.custody(), Scope.CALL, kept.recordings["ada"].sha256, "asked for")
    export(database, folder, None, None)
    assert {row["text"] for row in table(folder, "v_turns")} == {
        *("marzipan [PERSON]", "marzipan-bob", "marzipan-eve", "marzipan-kim")
    }


def test_an_export_that_is_stopped_leaves_every_file_whole(
    kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # type: ignore[no-untyped-def]
    database, folder = kept.archive.database, tmp_path / "lake"
    export(database, folder, None, None)
    before = files(folder)
    fill(database)
    whole = parquet.rows_of

    def stops(*day: Any) -> Any:
        for view, rows in whole(*day):
            if view == "v_words":
                raise KeyboardInterrupt
            yield view, rows

    monkeypatch.setattr(parquet, "rows_of", stops)
    with pytest.raises(KeyboardInterrupt):
        export(database, folder, None, None)
    assert files(folder) == before
    monkeypatch.undo()
    export(database, folder, None, None)
    assert len(table(folder, "v_turns")) == 16


def test_the_command_tells_the_audit_trail(kept, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # type: ignore[no-untyped-def]
    assert call(["export", str(tmp_path / "lake"), "--data-dir", str(kept.data_dir), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["v_turns"] == 8
    ((detail,),) = kept.rows("SELECT detail FROM audit_events WHERE action = 'transcript.export'")
    told = json.loads(detail)
    assert (told["calls"], told["turns"], told["days"], told["since"]) == (4, 8, 1, None)
    ((begun,),) = kept.rows("SELECT detail FROM audit_events WHERE action = 'transcript.export.begin'")
    assert json.loads(begun)["folder"] == str(tmp_path / "lake")
    assert call(["export", str(tmp_path / "lake"), "--data-dir", str(kept.data_dir), "--until", "2020-01-01"]) == 0
    assert "0 days in" in capsys.readouterr().out


def test_without_pyarrow_it_says_what_to_install(kept, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setitem(__import__("sys").modules, "pyarrow.parquet", None)
    with pytest.raises(ConfigError, match=r"callwright\[parquet\]"):
        export(kept.archive.database, tmp_path, None, None)

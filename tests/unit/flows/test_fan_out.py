"""Which groups are handed on when, in threads here. In other processes: tests/external/test_fan_out.py."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from asr.types import Recording
from configs.settings import Settings
from flows.ingest import Source
from flows.wiring import open_archive
from storage.leases import Leases


def test_a_long_group_keeps_no_other_from_being_done(
    prefect_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert prefect_home.exists()
    from prefect.task_runners import ThreadPoolTaskRunner

    from flows import fan_out
    from flows.batch import Leased, Progress

    rest_done = threading.Event()

    def do(_run_id: int, group: tuple[Source, ...], *, again: bool) -> fan_out.GroupDone:
        assert not again
        if group == groups[0]:
            assert rest_done.wait(60.0), "the others wait for the long one"
        if group == groups[-1]:
            rest_done.set()
        return fan_out.GroupDone(1, (), (), 1.0)

    groups = tuple((Source(Recording(f"{n:064x}", tmp_path / f"{n}.wav", 1), 1.0),) for n in range(8))
    monkeypatch.setattr(fan_out, "_do", do)
    settings, heard_s = Settings(), list[float]()
    settings = settings.model_copy(update={"service": settings.service.model_copy(update={"processes": 2})})
    archive = open_archive(settings, tmp_path)
    run_id = archive.repository.begin_run("f" * 16, "0.1.0")
    progress = Progress(heard_s.append, lambda: None, lambda *_: None, lambda _: None)
    leased = Leased(Leases(archive.database, "me", 60.0), threading.Event(), again=False, data_dir=tmp_path)
    fan_out.JOB.set(fan_out.Job(groups, progress, archive, settings, leased))
    flow = fan_out.process_elsewhere.with_options(task_runner=ThreadPoolTaskRunner(max_workers=2))
    assert flow(run_id) == "8 published, 0 quarantined"
    assert sum(heard_s) == 8.0
    archive.database.dispose()

"""Faults of the service on many machines: two workers of a work pool of Prefect's, of which one is killed in mid-work.

`callwright deploy` and two `callwright worker` as they are, each a machine with a data folder of its own, on one
PostgreSQL and one Prefect server. A schedule starts ingest-watch; only models say what they are told to.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx

from configs.load import variable
from storage.session import migrate, open_database
from tests.benchmarks.drills import Drill
from tests.ingest_site import LEASE_S
from tests.scripted_worker import SETTINGS

ROOT = Path(__file__).parents[2]
_WORKERS = 2
_EVERY_S = 15
_OFTEN = {"PREFECT_WORKER_QUERY_SECONDS": "1", "PREFECT_WORKER_PREFETCH_SECONDS": "1"}
_NEVER = ("retention_sweep", "quality_weekly", "quality_monthly")


class WorkerOfPoolKilled(Drill):
    """kill -9 of a worker of a pool, which takes its run with it; another worker of the pool takes over"""

    running: list[subprocess.Popen[bytes]]
    interrupted: set[str]
    """The runs that were going on as a fault came."""

    def prepare(self) -> None:
        self.pool = self.site.root.name
        self.running, self.interrupted, self.started = [], set(), 0
        with self.park.making:  # safe in two processes, not in two threads
            engine = open_database(self.site.url)
            migrate(engine)
            engine.dispose()
        environ = self._environ() | {"PREFECT_HOME": str(self.site.root / "deploying")}
        subprocess.run(self._line("deploy"), env=environ, check=True, capture_output=True)
        # What is deployed names flows.engine, which would load real models.
        self.deployment = self._api("GET", f"deployments/name/ingest-watch/{self.pool}")["id"]
        self._api(
            "PATCH", f"deployments/{self.deployment}", {"job_variables": {"command": "python -m tests.scripted_engine"}}
        )
        self._man()

    def once(self) -> float:
        self._man()
        # What was killed counts among service.watchers until Prefect knows it: never so many that a worker has to wait.
        self.site.until(lambda: len(self.interrupted & self._going_on()) <= _WORKERS)
        return super().once()

    def has_begun(self, tries: int) -> bool:
        """Whether a run has recordings in hand; its process is told by the name of the leases' owner."""
        self._check_runs()
        self.run = self.worker = 0
        for (owner,) in self.site.rows("SELECT owner FROM tries WHERE ended_at IS NULL LIMIT 1"):
            with suppress(FileNotFoundError):  # it has just ended
                run = int(owner.rpartition("/")[2].partition("-")[0])
                self.worker = int(Path(f"/proc/{run}/stat").read_text().rpartition(")")[2].split()[1])
                self.run = run
        return self.run > 0

    def fault(self) -> None:
        self.interrupted |= self._going_on()
        self.kill()

    def kill(self) -> None:
        """Kill who is to be killed."""
        [worker] = [one for one in self.running if one.pid == self.worker]
        worker.kill()
        worker.wait()
        self.running.remove(worker)

    def is_well(self) -> bool:
        self._check_runs()
        return all(worker.poll() is None for worker in self.running)

    def _check_runs(self) -> None:
        """Raise AssertionError if a run failed: it has nothing to do that could go wrong, and the next would too."""
        told = [run["state"]["message"] for run in self._runs("FAILED")]
        assert not told, f"runs failed: {told}"

    def _going_on(self) -> set[str]:
        return {str(run["id"]) for run in self._runs("PENDING", "RUNNING")}

    def _runs(self, *states: str) -> list[dict[str, Any]]:
        """The runs of this pool's ingest-watch that are in one of these states."""
        chosen = {"state": {"type": {"any_": states}}, "deployment_id": {"any_": [self.deployment]}}
        runs: list[dict[str, Any]] = self._api("POST", "flow_runs/filter", {"flow_runs": chosen})
        return runs

    def end(self) -> None:
        for worker in self.running:
            worker.kill()
            worker.wait()
        super().end()

    def _man(self) -> None:
        """Start workers until there are as many as there are to be, and wait until the server knows them."""
        while len(self.running) < _WORKERS:
            self.started += 1
            with (self.site.root / "workers.log").open("ab") as log:
                line = [*self._line("worker"), "--data-dir", str(self.site.root / f"data-{self.started}")]
                self.running.append(subprocess.Popen(line, env=self._environ(), stdout=log, stderr=log))
        known = f"work_pools/{self.pool}/workers/filter"
        self.site.until(lambda: len(self._api("POST", known, {})) == self.started)

    def _line(self, command: str) -> list[str]:
        settings = [*SETTINGS, *(f"schedules.{name}=" for name in _NEVER)]
        settings += [f"schedules.ingest_watch=every {_EVERY_S} s", f"service.watchers={2 * _WORKERS}"]
        settings += [f"ingest.lease_s={LEASE_S}", f"storage.objects_dir={self.site.objects}"]
        settings += [f'service.sources=["{self.site.drop}"]']
        line = [sys.executable, "-m", "flows.cli", command, "--pool", self.pool]
        return line + [word for setting in settings for word in ("--set", setting)]

    def _environ(self) -> dict[str, str]:
        url = {variable("storage.database_url"): f'"{self.site.url_of_workers}"'}
        return {**os.environ, **self.site.environ, **_OFTEN, **url, "PYTHONPATH": str(ROOT)}

    def _api(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        with httpx.Client(base_url=f"{self.park.prefect.url}/api/", trust_env=False, timeout=30.0) as client:
            answer = client.request(method, path, json=body).raise_for_status()
        return answer.json() if answer.content else None


class RunOfPoolKilled(WorkerOfPoolKilled):
    """kill -9 of a run's process alone; the next run of the pool takes over"""

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.run, signal.SIGKILL)

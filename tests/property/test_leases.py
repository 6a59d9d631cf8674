"""Whatever workers do to one ledger, in whatever order and by whatever clocks: one lease at most, one result."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from asr.types import Recording
from storage.errors import LeaseLostError
from storage.leases import Leases
from storage.repository import Repository
from storage.session import migrate, open_database, reading
from storage.types import Failure

RECORDINGS = [Recording(f"{index:064x}", Path(f"/calls/{index}.wav"), 1) for index in range(3)]
WORKERS = ("a", "b", "c")
LEASE_S = 60.0


class Workers(RuleBasedStateMachine):
    """Three workers, each with a clock of its own, on three recordings. A result is a quarantine: it is one row."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = open_database(f"sqlite:///{self.folder.name}/calls.db")
        migrate(self.engine)
        self.skew_s = dict.fromkeys(WORKERS, 0.0)
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.repository = Repository(self.engine, lambda: self.now)
        self.run = self.repository.begin_run("f", "1")
        self.leases = {name: Leases(self.engine, name, LEASE_S, self._clock(name)) for name in WORKERS}
        self.tokens: dict[tuple[str, str], int] = {}
        self.greatest = dict.fromkeys((r.sha256 for r in RECORDINGS), 0)
        self.results = 0

    def _clock(self, name: str) -> Callable[[], datetime]:
        return lambda: self.now + timedelta(seconds=self.skew_s[name])

    def teardown(self) -> None:
        self.engine.dispose()
        self.folder.cleanup()

    @rule(seconds=st.floats(0, 200))
    def time_goes_on(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=st.sampled_from(WORKERS), skew_s=st.floats(-1e5, 1e5))
    def a_clock_jumps(self, name: str, skew_s: float) -> None:
        self.skew_s[name] = skew_s

    @rule(name=st.sampled_from(WORKERS), which=st.sets(st.sampled_from(RECORDINGS)), again=st.booleans())
    def claim(self, name: str, which: set[Recording], again: bool) -> None:  # noqa: FBT001
        for sha256, token in self.leases[name].claim(self.run, list(which), 100, again=again).tokens.items():
            assert token > self.greatest[sha256], "tokens grow"
            self.greatest[sha256] = token
            self.tokens[name, sha256] = token

    @rule(name=st.sampled_from(WORKERS))
    def heartbeat(self, name: str) -> None:
        self.leases[name].heartbeat()

    @rule(name=st.sampled_from(WORKERS))
    def release(self, name: str) -> None:
        self.leases[name].release()

    @rule(name=st.sampled_from(WORKERS), recording=st.sampled_from(RECORDINGS))
    def finish(self, name: str, recording: Recording) -> None:
        """A worker comes back with its result, however late."""
        token = self.tokens.pop((name, recording.sha256), None)
        if token is None:
            return
        try:
            self.repository.quarantine(self.run, recording, Failure("x", "y"), token=token)
        except LeaseLostError:
            return
        assert token == self.greatest[recording.sha256], "nobody has claimed it since"
        self.results += 1

    @invariant()
    def one_lease_and_one_result_for_each_try(self) -> None:
        with reading(self.engine) as connection:
            open_tries = (
                "SELECT max(n) FROM (SELECT count(*) AS n FROM tries WHERE ended_at IS NULL GROUP BY recording_id)"
            )
            assert (connection.exec_driver_sql(open_tries).scalar() or 0) <= 1
            counted = connection.execute(sa.text("SELECT quarantined FROM runs")).scalar_one()
            ended = connection.execute(sa.text("SELECT count(*) FROM tries WHERE outcome = 'quarantined'")).scalar_one()
        assert counted == ended == self.results


TestWorkers = Workers.TestCase
TestWorkers.settings = settings(max_examples=15, stateful_step_count=25, deadline=None)

"""The tables of work in hand: who works, tries at recordings, which are their leases, and what came in from where."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base
from storage.types import TryOutcome

_OPEN = sa.text("ended_at IS NULL")


class WorkerRow(Base):
    """Whose a run is; the owner puts `alive_until` off while it works."""

    __tablename__ = "workers"

    run_id: Mapped[int] = mapped_column(sa.ForeignKey("runs.id"), primary_key=True)
    owner: Mapped[str] = mapped_column(index=True)
    alive_until: Mapped[datetime]


class TryRow(Base):
    """One try at a recording; while it is open it is the recording's lease, and its id the fencing token.

    Ids grow, so that of two holders the later one has the greater token. `together` is how many recordings were in
    hand at once: of those that died together, each is suspected.
    """

    __tablename__ = "tries"
    __table_args__ = (
        # However two workers race, the database lets one recording have one lease.
        sa.Index("uq_tries_open", "recording_id", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    recording_id: Mapped[int] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(sa.ForeignKey("runs.id"))
    owner: Mapped[str] = mapped_column(index=True)
    together: Mapped[int]
    started_at: Mapped[datetime]
    heartbeat_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[TryOutcome | None]
    note: Mapped[str]


class ArrivalRow(Base):
    """One version of one file or object at one place, from when it was seen to be complete until it is settled.

    `told` is what its sidecars looked like when they were last read; `owner` has it in hand until `expires_at`.
    `outcome` is the state of its recording when it was settled, "gone" if it was taken away before it was read;
    `after` what was then done with it.
    """

    __tablename__ = "arrivals"

    uri: Mapped[str] = mapped_column(primary_key=True)
    version: Mapped[str] = mapped_column(primary_key=True)
    recording_id: Mapped[int | None] = mapped_column(sa.ForeignKey("recordings.id"), index=True)
    told: Mapped[str]
    first_seen_at: Mapped[datetime]
    owner: Mapped[str]
    expires_at: Mapped[datetime | None]
    failures: Mapped[int]
    note: Mapped[str]
    settled_at: Mapped[datetime | None] = mapped_column(index=True)
    outcome: Mapped[str]
    after: Mapped[str]

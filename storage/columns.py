"""What all tables share: the names of constraints, and column types that mean the same on every database."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.orm import DeclarativeBase

from asr.types import Channel, Direction, FindingEffect, FindingKind, RegionKind
from compliance.types import Kind, Scope
from llm.types import AnalysisKind, Sentiment
from storage.types import RecordingState, RunState, TryOutcome


class UtcDateTime(sa.TypeDecorator[datetime]):
    """An aware datetime, kept in UTC; a naive one is refused with ValueError."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Turn an aware datetime into UTC, without its zone where the database cannot keep one."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} has no time zone")
        in_utc = value.astimezone(UTC)
        return in_utc.replace(tzinfo=None) if dialect.name == "sqlite" else in_utc

    def process_result_value(self, value: datetime | None, dialect: sa.Dialect) -> datetime | None:
        """Give back an aware datetime in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


def text_of(members: type[StrEnum]) -> sa.Enum:
    """A column of an enumeration's values, as text."""
    return sa.Enum(
        members,
        native_enum=False,  # a new member then needs no migration
        length=16,
        values_callable=lambda enum: [member.value for member in enum],
    )


class Base(DeclarativeBase):
    """What all tables share: names for constraints, and column types that mean the same on every database."""

    metadata = sa.MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it as it stands
        str: sa.Text(),
        float: sa.Double(),
        datetime: UtcDateTime(),
        Channel: text_of(Channel),
        FindingKind: text_of(FindingKind),
        FindingEffect: text_of(FindingEffect),
        Direction: text_of(Direction),
        RegionKind: text_of(RegionKind),
        RecordingState: text_of(RecordingState),
        RunState: text_of(RunState),
        TryOutcome: text_of(TryOutcome),
        Kind: text_of(Kind),
        Scope: text_of(Scope),
        Sentiment: text_of(Sentiment),
        AnalysisKind: text_of(AnalysisKind),
        dict[str, Any]: sa.JSON(),
        list[Any]: sa.JSON(),
    }


def belongs_to(column: str) -> sa.ForeignKey:
    """A reference to a row with which this one goes."""
    return sa.ForeignKey(column, ondelete="CASCADE")

"""The tables of summaries, and of those that a model is yet to write."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from llm.types import Sentiment
from storage.columns import Base, belongs_to


class SummaryRow(Base):
    """A call in short. `actions` is a list of {"text", "turns"}; the `*_turns` are lists of turn indices.

    `dropped` lists {"field", "faults"}: what a model said and the turns do not bear out, never in its words.
    """

    __tablename__ = "summaries"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    method: Mapped[str]
    reason: Mapped[str | None]
    reason_turns: Mapped[list[Any]]
    outcome: Mapped[str | None]
    outcome_turns: Mapped[list[Any]]
    actions: Mapped[list[Any]]
    categories: Mapped[list[Any]]
    follow_up: Mapped[str | None]
    follow_up_turns: Mapped[list[Any]]
    sentiment: Mapped[Sentiment | None]
    dropped: Mapped[list[Any]]


class SummaryTryRow(Base):
    """That a model's summary of a call is in hand, until `expires_at`, or failed so often, the last time for `note`."""

    __tablename__ = "summary_tries"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    owner: Mapped[str]
    expires_at: Mapped[datetime | None]
    failures: Mapped[int]
    note: Mapped[str]

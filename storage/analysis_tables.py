"""The table of what analyses say of calls."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from llm.types import AnalysisKind
from storage.columns import Base, belongs_to


class AnalysisRow(Base):
    """What an analysis says of a call, or, with `part`, a check of a scorecard. `turns` is a list of turn indices.

    `faults` are those of an answer that was left out, never in its words.
    """

    __tablename__ = "analyses"

    recording_id: Mapped[int] = mapped_column(belongs_to("transcripts.recording_id"), primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True, index=True)
    part: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[AnalysisKind]
    version: Mapped[str]
    method: Mapped[str]
    value: Mapped[float | None]
    answer: Mapped[str | None]
    turns: Mapped[list[Any]]
    faults: Mapped[list[Any]]
    made_at: Mapped[datetime]

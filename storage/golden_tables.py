"""The table of transcripts as people corrected them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Base, belongs_to


class CorrectionRow(Base):
    """What was said in a call as a person heard it, redacted. It goes with the recording's transcript when that is
    erased, and not when it is made anew.

    `turns` is a list of {"speaker", "channel", "text", "start_s"}, of which `start_s` may be null.
    """

    __tablename__ = "corrections"

    recording_id: Mapped[int] = mapped_column(belongs_to("recordings.id"), primary_key=True)
    turns: Mapped[list[Any]]
    words: Mapped[int]
    policy: Mapped[str]
    corrected_at: Mapped[datetime]
    corrected_by: Mapped[str]

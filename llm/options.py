"""What can be set of summaries."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class SummaryOptions(BaseModel):
    """How a call is summarised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["off", "extractive"] = Field(
        "extractive",
        description="What makes the summary; extractive quotes the turns that say reason, outcome and actions.",
        json_schema_extra={"source": "callwright: quoting cannot invent"},
    )

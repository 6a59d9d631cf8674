"""What can be set of storage."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StorageOptions(BaseModel):
    """Where transcripts rest."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    database_url: str = Field(
        "",
        repr=False,
        description="SQLAlchemy URL; empty means callwright.db, an SQLite file in the data folder.",
        json_schema_extra={"source": "callwright", "secret": True},
    )
    objects_dir: str = Field(
        "",
        description="Folder of the rendered transcripts; empty means objects/ in the data folder.",
        json_schema_extra={"source": "callwright"},
    )

"""What can be set of storage."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator


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


MetadataField = Literal[
    "call_id",
    "started_at",
    "time_zone",
    "agent",
    "queue",
    "direction",
    "language",
    "channel_map",
    "consent",
    "pauses",
]
"""What can be told of a call by name; `time_zone` is that of `started_at`."""


class MetadataOptions(BaseModel):
    """Where what is known of a call beside its sound is read from: docs/metadata.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sidecar: str = Field(
        ".json",
        pattern=r"^([^/]*\.json)?$",
        description="Ending of the JSON file beside a recording: after its name without its extension, or with it; "
        "empty means none.",
        json_schema_extra={"source": "callwright: call.json beside call.wav"},
    )
    manifest: str = Field(
        "manifest.csv",
        pattern=r"^([^/]+\.(csv|jsonl))?$",
        description="Name of the file that tells of all recordings in its folder and below, a row each, as CSV or JSON "
        "Lines; empty means none.",
        json_schema_extra={"source": "callwright"},
    )
    manifest_key: str = Field(
        "file",
        min_length=1,
        description="Column of the manifest that holds the recording's file name, or its path from the manifest.",
        json_schema_extra={"source": "callwright"},
    )
    manifest_columns: tuple[str, ...] = Field(
        (),
        description="Names of a CSV manifest's columns, if its first row does not say them.",
        json_schema_extra={"source": "Asterisk's and FreeSWITCH's CSV have no heading"},
    )
    pattern: str = Field(
        "",
        description="Regular expression over a recording's whole file name, whose named groups are fields.",
        json_schema_extra={"source": "none: file names follow no rule that all recorders keep"},
    )
    fields: dict[MetadataField, str] = Field(
        {},
        description="Where sidecars and manifests tell a field, beside under its own name; dots lead into objects, "
        "numbers into lists.",
        json_schema_extra={"source": "none; profiles genesys, amazon-connect, asterisk and freeswitch set it"},
    )
    directions: dict[str, Literal["inbound", "outbound", ""]] = Field(
        {},
        description='Words for a direction, in any case, and what each means: "" leaves it out, "*" is any other.',
        json_schema_extra={"source": "none: inbound and outbound are known"},
    )
    time_format: str = Field(
        "",
        description="How times are written that are neither ISO 8601 nor seconds since 1970, in the terms of strptime.",
        json_schema_extra={"source": "none"},
    )
    time_zone: str = Field(
        "",
        description="Time zone of times that come without one, such as Europe/Berlin; empty means that these are "
        "refused.",
        json_schema_extra={"source": "none: a guess is wrong by hours, and nothing shows it"},
    )
    allow_without_consent: bool = Field(
        False,
        description="Transcribe also what is told to be without consent.",
        json_schema_extra={"source": "GDPR 6(1): consent is one lawful ground of several"},
    )
    keep_unknown: bool = Field(
        True,
        description="Keep what sidecars and manifests tell under names that are not known, as it is, unredacted.",
        json_schema_extra={"source": "callwright"},
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        """Refuse a pattern, time format or zone before it has to be applied."""
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise ValueError(f"pattern is no regular expression: {error}") from error
        try:
            datetime.now().strftime(self.time_format)  # noqa: DTZ005 - only the format matters
        except ValueError as error:
            raise ValueError(f"time_format cannot be used: {error}") from error
        if self.time_zone:
            zone_named(self.time_zone)
        return self


def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ValueError, which does not show the name, if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("time_zone is no IANA time zone such as Europe/Berlin") from error

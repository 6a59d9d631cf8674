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
        description="Folder or s3://bucket/prefix of rendered transcripts; empty means objects/ in the data folder.",
        json_schema_extra={"source": "callwright"},
    )
    encryption: Literal["", "sse-s3", "sse-kms"] = Field(
        "",
        description="How S3 encrypts objects and anchors; empty is as the bucket does it.",
        json_schema_extra={"source": "Amazon S3: buckets encrypt by SSE-S3 unless they say otherwise"},
    )
    kms_key: str = Field(
        "",
        description="Key of KMS for encryption = sse-kms; empty is the account's own for S3.",
        json_schema_extra={"source": "none"},
    )
    lock: Literal["", "governance", "compliance"] = Field(
        "",
        description="Lock objects and anchors in S3 against deletion, in a bucket that was made for it. Erasures then "
        "fail until the lock ends.",
        json_schema_extra={"source": "none: what has to be erased must not be locked"},
    )
    lock_days: int = Field(
        0,
        ge=0,
        description="For so many days from when it is written.",
        json_schema_extra={"source": "none"},
    )
    cold_after_days: int = Field(
        0,
        ge=0,
        description="`callwright objects lifecycle` lets S3 move objects of that age to cold_class; 0 does not.",
        json_schema_extra={"source": "none"},
    )
    cold_class: Literal["STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER_IR"] = Field(
        "STANDARD_IA",
        description="Class of storage of which objects can be read at once.",
        json_schema_extra={"source": "Amazon S3"},
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        """Refuse a lock without an end, and a key that nothing uses, before the first object is written."""
        if bool(self.lock) != bool(self.lock_days):
            raise ValueError("lock and lock_days need each other")
        if self.kms_key and self.encryption != "sse-kms":
            raise ValueError("kms_key is for encryption = sse-kms")
        return self


MetadataField = Literal[
    "call_id",
    "started_at",
    "time_zone",
    "agent",
    "queue",
    "tenant",
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
    tenants: dict[str, str] = Field(
        {},
        description="Whose the recordings below a folder or an s3://bucket/prefix are. The innermost counts, before "
        "what sidecars, manifests and file names tell.",
        json_schema_extra={"source": "none: one tenant needs no name"},
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


class IngestOptions(BaseModel):
    """When a recording is complete, who does it, how often it is tried, and what then becomes of its file."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    complete: Literal["stable", "marker", "rename"] = Field(
        "stable",
        description="When a file in a watched folder is complete: once nothing of it changed for stable_s, or its "
        "marker lies beside it; only with its marker; or as soon as it is there, which is for recorders that rename.",
        json_schema_extra={"source": "callwright: the one that needs nothing of the recorder"},
    )
    stable_s: float = Field(
        5.0,
        ge=0.0,
        description="So long size and time of a file have to stay as they are.",
        json_schema_extra={"source": "callwright: set it above the longest pause between two writes of your recorder"},
    )
    marker: str = Field(
        ".done",
        pattern=r"^\.[^/]+$",
        description="Ending of the marker: call.wav.done or call.done.",
        json_schema_extra={"source": "callwright"},
    )
    sidecar_wait_s: float = Field(
        0.0,
        ge=0.0,
        description="So long a recording waits for a sidecar that is not there yet; for consent that is told there.",
        json_schema_extra={"source": "callwright: most recorders write none"},
    )
    include: tuple[str, ...] = Field(
        (),
        description="Patterns, such as inbound/*.wav, of which a path below the source matches one; none means all "
        "names of recordings.",
        json_schema_extra={"source": "callwright"},
    )
    exclude: tuple[str, ...] = Field(
        ("*.tmp", "*.part", "*.partial"),
        description="Patterns of which a path below the source matches none.",
        json_schema_extra={"source": "callwright: names of what is not complete"},
    )
    poll_s: float = Field(
        10.0,
        gt=0.0,
        description="Time from one look at the sources to the next, when there is nothing to do.",
        json_schema_extra={"source": "callwright"},
    )
    batch_recordings: int = Field(
        256,
        ge=1,
        description="So many recordings are taken in hand at a time, or four groups' audio if that is less.",
        json_schema_extra={"source": "callwright: a run of the flow costs 1.2 s, however much it does"},
    )
    lease_s: float = Field(
        120.0,
        ge=1.0,
        description="So long after it was last heard of a worker's recordings are another's to take.",
        json_schema_extra={"source": "callwright: several missed heartbeats, which come three times as often"},
    )
    max_tries: int = Field(
        3,
        ge=1,
        description="A recording with which a worker died so often, the last time alone, is quarantined.",
        json_schema_extra={"source": "callwright"},
    )
    let_go_s: float = Field(
        600.0,
        ge=0.0,
        description="So long a sweep or an erasure waits for workers to end the group that they have in hand.",
        json_schema_extra={"source": "callwright: a group of batch.group_audio_s on a slow machine"},
    )
    after: Literal["leave", "tag", "move", "delete"] = Field(
        "leave",
        description="What becomes of a file once its recording is published; tag is for S3 alone. Holds and rules of "
        "retention keep it where it is.",
        json_schema_extra={"source": "callwright: nothing is deleted that nobody asked for"},
    )
    move_to: str = Field(
        "",
        description="Folder or s3://bucket/prefix for after = move, outside of what is watched.",
        json_schema_extra={"source": "none"},
    )
    fetch_s: float = Field(
        600.0,
        gt=0.0,
        description="An object that takes longer to come is tried again later.",
        json_schema_extra={"source": "callwright: 4 GB at 7 MB/s"},
    )
    max_receives: int = Field(
        5,
        ge=1,
        description="A message that cannot be read goes to dead_letters, and if none is named stays, after so many.",
        json_schema_extra={"source": "callwright; SQS' own redrive policy may be set to less"},
    )
    dead_letters: str = Field(
        "",
        description="URL of the SQS queue for messages that cannot be read; empty leaves them to the redrive policy.",
        json_schema_extra={"source": "none"},
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        """Refuse a move to nowhere before the first file is to be moved."""
        if self.after == "move" and not self.move_to:
            raise ValueError("after is move, and move_to names no place")
        return self


def zone_named(name: str) -> ZoneInfo:
    """The time zone of an IANA name. Raises ValueError, which does not show the name, if there is none."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:
        raise ValueError("time_zone is no IANA time zone such as Europe/Berlin") from error

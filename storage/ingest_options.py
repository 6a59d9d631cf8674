"""What can be set of how recordings come in."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


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
        64,
        ge=1,
        description="So many recordings are taken in hand at a time.",
        json_schema_extra={"source": "callwright: bounds what lies in the scratch folder"},
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

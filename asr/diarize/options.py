"""What can be set of finding who spoke in a channel that several people share."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from asr.options import Options


class DiarizeOptions(Options):
    """Who spoke when in a mixed channel; where each side has a channel of its own, the channel tells."""

    diarizer: Literal["openvino", "pyannote", "off"] = Field(
        "openvino",
        description="What tells the speakers of a mixed channel apart; pyannote is of the extra torch, off leaves all "
        "words to one speaker, mixed.",
        json_schema_extra={"source": "docs/speakers.md"},
    )
    segmentation_model: str = Field(
        "pyannote-segmentation-3.0",
        description="Id of the model that finds up to three speakers in 10 s.",
        json_schema_extra={"source": "callwright: free, small, and aware of overlap"},
    )
    embedding_model: str = Field(
        "campplus-zh-en",
        description="Id of the model that tells one voice from another.",
        json_schema_extra={"source": "callwright: free, and half of the work of a ResNet with its error rate"},
    )
    within_channels: bool = Field(
        default=False,
        description="Whether to look for a second voice in a side's own channel: a transfer, a conference.",
        json_schema_extra={"source": "docs/speakers.md: off, for what it costs and what it finds wrongly"},
    )
    pyannote_embedding: str = Field(
        "",
        description="Of the diarizer pyannote: a file of ONNX that tells voices apart, for the pipeline from local "
        "files; empty fetches speaker-diarization-community-1 from its hub.",
        json_schema_extra={"source": "docs/speakers.md"},
    )
    exact_speakers: int = Field(
        0,
        ge=0,
        le=20,
        description="How many people speak, where you know it; 0 finds out.",
        json_schema_extra={"source": "callwright"},
    )
    min_speakers: int = Field(
        1,
        ge=1,
        le=20,
        description="At least so many people speak, if so many voices are found at all.",
        json_schema_extra={"source": "callwright"},
    )
    max_speakers: int = Field(
        8,
        ge=1,
        le=20,
        description="At most so many people speak.",
        json_schema_extra={"source": "callwright: a conference call has more, a call to a contact centre has not"},
    )
    step_s: float = Field(
        5.0,
        ge=1.0,
        le=10.0,
        description="From one window of 10 s to the next.",
        json_schema_extra={"source": "docs/speakers.md: 2.5 s takes twice the time and gains nothing"},
    )
    same_voice: float = Field(
        0.35,
        gt=-1.0,
        lt=1.0,
        description="Of three speakers or more, two whose mean cosine is higher are one.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    one_voice: float = Field(
        0.55,
        gt=-1.0,
        le=1.0,
        description="The last two speakers are one if their mean cosine is higher: a call has two sides.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    alone_voice: float = Field(
        0.3,
        gt=-1.0,
        le=1.0,
        description="The same for two who do not take turns, as one person's voice does not who talks alone.",
        json_schema_extra={"source": "docs/speakers.md: chosen on ten calls of both halves"},
    )
    apart: float = Field(
        0.3,
        ge=0.0,
        le=2.0,
        description="Taken off the cosine of two voices that one window holds apart.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    together: float = Field(
        0.1,
        ge=0.0,
        le=2.0,
        description="Added to the cosine of two voices that one window holds for one speaker's.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    sure_s: float = Field(
        1.0,
        ge=0.0,
        description="Voices that are heard for less go to the likeliest of the speakers that the others make.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    active: float = Field(
        0.35,
        gt=0.0,
        lt=1.0,
        description="A speaker talks where the probability of it is higher.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )
    own_voice: float = Field(
        0.3,
        gt=-1.0,
        le=1.0,
        description="In a side's own channel, two speakers are one if their mean cosine is higher.",
        json_schema_extra={"source": "docs/speakers.md: chosen on ten calls of both halves"},
    )
    own_speaker_s: float = Field(
        5.0,
        ge=0.0,
        description="In a side's own channel, a voice that talks less is taken for one of the others.",
        json_schema_extra={"source": "docs/speakers.md: chosen on ten calls of both halves"},
    )
    min_speaker_s: float = Field(
        1.5,
        ge=0.0,
        description="A voice that talks less in a whole call is taken for one of the others.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )

    third_voice_s: float = Field(
        1.5,
        ge=0.0,
        description="A third speaker, or a further one, is one of the others unless one voice of theirs is as long.",
        json_schema_extra={"source": "docs/speakers.md: chosen on every other call"},
    )

    @model_validator(mode="after")
    def _bounds_agree(self) -> Self:
        """Bounds leave a number between them."""
        if self.min_speakers > self.max_speakers:
            raise ValueError(f"min_speakers {self.min_speakers} is over max_speakers {self.max_speakers}")
        return self

    def of_one_side(self) -> Self:
        """The same for a side's own channel, in which one person speaks unless another voice is heard for long."""
        return self.model_copy(
            update={
                "exact_speakers": 0,
                "min_speakers": 1,
                "same_voice": self.own_voice,
                "one_voice": self.own_voice,
                "alone_voice": self.own_voice,
                "min_speaker_s": self.own_speaker_s,
            }
        )

    @property
    def bounds(self) -> tuple[int, int]:
        """The least and the most speakers."""
        return (self.exact_speakers,) * 2 if self.exact_speakers else (self.min_speakers, self.max_speakers)

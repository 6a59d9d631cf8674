"""What can be set of how files are read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import Field, model_validator

from asr.options import Options

Role = Literal["agent", "customer", "mixed", "ignored"]
"""What a channel carries, by `asr.types.Channel`'s names; one that is ignored is not listened to."""

DEFAULT_CHANNEL_MAPS: tuple[tuple[Role, ...], ...] = (("mixed",), ("agent", "customer"))

MOST_CHANNELS = 8
"""Of a recording: what FLAC, Vorbis and AAC hold at most."""

G722_RATE_HZ = 16_000
"""ITU-T G.722 is sampled at 16 kHz, though RTP and some WAV headers say 8,000 (RFC 3551, 4.5.2)."""


class Headerless(Options):
    """What the bytes of a file without a header are; channels are interleaved."""

    codec: Literal["pcm_s16le", "pcm_s16be", "pcm_u8", "mulaw", "alaw", "gsm", "vox", "g722", "g726"]
    sample_rate_hz: int = Field(8_000, ge=4_000, le=48_000)
    channels: int = Field(1, ge=1, le=MOST_CHANNELS)


class DecodeOptions(Options):
    """Which files are accepted and what their channels mean."""

    channel_maps: tuple[tuple[Role, ...], ...] = Field(
        DEFAULT_CHANNEL_MAPS,
        description="What each channel carries: of these lists the one that is as long as a recording has channels. "
        "One and two channels keep their default where no list has that length; any other number needs one.",
        json_schema_extra={"source": "most recorders write the agent first; yours may not"},
    )
    headerless: dict[str, Headerless] = Field(
        {},
        description="How files without a header are read, by their extension in lower case, such as .ulaw; G.726 is at "
        "32 kbit/s in RFC 3551's order of bits.",
        json_schema_extra={"source": "none: bytes without a header do not say what they are"},
    )
    resampler: Literal["soxr", "torchaudio"] = Field(
        "soxr",
        description="What changes the sample rate; torchaudio is of the extra torch.",
        json_schema_extra={"source": "callwright: soxr takes a hundredth of the time of what follows it"},
    )
    min_sample_rate_hz: int = Field(
        4_000,
        ge=1_000,
        description="Recordings with a lower rate are quarantined.",
        json_schema_extra={"source": "callwright: 4 kHz carry sound up to 2 kHz; below that few words are left"},
    )
    min_duration_s: float = Field(
        0.1,
        ge=0.0,
        description="Shorter recordings are quarantined.",
        json_schema_extra={"source": "one Whisper token covers 20 ms; no word fits in less than 100 ms"},
    )
    max_clipped_share: float = Field(
        0.2,
        gt=0.0,
        le=1.0,
        description="A recording with a larger share of samples at full scale, on any channel, is quarantined.",
        json_schema_extra={"source": "callwright: sound speech at telephone level stays under 0.01"},
    )
    check_extension: bool = Field(
        True,
        description="Quarantine a file whose extension names another format than its bytes hold.",
        json_schema_extra={"source": "callwright: a wrong name is most often a wrong file"},
    )
    suppress_crosstalk: bool = Field(
        True,
        description="Where one side can be heard in the other's channel, take it out of it.",
        json_schema_extra={"source": "docs/front-end.md: words that are there twice, with and without"},
    )

    @model_validator(mode="after")
    def _maps_say_one_thing(self) -> Self:
        """Two channels cannot be the same speaker, nor two maps be for the same recordings."""
        for roles in self.channel_maps:
            check_roles(roles)
        if repeated := [n for n, times in Counter(map(len, self.channel_maps)).items() if times > 1]:
            raise ValueError(f"channel_maps holds two lists of length {repeated[0]}")
        return self

    @model_validator(mode="after")
    def _codecs_fit_their_shape(self) -> Self:
        """Codecs that are defined for one rate, or for one channel, are not read as anything else."""
        for extension, form in self.headerless.items():
            if not re.fullmatch(r"\.[a-z0-9_]+", extension):
                raise ValueError(f"headerless '{extension}' is no extension in lower case, such as '.ulaw'")
            if form.codec == "g722" and form.sample_rate_hz != G722_RATE_HZ:
                raise ValueError(f"headerless {extension}: G.722 is always sampled at {G722_RATE_HZ} Hz")
            if form.codec in ("gsm", "vox", "g722", "g726") and form.channels != 1:
                raise ValueError(f"headerless {extension}: {form.codec} has one channel")
        return self


def check_roles(roles: Sequence[str]) -> None:
    """Raise ValueError unless there are at most MOST_CHANNELS, of which one at least is listened to, and each role but
    "ignored" stands once at most."""
    if len(roles) > MOST_CHANNELS:
        raise ValueError(f"a channel map is for at most {MOST_CHANNELS} channels")
    heard = Counter(role for role in roles if role != "ignored")
    if not heard:
        raise ValueError("a channel map ignores every channel")
    if twice := [role for role, times in heard.items() if times > 1]:
        raise ValueError(f"a channel map names {twice[0]} twice")

"""What can be set of each audio stage: one frozen class a stage, defaults written here and nowhere else.

A field's description says what it does; its `source` says where the default comes from. `callwright config
explain KEY` prints both.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Role = Literal["agent", "customer", "mixed", "ignored"]
"""What a channel carries, by `asr.types.Channel`'s names; one that is ignored is not listened to."""

DEFAULT_CHANNEL_MAPS: tuple[tuple[Role, ...], ...] = (("mixed",), ("agent", "customer"))

MOST_CHANNELS = 8
"""Of a recording: what FLAC, Vorbis and AAC hold at most."""

G722_RATE_HZ = 16_000
"""ITU-T G.722 is sampled at 16 kHz, though RTP and some WAV headers say 8,000 (RFC 3551, 4.5.2)."""


class Options(BaseModel):
    """Base of every options class: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


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
        json_schema_extra={"source": "docs/performance.md: words that are there twice, with and without"},
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


class DenoiseOptions(Options):
    """Noise reduction, off unless a measurement on your calls says otherwise."""

    method: Literal["off", "spectral-gate", "spectral-gate-nonstationary", "wiener"] = Field(
        "off",
        description="Noise reduction before recognition; it may cost words as well as save them.",
        json_schema_extra={"source": "callwright: Whisper was trained on noisy speech"},
    )
    max_snr_db: float = Field(
        10.0,
        description="Channels with a better signal-to-noise ratio than this are left alone.",
        json_schema_extra={"source": "callwright: a first rule, to be replaced by your own measurement"},
    )


class LoudnessOptions(Options):
    """One gain for each channel of a call, so that its speech is as loud as speech should be."""

    target_dbov: float = Field(
        -26.0,
        ge=-60.0,
        le=-10.0,
        description="Level of active speech that a channel is brought to, in dB below overload.",
        json_schema_extra={"source": "ITU-T P.56 and G.191: the nominal level of speech in telephone tests"},
    )
    max_gain_db: float = Field(
        40.0,
        ge=0.0,
        le=60.0,
        description="A channel is made louder or fainter by at most this; 0 leaves all as they are.",
        json_schema_extra={"source": "docs/front-end.md: speech 40 dB too faint is found and read again"},
    )
    faint_dbov: float = Field(
        -40.0,
        ge=-70.0,
        le=-20.0,
        description="A channel whose level is lower is made louder before speech is looked for in it.",
        json_schema_extra={"source": "docs/front-end.md: speech found falls off below"},
    )


class VadOptions(Options):
    """Finding speech with Silero VAD."""

    runtime: Literal["openvino", "onnxruntime", "torch"] = Field(
        "openvino",
        description="What runs the detector; torch is Silero's own package, of the extra of that name.",
        json_schema_extra={"source": "docs/performance.md: openvino takes a third of onnxruntime's time"},
    )

    threshold: float = Field(
        0.5,
        gt=0.0,
        lt=1.0,
        description="Speech begins where the probability of speech reaches this.",
        json_schema_extra={"source": "Silero VAD's default"},
    )
    hysteresis: float = Field(
        0.15,
        ge=0.0,
        lt=1.0,
        description="Speech ends where the probability falls this far below the threshold.",
        json_schema_extra={"source": "Silero VAD's default"},
    )
    min_speech_ms: int = Field(
        250,
        ge=0,
        description="Shorter bursts of speech are dropped.",
        json_schema_extra={"source": "Silero VAD's default"},
    )
    min_silence_ms: int = Field(
        2_000,
        ge=0,
        description="Speech on both sides of a shorter pause is one region.",
        json_schema_extra={"source": "faster-whisper's default for its VAD filter"},
    )
    pad_ms: int = Field(
        250,
        ge=0,
        description="Every speech region is widened by this on both sides, half-way at most into a pause.",
        json_schema_extra={"source": "padding of 250 ms is worth 1 to 2.5 points of WER on dialogues (AppTek)"},
    )


class ChunkOptions(Options):
    """Cutting speech into what one engine call sees."""

    max_chunk_s: float = Field(
        30.0,
        gt=1.0,
        le=30.0,
        description="Longest chunk; regions are packed up to it.",
        json_schema_extra={"source": "Whisper's encoder sees exactly 30 s"},
    )
    overlap_s: float = Field(
        3.0,
        ge=0.0,
        lt=15.0,
        description="How much two chunks share where a cut falls inside speech.",
        json_schema_extra={"source": "callwright: longer than any single spoken word or number group"},
    )
    cut_pause_ms: int = Field(
        100,
        ge=32,
        description="A pause this long inside a region is a place to cut without overlap.",
        json_schema_extra={"source": "Silero VAD's min_silence_at_max_speech of 98 ms"},
    )

    @model_validator(mode="after")
    def _overlap_leaves_room(self) -> Self:
        """A chunk must reach further than the one before it by more than what it repeats."""
        if self.overlap_s > self.max_chunk_s / 2:
            raise ValueError(f"overlap_s {self.overlap_s:g} is over half of max_chunk_s {self.max_chunk_s:g}")
        return self


class TranscribeOptions(Options):
    """The engine and how it decodes."""

    engine: Literal["auto", "openvino", "ctranslate2", "onnxruntime", "torch"] = Field(
        "auto",
        description="Runtime for the speech model; auto picks the fastest that this machine can run.",
        json_schema_extra={"source": "callwright"},
    )
    model: str = Field(
        "whisper-base",
        description="Id of the speech model, one of `callwright models list`.",
        json_schema_extra={"source": "callwright: the best text that a CPU budget buys"},
    )
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="Where the model runs; auto takes a CUDA GPU when there is one.",
        json_schema_extra={"source": "callwright"},
    )
    providers: tuple[
        Literal[
            "TensorrtExecutionProvider", "CUDAExecutionProvider", "OpenVINOExecutionProvider", "CPUExecutionProvider"
        ],
        ...,
    ] = Field(
        (),
        description="Execution providers of the engine onnxruntime, in their order; none for what it has and may use.",
        json_schema_extra={"source": "callwright: TensorRT, CUDA, OpenVINO, CPU, from the fastest on"},
    )
    precision: Literal["auto", "int8", "bfloat16", "float16", "int8_float16", "float32"] = Field(
        "auto",
        description="Number format of the model; auto is float16 on a GPU, and on a CPU int8 where a card admits it.",
        json_schema_extra={"source": "docs/performance.md: in int8 Whisper base hears as well as in float32"},
    )
    card: str = Field(
        "",
        description="Card of the model in int8 that `callwright quantise` wrote; empty means the one that is shipped.",
        json_schema_extra={"source": "callwright: int8 is used only where a card proves it on telephone audio"},
    )
    language: str = Field(
        "en",
        pattern="^[a-z]{2,3}$",
        description="Language that is spoken, as Whisper's two-letter code.",
        json_schema_extra={"source": "callwright: a contact centre knows its language; guessing costs words"},
    )
    hotwords: tuple[str, ...] = Field(
        (),
        description="Names and terms of your business that the model is to have read before every chunk.",
        json_schema_extra={"source": "none: each costs a decoder step in every chunk, and is heard where it was not"},
    )
    beam_size: int = Field(
        5,
        ge=1,
        le=10,
        description="Hypotheses kept while decoding.",
        json_schema_extra={"source": "openai/whisper's command line; beam 1 costs 3.6 points of WER on calls"},
    )
    search: Literal["adaptive", "beam", "greedy"] = Field(
        "adaptive",
        description="Beam search for every chunk, for none, or for those whose greedy text is in doubt.",
        json_schema_extra={"source": "docs/performance.md: adaptive has beam search's WER at half of its cost"},
    )
    doubt_below: float = Field(
        -0.25,
        lt=0.0,
        description="A greedy text with a lower mean log-probability is in doubt.",
        json_schema_extra={"source": "the knee of the curve in docs/performance.md"},
    )
    length_penalty: float | None = Field(
        None,
        ge=0.0,
        description="Of a beam's or a sampler's texts the one with the highest log-probability over ((5 + tokens) / 6) "
        "to this power is taken; left out, the one with the highest mean.",
        json_schema_extra={"source": "openai/whisper's length_penalty, which is left out"},
    )
    timestamps: bool = Field(
        False,
        description="Have the model write timestamps around segments, which costs the last words of some chunks; words "
        "get their times from attention all the same.",
        json_schema_extra={"source": "docs/performance.md: off, 61 words of 2,710 are lost, on, 124"},
    )
    condition_on_previous: bool = Field(
        False,
        description="Tell the model, before each chunk, the text of the one before it in the same channel; a chunk may "
        "lose most of its words by it.",
        json_schema_extra={"source": "docs/performance.md: off, 61 words of 2,710 are lost, on, 96"},
    )
    schedule: Literal["static", "continuous"] = Field(
        "static",
        description="Whether a batch is decoded to its end, or a chunk that ends makes room for the next.",
        json_schema_extra={"source": "docs/performance.md: equal in speed, and static holds less memory"},
    )
    temperatures: tuple[float, ...] = Field(
        (0.0, 0.2, 0.4, 0.6, 0.8, 1.0),
        min_length=1,
        description="Tried in order until a chunk's text passes the checks below.",
        json_schema_extra={"source": "openai/whisper's command line"},
    )
    max_compression_ratio: float = Field(
        2.4,
        gt=1.0,
        description="Text that compresses better than this is a loop: try the next temperature.",
        json_schema_extra={"source": "openai/whisper's compression_ratio_threshold"},
    )
    min_mean_logprob: float = Field(
        -1.0,
        lt=0.0,
        description="Text with a lower mean log-probability has failed: try the next temperature.",
        json_schema_extra={"source": "openai/whisper's logprob_threshold"},
    )
    max_no_speech_prob: float = Field(
        0.6,
        gt=0.0,
        le=1.0,
        description="Above this, text with too low a log-probability is taken for silence.",
        json_schema_extra={"source": "openai/whisper's no_speech_threshold"},
    )
    batch_size: int = Field(
        6,
        ge=1,
        le=256,
        description="Chunks, of any calls and channels, that a thread decodes together.",
        json_schema_extra={"source": "callwright: 8 are no faster on CPUs, and take 40 MB more a thread"},
    )
    threads: int = Field(
        0,
        ge=0,
        description="CPU threads in all; 0 takes every core that this process may use.",
        json_schema_extra={"source": "callwright"},
    )
    seed: int = Field(
        20_260_101,
        ge=0,
        description="Seed of the sampler that temperatures above zero use.",
        json_schema_extra={"source": "any number; fixed so that a second run says the same"},
    )


class GuardOptions(Options):
    """Words that nobody said, and speech without words."""

    enabled: bool = Field(
        True,
        description="Remove words that the sound does not bear out; hear chunks again whose text leaves speech out.",
        json_schema_extra={"source": "docs/front-end.md: no word of 24 telephone calls is lost by it"},
    )
    lost_speech_s: float = Field(
        1.5,
        gt=0.0,
        description="A chunk with this much speech in a row that no word accounts for is heard again in two halves.",
        json_schema_extra={"source": "docs/front-end.md: sound texts leave out 0.98 s at most"},
    )


class TurnOptions(Options):
    """Joining words into turns."""

    max_pause_s: float = Field(
        2.0,
        gt=0.0,
        description="A longer pause of one speaker begins a new turn even if nobody else spoke.",
        json_schema_extra={"source": "the VAD's min_silence_ms"},
    )
    correct_swapped: bool = Field(
        False,
        description="Exchange agent and customer where the customer's channel answers the call as an agent does.",
        json_schema_extra={"source": "callwright: a few words are weak evidence, so it is reported and no more"},
    )


class BatchOptions(Options):
    """How recordings are grouped, and how much of their speech is in memory at a time."""

    group_audio_s: float = Field(
        1_200.0,
        gt=0.0,
        description="A group is closed once its recordings hold this much audio.",
        json_schema_extra={"source": "callwright: bounds the work that a kill can cost"},
    )
    portion_speech_s: float = Field(
        1_200.0,
        gt=0.0,
        description="This much speech is read and transcribed at a time, of as many recordings as hold it.",
        json_schema_extra={"source": "callwright: 77 MB; less leaves the last batches emptier"},
    )
    group_recordings: int = Field(
        16,
        ge=1,
        description="A group holds at most this many recordings.",
        json_schema_extra={"source": "callwright"},
    )


class ModelOptions(Options):
    """Where models are kept and which ones are known."""

    cache_dir: str = Field(
        "",
        description="Folder of the fetched models; empty means callwright/models in the user's cache folder.",
        json_schema_extra={"source": "platformdirs' user cache folder"},
    )
    registry: str = Field(
        "",
        description="Path of a models.toml of your own, which adds to the shipped registry or overrides it.",
        json_schema_extra={"source": "callwright"},
    )
    offline: bool = Field(
        False,
        description="Ask no package index, hub or bucket: only folders on this machine are looked in.",
        json_schema_extra={"source": "callwright"},
    )

"""What can be set of each audio stage: one frozen class a stage, defaults written here and nowhere else.

A field's description says what it does; its `source` says where the default comes from. `callwright config
explain KEY` prints both.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Options(BaseModel):
    """Base of every options class: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class DenoiseOptions(Options):
    """Noise reduction, for channels that need it."""

    method: Literal["off", "spectral-gate", "spectral-gate-nonstationary", "wiener"] = Field(
        "wiener",
        description="Noise reduction before recognition, of channels that are noisy by the rule below.",
        json_schema_extra={"source": "docs/front-end.md: of the three methods the one that saves words"},
    )
    max_snr_db: float = Field(
        12.0,
        description="Channels with a better signal-to-noise ratio than this are left alone.",
        json_schema_extra={"source": "docs/front-end.md: up to it words are saved; sound calls have over 24 dB"},
    )


class LoudnessOptions(Options):
    """One gain for each channel of a call whose speech is too faint."""

    target_dbov: float = Field(
        -26.0,
        ge=-60.0,
        le=-10.0,
        description="Level of active speech that a faint channel is brought to, in dB below overload.",
        json_schema_extra={"source": "ITU-T P.56 and G.191: the nominal level of speech in telephone tests"},
    )
    max_gain_db: float = Field(
        40.0,
        ge=0.0,
        le=60.0,
        description="A channel is made louder by at most this; 0 leaves all as they are.",
        json_schema_extra={"source": "docs/front-end.md: speech 40 dB too faint is found and read again"},
    )
    faint_dbov: float = Field(
        -40.0,
        ge=-70.0,
        le=-20.0,
        description="A channel whose level is lower is made louder, and listened to again for its speech.",
        json_schema_extra={"source": "docs/front-end.md: speech found falls off below, and above a gain costs words"},
    )


class VadOptions(Options):
    """Finding speech with Silero VAD."""

    runtime: Literal["openvino", "onnxruntime", "torch"] = Field(
        "openvino",
        description="What runs the detector; torch is Silero's own package, of the extra of that name.",
        json_schema_extra={"source": "docs/front-end.md: openvino takes 2.7 times less time than onnxruntime"},
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
    schedule: Literal["static", "dynamic", "continuous"] = Field(
        "static",
        description="A batch is decoded to its end, and goes when it is full or no more can come; or, dynamic, also "
        "after batch_wait_s; or, continuous, a chunk that ends makes room for the next.",
        json_schema_extra={"source": "docs/performance.md: equal in speed, and static holds less memory"},
    )
    batch_wait_s: float = Field(
        0.5,
        ge=0.0,
        description="How long the first chunk of a batch waits for others, where schedule is dynamic.",
        json_schema_extra={"source": "callwright: little beside the seconds that a batch takes"},
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
    torch_compile: bool = Field(
        False,
        description="Have the engine torch compile the model with torch.compile, which takes a C++ compiler.",
        json_schema_extra={"source": "callwright: the engine torch is there to compare with, eager as it comes"},
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
        64,
        ge=1,
        description="A group holds at most this many recordings.",
        json_schema_extra={"source": "callwright: a task costs as much for 64 as for one (docs/ingest.md)"},
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

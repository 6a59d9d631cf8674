"""What can be set of summaries and of the language model that may make them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

DialectName = Literal["json_schema", "json_object", "structured_outputs", "guided_json", "tgi", "gbnf", "text"]


class SummaryOptions(BaseModel):
    """How a call is summarised."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: Literal["off", "extractive", "model"] = Field(
        "extractive",
        description="What makes the summary: extractive quotes the turns that say reason, outcome and actions; model "
        "asks the language model of [llm], and quotes until it has answered.",
        json_schema_extra={"source": "callwright: quoting cannot invent"},
    )
    preset: str = Field(
        "factual",
        min_length=1,
        description="Which of llm.presets the model is asked with.",
        json_schema_extra={"source": "callwright"},
    )
    concurrency: int = Field(
        8,
        ge=1,
        le=256,
        description="Calls that are asked about at once.",
        json_schema_extra={"source": "docs/summaries.md; a server that batches takes more, llama.cpp's as many as -np"},
    )


class AnalysisOptions(BaseModel):
    """What is asked of every call."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(
        "",
        description="Path of your categories, scorecards and questions; empty means configs/analysis.toml.",
        json_schema_extra={"source": "callwright: docs/analysis.md"},
    )


class Sampling(BaseModel):
    """How a model picks its words, and how many it may write."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    temperature: float = Field(0.1, ge=0.0, le=2.0)
    top_p: float = Field(0.9, gt=0.0, le=1.0)
    presence_penalty: float = Field(0.0, ge=-2.0, le=2.0)
    max_tokens: int = Field(700, ge=16, le=32_768)


PRESETS = {
    "factual": Sampling(),
    "greedy": Sampling(temperature=0.0, top_p=1.0),
    "brief": Sampling(temperature=0.2, presence_penalty=0.3, max_tokens=300),
}


class LlmOptions(BaseModel):
    """The language model: a server that speaks OpenAI's chat protocol, or a GGUF file of this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    base_url: str = Field(
        "",
        pattern=r"^(https?://[^\s@]+)?$",
        description="Where the server's paths begin, with /v1; vLLM, TGI, Ollama, TensorRT-LLM and llama.cpp all have "
        "them. Empty means llm.gguf.",
        json_schema_extra={"source": "none: nothing is asked that you did not name"},
    )
    api_key: str = Field(
        "",
        repr=False,
        description="Sent as a bearer token; empty means none. Best set by CALLWRIGHT_LLM__API_KEY.",
        json_schema_extra={"source": "none", "secret": True},
    )
    model: str = Field(
        "",
        description="The model's name at the server; empty means the first that it lists.",
        json_schema_extra={"source": "callwright"},
    )
    gguf: str = Field(
        "",
        description="A model for llama.cpp on this machine, of the extra llama: a GGUF file, or an id of models list. "
        "Used if llm.base_url is empty.",
        json_schema_extra={"source": "none"},
    )
    context_tokens: int = Field(
        4_096,
        ge=512,
        description="Tokens that question and answer may have together; longer calls are asked about in parts.",
        json_schema_extra={"source": "callwright: what small machines keep in memory; set it to what your server has"},
    )
    kv_cache: Literal["f16", "q8_0", "q4_0"] = Field(
        "f16",
        description="Precision of llama.cpp's memory of the context, for llm.gguf.",
        json_schema_extra={"source": "llama.cpp's default"},
    )
    threads: int = Field(
        0,
        ge=0,
        description="Threads for llm.gguf; 0 means the physical cores that this process may use.",
        json_schema_extra={"source": "llama.cpp: two threads on one core wait for each other"},
    )
    dialect: Literal["auto", DialectName] = Field(
        "auto",
        description="How the server is held to a JSON schema; auto tries all and remembers.",
        json_schema_extra={"source": "docs/summaries.md"},
    )
    timeout_s: float = Field(
        120.0,
        gt=0.0,
        description="One answer in all, however it trickles.",
        json_schema_extra={"source": "callwright: 700 tokens at 6 a second, a large model on a CPU"},
    )
    max_tries: int = Field(
        4,
        ge=1,
        le=20,
        description="How often one question is asked when the server fails or its answer cannot be read.",
        json_schema_extra={"source": "callwright"},
    )
    max_wait_s: float = Field(
        60.0,
        ge=0.0,
        description="Longest wait between two tries, whatever the server asks for by Retry-After.",
        json_schema_extra={"source": "callwright"},
    )
    presets: dict[str, Sampling] = Field(
        PRESETS,
        description="Named ways to pick words; what you name is added to these.",
        json_schema_extra={"source": "callwright: facts want low temperatures"},
    )

    @field_validator("presets")
    @classmethod
    def _shipped_presets_stay(cls, named: dict[str, Sampling]) -> dict[str, Sampling]:
        """One that is named beside the shipped ones does not take them away."""
        return {**PRESETS, **named}

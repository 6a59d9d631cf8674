"""Every stage's options in one frozen value, and what can be said of each key.

Defaults, ranges and descriptions are written in the options classes alone; this file reads them from there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import NoneType
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from asr.diarize.options import DiarizeOptions
from asr.files.options import DecodeOptions
from asr.options import (
    BatchOptions,
    ChunkOptions,
    DenoiseOptions,
    GuardOptions,
    LoudnessOptions,
    ModelOptions,
    TranscribeOptions,
    TurnOptions,
    VadOptions,
)
from compliance.options import AuditOptions, RedactionOptions, RetentionOptions, VaultOptions
from configs.options import (
    CostOptions,
    MetricsOptions,
    PromotionOptions,
    QualityOptions,
    ScheduleOptions,
    ServiceOptions,
)
from llm.options import AnalysisOptions, LlmOptions, SummaryOptions
from storage.options import IngestOptions, MetadataOptions, StorageOptions

_NOT_OF_THE_TEXT = (
    *("storage", "metadata", "ingest", "batch", "vault", "retention", "audit", "quality", "service", "schedules"),
    *("promotion", "metrics", "costs"),
    *("redact.audio", "redact.audio_format", "redact.proof", "redact.proof_context_s", "redact.proof_share"),
    *("models.cache_dir", "models.offline", "transcribe.threads"),
    *("analysis", "llm", "summarise.preset", "summarise.concurrency"),
)
"""Sections and keys that say where and how fast, never which words: left out of the fingerprint. What metadata change
in a transcript, its channels and pauses, is kept with its call."""


UNSET = "(unset)"


class Settings(BaseModel):
    """All that can be set. Frozen; unknown sections and keys are errors, which never show values."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    decode: DecodeOptions = Field(default_factory=DecodeOptions)
    denoise: DenoiseOptions = Field(default_factory=DenoiseOptions)
    loudness: LoudnessOptions = Field(default_factory=LoudnessOptions)
    vad: VadOptions = Field(default_factory=VadOptions)
    chunk: ChunkOptions = Field(default_factory=ChunkOptions)
    transcribe: TranscribeOptions = Field(default_factory=TranscribeOptions)
    guards: GuardOptions = Field(default_factory=GuardOptions)
    diarize: DiarizeOptions = Field(default_factory=DiarizeOptions)
    turns: TurnOptions = Field(default_factory=TurnOptions)
    redact: RedactionOptions = Field(default_factory=RedactionOptions)
    summarise: SummaryOptions = Field(default_factory=SummaryOptions)
    analysis: AnalysisOptions = Field(default_factory=AnalysisOptions)
    llm: LlmOptions = Field(default_factory=LlmOptions)
    storage: StorageOptions = Field(default_factory=StorageOptions)
    metadata: MetadataOptions = Field(default_factory=MetadataOptions)
    ingest: IngestOptions = Field(default_factory=IngestOptions)
    vault: VaultOptions = Field(default_factory=VaultOptions)
    retention: RetentionOptions = Field(default_factory=RetentionOptions)
    audit: AuditOptions = Field(default_factory=AuditOptions)
    batch: BatchOptions = Field(default_factory=BatchOptions)
    models: ModelOptions = Field(default_factory=ModelOptions)
    quality: QualityOptions = Field(default_factory=QualityOptions)
    service: ServiceOptions = Field(default_factory=ServiceOptions)
    schedules: ScheduleOptions = Field(default_factory=ScheduleOptions)
    promotion: PromotionOptions = Field(default_factory=PromotionOptions)
    metrics: MetricsOptions = Field(default_factory=MetricsOptions)
    costs: CostOptions = Field(default_factory=CostOptions)


@dataclass(frozen=True, slots=True)
class Key:
    """What its options class says of one setting; `default` is as plain() gives it."""

    section: str
    name: str
    default: object
    allowed: str
    description: str
    source: str
    secret: bool
    textual: bool

    @property
    def path(self) -> str:
        """Section and name, as in "vad.threshold"."""
        return f"{self.section}.{self.name}"


def known_keys() -> dict[str, Key]:
    """Every setting by its path, in the order of Settings."""
    return {
        f"{section}.{name}": _key(section, name, field)
        for section, options in sections().items()
        for name, field in options.model_fields.items()
    }


def sections() -> dict[str, type[BaseModel]]:
    """The options class of every section, in the order of Settings."""
    return {
        section: field.annotation
        for section, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)
    }


def plain(settings: Settings) -> dict[str, object]:
    """Every setting's value by its path, in the terms of JSON: texts, numbers, booleans, lists, and None if unset."""
    return {
        f"{section}.{name}": value
        for section, values in settings.model_dump(mode="json").items()
        for name, value in values.items()
    }


def fingerprint(settings: Settings) -> str:
    """16 hex digits that are the same for settings that give the same transcripts.

    The head of the SHA-256 of canonical JSON (sorted keys, no spaces) of all but _NOT_OF_THE_TEXT.
    """
    values = {
        path: _without_negative_zero(value)
        for path, value in plain(settings).items()
        if path not in _NOT_OF_THE_TEXT and path.partition(".")[0] not in _NOT_OF_THE_TEXT
    }
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def toml_value(value: object) -> str:
    """A JSON-like value as TOML: texts, numbers, booleans and lists are written alike, bar DEL; None is "(unset)"."""
    if value is None:
        return UNSET
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_value(name)} = {toml_value(held)}" for name, held in value.items()) + "}"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def toml_line(name: str, value: object) -> str:
    """A key and its value as a line of TOML; a comment where there is no value, since TOML has none for that."""
    return f"{'# ' if value is None else ''}{name} = {toml_value(value)}"


def _without_negative_zero(value: object) -> object:
    """The value, with 0.0 for -0.0, which is equal to it but is written in another way."""
    if isinstance(value, list):
        return [_without_negative_zero(item) for item in value]
    return value + 0.0 if isinstance(value, float) else value


def _key(section: str, name: str, field: FieldInfo) -> Key:
    extra: Mapping[str, object] = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    default = field.get_default(call_default_factory=False)
    return Key(
        section=section,
        name=name,
        default=to_jsonable_python(default),
        allowed=_allowed(field.annotation, field.metadata),
        description=field.description or "",
        source=str(extra.get("source", "")),
        secret=bool(extra.get("secret", False)),
        textual=isinstance(default, str),
    )


def _allowed(annotation: object, metadata: Iterable[object]) -> str:
    """The allowed values in words, from a field's type and limits."""
    if NoneType in (choices := get_args(annotation)):
        return f"{_allowed(next(choice for choice in choices if choice is not NoneType), metadata)}, or left out"
    limits = [words for rule in metadata if (words := _limit(rule))]
    if get_origin(annotation) is dict:
        return f"table of {_allowed(choices[0], ())} to {_entry(choices[1])}"
    if get_origin(annotation) is tuple:
        items = get_args(annotation)
        if items[-1] is Ellipsis:
            return f"{' '.join(['list', *limits])}: {_allowed(items[0], ())}"
        return f"list of {len(items)}: {_allowed(items[0], ())}"
    members = annotation if isinstance(annotation, type) and issubclass(annotation, StrEnum) else ()
    if choices := choices if get_origin(annotation) is Literal else tuple(member.value for member in members):
        return " | ".join(toml_value(choice) for choice in choices)
    names: dict[object, str] = {bool: "true | false", int: "whole number", float: "number", str: "text"}
    name = names.get(annotation, str(annotation))
    return ", ".join([name, *limits])


def _entry(annotation: object) -> str:
    """What each entry of a table takes."""
    if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return _allowed(annotation, ())
    return ", ".join(
        f"{name} ({_allowed(field.annotation, field.metadata)})" for name, field in annotation.model_fields.items()
    )


def _limit(rule: object) -> str:
    """One limit of a field in words; empty for what is not a limit."""
    match rule:
        case Ge(bound):
            return f">= {bound}"
        case Gt(bound):
            return f"> {bound}"
        case Le(bound):
            return f"<= {bound}"
        case Lt(bound):
            return f"< {bound}"
        case MinLen(length):
            return f"of at least {length}"
    pattern = getattr(rule, "pattern", None)
    return f"matching {pattern}" if pattern else ""

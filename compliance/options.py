"""What can be set of redaction."""

from __future__ import annotations

import re
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compliance.marks import ACTIONS, LAST_FOUR_LENGTHS
from compliance.policies import POLICIES


class RedactionOptions(BaseModel):
    """Which entities are removed."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    policy: Literal["pci", "pii", "phi", "all"] = Field(
        "all",
        description="Named set of entity types to remove: payment cards, identity, health, or everything.",
        json_schema_extra={"source": "PCI DSS 3.3, GDPR 4(1), HIPAA 164.514(b)(2)"},
    )
    ner_model: str = Field(
        "spacy-en-core-web-sm",
        description="Id of the model that finds names and places, one of `callwright models list`.",
        json_schema_extra={"source": "callwright: the smallest of spaCy's English pipelines"},
    )
    min_score: float = Field(
        0.4,
        ge=0.0,
        le=1.0,
        description="Presidio's findings with a lower score are ignored.",
        json_schema_extra={"source": "presidio: patterns without context score from 0.05 to 0.3"},
    )
    confidence_floor: float = Field(
        0.3,
        ge=0.0,
        le=1.0,
        description="Words inside a number that the recogniser was less sure of are taken for digits misheard.",
        json_schema_extra={"source": "callwright: in doubt inside a number, remove"},
    )
    actions: tuple[str, ...] = Field(
        (),
        description='What stands for an entity, as "ENTITY=action": remove leaves its name, mask four stars, tag a '
        "number that is the same for the same words of a call, last_four the last four digits of a whole number.",
        json_schema_extra={"source": "PCI DSS 3.4.1: the last four digits of a card may show"},
    )
    patterns: tuple[str, ...] = Field(
        (),
        description='Own entities under every policy, as "NAME=regular expression" over the words of a turn.',
        json_schema_extra={"source": "callwright"},
    )
    second_reader: bool = Field(
        False,
        description="Have the language model of [llm] read what the recognisers left, and remove what it finds there "
        "word for word. A call is not published before it was read.",
        json_schema_extra={"source": "docs/redaction.md: it adds and never puts back, and costs a question for a call"},
    )

    audio: Literal["off", "beep", "silence"] = Field(
        "off",
        description="Whether a redacted copy of the recording is kept, and what stands in it for what was removed.",
        json_schema_extra={"source": "docs/decisions/0010: a copy is as large as its source"},
    )
    audio_format: Literal["source", "flac", "opus"] = Field(
        "source",
        description="Format of the copy: the source's own where it can be written, else FLAC; or one of these.",
        json_schema_extra={"source": "callwright: what played the source plays its copy"},
    )
    proof: str = Field(
        "whisper-tiny.en",
        min_length=1,
        description="What hears the copy beside the engine: another model's id, or beam, its own with all beams.",
        json_schema_extra={"source": "docs/redaction.md: what each finds, and what it costs"},
    )
    proof_context_s: float = Field(
        2.0,
        ge=0.5,
        le=15.0,
        description="Seconds of speech before and after each removal that are heard again; for names and keys half.",
        json_schema_extra={
            "source": "tests/external/test_sound.py: with 1.5 s half a card that was left in on purpose is missed"
        },
    )
    proof_share: float = Field(
        0.02,
        ge=0.0,
        le=1.0,
        description="Share of the calls of which all that is left is heard again, chosen by their SHA-256.",
        json_schema_extra={"source": "callwright: a sample, for what lies beside no removal"},
    )

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        entities = POLICIES["all"] | own_patterns(self.patterns).keys()
        for entity, action in pairs(self.actions).items():
            if entity not in entities:
                raise ValueError(f"actions names {entity}, which is none of {', '.join(sorted(entities))}")
            if action not in ACTIONS:
                raise ValueError(f"{entity}={action} is no action; use one of {', '.join(ACTIONS)}")
            if action == "last_four" and entity not in LAST_FOUR_LENGTHS:
                raise ValueError(f"last_four cannot be had for {entity}, only for {', '.join(LAST_FOUR_LENGTHS)}")
        return self


class VaultOptions(BaseModel):
    """Whether anything unredacted is kept, and how."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    keep: tuple[Literal["transcript", "audio"], ...] = Field(
        (),
        description="What is kept unredacted, encrypted in the vault, but for security codes: as shipped nothing.",
        json_schema_extra={"source": "GDPR 5(1)(c); PCI DSS 3.3.1.2 forbids security codes"},
    )
    master_key: str = Field(
        "",
        description="Where the master key is: file:PATH, env:VARIABLE or kms:KEY, an id or ARN of AWS KMS.",
        json_schema_extra={"source": "PCI DSS 3.6.1: keys lie apart from what they protect"},
    )
    folder: str = Field(
        "",
        description="Folder of the vault; empty means vault/ in the data folder. Backups leave out keys/ in it.",
        json_schema_extra={"source": "callwright"},
    )


class RetentionOptions(BaseModel):
    """What is deleted when."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str = Field(
        "",
        description="Path of your rules; empty means configs/retention.toml, which deletes no call.",
        json_schema_extra={"source": "GDPR 5(1)(e), PCI DSS 3.2.1"},
    )
    source: Literal["delete", "move"] = Field(
        "delete",
        description="What a sweep does with source audio over its time; erasure on request always deletes.",
        json_schema_extra={"source": "callwright"},
    )
    move_to: str = Field(
        "",
        description="Folder, or s3://bucket/prefix for what lies in S3, that source audio is moved to.",
        json_schema_extra={"source": "callwright"},
    )


class AuditOptions(BaseModel):
    """What proves that the audit trail and certificates are as they were written."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    signing_key: str = Field(
        "",
        description="Ed25519 key, PEM, of certificates and anchors; empty means keys/signing.pem in the data folder, "
        "made when first needed.",
        json_schema_extra={"source": "RFC 8032; `callwright keys new` makes one"},
    )
    anchors: str = Field(
        "",
        description="Folder or s3://bucket/prefix of signed anchors; empty means anchors/ in the data folder.",
        json_schema_extra={"source": "PCI DSS 10.3.3: where the database's owner cannot write"},
    )


def pairs(texts: tuple[str, ...]) -> dict[str, str]:
    """What stands before and after the first "=" of each text. Raises ValueError for one that has none."""
    for text in texts:
        if "=" not in text:
            raise ValueError("an item has no =, as in PERSON=tag")
    return {name.strip(): value.strip() for name, _, value in (text.partition("=") for text in texts)}


def own_patterns(texts: tuple[str, ...]) -> dict[str, re.Pattern[str]]:
    """Compiled patterns by entity. Raises ValueError for a bad name or expression, without quoting it."""
    compiled = {}
    for name, pattern in pairs(texts).items():
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
            raise ValueError(f"pattern {name}: a name has capitals, figures and _ alone")
        try:
            compiled[name] = re.compile(pattern, re.IGNORECASE)
        except re.error as error:
            raise ValueError(f"pattern {name} is no regular expression: {error.msg}") from error
    return compiled

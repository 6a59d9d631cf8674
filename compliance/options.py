"""What can be set of redaction."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


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

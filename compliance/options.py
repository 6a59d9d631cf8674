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

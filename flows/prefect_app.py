"""Prefect's server, whose schedules make runs: docs/decisions/0013-schedules-fire.md."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from prefect.server.api.server import create_app as prefects_app
from prefect.server.database import orm_models


def create_app() -> FastAPI:
    """The app that Prefect starts itself, for `uvicorn --factory`.

    SQLAlchemy 2.1 refuses to insert many rows at once that come with a computed attribute, and Prefect 3.8 hands its
    own over with every run that it schedules. They are passed over, as SQLAlchemy 2.0 did.
    """
    attributes: Iterable[Any] = orm_models.FlowRun.__mapper__.all_orm_descriptors
    for attribute in attributes:
        if attribute.extension_type.name == "HYBRID_PROPERTY" and attribute.bulk_dml_setter is None:
            attribute.bulk_dml_setter = _pass_over
    return prefects_app()


def _pass_over(_model: type, _row: dict[str, Any], _value: object) -> None:
    """What is computed is in no column."""

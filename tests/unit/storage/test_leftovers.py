"""Objects that were announced and never published, on SQLite."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from storage.types import Publication
from tests import left_behind


@pytest.mark.parametrize("scene", left_behind.SCENES, ids=lambda scene: scene.__name__)
def test_what_was_left_behind(
    scene: Callable[..., None], engine: sa.Engine, make_call: Callable[..., Publication]
) -> None:
    scene(left_behind.Scene(engine), make_call())

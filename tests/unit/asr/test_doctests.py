"""The examples in docstrings hold."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

import asr.scoring.errors
import asr.spans
import asr.timebase


@pytest.mark.parametrize("module", [asr.timebase, asr.scoring.errors, asr.spans], ids=["timebase", "scoring", "spans"])
def test_examples_hold(module: ModuleType) -> None:
    results = doctest.testmod(module)
    assert results.attempted >= 2
    assert results.failed == 0

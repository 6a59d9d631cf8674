"""What the engine does when memory runs out, and what it counts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from asr.engines.base import EngineInfo
from asr.engines.openvino import OpenvinoNetwork
from asr.engines.openvino import load as load_openvino
from asr.errors import RetryableError
from asr.options import TranscribeOptions
from asr.types import Samples
from asr.whisper.engine import WhisperEngine
from asr.whisper.network import Batch

INFO = EngineInfo("openvino", "whisper-tiny.en", "0" * 64, "int8")


class Narrow:
    """A real network in which there is memory for a few windows only."""

    def __init__(self, network: OpenvinoNetwork, most: int) -> None:
        self.dimensions = network.dimensions
        self._network = network
        self._most = most

    def batch(self, slots: int, positions: int) -> Batch:
        if slots > self._most:
            raise RetryableError("no memory", "a smaller batch")
        return self._network.batch(slots, positions)


@pytest.fixture(scope="module")
def engine(whisper_dir: Path) -> WhisperEngine:
    options = TranscribeOptions(temperatures=(0.0,), search="greedy")
    loaded = load_openvino(whisper_dir, INFO, "cpu", options, 1)
    assert isinstance(loaded, WhisperEngine)
    return loaded


def _narrow(engine: WhisperEngine, most: int) -> WhisperEngine:
    network = engine._network
    assert isinstance(network, OpenvinoNetwork)
    return WhisperEngine(Narrow(network, most), engine._tokenizer, INFO, engine._options, 1)


@pytest.fixture(scope="module")
def tones() -> list[Samples]:
    at_s = np.arange(48_000) / 16_000
    return [(0.2 * np.sin(2 * np.pi * pitch * at_s)).astype(np.float32) for pitch in (200, 300, 400, 500, 600)]


def test_a_batch_is_halved_when_memory_runs_out_and_the_work_goes_on(
    engine: WhisperEngine, tones: list[Samples]
) -> None:
    narrow = _narrow(engine, 2)
    heard = narrow.transcribe(tones)
    whole = engine.transcribe(tones)
    assert [[w.text for w in h.words] for h in heard] == [[w.text for w in h.words] for h in whole]
    assert narrow.statistics.halved == 1  # from five slots to two


def test_without_memory_for_one_window_the_error_comes_through(engine: WhisperEngine, tones: list[Samples]) -> None:
    with pytest.raises(RetryableError):
        _narrow(engine, 0).transcribe(tones)


def test_all_seconds_are_told_once_and_windows_are_counted(engine: WhisperEngine, tones: list[Samples]) -> None:
    fresh = _narrow(engine, 8)
    told: list[float] = []
    fresh.transcribe([*tones, np.zeros(0, np.float32)], told.append)
    assert sum(told) == pytest.approx(15.0)
    counted = fresh.statistics
    assert (counted.windows, counted.searches) == (5, [5, 0])
    assert counted.positions == 5 * 750  # 3 s are heard as 15
    assert counted.padding == 5 * 600
    assert 0 < counted.effort.useful <= counted.effort.total
    assert counted.effort.encode_s > 0 < counted.effort.decode_s

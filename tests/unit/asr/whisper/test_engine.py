"""What the engine does when memory runs out, and what it counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.engines.base import EngineInfo
from asr.engines.openvino import OpenvinoBatch, OpenvinoNetwork, build
from asr.errors import RetryableError
from asr.options import TranscribeOptions
from asr.types import Samples
from asr.whisper.engine import WhisperEngine
from asr.whisper.network import Batch, Network, Scores, Step

INFO = EngineInfo("openvino", "whisper-tiny.en", "0" * 64, "int8")


class Narrow:
    """A real network in which there is memory for a few windows only."""

    def __init__(self, network: OpenvinoNetwork, most: int) -> None:
        self.dimensions = network.dimensions
        self.weight_bytes = network.weight_bytes
        self._network = network
        self._most = most

    def batch(self, slots: int, positions: int) -> Batch:
        if slots > self._most:
            raise RetryableError("no memory", "a smaller batch")
        return self._network.batch(slots, positions)


class Leaking:
    """A real network whose memory runs out a few steps into a batch of more windows than there is memory for."""

    def __init__(self, network: Network, most: int) -> None:
        self.dimensions = network.dimensions
        self.weight_bytes = network.weight_bytes
        self._network = network
        self._most = most

    def batch(self, slots: int, positions: int) -> Batch:
        batch = self._network.batch(slots, positions)
        return Bounded(batch, 5) if slots > self._most else batch


class Bounded:
    """A real batch that has memory for a few steps."""

    def __init__(self, batch: Batch, steps: int) -> None:
        self._batch = batch
        self._left = steps

    def encode(self, features: NDArray[np.float32]) -> Any:
        return self._batch.encode(features)

    def hear(self, slot: int, encoded: Any) -> None:
        self._batch.hear(slot, encoded)

    def keep(self, slots: Sequence[int]) -> None:
        self._batch.keep(slots)

    def step(self, step: Step) -> Scores:
        self._left -= 1
        if self._left < 0:
            raise RetryableError("no memory", "a smaller batch")
        return self._batch.step(step)


@pytest.fixture(scope="module")
def engine(whisper_dir: Path) -> WhisperEngine:
    options = TranscribeOptions(temperatures=(0.0,), search="greedy")
    return build(whisper_dir, INFO, options, 1, {})


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
    assert len(counted.window_s) == 5
    assert 0 < counted.effort.useful <= counted.effort.total
    assert counted.effort.encode_s > 0 < counted.effort.decode_s


def _texts(engine: WhisperEngine, batch: Sequence[Samples]) -> list[list[str]]:
    return [[word.text for word in heard.words] for heard in engine.transcribe(batch)]


@pytest.mark.parametrize("schedule", ["static", "dynamic", "continuous"])
def test_memory_that_runs_out_in_the_middle_of_a_text_costs_no_text(
    engine: WhisperEngine, tones: list[Samples], schedule: str
) -> None:
    network, tokenizer = engine._network, engine._tokenizer
    options = engine._options.model_copy(update={"schedule": schedule})
    leaking = WhisperEngine(Leaking(network, 1), tokenizer, INFO, options, 1)
    told: list[float] = []
    leaking.transcribe(tones, told.append)
    assert sum(told) == pytest.approx(15.0)
    counted = leaking.statistics
    assert counted.halved > 0
    assert (counted.windows, counted.searches) == (5, [5, 0])
    assert _texts(leaking, tones) == _texts(engine, tones)


@pytest.mark.parametrize("most", [1, 2, 3, 4])
def test_however_little_memory_there_is_every_window_is_searched_once(
    engine: WhisperEngine, tones: list[Samples], most: int
) -> None:
    narrow = _narrow(engine, most)
    assert _texts(narrow, tones) == _texts(engine, tones)
    assert narrow.statistics.searches == [5, 0]
    assert (narrow.statistics.windows, narrow.statistics.positions) == (5, 5 * 750)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_window_is_told_when_it_is_settled_and_not_before(
    engine: WhisperEngine, tones: list[Samples], workers: int
) -> None:
    """Tones are in doubt: they are searched with one beam, with several, and at last sampled."""
    options = TranscribeOptions(beam_size=2, temperatures=(0.0, 0.6), max_no_speech_prob=1.0, min_mean_logprob=-1e-9)
    searching = WhisperEngine(engine._network, engine._tokenizer, INFO, options, workers)
    told: list[float] = []
    searching.transcribe(tones, told.append)
    assert sum(told) == pytest.approx(15.0)
    counted = searching.statistics
    assert counted.windows == 5
    assert counted.searches[0] == 5
    assert 5 <= counted.searches[1] <= 10
    assert counted.halved == 0
    assert len(counted.window_s) == 5


def test_a_window_is_encoded_once_however_often_it_is_searched(
    engine: WhisperEngine, tones: list[Samples], monkeypatch: pytest.MonkeyPatch
) -> None:
    encoded: list[int] = []
    encode = OpenvinoBatch.encode

    def counted(batch: OpenvinoBatch, features: NDArray[np.float32]) -> NDArray[Any]:
        encoded.append(features.shape[1])
        return encode(batch, features)

    monkeypatch.setattr(OpenvinoBatch, "encode", counted)
    # Whatever is found first is in doubt.
    options = engine._options.model_copy(update={"search": "adaptive", "doubt_below": -1e-9})
    searching = WhisperEngine(engine._network, engine._tokenizer, INFO, options, 1)
    searching.transcribe(tones)
    assert searching.statistics.searches == [5, 5]
    assert encoded == [1_500] * 5


@pytest.mark.parametrize("schedule", ["static", "dynamic", "continuous"])
def test_a_window_costs_what_passes_until_its_text_is_found(
    engine: WhisperEngine, tones: list[Samples], schedule: str
) -> None:
    """At least its own share of the steps, at most all of the time; and with each search that it goes through, more."""
    options = engine._options.model_copy(update={"schedule": schedule, "batch_size": 2})
    fresh = WhisperEngine(engine._network, engine._tokenizer, INFO, options, 1)
    began_s = time.perf_counter()
    fresh.transcribe(tones)
    took_s = time.perf_counter() - began_s
    window_s, effort = fresh.statistics.window_s, fresh.statistics.effort
    assert len(window_s) == 5
    assert all(0.0 < one_s < took_s for one_s in window_s)
    # Two at a time: each second is in the cost of one window or of two.
    assert sum(window_s) <= 2 * took_s
    assert sum(window_s) >= 0.9 * (effort.encode_s + effort.decode_s)


def test_an_engine_tells_the_size_of_its_weights(whisper_dir: Path, engine: WhisperEngine) -> None:
    """Of int8 with a scale for each row less than of what was published, in float16."""
    published = (whisper_dir / "model.bin").stat().st_size
    precise = build(whisper_dir, replace(INFO, precision="float32"), engine._options, 1, {})
    assert 0.5 * published < engine.weight_bytes < published
    assert precise.weight_bytes == pytest.approx(2 * published, rel=0.05)


def test_a_window_is_heard_to_the_half_second_after_its_tail(engine: WhisperEngine) -> None:
    """Never as less than 15 s, nor as more than 30 s."""
    at_s = np.arange(30 * 16_000) / 16_000
    tone = (0.2 * np.sin(2 * np.pi * 300 * at_s)).astype(np.float32)
    for length_s, heard_s in ((1.0, 15.0), (14.0, 15.0), (14.2, 15.5), (20.0, 21.0), (29.5, 30.0), (30.0, 30.0)):
        fresh = _narrow(engine, 8)
        fresh.transcribe([tone[: int(16_000 * length_s)]])
        assert fresh.statistics.positions == 50 * heard_s
        assert fresh.statistics.padding == pytest.approx(50 * (heard_s - length_s), abs=1)


def test_silence_is_told_too(engine: WhisperEngine, tones: list[Samples]) -> None:
    told: list[float] = []
    engine.transcribe([tones[0], np.zeros(32_000, np.float32), tones[1][:800]], told.append)
    assert sum(told) == pytest.approx(5.05)


def test_a_text_that_is_taken_for_silence_is_told_to_be_one(engine: WhisperEngine, tones: list[Samples]) -> None:
    options = TranscribeOptions(temperatures=(0.0,), max_no_speech_prob=1e-9, min_mean_logprob=-1e-9)
    doubting = WhisperEngine(engine._network, engine._tokenizer, INFO, options, 1)
    for heard, believed in zip(doubting.transcribe(tones), engine.transcribe(tones), strict=True):
        assert heard.words == ()
        assert heard.is_silenced == bool(heard.compression_ratio != 1.0)
        assert not (believed.words and believed.is_silenced)
    assert not engine.transcribe([np.zeros(32_000, np.float32)])[0].is_silenced


def test_nothing_is_told_of_nothing(engine: WhisperEngine) -> None:
    told: list[float] = []
    assert engine.transcribe([], told.append) == []
    assert sum(told) == 0.0

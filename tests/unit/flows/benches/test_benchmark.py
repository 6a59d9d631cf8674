"""What a benchmark is asked for, and what it says where that cannot be."""

from __future__ import annotations

import doctest
import json
import shutil
from pathlib import Path

import pytest

from asr.errors import ConfigError, FatalError
from asr.scoring.errors import EditErrors, interval
from flows.benches import benchmark
from flows.benches.benchmark import Latency, compare, find_calls, references
from flows.benches.contestants import check

ROOT = Path(__file__).parents[4]


@pytest.mark.parametrize("name", ["openvino", "openvino:beam", "ctranslate2:greedy", "faster-whisper-batched:16"])
def test_systems_are_engines_with_a_search_and_peers(name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", ["", "openvin", "openvino:bem", "faster-whisper:8", "faster-whisper-batched:many"])
def test_an_unknown_system_is_refused_before_any_runs(name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown system .* Known are the engines openvino, ctranslate2"):
        compare([], ["openvino", name], [], 1, lambda *_: pytest.fail("something ran"))


def test_a_folder_without_calls_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"there are no \.wav files"):
        find_calls(tmp_path)
    with pytest.raises(ConfigError, match="is no folder"):
        find_calls(tmp_path / "nowhere")


def test_a_call_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests/broken_audio/empty.wav", tmp_path / "empty.wav")
    with pytest.raises(FatalError, match=r"openvino failed: .*empty\.wav"):
        compare(find_calls(tmp_path), ["openvino"], ["transcribe.model=whisper-tiny.en"], 1, lambda *_: None)


def test_a_call_is_measured_against_what_lies_beside_it(tmp_path: Path) -> None:
    for suffix in (".wav", ".json"):
        shutil.copy(ROOT / f"sample_audio/wrong_number{suffix}", tmp_path)
    (one,) = compare(find_calls(tmp_path), ["openvino"], ["transcribe.model=whisper-tiny.en"], 1, lambda *_: None)
    assert one.words.total.reference_length > 100
    assert one.words.total.rate < 0.2
    assert one.characters.total.reference_length > 4 * one.words.total.reference_length
    assert one.characters.total.rate < one.words.total.rate
    assert one.heard_words > 100
    assert one.facts["effort"]["useful"] > 0
    assert set(one.stage_s) == {"decode, resample, VAD", "mel", "encoder", "decoder", "alignment", "merge"}
    assert min(one.stage_s.values()) > 0.0
    assert one.latency is not None
    assert one.latency.windows == one.facts["windows"]
    assert 0.0 < one.latency.p50_ms <= one.latency.p95_ms <= one.latency.p99_ms <= one.latency.max_ms
    assert one.latency.max_ms <= 1_000 * one.wall_s
    assert 30 < one.weights_mb < 100


def test_examples_in_docstrings_hold() -> None:
    assert doctest.testmod(benchmark) == (0, 2)


def test_latencies_of_one_window_are_its_own() -> None:
    assert Latency.of([0.25]) == Latency(1, 250.0, 250.0, 250.0, 250.0)


def test_without_a_reference_every_word_is_invented(tmp_path: Path) -> None:
    call = tmp_path / "call.wav"
    assert references(call, 2) == ["", ""]
    call.with_suffix(".json").write_text(json.dumps({"turns": [{"channel": 1, "text": "Hello, two pizzas!"}]}))
    assert references(call, 2) == ["", "hello 2 pizzas"]


def test_the_interval_holds_the_rate_and_narrows_with_more_calls() -> None:
    few = [EditErrors(1, 0, 0, 10), EditErrors(3, 0, 0, 10)]
    low, high = interval(few, 1)
    assert low <= 0.2 <= high
    narrow = interval(few * 50, 1)
    assert narrow[1] - narrow[0] < high - low
    assert interval([], 1) == (0.0, 0.0)

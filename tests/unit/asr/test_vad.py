"""Silero VAD against its own window-by-window model, and the rule from probabilities to spans."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from numpy.typing import NDArray

from asr.decode import decode, identify
from asr.errors import ModelError
from asr.files.options import DecodeOptions
from asr.options import ChunkOptions, VadOptions
from asr.regions import find_speech
from asr.resample import resample
from asr.spans import join, pad
from asr.timebase import to_seconds
from asr.types import Span
from asr.vad import WINDOW, SileroVad, speech_spans

SAMPLE_AUDIO = Path(__file__).parents[3] / "sample_audio"


@pytest.fixture(scope="module")
def detector(vad_model_path: Path) -> SileroVad:
    return SileroVad(vad_model_path)


@pytest.fixture(scope="module")
def agent() -> NDArray[np.float32]:
    """The agent's channel of a sample call, 45 s at 16 kHz."""
    audio = decode(identify(SAMPLE_AUDIO / "wrong_number.wav"), DecodeOptions())
    return resample(audio.samples[0], audio.sample_rate_hz)


def _window_by_window(model_path: Path, samples: NDArray[np.float32]) -> NDArray[np.float32]:
    session = onnxruntime.InferenceSession(str(model_path), providers=["CPUExecutionProvider"])
    context, state = np.zeros((1, 64), np.float32), np.zeros((2, 1, 128), np.float32)
    rate = np.array(16_000, np.int64)
    found = []
    for first in range(0, len(samples), WINDOW):
        window = np.zeros((1, WINDOW), np.float32)
        window[0, : len(samples) - first] = samples[first : first + WINDOW]
        inputs = {"input": np.concatenate([context, window], axis=1), "state": state, "sr": rate}
        probability, state = session.run(None, inputs)
        found.append(float(probability[0, 0]))
        context = window[:, -64:]
    return np.array(found, np.float32)


def test_sequences_give_what_single_windows_give(
    detector: SileroVad, vad_model_path: Path, agent: NDArray[np.float32]
) -> None:
    # Not a whole number of windows.
    samples = agent[: 20 * 16_000 + 100]
    alone = _window_by_window(vad_model_path.with_name("silero_vad_16k_op15.onnx"), samples)
    assert np.abs(detector.probabilities(samples) - alone).max() < 1e-3


def test_the_state_is_carried_from_block_to_block(
    detector: SileroVad, vad_model_path: Path, agent: NDArray[np.float32], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = detector.probabilities(agent)
    monkeypatch.setattr("asr.vad._BLOCK", 100)
    assert np.abs(SileroVad(vad_model_path).probabilities(agent) - whole).max() < 1e-4


@pytest.mark.parametrize("size", [100, WINDOW, 10_007])
def test_a_channel_heard_in_blocks_of_any_size_is_the_whole_channel(
    detector: SileroVad, agent: NDArray[np.float32], size: int
) -> None:
    samples = agent[: 5 * 16_000 + 77]
    listening = detector.listen()
    found = [listening.hear(samples[at : at + size]) for at in range(0, len(samples), size)]
    assert np.abs(np.concatenate([*found, listening.end()]) - detector.probabilities(samples)).max() < 1e-4


def test_silence_and_noise_are_no_speech(detector: SileroVad) -> None:
    noise = 0.05 * np.random.default_rng(2).standard_normal(10 * 16_000)
    assert detector.probabilities(np.zeros(160_000, np.float32)).max() < 0.1
    assert detector.probabilities(noise.astype(np.float32)).max() < 0.5


def test_probabilities_cover_the_channel(detector: SileroVad) -> None:
    for n_samples, n_windows in ((0, 0), (1, 1), (WINDOW, 1), (WINDOW + 1, 2)):
        found = detector.probabilities(np.zeros(n_samples, np.float32))
        assert found.shape == (n_windows,)
        assert found.dtype == np.float32


def test_speech_of_a_sample_call_is_found_where_it_was_spoken(detector: SileroVad, agent: NDArray[np.float32]) -> None:
    """The reference spans of the call, as its RTTM file has them."""
    spoken = np.zeros(len(agent), bool)
    for line in (SAMPLE_AUDIO / "wrong_number.rttm").read_text().splitlines():
        fields = line.split()
        if fields[7] == "agent":
            start_s, lasts_s = float(fields[3]), float(fields[4])
            spoken[int(start_s * 16_000) : int((start_s + lasts_s) * 16_000)] = True
    found = np.zeros(len(agent), bool)
    probabilities = detector.probabilities(agent)
    speech = find_speech(probabilities, len(agent), VadOptions(), ChunkOptions())
    for region in speech.regions:
        found[region.start : region.stop] = True
    assert spoken.any()
    assert (found & spoken).sum() / spoken.sum() > 0.99
    bursts = to_seconds(sum(map(len, speech.bursts)))
    assert 0.7 < bursts / to_seconds(int(spoken.sum())) < 1.3


def test_what_is_no_model_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"no model")
    with pytest.raises(ModelError, match="models get silero-vad"):
        SileroVad(tmp_path / "model.onnx")


def _spans(levels: str, **options: float) -> list[tuple[int, int]]:
    """Spans in windows, of levels in tenths: "0990" is a window of speech in two windows of silence."""
    probabilities = np.array([int(level) / 10 for level in levels], np.float32)
    vad = VadOptions(**{"min_speech_ms": 0, **options})
    found = speech_spans(probabilities, len(levels) * WINDOW, 64, vad)
    return [(span.start // WINDOW, span.stop // WINDOW) for span in found]


def test_speech_begins_at_the_threshold_and_ends_below_the_lower_one() -> None:
    assert _spans("00599400004000") == [(2, 6)]
    assert _spans("0009000") == [(3, 4)]


def test_a_pause_between_the_thresholds_does_not_end_speech_but_prolongs_silence() -> None:
    assert _spans("0944449000") == [(1, 7)]
    assert _spans("0924440000") == [(1, 2)]


def test_a_short_pause_is_bridged_and_a_short_burst_dropped() -> None:
    assert _spans("0990990000") == [(1, 6)]
    assert _spans("0990000099999999900", min_speech_ms=250) == [(8, 17)]


def test_speech_that_lasts_to_the_end_ends_there() -> None:
    assert _spans("0099") == [(2, 4)]
    assert _spans("") == []


def test_speech_ends_in_silence_however_low_the_threshold_is() -> None:
    assert _spans("0900000", threshold=0.1, hysteresis=0.15) == [(1, 2)]


def test_padding_takes_half_of_a_short_gap_each() -> None:
    spans = (Span(100, 200), Span(231, 300))
    assert pad(spans, 50, 320) == (Span(50, 215), Span(216, 320))
    assert pad((), 50, 320) == ()
    assert join(spans, 31) == spans
    assert join(spans, 32) == (Span(100, 300),)


@pytest.mark.parametrize(("n_windows", "is_speech"), [(3, False), (8, True)])
def test_a_region_is_speech_by_what_is_spoken_in_it_and_not_by_its_length(n_windows: int, *, is_speech: bool) -> None:
    """Windows a second apart, as a leak leaves them, lie in one region for their pauses are short."""
    probabilities = np.full(400, 0.01, np.float32)
    probabilities[20 : 20 + 31 * n_windows : 31] = 0.9
    found = find_speech(probabilities, 400 * WINDOW, VadOptions(), ChunkOptions())
    assert (len(found.regions), len(found.bursts)) == ((1, n_windows) if is_speech else (0, 0))


_LOOKED_UP = """
import sys
from pathlib import Path
import numpy as np
from asr.vad import SileroVad
when, version = [], np.lib.NumpyVersion
np.lib.NumpyVersion = lambda text: (when.append(len(loaded)), version(text))[1]
loaded = []
loaded.append(SileroVad(Path(sys.argv[1])))
loaded[0].probabilities(np.zeros(200 * 512, np.float32))
print(when)
"""


def test_a_process_whose_first_two_channels_are_heard_at_once_does_not_hang(vad_model_path: Path) -> None:
    """OpenVINO looks numpy up once, and two threads that do so at the same time lock each other out: it has to happen
    while the model is loaded, and not while channels are listened to."""
    line = [sys.executable, "-c", _LOOKED_UP, str(vad_model_path)]
    assert subprocess.run(line, capture_output=True, text=True, timeout=60, check=True).stdout == "[0]\n"

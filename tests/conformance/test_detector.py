"""What every runtime of the speech detector does, on real speech: one suite for all of them."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from asr.decode import decode, identify
from asr.errors import ConfigError
from asr.files.options import DecodeOptions
from asr.options import ChunkOptions, VadOptions
from asr.regions import find_speech
from asr.resample import resample
from asr.types import Samples
from asr.vad import WINDOW, SpeechDetector, load_detector

CALL = Path(__file__).parents[2] / "sample_audio" / "wrong_number.wav"

TOLERANCE = 1e-3
"""What probabilities may differ by from the default's."""


@pytest.fixture(scope="module")
def agent() -> Samples:
    """20 s of the agent's channel of a sample call, not a whole number of windows."""
    audio = decode(identify(CALL), DecodeOptions())
    return resample(audio.samples[0], audio.sample_rate_hz)[: 20 * 16_000 + 100]


@pytest.fixture(scope="module", params=["openvino", "onnxruntime", "torch"])
def detector(request: pytest.FixtureRequest, vad_model_path: Path) -> SpeechDetector:
    if request.param == "torch" and not find_spec("silero_vad"):
        pytest.skip("the extra torch is not installed: make test-torch")
    return load_detector(vad_model_path, request.param, 2)


def _heard(detector: SpeechDetector, samples: Samples, size: int) -> np.ndarray:
    listening = detector.listen()
    blocks = [listening.hear(samples[at : at + size]) for at in range(0, len(samples), size)]
    return np.concatenate([*blocks, listening.end()])


def test_its_probabilities_are_the_defaults(detector: SpeechDetector, vad_model_path: Path, agent: Samples) -> None:
    default = _heard(load_detector(vad_model_path, "openvino", 2), agent, len(agent))
    found = _heard(detector, agent, len(agent))
    assert (found.dtype, found.shape) == (np.float32, (-(-len(agent) // WINDOW),))
    assert np.abs(found - default).max() < TOLERANCE
    speech = [find_speech(one, len(agent), VadOptions(), ChunkOptions()) for one in (found, default)]
    assert speech[0] == speech[1]
    assert speech[0].bursts


def test_blocks_of_any_size_are_the_whole_channel(detector: SpeechDetector, agent: Samples) -> None:
    samples = agent[: 5 * 16_000 + 77]
    whole = _heard(detector, samples, len(samples))
    for size in (100, WINDOW, 10_007):
        assert np.abs(_heard(detector, samples, size) - whole).max() < 1e-4


def test_two_channels_at_a_time_do_not_hear_each_other(detector: SpeechDetector, agent: Samples) -> None:
    alone = _heard(detector, agent, 30_000)
    one, other = detector.listen(), detector.listen()
    found = []
    for at in range(0, len(agent), 30_000):
        found.append(one.hear(agent[at : at + 30_000]))
        other.hear(-agent[: 10_000 + at])
    assert np.abs(np.concatenate([*found, one.end()]) - alone).max() < 1e-4


def test_nothing_is_no_window(detector: SpeechDetector) -> None:
    listening = detector.listen()
    assert listening.hear(np.zeros(0, np.float32)).shape == (0,)
    assert listening.end().shape == (0,)


@pytest.mark.skipif(find_spec("silero_vad") is not None, reason="the extra torch is installed")
def test_without_torch_the_remedy_is_told(vad_model_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"\.\[torch\]"):
        load_detector(vad_model_path, "torch", 2)

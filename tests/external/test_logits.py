"""Our graph against CTranslate2's own, both in float32, on the same 30 s of a sample call."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import ctranslate2
import numpy as np
import pytest
from numpy.typing import NDArray

from asr.decode import decode, identify
from asr.engines.base import EngineInfo
from asr.engines.openvino import build
from asr.files.options import DecodeOptions
from asr.options import TranscribeOptions
from asr.resample import resample
from asr.whisper.mel import log_mel
from asr.whisper.network import Step
from asr.whisper.tokenizer import WhisperTokenizer

CALL = Path(__file__).parents[2] / "sample_audio" / "wrong_number.wav"


def _features() -> NDArray[np.float32]:
    audio = decode(identify(CALL), DecodeOptions())
    return log_mel(resample(audio.samples[0], audio.sample_rate_hz)[: 30 * 16_000])


def _normalised(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max()
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


def _ours(folder: Path, precision: str, features: NDArray[np.float32], tokens: list[int]) -> list[NDArray[np.float32]]:
    """The log-probabilities after each token."""
    engine = build(folder, EngineInfo("openvino", "whisper", "", precision), TranscribeOptions(), 1, {})
    batch = engine._network.batch(1, 1_500)
    batch.hear(0, batch.encode(features))
    found = []
    for position, token in enumerate(tokens):
        scores = batch.step(Step(np.array([token]), np.array([position]), np.array([0])))
        found.append(_normalised(scores.logits(0)))
    return found


@pytest.mark.parametrize(
    ("model", "precision", "bound"),
    [("whisper_dir", "float32", 2e-4), ("whisper_base_dir", "float32", 2e-4), ("whisper_base_dir", "int8", 1.5)],
)
def test_log_probabilities_are_those_of_ctranslate2(
    model: str, precision: str, bound: float, request: pytest.FixtureRequest
) -> None:
    """The largest difference over all tokens that have any chance (one in a million), at every step of a text."""
    folder: Path = request.getfixturevalue(model)
    features = _features()
    tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", "en")
    prompt = [*tokenizer.prompt, tokenizer.no_timestamps]
    theirs = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="float32")
    (result,) = theirs.generate(
        ctranslate2.StorageView.from_array(features[None]),
        [prompt],
        beam_size=1,
        return_logits_vocab=True,
        suppress_blank=False,
        suppress_tokens=[],
        max_length=len(prompt) + 60,
    )
    text = list(result.sequences_ids[0])
    assert len(text) >= 20
    ours = _ours(folder, precision, features, [*prompt, *text[:-1]])[len(prompt) - 1 :]
    assert _apart(ours, [np.array(logits) for logits in result.logits[0]]) < bound


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # whisper leaves its vocabulary's file open.
@pytest.mark.skipif(not find_spec("whisper"), reason="the extra torch is not installed: make test-torch")
@pytest.mark.parametrize("model", ["whisper_dir", "whisper_base_dir"])
def test_log_probabilities_are_those_of_openai(model: str, request: pytest.FixtureRequest) -> None:
    """The reference implementation, PyTorch in float32, on the text that it finds itself."""
    import torch
    from whisper.decoding import DecodingOptions
    from whisper.decoding import decode as decoded

    from asr.whisper.weights import load_weights
    from flows.benches.reference import openai_model

    folder: Path = request.getfixturevalue(model)
    features = _features()
    reference = openai_model(load_weights(folder))
    mel = torch.from_numpy(features)
    text = decoded(reference, mel, DecodingOptions(language="en", without_timestamps=True, fp16=False)).tokens
    assert len(text) >= 20
    tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", "en")
    tokens = [*tokenizer.prompt, tokenizer.no_timestamps, *text]
    with torch.inference_mode():
        logits = reference(mel[None], torch.tensor([tokens]))[0].numpy()
    assert _apart(_ours(folder, "float32", features, tokens), list(logits)) < 2e-4


def _apart(ours: list[NDArray[np.float32]], theirs: list[NDArray[np.float32]]) -> float:
    """The largest difference over all tokens that have any chance, at every step."""
    apart = 0.0
    for mine, logits in zip(ours, theirs, strict=False):
        reference = _normalised(logits)
        apart = max(apart, float(np.abs(mine - reference)[reference > np.log(1e-6)].max()))
    return apart

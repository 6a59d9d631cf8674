"""pyannote.audio's own pipeline from local files, with an embedding that is made up: it knows no voices, so that where
somebody talks is all that can be right. Needs the extra torch."""

from __future__ import annotations

from base64 import b64decode
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from asr.decode import decode, identify
from asr.diarize.loading import load_diarizer
from asr.diarize.options import DiarizeOptions
from asr.diarize.rttm import read_rttm
from asr.errors import ConfigError
from asr.files.options import DecodeOptions
from asr.resample import resample
from asr.timebase import to_samples
from asr.types import Span

SAMPLES = Path(__file__).parents[2] / "sample_audio"

EMBEDDING = b64decode(
    "CAgSADpyCjUKBWZlYXRzEgRlbWJzIghSZWR1Y2VMMioLCgRheGVzQAGgAQcqDwoIa2VlcGRpbXMYAKABAhIBZVodCgVmZWF0cxIUChIIARIOCgMSAWIK"
    "AxIBdAoCCFBiFwoEZW1icxIPCg0IARIJCgMSAWIKAghQQgQKABAN"
)
"""A file of ONNX: `embs` (b, 80) are the root of the sum of squares of `feats` (b, t, 80) over time."""

pytestmark = [
    pytest.mark.skipif(find_spec("torch") is None, reason="the extra torch is not installed"),
    # Of pyannote.audio and what it brings, when they are imported.
    pytest.mark.filterwarnings("ignore"),
]


def loaded(segmentation: Path, embedding: Path) -> Any:
    options = DiarizeOptions(diarizer="pyannote", pyannote_embedding=str(embedding), exact_speakers=2)
    return load_diarizer([segmentation], options, 1)


def test_a_call_goes_through_files_alone(
    segmentation_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    embedding = tmp_path / "wespeaker.onnx"
    embedding.write_bytes(EMBEDDING)
    audio = decode(identify(SAMPLES / "bank.wav"), DecodeOptions())
    sound = resample(audio.samples.mean(axis=0), audio.sample_rate_hz)
    half = len(sound) // 2
    found = loaded(segmentation_dir, embedding).diarize(iter(np.array_split(sound, 7)), [Span(0, half)])
    assert {one.speaker for one in found} == {0, 1}
    assert found[0].speaker == 0
    assert found == tuple(sorted(found, key=lambda one: one.span.start))
    truth, told = np.zeros((2, len(sound)), bool)
    for one in read_rttm((SAMPLES / "bank.rttm").read_text()):
        truth[to_samples(one.start_s) : to_samples(one.end_s)] = True
    for one in found:
        told[one.span.start : one.span.stop] = True
    assert not told[half:].any()
    assert (truth == told)[:half].mean() > 0.9


def test_a_file_that_the_pipeline_would_not_take_is_refused(segmentation_dir: Path, tmp_path: Path) -> None:
    other = tmp_path / "campplus.onnx"
    other.write_bytes(EMBEDDING)
    with pytest.raises(ConfigError, match="wespeaker"):
        loaded(segmentation_dir, other)
    with pytest.raises(ConfigError, match="wespeaker"):
        loaded(segmentation_dir, tmp_path / "wespeaker.onnx")

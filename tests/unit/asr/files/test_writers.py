from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.errors import RetryableError
from asr.files.writers import Format, flac_for, format_like, open_writer

WRITTEN = [
    *(("WAV", codec, "wav") for codec in ("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW")),
    ("WAV", "GSM610", "wav"), ("WAV", "IMA_ADPCM", "wav"), ("WAV", "MS_ADPCM", "wav"),
    ("WAVEX", "PCM_16", "wav"), ("RF64", "PCM_16", "wav"), ("FLAC", "PCM_16", "flac"),
    ("MP3", "MPEG_LAYER_III", "mp3"), ("OGG", "VORBIS", "ogg"), ("OGG", "OPUS", "opus"),
]  # fmt: skip


@pytest.mark.parametrize(("container", "codec", "kind"), WRITTEN)
def test_a_copy_has_the_format_and_the_samples_of_its_source(
    container: str, codec: str, kind: str, tmp_path: Path
) -> None:
    source, copy = tmp_path / f"source.{kind}", tmp_path / f"copy.{kind}"
    noise = np.random.default_rng(3).normal(0.0, 0.05, 40_123).clip(-0.9, 0.9)
    soundfile.write(source, noise, 8_000, format=container, subtype=codec)
    read, _ = soundfile.read(source, dtype="float32", always_2d=True)
    form = format_like(container, codec, 8_000, "source")
    assert form == Format(kind, container, codec)
    with open_writer(copy, form, 8_000, 1) as write:
        for at in range(0, len(read), 9_000):
            write(np.ascontiguousarray(read[at : at + 9_000].T))
    assert soundfile.info(copy).frames == soundfile.info(source).frames
    assert soundfile.info(copy).subtype == codec


@pytest.mark.parametrize(
    ("container", "codec", "rate_hz", "wish", "written"),
    [
        ("AMR", "AMR_NB", 8_000, "source", ("FLAC", "PCM_24")),
        ("WAV", "ADPCM_G722", 16_000, "source", ("FLAC", "PCM_24")),
        ("WAV", "ULAW", 8_000, "flac", ("FLAC", "PCM_16")),
        ("WAV", "ULAW", 8_000, "opus", ("OGG", "OPUS")),
        ("WAV", "PCM_16", 11_025, "opus", ("FLAC", "PCM_16")),
        ("MATROSKA", "OPUS", 48_000, "source", ("FLAC", "PCM_24")),
    ],
)
def test_what_cannot_be_written_is_flac(
    container: str, codec: str, rate_hz: int, wish: str, written: tuple[str, str]
) -> None:
    form = format_like(container, codec, rate_hz, wish)  # type: ignore[arg-type]
    assert (form.container, form.codec) == written


def test_a_file_that_cannot_be_written_is_to_be_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "missing" / "x.flac"
    with (
        pytest.raises(RetryableError, match=r"x\.flac cannot be written"),
        open_writer(path, flac_for("ULAW"), 8_000, 1),
    ):
        pass

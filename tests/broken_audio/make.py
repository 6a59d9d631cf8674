"""Make the broken recordings of this folder: `python tests/broken_audio/make.py [--out DIR]`.

Each file is wrong in one way (README.md says in which), lasts a second or two where it lasts at
all, and comes out the same on every run. numpy and soundfile are all that is needed.
"""

from __future__ import annotations

import argparse
import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

HERE = Path(__file__).resolve().parent
SEED = 20250
SAMPLE_RATE_HZ = 8000
DURATION_S = 1.0
WAV_HEADER_BYTES = 44
"""Bytes before the samples in a plain PCM WAV: RIFF (12), fmt (24) and data (8) chunk headers."""

Samples = NDArray[np.float64]


def speech_like(duration_s: float, sample_rate_hz: int) -> Samples:
    """A voiced buzz with syllables: harmonics of 120 Hz under an envelope of 4 Hz, shape (n,)."""
    rng = np.random.default_rng(SEED)
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    pitch_hz = 120.0 + 8.0 * np.sin(2.0 * np.pi * 1.5 * time_s)
    phase = 2.0 * np.pi * np.cumsum(pitch_hz) / sample_rate_hz
    harmonics = range(1, int(0.45 * sample_rate_hz / 130.0))
    buzz = sum((np.sin(n * phase + rng.uniform(0, 2 * np.pi)) / n for n in harmonics), 0.0 * phase)
    syllables = 0.5 - 0.5 * np.cos(2.0 * np.pi * 4.0 * time_s)
    signal = buzz * syllables + 0.01 * rng.standard_normal(len(time_s))
    return np.asarray(0.4 * signal / np.max(np.abs(signal)))


def encoded(
    signal: Samples,
    sample_rate_hz: int = SAMPLE_RATE_HZ,
    container: str = "WAV",
    subtype: str = "PCM_16",
) -> bytes:
    """An audio file as bytes; signal has shape (n,) or (n, channels)."""
    buffer = io.BytesIO()
    soundfile.write(buffer, signal, sample_rate_hz, format=container, subtype=subtype)
    return buffer.getvalue()


def empty() -> bytes:
    """No bytes at all."""
    return b""


def truncated_header() -> bytes:
    """The first 20 bytes of a WAV: the fmt chunk has begun and says nothing."""
    return encoded(speech_like(DURATION_S, SAMPLE_RATE_HZ))[:20]


def zero_length() -> bytes:
    """A whole header and no samples."""
    return encoded(np.zeros(0))


def one_sample() -> bytes:
    """A valid WAV of one sample."""
    return encoded(np.array([0.25]))


def nan() -> bytes:
    """A float WAV with a tenth of a second of NaN in it."""
    signal = speech_like(DURATION_S, SAMPLE_RATE_HZ)
    signal[4000:4800] = np.nan
    data = signal.astype("<f4").tobytes()
    # By hand: libsndfile puts the time of day into a float WAV (its PEAK chunk).
    float_format, channels, bytes_each = 3, 1, 4
    fmt = struct.pack(
        "<HHIIHH",
        float_format,
        channels,
        SAMPLE_RATE_HZ,
        SAMPLE_RATE_HZ * bytes_each,
        bytes_each,
        8 * bytes_each,
    )
    chunks = b"WAVE" + _wav_chunk(b"fmt ", fmt) + _wav_chunk(b"data", data)
    return _wav_chunk(b"RIFF", chunks)


def _wav_chunk(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + data


def seven_channels() -> bytes:
    """A valid mu-law WAV with seven channels."""
    signal = speech_like(DURATION_S, SAMPLE_RATE_HZ)
    return encoded(np.stack([signal * gain for gain in np.linspace(1.0, 0.1, 7)], axis=1), subtype="ULAW")


def silent() -> bytes:
    """Two channels of digital silence."""
    return encoded(np.zeros((round(2 * DURATION_S * SAMPLE_RATE_HZ), 2)), subtype="ULAW")


def clipped() -> bytes:
    """Speech-like sound driven 60 dB too hot: most samples are at full scale."""
    signal = speech_like(2 * DURATION_S, SAMPLE_RATE_HZ)
    return encoded(np.clip(signal * 1000.0, -1.0, 1.0))


def text() -> bytes:
    """A text file named .wav."""
    return b"This is a note about a recording, not the recording.\n" * 20


def wrong_extension() -> bytes:
    """A FLAC file named .mp3."""
    return encoded(speech_like(DURATION_S, SAMPLE_RATE_HZ), container="FLAC")


def three_khz() -> bytes:
    """A valid WAV at 3 kHz, too low for telephone speech."""
    return encoded(speech_like(2 * DURATION_S, 3000), sample_rate_hz=3000)


def truncated_data() -> bytes:
    """A WAV whose header promises ten times the samples that follow it."""
    whole = encoded(speech_like(DURATION_S, SAMPLE_RATE_HZ))
    promised = 10 * (len(whole) - WAV_HEADER_BYTES)
    riff_size = struct.pack("<I", promised + WAV_HEADER_BYTES - 8)
    data_size = struct.pack("<I", promised)
    return whole[:4] + riff_size + whole[8:40] + data_size + whole[WAV_HEADER_BYTES:]


def picture() -> bytes:
    """A PNG of 32 x 32 grey pixels named .wav."""
    rows = b"".join(b"\0" + bytes((8 * x) % 256 for x in range(32)) for _ in range(32))
    header = struct.pack(">IIBBBBB", 32, 32, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(name, data) for name, data in chunks)


def _png_chunk(name: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(name + data))
    return struct.pack(">I", len(data)) + name + data + checksum


MAKERS: dict[str, Callable[[], bytes]] = {
    "empty.wav": empty,
    "truncated_header.wav": truncated_header,
    "zero_length.wav": zero_length,
    "one_sample.wav": one_sample,
    "nan.wav": nan,
    "seven_channels.wav": seven_channels,
    "silent.wav": silent,
    "clipped.wav": clipped,
    "text.wav": text,
    "wrong_extension.mp3": wrong_extension,
    "three_khz.wav": three_khz,
    "truncated_data.wav": truncated_data,
    "picture.wav": picture,
}


def main(arguments: list[str] | None = None) -> None:
    """Write every broken file and print its size."""
    parser = argparse.ArgumentParser(description="Make the broken recordings.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write into")
    out: Path = parser.parse_args(arguments).out
    out.mkdir(parents=True, exist_ok=True)
    for name, make in MAKERS.items():
        (out / name).write_bytes(make())
        print(f"{name:22} {(out / name).stat().st_size:6} bytes")


if __name__ == "__main__":
    main()

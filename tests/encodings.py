"""Recordings in every format that is read, made of a sample call by the encoders of soundfile and PyAV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

TESTS = Path(__file__).parent
CALL = TESTS.parent / "sample_audio" / "bank.wav"
CALL_RATE_HZ = 8_000
START_S = 8.0
"""Where both speak before long."""

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
Samples = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoding:
    """A format, how it is made, and what it may cost.

    `like` is the least correlation with what was encoded, `delay_ms` how much later or earlier sound may come or end,
    `longer_ms` how much padding there may be after it, `level_db` how much louder or softer it may be.
    """

    name: str
    container: str
    codec: str
    rate_hz: int = 8_000
    n_channels: int = 2
    like: float = 0.98
    delay_ms: float = 0.0
    longer_ms: float = 0.0
    level_db: float = 0.2
    by: str = "soundfile"
    encoder: str = ""
    options: tuple[tuple[str, str], ...] = ()
    bit_rate: int = 0
    with_video: bool = False


def _wav(subtype: str, like: float = 0.999, longer_ms: float = 0.0, **more: Any) -> Encoding:
    return Encoding(f"{subtype.lower()}.wav", "WAV", subtype, like=like, longer_ms=longer_ms, **more)


def _av(name: str, container: str, codec: str, encoder: str, **more: Any) -> Encoding:
    return Encoding(name, container, codec, by="av", encoder=encoder, **more)


ENCODINGS = (
    _wav("PCM_U8", like=0.98),
    *(_wav(subtype, like=0.999999) for subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE")),
    *(_wav(subtype, like=0.999) for subtype in ("ULAW", "ALAW")),
    _wav("GSM610", like=0.9, n_channels=1, longer_ms=40, level_db=1.0),
    _wav("IMA_ADPCM", like=0.98, longer_ms=64),
    _wav("MS_ADPCM", like=0.98, longer_ms=64, level_db=1.2),
    Encoding("extensible.wav", "WAVEX", "PCM_16", n_channels=6, like=0.999999),
    Encoding("large.rf64", "RF64", "PCM_16", like=0.999999),
    Encoding("large.w64", "W64", "ULAW", like=0.999),
    Encoding("a.flac", "FLAC", "PCM_16", like=0.999999),
    Encoding("eight.flac", "FLAC", "PCM_16", n_channels=8, like=0.999999),
    Encoding("a.aiff", "AIFF", "PCM_16", like=0.999999),
    Encoding("a.au", "AU", "ULAW", like=0.999),
    Encoding("a.caf", "CAF", "PCM_16", like=0.999999),
    Encoding("a.sph", "NIST", "ULAW", like=0.999),
    Encoding("a.voc", "VOC", "PCM_16", like=0.999999),
    *(Encoding(f"{rate}.mp3", "MP3", "MPEG_LAYER_III", rate, like=0.98) for rate in (8_000, 16_000, 44_100)),
    *(Encoding(f"{rate}.opus", "OGG", "OPUS", rate, like=0.9, level_db=0.5) for rate in (8_000, 16_000, 48_000)),
    Encoding("vorbis.ogg", "OGG", "VORBIS", like=0.9, level_db=0.5),
    _av("g722.wav", "WAV", "ADPCM_G722", "g722", rate_hz=16_000, n_channels=1, delay_ms=1.5),
    *(
        _av(
            f"g726_{kbits}.wav",
            "WAV",
            "ADPCM_G726",
            "g726",
            n_channels=1,
            like=like,
            bit_rate=kbits * 1000,
            level_db=0.3,
        )
        for kbits, like in ((16, 0.95), (24, 0.98), (32, 0.99), (40, 0.995))
    ),
    _av(
        "g723.wav",
        "WAV",
        "G723_1",
        "g723_1",
        n_channels=1,
        like=0.8,
        delay_ms=10,
        longer_ms=30,
        level_db=2,
        bit_rate=6_300,
    ),
    _av("ima_of_ffmpeg.wav", "WAV", "IMA_ADPCM", "adpcm_ima_wav", longer_ms=130),
    _av("ms_of_ffmpeg.wav", "WAV", "MS_ADPCM", "adpcm_ms", longer_ms=130),
    _av(
        "uncounted.mp3",
        "MP3",
        "MP3",
        "libmp3lame",
        like=0.9,
        longer_ms=220,
        delay_ms=140,
        level_db=0.7,
        options=(("write_xing", "0"),),
    ),
    _av("a.m4a", "MOV", "AAC", "aac", longer_ms=128),
    _av("48000.m4a", "MOV", "AAC", "aac", rate_hz=48_000, longer_ms=22),
    _av("surround.m4a", "MOV", "AAC", "aac", rate_hz=48_000, n_channels=6, like=0.0, level_db=60, longer_ms=22),
    _av("video.mp4", "MOV", "AAC", "aac", rate_hz=16_000, longer_ms=64, with_video=True),
    _av("a.aac", "AAC", "AAC", "aac", delay_ms=128, longer_ms=256),
    _av("aac.mkv", "MATROSKA", "AAC", "aac", rate_hz=16_000, longer_ms=64),
    _av("alac.m4a", "MOV", "ALAC", "alac", like=0.999999),
    _av("mp3.mka", "MATROSKA", "MP3", "libmp3lame", like=0.9, level_db=0.7, longer_ms=150),
    _av("layer2.mka", "MATROSKA", "MP2", "mp2", rate_hz=16_000, n_channels=1, delay_ms=31, longer_ms=72),
    _av("ac3.mp4", "MOV", "AC3", "ac3", rate_hz=48_000, delay_ms=6, longer_ms=32),
    _av("mulaw.mov", "MOV", "PCM_MULAW", "pcm_mulaw", like=0.999),
    _av("mulaw.avi", "AVI", "PCM_MULAW", "pcm_mulaw", like=0.999),
    _av("opus.webm", "MATROSKA", "OPUS", "libopus", rate_hz=48_000, like=0.97, level_db=0.5),
    _av(
        "vorbis.webm",
        "MATROSKA",
        "VORBIS",
        "vorbis",
        rate_hz=48_000,
        like=0.97,
        level_db=0.5,
        longer_ms=22,
        options=(("strict", "experimental"),),
    ),
    _av("flac.oga", "OGG", "FLAC", "flac", like=0.999999),
    _av("wma1.wma", "ASF", "WMAV1", "wmav1", like=0.93, level_db=0.5, bit_rate=32_000, delay_ms=64),
    _av("wma2.wma", "ASF", "WMAV2", "wmav2", like=0.93, level_db=0.5, bit_rate=32_000, delay_ms=64),
    _av(
        "a.amr",
        "AMR",
        "AMR_NB",
        "libopencore_amrnb",
        n_channels=1,
        like=0.8,
        delay_ms=6,
        longer_ms=40,
        level_db=1.5,
        bit_rate=12_200,
    ),
    _av(
        "amr.3gp",
        "MOV",
        "AMR_NB",
        "libopencore_amrnb",
        n_channels=1,
        like=0.8,
        delay_ms=6,
        longer_ms=40,
        level_db=1.5,
        bit_rate=12_200,
    ),
)


def speech(rate_hz: int, n_channels: int, duration_s: float) -> Samples:
    """Both sides of the call at a rate, (n_channels, n); further channels are softer copies."""
    start, stop = int(START_S * CALL_RATE_HZ), int((START_S + duration_s) * CALL_RATE_HZ)
    call, _ = soundfile.read(CALL, start=start, stop=stop, dtype="float32", always_2d=True)
    sides = [soxr.resample(side, CALL_RATE_HZ, rate_hz) for side in call.T]
    return np.ascontiguousarray([sides[at % 2] * 0.8 ** (at // 2) for at in range(n_channels)], dtype=np.float32)


def encode(folder: Path, encoding: Encoding, duration_s: float) -> tuple[Path, Samples]:
    """A recording in that format, and what was encoded."""
    samples = speech(encoding.rate_hz, encoding.n_channels, duration_s)
    path = folder / encoding.name
    if encoding.by == "soundfile":
        soundfile.write(path, samples.T, encoding.rate_hz, format=encoding.container, subtype=encoding.codec)
    else:
        form = "adts" if path.suffix == ".aac" else None
        with av.open(str(path), "w", format=form, options=dict(encoding.options)) as file:
            _add_sound(file, encoding, samples)
    return path, samples


def _add_sound(file: Any, encoding: Encoding, samples: Samples) -> None:
    layout = LAYOUTS[encoding.n_channels]
    stream = file.add_stream(encoding.encoder, rate=encoding.rate_hz, layout=layout, options=dict(encoding.options))
    if encoding.bit_rate:
        stream.bit_rate = encoding.bit_rate
    picture = _add_picture(file) if encoding.with_video else []
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = encoding.rate_hz, 0
    for packet in [*picture, *stream.encode(frame), *stream.encode(None)]:
        file.mux(packet)


def _add_picture(file: Any) -> list[Any]:
    stream = file.add_stream("mpeg4", rate=5)
    stream.width = stream.height = 32
    stream.pix_fmt = "yuv420p"
    frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
    return [*stream.encode(frame), *stream.encode(None)]


def lag(reference: Samples, decoded: Samples) -> int:
    """By how many samples one channel comes later than another, where they correlate best."""
    size = 1 << (len(reference) + len(decoded)).bit_length()
    product = np.conj(np.fft.rfft(reference, size)) * np.fft.rfft(decoded, size)
    best = int(np.argmax(np.fft.irfft(product, size)))
    return best - size if best > size // 2 else best


def likeness(reference: Samples, decoded: Samples, later: int) -> tuple[float, float]:
    """Correlation and level in dB of what the channels share, once the lag is taken off."""
    first, second = reference[max(0, -later) :], decoded[max(0, later) :]
    shared = min(len(first), len(second))
    first, second = first[:shared], second[:shared]
    power = float(first @ first), float(second @ second)
    return float(first @ second) / (power[0] * power[1]) ** 0.5, 10 * float(np.log10(power[1] / power[0]))

"""Every format that is read, decoded and compared with what was encoded; and the traps in them."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pydantic import ValidationError

from asr.decode import decode, identify
from asr.errors import SkippableError
from asr.files import readers
from asr.files.options import DecodeOptions, Headerless
from asr.files.readers import open_reader
from asr.types import MODEL_RATE_HZ, Audio
from tests.encodings import ENCODINGS, TESTS, Encoding, encode, lag, likeness, speech

RATE_HZ = 8_000
DURATION_S = 3.0
ALL = DecodeOptions(channel_maps=tuple(("agent", "customer", *["ignored"] * n) for n in (4, 6)))


def _decoded(path: Path, options: DecodeOptions = ALL) -> Audio:
    return decode(identify(path), options)


def _refusal(path: Path, options: DecodeOptions = ALL) -> str:
    with pytest.raises(SkippableError) as raised:
        _decoded(path, options)
    assert raised.value.remedy
    return str(raised.value)


def _holds(audio: Audio, samples: NDArray[np.float32], encoding: Encoding) -> None:
    """Assert that what was decoded is what was encoded: shape, length, place, form and level."""
    assert (audio.container, audio.codec, audio.sample_rate_hz) == (
        encoding.container,
        encoding.codec,
        encoding.rate_hz,
    )
    assert len(audio.samples) == min(2, encoding.n_channels)
    longer_ms = (audio.n_samples - samples.shape[1]) / encoding.rate_hz * 1000
    assert -encoding.delay_ms <= longer_ms <= encoding.longer_ms
    for side, heard in zip(samples, audio.samples, strict=False):
        later = lag(side, heard)
        like, louder_db = likeness(side, heard, later)
        assert abs(later) / encoding.rate_hz * 1000 <= encoding.delay_ms
        assert like >= encoding.like
        assert abs(louder_db) <= encoding.level_db


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_what_was_encoded_is_heard(tmp_path: Path, encoding: Encoding) -> None:
    path, samples = encode(tmp_path, encoding, DURATION_S)
    _holds(_decoded(path), samples, encoding)


def test_amr_wideband_is_heard() -> None:
    """Encoded elsewhere, see tests/encoded_audio/make.py."""
    encoding = Encoding("bank.awb", "AMR", "AMR_WB", 16_000, 1, like=0.95, delay_ms=7, level_db=0.7)
    _holds(_decoded(TESTS / "encoded_audio" / "bank.awb"), speech(16_000, 1, 2.0), encoding)


def test_no_codec_is_read_that_is_not_compared_here() -> None:
    compared = {encoding.codec.lower() for encoding in ENCODINGS} | {"amr_wb", "adpcm_g726le"}
    by_soundfile = {"gsm", "gsm_ms", "adpcm_ima_wav", "adpcm_ms", "pcm_alaw"}
    plain = {"pcm_u8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s32le", "pcm_f32le", "pcm_f64le"}
    assert readers._AV_CODECS - compared - by_soundfile - plain == set()
    assert readers._SOUNDFILE_CONTAINERS - {encoding.container for encoding in ENCODINGS} == set()


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_f32le", "pcm_f64le", "pcm_alaw", "pcm_s16be"])
def test_plain_samples_in_other_containers_are_exact(tmp_path: Path, codec: str) -> None:
    path, samples = encode(tmp_path, Encoding("a.mov", "MOV", codec.upper(), by="av", encoder=codec), 1.0)
    audio = _decoded(path)
    assert audio.codec == codec.upper()
    assert np.abs(audio.samples - samples).max() < (0.02 if codec == "pcm_alaw" else 1 / 32_000)


@pytest.mark.parametrize(
    "rate_hz", [4_000, 6_000, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000]
)
def test_rates_from_4_to_48_khz_are_read(tmp_path: Path, rate_hz: int) -> None:
    samples = speech(rate_hz, 2, 1.0)
    soundfile.write(tmp_path / "a.wav", samples.T, rate_hz)
    audio = _decoded(tmp_path / "a.wav")
    assert audio.sample_rate_hz == rate_hz
    assert np.abs(audio.samples - samples).max() < 1e-4


def _headerless(extension: str, codec: str, rate_hz: int = RATE_HZ, channels: int = 1) -> DecodeOptions:
    form = {"codec": codec, "sample_rate_hz": rate_hz, "channels": channels}
    return DecodeOptions.model_validate({"headerless": {extension: form}})


@pytest.mark.parametrize(
    ("codec", "rate_hz", "n_channels", "subtype", "like"),
    [
        ("mulaw", 8_000, 1, "ULAW", 0.999),
        ("mulaw", 4_000, 2, "ULAW", 0.999),
        ("alaw", 48_000, 2, "ALAW", 0.999),
        ("pcm_s16le", 16_000, 1, "PCM_16", 0.9999),
        ("pcm_s16le", 8_000, 2, "PCM_16", 0.9999),
        ("pcm_s16be", 11_025, 2, "PCM_16", 0.9999),
        ("pcm_u8", 8_000, 1, "PCM_U8", 0.98),
        ("gsm", 8_000, 1, "GSM610", 0.9),
        ("vox", 8_000, 1, "VOX_ADPCM", 0.98),
        ("vox", 6_000, 1, "VOX_ADPCM", 0.98),
    ],
)
def test_headerless_files_are_read_as_declared(
    tmp_path: Path, codec: str, rate_hz: int, n_channels: int, subtype: str, like: float
) -> None:
    extension = {"gsm": ".gsm", "vox": ".vox", "mulaw": ".ulaw"}.get(codec, ".raw")
    path, samples = tmp_path / f"call{extension.upper()}", speech(rate_hz, n_channels, 3.0)
    endian = {"pcm_s16be": "BIG", "pcm_s16le": "LITTLE"}.get(codec, "FILE")
    soundfile.write(path, samples.T, rate_hz, format="RAW", subtype=subtype, endian=endian)
    audio = _decoded(path, _headerless(extension, codec, rate_hz, n_channels))
    assert (audio.container, audio.codec, audio.sample_rate_hz) == ("RAW", subtype, rate_hz)
    assert abs(audio.n_samples - samples.shape[1]) <= 160
    for side, heard in zip(samples, audio.samples, strict=True):
        assert lag(side, heard) == 0
        assert likeness(side, heard, 0)[0] > like


@pytest.mark.parametrize(("codec", "muxer", "rate_hz"), [("g722", "g722", 16_000), ("g726", "g726le", 8_000)])
def test_headerless_adpcm_is_read_as_declared(tmp_path: Path, codec: str, muxer: str, rate_hz: int) -> None:
    samples = speech(rate_hz, 1, 1.0)
    with av.open(str(tmp_path / "a.bin"), "w", format=muxer) as file:
        stream = file.add_stream(muxer, rate=rate_hz, layout="mono")
        if codec == "g726":
            stream.bit_rate = 32_000
        frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout="mono")
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    audio = _decoded(tmp_path / "a.bin", _headerless(".bin", codec, rate_hz))
    assert audio.sample_rate_hz == rate_hz
    assert abs(audio.n_samples - rate_hz) <= 2
    later = lag(samples[0], audio.samples[0])
    assert 0 <= later <= 24
    assert likeness(samples[0], audio.samples[0], later)[0] > 0.99


def test_a_declared_file_with_a_header_is_read_by_its_header(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.raw", speech(RATE_HZ, 2, 1.0).T, RATE_HZ, format="WAV")
    assert _decoded(tmp_path / "a.raw", _headerless(".raw", "mulaw")).container == "WAV"


@pytest.mark.parametrize(
    ("extension", "codec", "rate_hz", "channels", "said"),
    [
        (".g722", "g722", 8_000, 1, "G.722 is always sampled at 16000 Hz"),
        (".vox", "vox", 8_000, 2, "vox has one channel"),
        ("ulaw", "mulaw", 8_000, 1, "'ulaw' is no extension"),
        (".ULAW", "mulaw", 8_000, 1, "'.ULAW' is no extension"),
    ],
)
def test_a_declaration_that_cannot_be_is_refused(
    extension: str, codec: str, rate_hz: int, channels: int, said: str
) -> None:
    with pytest.raises(ValidationError, match=said):
        _headerless(extension, codec, rate_hz, channels)


@pytest.mark.parametrize("name", ["call.vox", "call.gsm", "call.raw", "call.ulaw", "call.au", "call.sph", "call"])
def test_an_extension_alone_makes_no_recording(tmp_path: Path, name: str) -> None:
    """libsndfile would read any bytes that are named .vox or .gsm."""
    (tmp_path / name).write_bytes(np.random.default_rng(1).bytes(4_000))
    said = _refusal(tmp_path / name)
    assert ("[decode.headerless." in said) == (Path(name).suffix in {".vox", ".gsm", ".raw", ".ulaw"})


def test_g722_is_at_16_khz_whatever_its_header_says(tmp_path: Path) -> None:
    """RTP's clock for G.722 is 8,000 Hz, and recorders copy that into the WAV header."""
    (encoding,) = (one for one in ENCODINGS if one.name == "g722.wav")
    path, samples = encode(tmp_path, encoding, 1.0)
    data = bytearray(path.read_bytes())
    at = data.index(b"fmt ") + 12
    assert struct.unpack_from("<I", data, at)[0] == 16_000
    struct.pack_into("<I", data, at, 8_000)
    path.write_bytes(data)
    _holds(_decoded(path), samples, encoding)


def _mp3(path: Path, duration_s: float) -> bytes:
    samples = np.tile(speech(RATE_HZ, 2, 4.0), int(duration_s / 4.0))
    soundfile.write(path, samples.T, RATE_HZ, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE")
    return path.read_bytes()


def test_an_mp3_file_that_does_not_count_its_frames_is_read_to_its_end(tmp_path: Path) -> None:
    """Loud first, then quiet: whoever takes the length from the first frames' bit rate stops too early."""
    loud, quiet = speech(RATE_HZ, 1, 8.0), 1e-3 * speech(RATE_HZ, 1, 8.0)
    samples = np.concatenate([quiet, loud, loud], axis=1)
    path = tmp_path / "a.mp3"
    soundfile.write(path, samples.T, RATE_HZ, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE")
    data = path.read_bytes()
    assert b"Xing" in data[:200]
    path.write_bytes(data[data.index(data[:2], 4) :])
    assert 24.0 <= _decoded(path).duration_s < 24.4


def test_an_mp3_file_that_lost_its_second_half_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    data = _mp3(path, 12.0)
    assert abs(_decoded(path).duration_s - 12.0) < 0.01
    path.write_bytes(data[: len(data) // 2])
    assert "is cut short: its header promises 12.0 s" in _refusal(path)


def test_an_m4a_file_that_lost_its_second_half_is_refused_though_its_header_comes_first(tmp_path: Path) -> None:
    encoding = Encoding("a.m4a", "MOV", "AAC", by="av", encoder="aac", options=(("movflags", "faststart"),))
    path, _ = encode(tmp_path, encoding, 6.0)
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    path.write_bytes(data[: len(data) // 2])
    assert "is not audio that can be read" in _refusal(path)


def test_a_large_wav_file_that_was_cut_short_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.rf64"
    soundfile.write(path, speech(RATE_HZ, 2, 2.0).T, RATE_HZ, format="RF64")
    path.write_bytes(path.read_bytes()[:-8_000])
    assert "is cut short" in _refusal(path)


def test_a_flac_file_that_leaves_its_length_open_is_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "a.flac"
    soundfile.write(path, speech(RATE_HZ, 2, 2.0).T, RATE_HZ)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert _decoded(path).n_samples == 2 * RATE_HZ


def test_tags_may_be_in_any_encoding(tmp_path: Path) -> None:
    path, _ = encode(tmp_path, Encoding("a.wav", "WAV", "ADPCM_G722", 16_000, 1, by="av", encoder="g722"), 1.0)
    tag = b"LIST" + struct.pack("<I", 20) + b"INFOINAM" + struct.pack("<I", 8) + b"Caf\xe9 \xff\xfe\0"
    path.write_bytes(path.read_bytes() + tag)
    assert _decoded(path).n_samples == 16_000


def test_several_audio_tracks_are_refused(tmp_path: Path) -> None:
    samples = speech(16_000, 2, 1.0)
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        streams = [file.add_stream("aac", rate=16_000, layout="mono") for _ in samples]
        for stream, side in zip(streams, samples, strict=True):
            frame = av.AudioFrame.from_ndarray(side[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts = 16_000, 0
            for packet in [*stream.encode(frame), *stream.encode(None)]:
                file.mux(packet)
    said = _refusal(tmp_path / "a.mp4")
    assert "has 2 audio tracks" in said
    assert "amerge" in said


@pytest.mark.parametrize(("rate_hz", "n_channels"), [(16_000, 2), (8_000, 1)])
def test_a_shape_that_changes_is_refused(tmp_path: Path, rate_hz: int, n_channels: int) -> None:
    parts = []
    for rate, channels in ((8_000, 2), (rate_hz, n_channels)):
        coded = Encoding(f"{rate}_{channels}.aac", "AAC", "AAC", rate, channels, by="av", encoder="aac")
        parts.append(encode(tmp_path, coded, 2.0)[0].read_bytes())
    (tmp_path / "a.aac").write_bytes(b"".join(parts))
    assert f"changes from 2 channels at 8000 Hz to {n_channels} at {rate_hz} Hz" in _refusal(tmp_path / "a.aac")


def test_blocks_are_bounded_for_many_channels_at_a_high_rate(tmp_path: Path) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((12 * 96_000, 8))
    soundfile.write(tmp_path / "a.wav", noise, 96_000)
    with open_reader(identify(tmp_path / "a.wav")) as reader:
        lengths = [block.shape for block in reader.blocks]
    assert len(lengths) > 2
    assert max(channels * n for channels, n in lengths) <= readers._BLOCK_SAMPLES
    assert sum(n for _, n in lengths) == len(noise)


def test_a_fault_of_whoever_reads_is_not_taken_for_the_files(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", speech(RATE_HZ, 1, 1.0).T, RATE_HZ)
    with pytest.raises(ValueError, match="mine"), open_reader(identify(tmp_path / "a.wav")):
        raise ValueError("mine")


def test_a_rate_beyond_reason_is_refused(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", speech(RATE_HZ, 1, 1.0).T, RATE_HZ)
    data = bytearray((tmp_path / "a.wav").read_bytes())
    struct.pack_into("<I", data, 24, 2_000_000_000)
    (tmp_path / "a.wav").write_bytes(data)
    assert "says that it is sampled at 2000000000 Hz" in _refusal(tmp_path / "a.wav")


def test_the_rate_of_g722_is_the_models() -> None:
    assert Headerless(codec="g722", sample_rate_hz=MODEL_RATE_HZ).channels == 1

"""What is not read is refused for what it is."""

from __future__ import annotations

import gzip
import io
import re
import struct
import tarfile
import tomllib
import zipfile
from pathlib import Path
from typing import get_args

import av
import numpy as np
import pytest
import soundfile

from asr.decode import EXTENSIONS, decode, identify
from asr.errors import SkippableError
from asr.files.formats import _SIGNATURES, _WAVE_TAGS, RECORDED, foreign, has_header
from asr.files.options import DecodeOptions, Headerless
from tests.encodings import ENCODINGS, TESTS, encode, speech

ROOT = TESTS.parent
RATE_HZ = 8_000
NOISE = np.random.default_rng(2).bytes(3_000)


def _refusal(path: Path) -> SkippableError:
    with pytest.raises(SkippableError) as raised:
        decode(identify(path), DecodeOptions())
    assert path.name in raised.value.reason
    assert raised.value.remedy
    return raised.value


def _wave(tag: int, extensible: bool = False) -> bytes:  # noqa: FBT001
    """A WAVE file of a codec by its tag."""
    fmt = struct.pack("<HHIIHH", 0xFFFE if extensible else tag, 1, RATE_HZ, 1_000, 10, 0)
    if extensible:
        guid = struct.pack("<HHHH", tag, 0, 0, 0x10) + b"\x80\0\0\xaa\0\x38\x9b\x71"
        fmt += struct.pack("<HHI", 22, 0, 0) + guid
    body = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(NOISE)) + NOISE
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _archive(kind: str) -> bytes:
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("a.wav", NOISE)
    else:
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(tarfile.TarInfo("a.wav"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.wav", _wave(0x0083), "it is G.729 in WAV (format tag 0x0083)"),
        ("a.wav", _wave(0x0083, extensible=True), "it is G.729 in WAV (format tag 0x0083)"),
        ("a.wav", _wave(0xA109), "it is Speex in WAV (format tag 0xA109)"),
        ("a.wav", _wave(0x0022), "it is DSP Group TrueSpeech in WAV (format tag 0x0022)"),
        ("a.wav", _wave(0x0017), "it is Dialogic OKI ADPCM in WAV (format tag 0x0017)"),
        ("a.wav", _archive("zip"), "it is a ZIP archive"),
        ("a.wav", _archive("tar"), "it is a tar archive"),
        ("a.mp3", gzip.compress(NOISE), "it is a gzip archive"),
        ("a.wav", b"%PDF-1.7\n" + NOISE, "it is a PDF"),
        ("a.wav", b"Salted__" + NOISE, "it is encrypted by OpenSSL"),
        ("a.wav", b"#!SILK_V3" + NOISE, "it is Silk v3 audio"),
        ("a.amr", b"\x02#!SILK_V3" + NOISE, "it is Silk v3 audio"),
        ("a.dss", b"\x02dss" + NOISE, "it is DSS dictation"),
        ("a.ds2", b"\x03ds2" + NOISE, "it is DS2 (DSS Pro) dictation"),
        ("a.ogg", b"OggS" + bytes(24) + b"Speex   1.2" + NOISE, "it is Speex in Ogg"),
        ("a.nmf", NOISE, "it is a NICE recording (.nmf)"),
        ("a.aud", NOISE, "it is a recorder's own format (.aud)"),
        ("a.g729", NOISE, "it is headerless G.729"),
        ("a.wav", b"<html><body>Please log in</body></html>", "it is text"),
        ("a.mp3", "Überall Text, auch 電話".encode(), "it is text"),
        ("a.wav", NOISE, "is not audio that can be read"),
        ("a.wav", bytes(3_000), "is not audio that can be read"),
    ],
)
def test_what_is_not_read_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    assert said in _refusal(tmp_path / name).reason


def test_a_codec_that_no_test_compares_is_named_as_ffmpeg_names_it(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mka"), "w") as file:
        stream = file.add_stream("eac3", rate=48_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(speech(48_000, 1, 1.0), format="fltp", layout="mono")
        frame.sample_rate = 48_000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    refused = _refusal(tmp_path / "a.mka")
    assert "it is eac3 in MATROSKA" in refused.reason
    assert "ffmpeg -i" in refused.remedy


def test_no_signature_begins_a_file_that_is_read(tmp_path: Path) -> None:
    """And all of those but MP3 and AAC, which may begin as a headerless file does, are known by their first bytes."""
    for encoding in ENCODINGS:
        path, _ = encode(tmp_path, encoding, 0.2)
        head = path.read_bytes()[:4_096]
        assert foreign(head) is None
        assert has_header(head) or path.suffix in {".mp3", ".aac"}, encoding.name


def test_every_signature_is_found_and_leads_somewhere() -> None:
    for offset, magic, what, remedy in _SIGNATURES:
        head = bytes(offset) + magic + NOISE
        found = foreign(head)
        assert found is not None
        assert (found.what, found.remedy) == (what, remedy)


def test_no_tag_is_named_as_unread_that_is_read(tmp_path: Path) -> None:
    for encoding in ENCODINGS:
        if encoding.name.endswith(".wav"):
            data = encode(tmp_path, encoding, 0.2)[0].read_bytes()
            tag = struct.unpack_from("<H", data, data.index(b"fmt ") + 8)[0]
            assert tag not in _WAVE_TAGS, encoding.name


def test_recordings_of_other_formats_are_found_but_not_taken_for_ours() -> None:
    assert set(EXTENSIONS) & RECORDED == set()


def test_headerless_speech_is_taken_for_nothing_else() -> None:
    """Silence in mu-law is FF FF, which looks like the beginning of an MP3 frame, and in A-law D5 D5."""
    for data in (b"\xff" * 4_096, b"\xd5" * 4_096, b"\x7f\xff" * 2_048):
        assert not has_header(data)
        assert foreign(data) is None


def test_a_silent_beginning_does_not_hide_a_headerless_call(tmp_path: Path) -> None:
    path = tmp_path / "a.ulaw"
    soundfile.write(path, speech(RATE_HZ, 1, 1.0).T, RATE_HZ, format="RAW", subtype="ULAW")
    path.write_bytes(b"\xff" * 4_000 + path.read_bytes())
    audio = decode(identify(path), DecodeOptions(headerless={".ulaw": Headerless(codec="mulaw")}))
    assert audio.n_samples == 12_000


def test_the_page_on_formats_names_every_extension_codec_and_option() -> None:
    page = (ROOT / "docs" / "formats.md").read_text()
    assert [suffix for suffix in EXTENSIONS if suffix not in page] == []
    codecs = get_args(Headerless.model_fields["codec"].annotation)
    assert [codec for codec in codecs if codec not in page] == []
    for example in re.findall(r"```toml\n(.+?)```", page, re.DOTALL):
        DecodeOptions.model_validate(tomllib.loads(example)["decode"])

"""A file that a copy cut short is refused, wherever the cut fell, and one that a recorder left open is not."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from asr.decode import decode, identify
from asr.errors import SkippableError
from asr.files.completeness import promised_bytes
from asr.files.options import DecodeOptions
from tests.encodings import ENCODINGS, Encoding, encode

ALL = DecodeOptions(channel_maps=tuple(("agent", "customer", *["ignored"] * n) for n in (4, 6)))
SAY_NOTHING = {"a.sph", "a.voc", "uncounted.mp3", "a.aac", "a.amr", "wma1.wma", "wma2.wma"}
"""Of these a part that ends between two frames is a shorter recording, and nothing tells it from one."""


@pytest.mark.parametrize("encoding", ENCODINGS, ids=lambda encoding: encoding.name)
def test_half_a_recording_is_refused(tmp_path: Path, encoding: Encoding) -> None:
    path, _ = encode(tmp_path, encoding, 4.0)
    data = path.read_bytes()
    assert (promised_bytes(path) or 0) <= len(data)
    if encoding.name in SAY_NOTHING:
        return
    for share in (0.31, 0.5, 0.66):
        path.write_bytes(data[: int(share * len(data))])
        with pytest.raises(SkippableError, match=r"is cut short|is not audio that can be read"):
            decode(identify(path), ALL)


def _named(name: str) -> Encoding:
    return next(encoding for encoding in ENCODINGS if encoding.name == name)


def test_a_live_webm_promises_nothing(tmp_path: Path) -> None:
    path, _ = encode(tmp_path, _named("opus.webm"), 1.0)
    data = bytearray(path.read_bytes())
    at = data.index(b"\x18\x53\x80\x67") + 4
    assert promised_bytes(path) == len(data)
    data[at : at + 8] = b"\x01" + b"\xff" * 7
    path.write_bytes(data)
    assert promised_bytes(path) is None
    assert decode(identify(path), ALL).duration_s == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize(("name", "at"), [("a.aiff", 4), ("a.au", 8), ("mulaw.avi", 4)])
def test_sizes_that_a_recorder_left_open_promise_nothing(tmp_path: Path, name: str, at: int) -> None:
    path, _ = encode(tmp_path, _named(name), 1.0)
    data = bytearray(path.read_bytes())
    for left_open in (0, 0xFFFFFFFF):
        struct.pack_into("<I", data, at, left_open)
        path.write_bytes(data)
        assert promised_bytes(path) is None


def test_what_is_shorter_than_any_header_promises_nothing(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"RIFF")
    assert promised_bytes(tmp_path / "a.wav") is None

"""Whether a file is as long as its own header says: one that a copy cut short is refused, not read half.

Layouts: RIFF/WAVE and RF64 (Microsoft and EBU Tech 3306), Sony's W64, AIFF (FORM), Sun's AU, Apple's CAF, Matroska and
WebM (RFC 8794 for sizes, RFC 9559 for the Segment), Ogg (RFC 3533). Others do not say, or a decoder notices.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

_UNKNOWN_SIZES = (0, 0x7FFFF000)
"""A recorder that streams leaves a size of 32 bits zero or near its maximum."""

_LONGEST_PAGE = 65_307
"""Bytes in the largest page of Ogg."""

_SEGMENT = b"\x18\x53\x80\x67"
_HEAD_BYTES = 24

_LARGEST = 2**48
"""No file is that large: a size of 64 bits that is was never one."""


def promised_bytes(path: Path) -> int | None:
    """How long a file should at least be, in bytes, or None if it does not say. Raises OSError."""
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
        if len(head) < _HEAD_BYTES:
            return None
        if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
            return _wave(file)
        read = _READERS.get(head[:4])
        return read(file, head) if read else None


def _riff(_: BinaryIO, head: bytes) -> int | None:
    return _known(int.from_bytes(head[4:8], "little"), 8)


def _form(_: BinaryIO, head: bytes) -> int | None:
    return _known(int.from_bytes(head[4:8], "big"), 8)


def _au(_: BinaryIO, head: bytes) -> int | None:
    return _known(int.from_bytes(head[8:12], "big"), int.from_bytes(head[4:8], "big"))


def _w64(_: BinaryIO, head: bytes) -> int | None:
    size = int.from_bytes(head[16:24], "little")
    return size if size < _LARGEST else None


def _known(size: int, before: int) -> int | None:
    low, high = _UNKNOWN_SIZES
    return before + size if low < size < high else None


def _wave(file: BinaryIO) -> int | None:
    """Where the data of a WAVE file end: what follows them may be missing."""
    file.seek(12)
    large = 0
    while len(chunk := file.read(8)) == 8:
        tag, size = struct.unpack("<4sI", chunk)
        if tag == b"data":
            return file.tell() + large if large else _known(size, file.tell())
        start = file.tell()
        if tag == b"ds64" and len(sizes := file.read(16)) == 16:
            large = struct.unpack("<QQ", sizes)[1]
        file.seek(start + size + size % 2)
    return None


def _caf(file: BinaryIO, _: bytes) -> int | None:
    file.seek(8)
    while len(chunk := file.read(12)) == 12:
        tag, size = struct.unpack(">4sq", chunk)
        if not 0 <= size < _LARGEST:
            return None
        if tag == b"data":
            return file.tell() + int(size)
        file.seek(size, 1)
    return None


def _ogg(file: BinaryIO, _: bytes) -> int | None:
    """Where the last page that begins in the file ends."""
    file.seek(0, 2)
    start = max(0, file.tell() - _LONGEST_PAGE - 4)
    file.seek(start)
    tail = file.read()
    page = tail.rfind(b"OggS")
    if page < 0:
        return None
    segments = tail[page + 26] if page + 26 < len(tail) else 0
    return start + page + 27 + segments + sum(tail[page + 27 : page + 27 + segments])


def _matroska(file: BinaryIO, _: bytes) -> int | None:
    """Where the Segment ends, unless it was written live."""
    file.seek(4)
    header = _vint(file)
    if header is None:
        return None
    file.seek(header, 1)
    if file.read(4) != _SEGMENT:
        return None
    size = _vint(file)
    return None if size is None else file.tell() + size


def _vint(file: BinaryIO) -> int | None:
    """A size in EBML; None where all its bits are ones: not known."""
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    bits = 7 * length
    value = int.from_bytes(first + rest, "big") & ((1 << bits) - 1)
    return None if value == (1 << bits) - 1 or value >= _LARGEST else value


_READERS: dict[bytes, Callable[[BinaryIO, bytes], int | None]] = {
    b"RIFF": _riff,
    b"riff": _w64,
    b"FORM": _form,
    b".snd": _au,
    b"caff": _caf,
    b"OggS": _ogg,
    b"\x1a\x45\xdf\xa3": _matroska,
}
"""What reads the size, by the first four bytes."""

"""What a file is by its first bytes, for those that are not read here, and what would read or convert it.

Sources: signatures from file(1)'s magic database and FFmpeg's probes (libavformat); WAVE format tags from RFC 2361 and
Microsoft's mmreg.h; AMR's from RFC 4867; OpenSSL's `enc` and age's from their own documentation. NICE's .nmf and .aud
have no published signature: they are known by their extension.
"""

from __future__ import annotations

import codecs
import struct
from dataclasses import dataclass
from pathlib import Path

HEAD_BYTES = 4_096
"""How much of a file is looked at."""

_FFMPEG = "Convert it to WAV with `ffmpeg -i IN -c:a pcm_s16le OUT.wav`, and listen to the result"
_EXPORT = "Export it as WAV with the recorder's own software"
_UNPACK = "Unpack it, and name what it holds"
_DECRYPT = "Decrypt it first; callwright has no keys"
_SILK = "Convert it with the Silk SDK's decoder to PCM, and declare that headerless"
_RTP = "Extract the RTP streams, as Wireshark does"
_OTHER = "Name the recording itself; this is not one"


@dataclass(frozen=True, slots=True)
class Foreign:
    """What a file is, as in "it is a PDF", and what to do with it."""

    what: str
    remedy: str


_SIGNATURES: tuple[tuple[int, bytes, str, str], ...] = (
    (0, b"PK\x03\x04", "a ZIP archive", _UNPACK),
    (0, b"PK\x05\x06", "an empty ZIP archive", _UNPACK),
    (0, b"\x1f\x8b", "a gzip archive", _UNPACK),
    (0, b"BZh", "a bzip2 archive", _UNPACK),
    (0, b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard archive", _UNPACK),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (0, b"Rar!\x1a\x07", "a RAR archive", _UNPACK),
    (257, b"ustar", "a tar archive", _UNPACK),
    (0, b"%PDF", "a PDF", _OTHER),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG picture", _OTHER),
    (0, b"\xff\xd8\xff", "a JPEG picture", _OTHER),
    (0, b"GIF8", "a GIF picture", _OTHER),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an OLE document (Word, Outlook)", _OTHER),
    (0, b"SQLite format 3\0", "an SQLite database", _OTHER),
    (0, b"\x7fELF", "a program", _OTHER),
    (0, b"MZ", "a Windows program", _OTHER),
    (0, b"Salted__", "encrypted by OpenSSL", _DECRYPT),
    (0, b"-----BEGIN PGP MESSAGE", "encrypted by PGP", _DECRYPT),
    (0, b"age-encryption.org/v1", "encrypted by age", _DECRYPT),
    (0, b"\xd4\xc3\xb2\xa1", "a capture of network packets (pcap)", _RTP),
    (0, b"\xa1\xb2\xc3\xd4", "a capture of network packets (pcap)", _RTP),
    (0, b"\x0a\x0d\x0d\x0a", "a capture of network packets (pcapng)", _RTP),
    (0, b"#!SILK", "Silk v3 audio (Skype)", _SILK),
    (1, b"#!SILK", "Silk v3 audio (WeChat)", _SILK),
    (1, b"dss", "DSS dictation (Olympus, Philips, Grundig)", f"{_FFMPEG}, or export it with the dictation software"),
    (1, b"ds2", "DS2 (DSS Pro) dictation", "Export it as WAV with the dictation software"),
    (0, b"#!AMR_MC1.0\n", "AMR with several channels", _EXPORT),
    (0, b"#!AMR-WB_MC1.0\n", "AMR-WB with several channels", _EXPORT),
    (0, b".RMF", "RealMedia", _FFMPEG),
    (0, b".ra\xfd", "RealAudio", _FFMPEG),
    (0, b"MThd", "MIDI notes", _OTHER),
    (0, b"wvpk", "WavPack", _FFMPEG),
    (0, b"MAC ", "Monkey's Audio", _FFMPEG),
    (0, b"#!iLBC", "iLBC", _FFMPEG),
    (0, b"ajkg", "Shorten", "Convert it to WAV with shorten or SoX"),
    (0, b"qoaf", "QOA", _FFMPEG),
)
"""Offset, bytes, what they begin, and the remedy. None of them begins a file that is read here."""

_WAVE_TAGS = {
    0x0010: "OKI ADPCM",
    0x0015: "DIGISTD",
    0x0016: "DIGIFIX",
    0x0017: "Dialogic OKI ADPCM",
    0x0022: "DSP Group TrueSpeech",
    0x0032: "MSN Audio",
    0x0059: "Lucent G.723",
    0x0070: "Lernout & Hauspie CELP",
    0x0071: "Lernout & Hauspie SBC",
    0x0083: "G.729",
    0x0130: "Sipro Lab ACELP.net",
    0x0133: "Sipro Lab G.729",
    0x0134: "Sipro Lab G.729A",
    0x0135: "Sipro Lab Kelvin",
    0x000A: "Windows Media Audio Voice",
    0x0162: "Windows Media Audio Professional",
    0x0200: "Creative ADPCM",
    0xA109: "Speex",
    0xA10C: "G.729 (ITU-T)",
}
"""Names of WAVE format tags that recorders use and that are not read here (RFC 2361, mmreg.h)."""

_EXTENSIONS = {
    ".nmf": Foreign("a NICE recording (.nmf)", "Export it as WAV with NICE's player, or ask the recorder's vendor"),
    ".aud": Foreign("a recorder's own format (.aud)", _EXPORT),
    ".nwc": Foreign("a recorder's own format (.nwc)", _EXPORT),
    ".dss": Foreign("DSS dictation", _EXPORT),
    ".ds2": Foreign("DS2 (DSS Pro) dictation", _EXPORT),
    ".silk": Foreign("Silk audio", _SILK),
    ".g729": Foreign("headerless G.729", _FFMPEG),
    ".g723": Foreign("headerless G.723.1", _FFMPEG),
    ".spx": Foreign("Speex", _FFMPEG),
}
"""What only the name gives away, once nothing could read the file."""

_HEADERLESS = {
    **dict.fromkeys((".ulaw", ".ul", ".mulaw", ".pcmu", ".mu"), "mulaw"),
    **dict.fromkeys((".alaw", ".al", ".pcma"), "alaw"),
    **dict.fromkeys((".pcm", ".raw", ".sln", ".s16", ".lin"), "pcm_s16le"),
    ".vox": "vox",
    ".gsm": "gsm",
    ".g722": "g722",
    ".g726": "g726",
}
"""Extensions that headerless files have, and the codec that is most often behind them."""

RECORDED = frozenset(_EXTENSIONS) | frozenset(_HEADERLESS)
"""Extensions of recordings that are not read, or only if they are declared: found in folders, and refused by name."""

_OWN_HEADERS = (
    *(b"RIFF", b"RIFX", b"RF64", b"riff\x2e\x91", b"fLaC", b"OggS", b"ID3", b"#!AMR", b"\x1aE\xdf\xa3"),
    *(b"0&\xb2u\x8ef\xcf\x11", b".snd", b"FORM", b"caff", b"NIST_1A\n", b"Creative Voice File"),
)
"""What containers that are read begin with: a file that is declared headerless and begins so has a header after all."""


def head_of(path: Path) -> bytes:
    """The first HEAD_BYTES of a file. Raises OSError."""
    with path.open("rb") as file:
        return file.read(HEAD_BYTES)


def has_header(head: bytes) -> bool:
    """Whether a file says itself what it is, by its first bytes."""
    return head.startswith(_OWN_HEADERS) or head[4:8] == b"ftyp"


def foreign(head: bytes) -> Foreign | None:
    """What a file is by its first bytes, if it is one of those that are never read."""
    for offset, magic, what, remedy in _SIGNATURES:
        if head[offset : offset + len(magic)] == magic:
            return Foreign(what, remedy)
    if head.startswith(b"OggS") and b"Speex   " in head[:64]:
        return Foreign("Speex in Ogg", _FFMPEG)
    return Foreign("text", _OTHER) if _is_text(head) else None


def by_name(path: Path) -> Foreign | None:
    """What a file that nothing could read is by its extension, if that says something."""
    suffix = path.suffix.lower()
    if suffix in _HEADERLESS:
        table = f'[decode.headerless."{suffix}"] with codec = "{_HEADERLESS[suffix]}", sample_rate_hz and channels'
        return Foreign(f"without a header, as its extension {suffix} says too", f"Declare it: {table}")
    return _EXTENSIONS.get(suffix)


def coded_as(codec: str, container: str, head: bytes) -> Foreign:
    """A codec that is not read, in a container that is, by FFmpeg's name of it or by the tag of a WAVE file."""
    tag = wave_tag(head)
    if tag is None:
        return Foreign(f"{codec} in {container}", _FFMPEG)
    return Foreign(f"{_WAVE_TAGS.get(tag, codec)} in WAV (format tag 0x{tag:04X})", _FFMPEG)


def unread_wave(head: bytes) -> Foreign | None:
    """A WAVE file whose format tag is known to be one that is not read."""
    return coded_as("", "WAV", head) if wave_tag(head) in _WAVE_TAGS else None


def soundless(container: str) -> Foreign:
    """A container in which there is no sound."""
    names = {"MOV": "an MP4 or QuickTime file", "MATROSKA": "a WebM or Matroska file", "ASF": "a WMA or WMV file"}
    return Foreign(f"{names.get(container, f'of the form {container}')} with no audio track", _OTHER)


def wave_tag(head: bytes) -> int | None:
    """The format tag of a WAVE file, that of the sub-format if it is extensible; None if there is none in the head."""
    if head[:4] not in (b"RIFF", b"RF64") or head[8:12] != b"WAVE":
        return None
    at = 12
    while at + 10 <= len(head):
        name, size = struct.unpack_from("<4sI", head, at)
        if name == b"fmt ":
            tag = struct.unpack_from("<H", head, at + 8)[0]
            extensible = tag == 0xFFFE and at + 34 <= len(head)
            return int(struct.unpack_from("<H", head, at + 32)[0] if extensible else tag)
        at += 8 + size + size % 2
    return None


def _is_text(head: bytes) -> bool:
    """Whether bytes are UTF-8 without control characters; a character may be cut off at the end."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return bool(text.strip()) and all(mark.isprintable() or mark in "\t\r\n\f\ufeff" for mark in text)

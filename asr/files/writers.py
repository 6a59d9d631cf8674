"""Blocks of samples as audio files, in the format of the recording that they came from where that can be written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from asr.errors import RetryableError
from asr.types import Samples

Wish = Literal["source", "flac", "opus"]

_WAV = {"WAV", "WAVEX", "RF64"}
_WAV_CODECS = {
    *("PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE"),
    *("ULAW", "ALAW", "GSM610", "IMA_ADPCM", "MS_ADPCM"),
}
_OTHERS = {("MP3", "MPEG_LAYER_III"): "mp3", ("OGG", "OPUS"): "opus", ("OGG", "VORBIS"): "ogg"}
_FLAC_CODECS = {"PCM_S8", "PCM_16", "PCM_24"}

_EXACT = {"PCM_16", "PCM_24", "PCM_U8", "PCM_S8", "FLOAT", "DOUBLE", "ULAW", "ALAW"}
"""Codecs that give back the samples that a file in the same codec held, to the bit."""

_OPUS_RATES_HZ = {8_000, 12_000, 16_000, 24_000, 48_000}
"""RFC 6716, section 2."""

_AT_ONCE = 8_192
"""Frames in one write: libsndfile's coders of Ogg take memory of the stack for all of them."""


@dataclass(frozen=True, slots=True)
class Format:
    """A format that can be written, in libsndfile's names. `kind` is the file's suffix without the dot."""

    kind: str
    container: str
    codec: str

    @property
    def lossless(self) -> bool:
        """Whether what is read back is what was written, as far as the source was in this codec or a coarser one."""
        return self.codec in _EXACT


def format_like(container: str, codec: str, sample_rate_hz: int, wish: Wish) -> Format:
    """What a copy of a recording is written as: its own format, or the one wished for; FLAC where that cannot be.

    `container` and `codec` are as `readers.Reader` names them. AAC, AMR, WMA and G.722 cannot be written to the sample,
    and Opus has five sample rates.

    >>> format_like("WAV", "ULAW", 8000, "source")
    Format(kind='wav', container='WAV', codec='ULAW')
    >>> format_like("MOV", "AAC", 8000, "source")
    Format(kind='flac', container='FLAC', codec='PCM_24')
    """
    if wish == "opus" and sample_rate_hz in _OPUS_RATES_HZ:
        return Format("opus", "OGG", "OPUS")
    if wish == "source":
        if container in _WAV and codec in _WAV_CODECS:
            return Format("wav", container, codec)
        if (container, codec) in _OTHERS and (codec != "OPUS" or sample_rate_hz in _OPUS_RATES_HZ):
            return Format(_OTHERS[container, codec], container, codec)
    return flac_for(codec)


def flac_for(codec: str) -> Format:
    """FLAC that holds all that a codec can say, as far as FLAC can.

    >>> flac_for("ULAW").codec
    'PCM_16'
    """
    fine = {"ULAW", "ALAW", "GSM610", "IMA_ADPCM", "MS_ADPCM", "PCM_U8"}
    return Format("flac", "FLAC", codec if codec in _FLAC_CODECS else "PCM_16" if codec in fine else "PCM_24")


@contextmanager
def open_writer(path: Path, form: Format, sample_rate_hz: int, n_channels: int) -> Iterator[Callable[[Samples], None]]:
    """A function that appends a block, (n_channels, n) float32 in [-1, 1], to a new file.

    Raises RetryableError if the file cannot be written.
    """
    import soundfile

    floats = form.codec in {"FLOAT", "DOUBLE"}
    try:
        with soundfile.SoundFile(
            path, "w", sample_rate_hz, n_channels, format=form.container, subtype=form.codec
        ) as file:

            def write(block: Samples) -> None:
                frames = block.T if floats else _integers(block.T)
                for at in range(0, len(frames), _AT_ONCE):
                    file.write(np.ascontiguousarray(frames[at : at + _AT_ONCE]))

            yield write
    except (soundfile.SoundFileError, OSError) as error:
        raise RetryableError(
            f"{path.name} cannot be written as {form.codec} in {form.container}",
            "Free space on that disk, then try again, or set redact.audio_format to flac",
        ) from error


def _integers(samples: Samples) -> np.ndarray[tuple[int, ...], np.dtype[np.int32]]:
    """In 32 bits, so that what was read from at most 24 is written as it was: libsndfile scales floats by one less than
    it reads them with."""
    return np.clip(np.rint(samples * np.float64(2.0**31)), -(2.0**31), 2.0**31 - 1).astype(np.int32)

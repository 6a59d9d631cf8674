"""What else a channel carries than speech: tones of the network, keys and music, found while it is listened to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from asr.resample import Resampler
from asr.sounds.dtmf import KeyListener, join_keys
from asr.sounds.music import MusicListener
from asr.sounds.spectra import RATE_HZ, Framer
from asr.sounds.tones import ToneListener
from asr.timebase import resampled_length
from asr.types import MODEL_RATE_HZ, RegionKind, Samples, Span


@dataclass(frozen=True, slots=True)
class Sound:
    """A tone, a run of keys or music: its span at MODEL_RATE_HZ and, of keys, the digits.

    Digits that are keyed are as secret as those that are said: no repr shows them.
    """

    span: Span
    kind: RegionKind
    digits: str = field(default="", repr=False)


class SoundListener:
    """One channel at its file's own rate, block by block."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._resampler = Resampler(sample_rate_hz, RATE_HZ)
        self._framer = Framer()
        self._tones = ToneListener()
        self._keys = KeyListener()
        self._music = MusicListener()

    def hear(self, native: Samples) -> None:
        """Take in a block, (n,) float32. What is no number counts as silence: decoding refuses such files later."""
        with np.errstate(invalid="ignore", over="ignore"):
            is_sound = np.isfinite(np.add.reduce(native))
        self._take(self._resampler.hear(native if is_sound else np.nan_to_num(native, posinf=0.0, neginf=0.0)))

    def end(self) -> tuple[Sound, ...]:
        """What there was, in order of start. Tones and keys do not overlap; music may hold either."""
        self._take(self._resampler.end())
        power, spectra = self._framer.end()
        self._tones.hear(power, spectra)
        self._music.hear(power, spectra)
        keys = join_keys(self._keys.end())
        tones = [tone for tone in self._tones.end() if not any(_overlap(tone.span, key.span) for key in keys)]
        music = self._music.end([*(key.span for key in keys), *(tone.span for tone in tones)])
        found = [
            *(Sound(_at_model_rate(key.span), RegionKind.DTMF, key.digits) for key in keys),
            *(Sound(_at_model_rate(tone.span), tone.kind) for tone in tones),
            *(Sound(_at_model_rate(span), RegionKind.MUSIC) for span in music),
        ]
        return tuple(sorted(found, key=lambda sound: (sound.span.start, sound.span.stop)))

    def _take(self, samples: Samples) -> None:
        self._keys.hear(samples)
        power, spectra = self._framer.hear(samples)
        self._tones.hear(power, spectra)
        self._music.hear(power, spectra)


def _at_model_rate(span: Span) -> Span:
    return Span(*(resampled_length(at, RATE_HZ, MODEL_RATE_HZ) for at in (span.start, span.stop)))


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.stop and other.start < one.stop

"""What an engine did between two moments, as a value."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Protocol, runtime_checkable

from asr.engines.base import Engine
from asr.whisper.engine import POSITION_S, Statistics


@runtime_checkable
class _Counting(Protocol):
    statistics: Statistics


@dataclass(frozen=True, slots=True)
class EngineCounts:
    """Windows, seconds of audio that were encoded and of padding in them, tokens fed to the decoder and those that its
    batches had room for, batches that were halved; and seconds of all threads together, by part."""

    windows: int = 0
    encoded_s: float = 0.0
    padding_s: float = 0.0
    tokens: int = 0
    token_slots: int = 0
    halved: int = 0
    mel_s: float = 0.0
    encode_s: float = 0.0
    decode_s: float = 0.0
    align_s: float = 0.0

    @classmethod
    def of(cls, engine: Engine) -> EngineCounts:
        """What an engine has done since it was loaded; nothing for one that does not count."""
        if not isinstance(engine, _Counting):
            return cls()
        done = engine.statistics
        return cls(
            done.windows,
            done.positions * POSITION_S,
            done.padding * POSITION_S,
            done.effort.useful,
            done.effort.total,
            done.halved,
            done.mel_s,
            done.effort.encode_s,
            done.effort.decode_s,
            done.align_s,
        )

    def __sub__(self, earlier: EngineCounts) -> EngineCounts:
        """What was done since."""
        return EngineCounts(*(now - then for now, then in zip(astuple(self), astuple(earlier), strict=True)))

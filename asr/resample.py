"""Changing the sample rate."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

import numpy as np
import soxr

from asr.errors import ConfigError
from asr.timebase import resampled_length
from asr.types import MODEL_RATE_HZ, Samples

_QUALITY = "HQ"

RESAMPLERS = {"soxr": "asr.resample:Resampler", "torchaudio": "asr.torch_resample:TorchResampler"}
"""Name to "module:class"; a class takes the rate of what it will hear."""


class BlockResampler(Protocol):
    """One channel to MODEL_RATE_HZ, block by block."""

    def hear(self, samples: Samples) -> Samples:
        """What is certain by now after one more block, (n,) float32; some milliseconds may be held back."""
        ...

    def end(self) -> Samples:
        """What is left: all that was given is `timebase.resampled_length` samples long."""
        ...


def open_resampler(name: str, from_rate_hz: int) -> BlockResampler:
    """The resampler of that name (decode.resampler), for one channel. Raises ConfigError if it is not installed."""
    module, _, attribute = RESAMPLERS[name].partition(":")
    try:
        made: BlockResampler = getattr(import_module(module), attribute)(from_rate_hz)
    except ImportError as error:
        raise ConfigError(
            f"decode.resampler is {name}, and it is not installed", "Install it: .venv/bin/pip install -e '.[torch]'"
        ) from error
    return made


def resample(samples: Samples, from_rate_hz: int, to_rate_hz: int = MODEL_RATE_HZ) -> Samples:
    """One channel at another rate.

    Takes and gives (n_samples,) float32; soxr's "HQ" recipe, linear phase, so that no time shifts. The length
    is exactly `timebase.resampled_length`: soxr may be a sample off, which is trimmed or repeated.
    """
    if from_rate_hz == to_rate_hz:
        return samples
    resampled: Samples = soxr.resample(samples, from_rate_hz, to_rate_hz, quality=_QUALITY)
    resampled = resampled.astype(np.float32, copy=False)
    wanted = resampled_length(len(samples), from_rate_hz, to_rate_hz)
    if len(resampled) < wanted:
        return np.pad(resampled, (0, wanted - len(resampled)), mode="edge" if len(resampled) else "constant")
    return resampled[:wanted]


class Resampler:
    """One channel to another rate, block by block: all blocks together are what `resample` gives."""

    def __init__(self, from_rate_hz: int, to_rate_hz: int = MODEL_RATE_HZ) -> None:
        self._from_rate_hz, self._to_rate_hz = from_rate_hz, to_rate_hz
        self._stream = soxr.ResampleStream(from_rate_hz, to_rate_hz, 1, dtype="float32", quality=_QUALITY)
        self._taken = self._given = 0
        self._last = np.zeros(1, np.float32)

    def hear(self, samples: Samples) -> Samples:
        """What is certain by now after one more block, (n,) float32; soxr holds some milliseconds back."""
        self._taken += len(samples)
        return self._counted(
            samples if self._from_rate_hz == self._to_rate_hz else self._stream.resample_chunk(samples)
        )

    def end(self) -> Samples:
        """What is left."""
        wanted = resampled_length(self._taken, self._from_rate_hz, self._to_rate_hz) - self._given
        if self._from_rate_hz == self._to_rate_hz or wanted <= 0:
            return np.zeros(0, np.float32)
        rest = self._counted(self._stream.resample_chunk(np.zeros(0, np.float32), last=True))[:wanted]
        return np.concatenate([rest, np.repeat(self._last, wanted - len(rest))])

    def _counted(self, resampled: Samples) -> Samples:
        self._given += len(resampled)
        if len(resampled):
            self._last = resampled[-1:]
        return resampled

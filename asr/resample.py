"""Changing the sample rate."""

from __future__ import annotations

import numpy as np
import soxr

from asr.timebase import resampled_length
from asr.types import MODEL_RATE_HZ, Samples


def resample(samples: Samples, from_rate_hz: int, to_rate_hz: int = MODEL_RATE_HZ) -> Samples:
    """One channel at another rate.

    Takes and gives (n_samples,) float32; soxr's "HQ" recipe, linear phase, so that no time shifts. The length
    is exactly `timebase.resampled_length`: soxr may be a sample off, which is trimmed or repeated.
    """
    if from_rate_hz == to_rate_hz:
        return samples
    resampled: Samples = soxr.resample(samples, from_rate_hz, to_rate_hz, quality="HQ").astype(np.float32, copy=False)
    wanted = resampled_length(len(samples), from_rate_hz, to_rate_hz)
    if len(resampled) < wanted:
        return np.pad(resampled, (0, wanted - len(resampled)), mode="edge" if len(resampled) else "constant")
    return resampled[:wanted]

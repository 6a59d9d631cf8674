"""How loud speech is, and the one gain that makes a channel as loud as speech should be."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from asr.options import LoudnessOptions

_MARGIN = 10 ** (15.9 / 10)
"""Active speech lies at most 15.9 dB under its own mean power (ITU-T P.56, method B)."""

_ENOUGH = 31
"""Windows of speech that tell its level: one second."""

_CEILING = 0.999
"""What the loudest sample may reach: full scale but for rounding."""

_OVERSHOOT = 2.0
"""Resampling makes up to 1.2 of a sample at full scale; what is greater comes from a file of floating-point samples."""


def active_level_dbov(power: NDArray[np.float32]) -> float:
    """The active speech level in dB below overload, -inf of silence and of nothing.

    `power` is the mean square of each window, (n_windows,), 0 dBov being a mean square of 1. In the manner of ITU-T
    P.56, method B, with the detector's windows for its envelope: the mean power of the windows that are active, which
    are as many as can be such that none lies more than 15.9 dB under that mean. Pauses, and noise that is fainter than
    that, do not count.
    """
    loudest_first = np.sort(power.astype(np.float64))[::-1]
    if not len(loudest_first) or loudest_first[0] <= 0.0:
        return float("-inf")
    means = np.cumsum(loudest_first) / np.arange(1, len(loudest_first) + 1)
    active = np.flatnonzero(loudest_first * _MARGIN >= means)[-1]
    return 10 * float(np.log10(means[active]))


def gain_to_target(level_dbov: float, peak: float, options: LoudnessOptions) -> float:
    """The factor that brings speech of a level to `target_dbov`: constant for a channel's whole length.

    1 for speech of `faint_dbov` and more, which engines and detectors hear as well as at the target, and for a channel
    without a level. A faint one is made louder by at most `max_gain_db`, and never so much that its `peak`, the largest
    magnitude, would pass full scale. Samples far over full scale are brought back to it.
    """
    if level_dbov == float("-inf") or options.max_gain_db == 0.0:
        return 1.0
    if peak > _OVERSHOOT:
        return 1.0 / peak
    if level_dbov >= options.faint_dbov:
        return 1.0
    wanted_db = min(options.target_dbov - level_dbov, options.max_gain_db)
    return max(1.0, min(float(10 ** (wanted_db / 20)), _CEILING / peak))


def gain_for_listening(
    power: NDArray[np.float32], spoken: NDArray[np.bool_], peak: float, options: LoudnessOptions
) -> float:
    """The factor by which a channel is made louder before it is listened to again, 1 if it need not be.

    `power` is each window's mean square, (n_windows,), and `spoken` which of them the detector heard speech in. As
    `gain_to_target` by the level of speech, or that of the whole channel if there is next to none.
    """
    level_dbov = active_level_dbov(power[spoken] if spoken.sum() >= _ENOUGH else power)
    return max(1.0, gain_to_target(level_dbov, peak, options))

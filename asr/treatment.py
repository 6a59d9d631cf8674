"""What is done to a channel's chunks between the file and the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from asr.denoise import denoiser, is_noisy, snr_db
from asr.listener import ChannelSurvey
from asr.loudness import active_level_dbov, gain_to_target
from asr.options import DenoiseOptions, LoudnessOptions
from asr.types import Samples, Span
from asr.vad import inside


@dataclass(frozen=True, slots=True, eq=False)
class Treatment:
    """One gain for the whole channel, and a method and a sample, (n,) at 16 kHz, of the noise that it takes out;
    `snr_db` is the ratio on which that was decided (`denoise.snr_db`)."""

    gain: float = 1.0
    snr_db: float = float("inf")
    method: str = "off"
    noise: Samples = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)

    def apply(self, samples: Samples) -> Samples:
        """A chunk, (n_samples,) float32 at 16 kHz, as the engine is to hear it."""
        clean = samples if self.method == "off" else denoiser(self.method)(samples, self.noise)
        return clean if self.gain == 1.0 else clean * np.float32(self.gain)


def plan(
    channel: ChannelSurvey, bursts: Sequence[Span], denoise: DenoiseOptions, loudness: LoudnessOptions
) -> Treatment:
    """The treatment of a channel, from what the first pass measured in and between its bursts of speech."""
    level_dbov = active_level_dbov(channel.power[inside(len(channel.power), bursts)])
    gain = gain_to_target(level_dbov, channel.peak, loudness)
    ratio_db = snr_db(channel.power, bursts)
    if len(channel.noise) and is_noisy(ratio_db, denoise):
        return Treatment(gain, ratio_db, denoise.method, channel.noise)
    return Treatment(gain, ratio_db)

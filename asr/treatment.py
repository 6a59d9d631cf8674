"""What is done to a channel's chunks between the file and the engine."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from asr.denoise import denoiser, is_noisy
from asr.listener import ChannelSurvey
from asr.loudness import gain_to_target
from asr.options import DenoiseOptions, LoudnessOptions
from asr.types import Samples


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


def plan(channel: ChannelSurvey, denoise: DenoiseOptions, loudness: LoudnessOptions) -> Treatment:
    """The treatment of a channel, from what the first pass measured of its speech and its noise."""
    gain = gain_to_target(channel.level_dbov, channel.peak, loudness)
    ratio_db = channel.snr_db
    if is_noisy(ratio_db, denoise) and len(noise := channel.noise):
        return Treatment(gain, ratio_db, denoise.method, noise)
    return Treatment(gain, ratio_db)

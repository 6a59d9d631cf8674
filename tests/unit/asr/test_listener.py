"""What a channel's survey tells of speech and noise, by which findings, treatment and inspection go alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asr.listener import ChannelSurvey, Quiet, _NoiseSample
from asr.sounds.sound import Sound
from asr.types import Channel, RegionKind, Span
from asr.vad import WINDOW

N_SPOKEN, N_QUIET = 40, 160
NOISE = (0.01 * np.random.default_rng(1).standard_normal((N_SPOKEN + N_QUIET, WINDOW))).astype(np.float32)


def heard(snr_db: float, n_spoken: int = N_SPOKEN) -> ChannelSurvey:
    """Forty windows of speech at -46 dBov, all or the first of which are heard, and then the line's noise."""
    speech = 10**-4.6
    power = np.full(N_SPOKEN + N_QUIET, speech / (1 + 10 ** (snr_db / 10)), np.float32)
    power[:N_SPOKEN] = speech
    probabilities = np.where(np.arange(len(power)) < n_spoken, np.float32(0.9), np.float32(0.01))
    quiet = Quiet(NOISE[N_SPOKEN:], np.arange(N_SPOKEN, len(power)))
    return ChannelSurvey(0, Channel.AGENT, len(power) * WINDOW, probabilities, power, 0.02, quiet)


def with_sound(channel: ChannelSurvey, kind: RegionKind, first: int, last: int, power: float) -> ChannelSurvey:
    """The channel with a sound from one window to another, so loud."""
    louder = channel.power.copy()
    louder[first:last] = power
    sound = Sound(Span(first * WINDOW, last * WINDOW), kind)
    return replace(channel, power=louder, sounds=(*channel.sounds, sound))


def test_level_and_ratio_are_those_that_were_mixed() -> None:
    channel = heard(12.0)
    assert channel.level_dbov == pytest.approx(-46.0, abs=0.01)
    assert channel.snr_db == pytest.approx(12.0, abs=0.01)


@pytest.mark.parametrize("kind", [RegionKind.MUSIC, RegionKind.RINGBACK, RegionKind.DTMF])
def test_music_tones_and_keys_are_no_noise_however_long(kind: RegionKind) -> None:
    channel = with_sound(heard(20.0), kind, 55, 195, 0.1)
    assert channel.snr_db == pytest.approx(20.0, abs=0.01)
    assert len(channel.noise) == (len(NOISE) - 140 - N_SPOKEN - 10) * WINDOW
    everywhere = with_sound(heard(20.0), kind, N_SPOKEN, len(NOISE), 0.1)
    assert (len(everywhere.noise), everywhere.snr_db) == (0, float("inf"))


def test_what_the_detector_hears_in_a_tone_is_no_speech_and_what_it_hears_over_music_is() -> None:
    channel = heard(20.0)
    assert with_sound(channel, RegionKind.RINGBACK, 0, 30, 0.1).level_dbov == pytest.approx(-46.0, abs=0.01)
    assert with_sound(channel, RegionKind.MUSIC, 0, 30, 0.1).level_dbov > -13.0


def test_words_fade_and_what_leaks_in_is_no_noise() -> None:
    channel = heard(20.0)
    assert np.flatnonzero(channel.is_noise)[0] == N_SPOKEN + 10
    leaked = np.zeros(len(channel.power), bool)
    leaked[100:] = True
    assert np.flatnonzero(replace(channel, leaked=leaked).is_noise)[-1] == 99
    assert np.array_equal(replace(channel, leaked=leaked).noise, NOISE[N_SPOKEN + 10 : 100].reshape(-1))


@pytest.mark.parametrize("block", [1, 7, 100, 5_000])
def test_what_is_kept_of_noise_is_spread_over_the_call_whatever_the_blocks(block: int) -> None:
    sample, chosen = _NoiseSample(), np.arange(5_000) % 3 > 0
    windows = np.repeat(np.arange(5_000, dtype=np.float32)[:, None], WINDOW, axis=1)
    for at in range(0, 5_000, block):
        sample.add(windows[at : at + block], chosen[at : at + block])
    kept = sample.kept()
    assert np.array_equal(kept.places, np.flatnonzero(chosen)[::8])
    assert np.array_equal(kept.windows[:, 0], kept.places)

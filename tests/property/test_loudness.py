"""What holds of the level rule for any channel."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.loudness import active_level_dbov, gain_for_listening, gain_to_target
from asr.options import LoudnessOptions
from asr.treatment import Treatment
from asr.types import Samples
from asr.vad import WINDOW

RULE = LoudnessOptions()


@st.composite
def channels(draw: st.DrawFn) -> Samples:
    """Whole windows of a channel: each silent or noise of some level, some with a click, up to over full scale."""
    levels = draw(st.lists(st.sampled_from([0.0, 1e-4, 1e-3, 0.01, 0.1, 0.5]), min_size=1, max_size=40))
    noise = np.random.default_rng(draw(st.integers(0, 2**32))).uniform(-1, 1, (len(levels), WINDOW))
    samples = (noise * np.array(levels)[:, None]).reshape(-1).astype(np.float32)
    samples[draw(st.integers(0, len(samples) - 1))] += draw(st.sampled_from([0.0, 0.3, -1.2]))
    return samples


def _gain(samples: Samples) -> float:
    power = np.mean(np.square(samples.reshape(-1, WINDOW)), axis=1)
    return gain_to_target(active_level_dbov(power), float(np.abs(samples).max()), RULE)


@settings(max_examples=50)
@given(channels())
def test_no_sample_clips(samples: Samples) -> None:
    gain = _gain(samples)
    assert np.abs(Treatment(gain).apply(samples)).max() <= max(1.0, np.abs(samples).max())
    assert 1.0 <= gain <= 10 ** (RULE.max_gain_db / 20)


@settings(max_examples=50)
@given(channels(), st.integers(0, 40 * WINDOW))
def test_one_gain_for_all_of_a_channel_and_silence_stays_silence(samples: Samples, at: int) -> None:
    treatment = Treatment(_gain(samples))
    whole = treatment.apply(samples)
    assert np.array_equal(whole, np.concatenate([treatment.apply(samples[:at]), treatment.apply(samples[at:])]))
    assert np.array_equal(whole == 0, samples * np.float32(treatment.gain) == 0)
    assert not whole[samples == 0].any()


@settings(max_examples=50)
@given(channels(), st.integers(0, 40))
def test_when_it_is_said_changes_nothing(samples: Samples, windows: int) -> None:
    later = np.concatenate([np.zeros(windows * WINDOW, np.float32), samples])
    assert _gain(later) == _gain(samples)


@settings(max_examples=50)
@given(channels())
def test_the_louder_the_channel_the_less_gain(samples: Samples) -> None:
    assert _gain(samples * np.float32(0.5)) >= _gain(samples) * (1 - 1e-6)


@settings(max_examples=50)
@given(channels())
def test_what_was_made_louder_to_be_listened_to_does_not_clip(samples: Samples) -> None:
    power = np.mean(np.square(samples.reshape(-1, WINDOW)), axis=1)
    peak = float(np.abs(samples).max())
    gain = gain_for_listening(power, np.zeros(len(power), bool), peak, RULE)
    assert gain == 1.0 or peak * gain <= 1.0

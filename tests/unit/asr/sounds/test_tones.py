"""Tones of the network in the rhythms of several countries, at all rates and levels, and what is none."""

from __future__ import annotations

import numpy as np
import pytest

from asr.sounds.sound import Sound, SoundListener
from asr.timebase import to_seconds
from asr.types import RegionKind
from tests.benchmarks.noises import MUSIC, Signal, cadence, music, noise, special, tone


def found(signal: Signal, rate_hz: int = 8_000, block_s: float = 30.0) -> list[Sound]:
    listener = SoundListener(rate_hz)
    size = round(block_s * rate_hz)
    for at in range(0, len(signal), size):
        listener.hear(signal[at : at + size].astype(np.float32))
    return list(listener.end())


def tones(signal: Signal, rate_hz: int = 8_000) -> list[tuple[RegionKind, float, float]]:
    return [
        (sound.kind, to_seconds(sound.span.start), to_seconds(sound.span.stop))
        for sound in found(signal, rate_hz)
        if sound.kind is not RegionKind.MUSIC
    ]


def quiet(lasts_s: float, rate_hz: int = 8_000) -> Signal:
    return np.zeros(round(lasts_s * rate_hz))


EXPECTED = {
    "ringback US": (RegionKind.RINGBACK, [(1.0, 3.0), (7.0, 9.0)]),
    "ringback UK": (RegionKind.RINGBACK, [(1.0, 2.0), (4.0, 5.0), (7.0, 8.0), (10.0, 11.0)]),
    "ringback Europe": (RegionKind.RINGBACK, [(1.0, 2.0), (6.0, 7.0), (11.0, 12.0)]),
    "busy US": (RegionKind.BUSY, [(1.0, 12.5)]),
    "busy Europe": (RegionKind.BUSY, [(1.0, 12.5)]),
    "busy UK": (RegionKind.BUSY, [(1.0, 12.625)]),
    "congestion US": (RegionKind.CONGESTION, [(1.0, 12.75)]),
    "congestion Europe": (RegionKind.CONGESTION, [(1.0, 12.75)]),
    "dial tone US": (RegionKind.DIAL_TONE, [(1.0, 5.0), (6.0, 10.0)]),
    "dial tone Europe": (RegionKind.DIAL_TONE, [(1.0, 5.0), (6.0, 10.0)]),
}


@pytest.mark.parametrize("name", EXPECTED)
@pytest.mark.parametrize(("rate_hz", "level_dbfs"), [(8_000, -10.0), (8_000, -35.0), (16_000, -20.0), (44_100, -28.0)])
def test_each_tone_is_found_where_it_is(name: str, rate_hz: int, level_dbfs: float) -> None:
    lasts_s = 10.0 if name.startswith("dial") else 12.0
    signal = np.concatenate([quiet(1.0, rate_hz), cadence(name, lasts_s, level_dbfs, rate_hz), quiet(1.0, rate_hz)])
    signal = signal + noise(len(signal) / rate_hz, level_dbfs - 15, 1, rate_hz)[: len(signal)]
    kind, spans = EXPECTED[name]
    heard = tones(signal, rate_hz)
    assert [one for one, _, _ in heard] == [kind] * len(spans)
    for (_, start_s, end_s), (wanted_start_s, wanted_end_s) in zip(heard, spans, strict=True):
        assert abs(start_s - wanted_start_s) <= 0.07
        assert abs(end_s - wanted_end_s) <= 0.07


SPECIAL = {
    "ITU": ((950.0, 1_400.0, 1_800.0), (0.33, 0.33, 0.33)),
    "ITU, short and low": ((900.0, 1_350.0, 1_750.0), (0.26, 0.26, 0.26)),
    "ITU, long and high": ((1_000.0, 1_450.0, 1_850.0), (0.4, 0.4, 0.4)),
    "North America: intercept": ((913.8, 1_370.6, 1_776.7), (0.274, 0.274, 0.38)),
    "North America: no circuit": ((985.2, 1_428.5, 1_776.7), (0.38, 0.38, 0.38)),
    "North America: vacant code": ((985.2, 1_370.6, 1_776.7), (0.38, 0.274, 0.38)),
}


@pytest.mark.parametrize("name", SPECIAL)
@pytest.mark.parametrize(("rate_hz", "level_dbfs"), [(8_000, -10.0), (8_000, -35.0), (44_100, -24.0)])
@pytest.mark.parametrize("before_s", [1.0, 1.02, 1.041])
def test_the_special_information_tone_is_found_where_it_is(
    name: str, rate_hz: int, level_dbfs: float, before_s: float
) -> None:
    steps_hz, steps_s = SPECIAL[name]
    once = special(steps_hz, steps_s, level_dbfs, rate_hz)
    signal = np.concatenate([quiet(before_s, rate_hz), once, once])
    signal = signal + noise(len(signal) / rate_hz, level_dbfs - 15, 1, rate_hz)[: len(signal)]
    heard = tones(signal, rate_hz)
    assert [kind for kind, _, _ in heard] == [RegionKind.SPECIAL_TONE] * 2
    for number, (_, start_s, end_s) in enumerate(heard):
        wanted_start_s = before_s + number * (sum(steps_s) + 1.0)
        assert abs(start_s - wanted_start_s) <= 0.07
        assert abs(end_s - wanted_start_s - sum(steps_s)) <= 0.07


@pytest.mark.parametrize(
    ("steps_hz", "lasts_s"),
    [
        ((1_800.0, 1_400.0, 950.0), 0.33),  # falling
        ((950.0, 1_400.0), 0.33),  # two
        ((950.0, 1_400.0, 1_800.0), 0.6),  # a tune's notes
        ((950.0, 1_400.0, 1_800.0), 0.1),
        ((950.0, 1_200.0, 1_800.0), 0.33),
    ],
)
def test_other_steps_are_no_special_information_tone(steps_hz: tuple[float, ...], lasts_s: float) -> None:
    assert tones(np.concatenate([quiet(1.0), special(steps_hz, [lasts_s] * len(steps_hz), -20.0)])) == []


def test_three_notes_with_pauses_are_no_special_information_tone() -> None:
    notes = [part for hz in (950.0, 1_400.0, 1_800.0) for part in (tone((hz,), 0.33, -20.0), quiet(0.2))]
    assert tones(np.concatenate([quiet(1.0), *notes])) == []


def test_a_tone_may_lie_on_the_border_of_blocks() -> None:
    signal = np.concatenate([quiet(0.9), cadence("busy US", 6.0, -20.0), quiet(1.0)])
    assert found(signal, block_s=0.37) == found(signal)


@pytest.mark.parametrize(
    ("frequencies_hz", "lasts_s"),
    [
        ((440.0, 480.0), 0.2),  # too short
        ((440.0, 500.0), 2.0),  # another interval
        ((470.0,), 2.0),
        ((425.0,), 1.0),  # one note
        ((425.0,), 0.25),
        ((350.0, 440.0), 1.0),  # a third, not a dial tone
        ((440.0, 480.0, 960.0), 2.0),  # an overtone
        ((1_000.0,), 3.0),
    ],
)
def test_other_notes_are_no_tones(frequencies_hz: tuple[float, ...], lasts_s: float) -> None:
    assert tones(np.concatenate([quiet(1.0), tone(frequencies_hz, lasts_s, -20.0), quiet(2.0)])) == []


def test_one_frequency_without_a_rhythm_is_no_busy_tone() -> None:
    notes = [part for gap_s in (0.2, 0.6, 0.3) for part in (tone((425.0,), 0.5, -20.0), quiet(gap_s))]
    assert tones(np.concatenate([quiet(1.0), *notes])) == []


def test_a_tone_drowned_in_noise_is_none() -> None:
    signal = cadence("busy US", 6.0, -30.0)
    assert tones(signal + noise(6.0, -30.0, 2)) == []


@pytest.mark.parametrize("kind", MUSIC)
def test_music_has_no_tones(kind: str) -> None:
    assert tones(music(kind, 20.0, 3)) == []


def test_silence_and_noise_have_nothing() -> None:
    assert found(quiet(5.0)) == []
    assert found(noise(20.0, -30.0, 4)) == []
    assert found(quiet(0.001)) == []
    assert found(np.zeros(0)) == []

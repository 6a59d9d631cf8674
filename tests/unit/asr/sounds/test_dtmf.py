"""Keys by the rules of ITU-T Q.24: length, pause, frequency, twist."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.resample import resample
from asr.sounds.dtmf import HIGH_HZ, LOW_HZ, KeyListener, join_keys
from tests.benchmarks.noises import Signal, keys, noise, tone

ROOT = Path(__file__).parents[4]
ALL = "123A456B789C*0#D"


def pressed(signal: Signal, block: int = 240_000) -> str:
    listener = KeyListener()
    for at in range(0, len(signal), block):
        listener.hear(signal[at : at + block].astype(np.float32))
    return "".join(press.digits for press in listener.end())


def lead(signal: Signal, before: int = 1_000) -> Signal:
    return np.concatenate([np.zeros(before), signal, np.zeros(2_000)])


@pytest.mark.parametrize("level_dbfs", [-10.0, -22.0, -35.0])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100])
def test_all_sixteen_keys(level_dbfs: float, rate_hz: int) -> None:
    signal = keys(ALL, level_dbfs, 0.05, 0.05, rate_hz)
    signal = np.concatenate([signal, np.zeros(rate_hz // 10)])
    signal += noise(len(signal) / rate_hz, level_dbfs - 15, 1, rate_hz)[: len(signal)]
    assert pressed(resample(signal.astype(np.float32), rate_hz, 8_000).astype(np.float64)) == ALL


@pytest.mark.parametrize(
    ("lasts_s", "counts"), [(0.02, False), (0.025, False), (0.03, False), (0.04, True), (0.06, True)]
)
def test_a_press_lasts_40_ms(lasts_s: float, *, counts: bool) -> None:
    for offset in range(0, 200, 23):
        heard = pressed(lead(keys("5", -20.0, lasts_s), 1_000 + offset))
        assert heard == ("5" if counts else ""), offset


@pytest.mark.parametrize(("gap_s", "presses"), [(0.01, 1), (0.04, 2)])
def test_an_interruption_is_no_pause(gap_s: float, presses: int) -> None:
    for offset in range(0, 200, 23):
        twice = keys("77", -20.0, 0.08, gap_s)
        assert pressed(lead(twice, 1_000 + offset)) == "7" * presses, offset


@pytest.mark.parametrize(("high_over_low_db", "is_key"), [(-11, False), (-7, True), (0, True), (3, True), (6, False)])
def test_twist(high_over_low_db: float, *, is_key: bool) -> None:
    both = tone((LOW_HZ[2],), 0.1, -23.0) + tone((HIGH_HZ[1],), 0.1, -23.0 + high_over_low_db)
    assert bool(pressed(lead(both))) is is_key


@pytest.mark.parametrize(
    ("off", "is_key"), [(0.0, True), (0.015, True), (-0.015, True), (0.035, False), (-0.035, False)]
)
def test_frequencies_may_be_off_by_little(off: float, *, is_key: bool) -> None:
    for low, high in ((0, 0), (3, 3)):
        pair_hz = (LOW_HZ[low] * (1 + off), HIGH_HZ[high] * (1 + off))
        assert bool(pressed(lead(tone(pair_hz, 0.1, -20.0)))) is is_key


@pytest.mark.parametrize(
    "frequencies_hz", [(697.0,), (1_336.0,), (697.0, 770.0), (697.0, 1_209.0, 1_900.0), (440.0, 480.0)]
)
def test_other_sounds_are_no_keys(frequencies_hz: tuple[float, ...]) -> None:
    assert pressed(lead(tone(frequencies_hz, 0.2, -20.0))) == ""


def test_keys_may_lie_on_the_border_of_blocks() -> None:
    signal = lead(keys(ALL, -20.0, 0.06, 0.06))
    assert {pressed(signal, block) for block in (100, 161, 999, 4_001)} == {ALL}


def test_keys_soon_after_one_another_are_one_run() -> None:
    listener = KeyListener()
    signal = np.concatenate([keys("12", -20.0), np.zeros(3 * 8_000), keys("34", -20.0)])
    listener.hear(signal.astype(np.float32))
    assert [run.digits for run in join_keys(listener.end())] == ["12", "34"]


def test_no_repr_shows_what_was_pressed() -> None:
    listener = KeyListener()
    listener.hear(lead(keys("4111", -20.0)).astype(np.float32))
    assert "4111" not in repr(join_keys(listener.end()))


@pytest.mark.parametrize("call", sorted((ROOT / "sample_audio").glob("*.wav")), ids=lambda call: call.stem)
def test_voices_are_no_keys(call: Path) -> None:
    truth = json.loads(call.with_suffix(".json").read_text())["regions"]
    samples, _ = soundfile.read(call, dtype="float32", always_2d=True)
    for channel in range(2):
        listener = KeyListener()
        listener.hear(np.ascontiguousarray(samples[:, channel]))
        runs = join_keys(listener.end())
        keyed = [region for region in truth if region["kind"] == "dtmf" and region["channel"] == channel]
        assert len(runs) == len(keyed)
        for run, region in zip(runs, keyed, strict=True):
            assert abs(run.span.start / 8_000 - region["start_s"]) < 0.02
            assert abs(run.span.stop / 8_000 - region["end_s"]) < 0.02

"""Stages on calls that are unlike most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.types import Hypothesis, Word
from asr.vad import SileroVad
from configs.settings import Settings
from flows.stages import hear, prepare


@pytest.fixture
def nobody(tmp_path: Path) -> Path:
    """Three seconds of a ringing tone on both channels."""
    at_s = np.arange(24_000) / 8_000
    tone = 0.2 * np.sin(2 * np.pi * 440 * at_s) * (at_s % 2 < 1)
    soundfile.write(tmp_path / "nobody.wav", np.stack([tone, tone], 1), 8_000, subtype="ULAW")
    return tmp_path / "nobody.wav"


def _said(_: object) -> Hypothesis:
    return Hypothesis((Word("hello", 0.0, 0.5, 0.9),), "en", -0.1, 0.0, 1.0, 0.0)


def test_calls_in_which_nobody_speaks_are_heard_to_their_end(nobody: Path, detector: SileroVad) -> None:
    told: list[float] = []
    silent = prepare(identify(nobody), detector, Settings())
    (answer,) = hear([silent], ScriptedEngine(_said), Settings(), told.append)
    assert answer.hypotheses == ()
    assert sum(told) == pytest.approx(3.0)


def test_recorded_time_is_told_whole_beside_a_call_without_speech(
    nobody: Path, calls: Path, detector: SileroVad
) -> None:
    told: list[float] = []
    both = [prepare(identify(path), detector, Settings()) for path in (nobody, min(calls.glob("*.wav")))]
    silent, spoken = hear(both, ScriptedEngine(_said), Settings(), told.append)
    assert not silent.hypotheses
    assert spoken.hypotheses
    assert sum(told) == pytest.approx(sum(item.facts.duration_s for item in both))


def test_an_engine_is_told_which_chunk_follows_which_in_its_channel(calls: Path, detector: SileroVad) -> None:
    # A second hearing would be another batch.
    settings = Settings.model_validate({"chunk": {"max_chunk_s": 4.0, "overlap_s": 1.0}, "guards": {"enabled": False}})
    several = [prepare(identify(path), detector, settings) for path in sorted(calls.glob("*.wav"))[:2]]
    engine = ScriptedEngine(_said)
    hear(several, engine, settings, lambda _: None)
    channels = [channel for item in several for channel in item.channels]
    assert len(engine.after) == sum(len(channel.chunks) for channel in channels)
    assert engine.after.count(None) == sum(bool(channel.chunks) for channel in channels) < len(engine.after)
    # Nothing comes before itself or twice.
    before = [at for at in engine.after if at is not None]
    assert len(before) == len(set(before))
    assert all(at < place for place, at in enumerate(engine.after) if at is not None)

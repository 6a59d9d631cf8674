"""Stages on calls that are unlike most."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.types import Channel, FindingEffect, FindingKind, Hypothesis, Provenance, Samples, Transcript, Word
from asr.vad import SileroVad
from configs.settings import Settings
from flows.preparation import Prepared, prepare
from flows.stages import assemble, hear


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


def test_channels_keep_their_samples_beside_ignored_ones(calls: Path, detector: SileroVad, tmp_path: Path) -> None:
    call = min(calls.glob("*.wav"))
    both, rate_hz = soundfile.read(call, dtype="int16")
    wide = np.stack([both[:, 1] // 4, both[:, 1], both[:, 1] // 2, both[:, 0]], axis=1)
    soundfile.write(tmp_path / "wide.wav", wide, rate_hz)
    soundfile.write(tmp_path / "plain.wav", both, rate_hz)
    maps = {"decode": {"channel_maps": [["ignored", "customer", "ignored", "agent"]]}}
    heard: dict[str, list[float]] = {"plain.wav": [], "wide.wav": []}
    for name, settings in (("plain.wav", Settings()), ("wide.wav", Settings.model_validate(maps))):

        def answer(samples: Samples, loud: list[float] = heard[name]) -> Hypothesis:
            loud.append(float(np.abs(samples).sum()))
            return _said(samples)

        hear([prepare(identify(tmp_path / name), detector, settings)], ScriptedEngine(answer), settings, lambda _: None)
    assert heard["plain.wav"]
    assert sorted(heard["wide.wav"]) == pytest.approx(sorted(heard["plain.wav"]), rel=1e-3)


def _assembled(item: Prepared, text: str, settings: Settings) -> Transcript:
    """The transcript of a call in which an engine hears the same words in every chunk."""
    words = tuple(Word(word, 0.3 * at, 0.3 * at + 0.2, 0.9) for at, word in enumerate(text.split()))
    engine = ScriptedEngine(lambda _: Hypothesis(words, "en", -0.1, 0.0, 1.0, 0.0))
    (heard,) = hear([item], engine, settings, lambda _: None)
    return assemble(item, heard, Provenance("m", "h", "scripted", "int8", "f", "0"), settings)


def test_two_copies_of_one_channel_are_transcribed_once(calls: Path, detector: SileroVad, tmp_path: Path) -> None:
    audio, rate_hz = soundfile.read(calls / "order.wav", dtype="float32")
    mixed = 0.4 * audio.sum(axis=1)
    soundfile.write(tmp_path / "copies.wav", np.stack([0.5 * mixed, mixed], axis=1), rate_hz)
    soundfile.write(tmp_path / "mixed.wav", mixed, rate_hz)
    copies, alone = (prepare(identify(tmp_path / name), detector, Settings()) for name in ("copies.wav", "mixed.wav"))
    assert [(channel.channel, channel.index) for channel in copies.channels] == [(Channel.MIXED, 1)]
    assert copies.chunks == alone.chunks
    transcript = _assembled(copies, "hello there", Settings())
    assert transcript.channels == (Channel.MIXED,)
    assert [finding.kind for finding in transcript.findings] == [FindingKind.SAME_CHANNELS]
    assert [turn.text for turn in transcript.turns] == ["hello there"] * len(copies.chunks)


@pytest.mark.parametrize("corrected", [False, True])
def test_swapped_sides_are_reported_and_exchanged_only_if_that_is_wanted(
    calls: Path, detector: SileroVad, tmp_path: Path, *, corrected: bool
) -> None:
    """Only the customer's channel speaks, and answers the call."""
    audio, rate_hz = soundfile.read(calls / "order.wav", dtype="float32")
    one_sided = np.stack([np.zeros(len(audio)), audio.sum(axis=1) * 0.5], axis=1)
    soundfile.write(tmp_path / "swapped.wav", one_sided, rate_hz)
    settings = Settings.model_validate({"turns": {"correct_swapped": corrected}})
    transcript = _assembled(prepare(identify(tmp_path / "swapped.wav"), detector, settings), "how can I help", settings)
    dead, swapped = transcript.findings
    assert (dead.kind, swapped.kind) == (FindingKind.DEAD_CHANNEL, FindingKind.SWAPPED_CHANNELS)
    assert swapped.effect is (FindingEffect.EXCHANGED if corrected else FindingEffect.REPORTED)
    silent, speaks = (Channel.CUSTOMER, Channel.AGENT) if corrected else (Channel.AGENT, Channel.CUSTOMER)
    assert dead.channel is silent
    assert {turn.channel for turn in transcript.turns} == {speaks}

"""Nothing that was said shows in a repr, and types count as they should."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from asr.types import (
    Audio,
    Channel,
    Hypothesis,
    Provenance,
    Region,
    RegionKind,
    Span,
    Transcript,
    Turn,
    Word,
)
from compliance.types import Document, RedactedTurn, RedactedWord
from llm.types import Finding

SECRET = "hunter2"  # noqa: S105


@pytest.fixture
def transcript() -> Transcript:
    words = (Word(SECRET, 0.5, 1.0, 0.9), Word(SECRET, 1.0, 1.5, 0.9))
    return Transcript(
        audio="call.wav",
        duration_s=2.0,
        channels=(Channel.AGENT,),
        turns=(Turn("agent", Channel.AGENT, words),),
        regions=(Region(0.0, 2.0, Channel.AGENT, RegionKind.SPEECH),),
        provenance=Provenance("m", "0" * 64, "scripted", "none", "f", "1"),
    )


def test_no_repr_shows_what_was_said(transcript: Transcript) -> None:
    (turn,) = transcript.turns
    hypothesis = Hypothesis(turn.words, "en", -0.1, 0.0, 1.0, 0.0)
    redacted = RedactedWord(SECRET, 0.0, 1.0, 0.9)
    values = [
        transcript,
        turn,
        turn.words[0],
        hypothesis,
        [hypothesis],
        redacted,
        RedactedTurn("agent", Channel.AGENT, (redacted,)),
        Document("json", "application/json", SECRET.encode()),
        Finding(SECRET, (0,)),
    ]
    for value in values:
        assert SECRET not in repr(value)
        assert SECRET not in str(value)
        assert SECRET not in f"{value!r:>10}"


def test_no_repr_shows_samples() -> None:
    samples = np.full((1, 4), 0.125, np.float32)
    assert "0.125" not in repr(Audio(samples, 8_000, (Channel.MIXED,), "WAV", "PCM_16"))


def test_a_turn_says_its_words_and_bounds(transcript: Transcript) -> None:
    (turn,) = transcript.turns
    assert (turn.start_s, turn.end_s, turn.text) == (0.5, 1.5, f"{SECRET} {SECRET}")


def test_what_passes_between_stages_is_frozen(transcript: Transcript) -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        transcript.turns[0].words[0].text = "other"  # type: ignore[misc]
    assert not hasattr(transcript, "__dict__")


def test_regions_sort_by_time_and_spans_count_samples() -> None:
    late = Region(2.0, 3.0, Channel.AGENT, RegionKind.SPEECH)
    early = Region(0.0, 1.0, Channel.CUSTOMER, RegionKind.SILENCE)
    assert sorted([late, early]) == [early, late]
    assert len(Span(3, 10)) == 7

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from asr.types import Channel, FindingEffect, FindingKind, Provenance, Recording, Region, RegionKind
from asr.types import Finding as Sound
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from llm.types import Finding, Summary
from storage.repository import Repository
from storage.session import migrate, open_database
from storage.types import AudioFacts, Publication

MakeCall = Callable[..., Publication]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = open_database(f"sqlite:///{tmp_path}/data/calls.db")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture
def repository(engine: sa.Engine) -> Repository:
    """A repository whose clock goes on by a second each time that it is read."""
    ticks = iter(range(1_000_000))
    start = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    return Repository(engine, lambda: start + timedelta(seconds=next(ticks)), actor="tests")


@pytest.fixture
def make_call() -> MakeCall:
    def make(name: str = "in/call.wav", n_turns: int = 3, n_words: int = 4, model: str = "m") -> Publication:
        recording = Recording(hashlib.sha256(name.encode()).hexdigest(), Path("/calls") / name, 1_000)
        turns = tuple(
            RedactedTurn(
                f"speaker {index % 2}",
                (Channel.AGENT, Channel.CUSTOMER)[index % 2],
                (
                    *(RedactedWord(f"w{i}", index + i / 9, index + (i + 1) / 9, 0.9) for i in range(n_words - 1)),
                    RedactedWord("[CREDIT_CARD]", index + 0.9, index + 0.95, 0.7, "CREDIT_CARD"),
                ),
            )
            for index in range(n_turns)
        )
        transcript = RedactedTranscript(
            audio=recording.name,
            duration_s=float(n_turns),
            channels=(Channel.AGENT, Channel.CUSTOMER),
            turns=turns,
            regions=(
                Region(0.0, 1.5, Channel.AGENT, RegionKind.SPEECH),
                Region(0.0, 1.0, Channel.AGENT, RegionKind.TALK, speaker="agent-2"),
            ),
            redactions=tuple(
                Redaction("CREDIT_CARD", turn.channel, index, n_words - 1, 16, turn.end_s - 0.05, turn.end_s)
                for index, turn in enumerate(turns)
            ),
            policy="pci",
            provenance=Provenance(model, "ab" * 32, "scripted", "int8", "f" * 16, "0.1.0"),
            findings=(
                Sound(FindingKind.SAME_CHANNELS, None, 0.999, "share", FindingEffect.MERGED, 12.5),
                Sound(FindingKind.CLIPPING, Channel.AGENT, 0.02, "share", FindingEffect.REPORTED),
            ),
        )
        summary = Summary("extractive", Finding("w0 w1", (0,)), None, (Finding("w2", (0, 1)),), ("billing",))
        return Publication(
            recording,
            AudioFacts(float(n_turns), "WAV", "PCM_16", 8_000),
            transcript,
            summary,
            {"json": "ab/abc.json"},
            {"transcribe": 1.25},
        )

    return make

"""Calls, queries and what each finds: the same on every database."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from asr.types import CallMetadata, Channel, Provenance, Recording
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord
from llm.types import Analysed, AnalysisKind
from storage.repository import Repository
from storage.search import Where, search
from storage.search_query import parse
from storage.types import AudioFacts, Publication

MONDAY = datetime(2026, 9, 21, 9, tzinfo=UTC)

CALLS = {
    "late": ("I would like a refund, please.", "The shipping was a week late and I don't want it."),
    "lost": ("My parcel was lost in shipping, so a full refund is due.", "Mrs. [PERSON], that is done."),
    "card": ("You took money from my card [CREDIT_CARD]. Refunds take 3.5 days.", "René asked for a re-fund."),
    "calm": ("Thank you for shipping it so fast.", "NEAR the shop AND the station."),
}
"""The turns of each call, an agent and a day apart."""

FOUND = {
    "refund": {"late", "lost"},
    "REFUND": {"late", "lost"},
    "refund*": {"late", "lost", "card"},
    "refund shipping": {"lost"},
    "refund AND shipping": {"lost"},
    "refund NEAR shipping": {"lost"},
    "shipping NEAR/4 refund": {"lost"},
    "shipping NEAR/3 refund": {"lost"},
    "shipping NEAR/2 refund": set(),
    "refund OR shipping": {"late", "lost", "calm"},
    "shipping NOT refund": {"late", "calm"},
    "shipping AND NOT refund": {"late", "calm"},
    "shipping NOT (refund OR late)": {"calm"},
    "(shipping OR refund*) NOT week NOT thank": {"late", "lost", "card"},
    "refund* OR thank NOT shipping": {"late", "lost", "card"},
    '"full refund"': {"lost"},
    '"refund full"': set(),
    '"full ref"*': {"lost"},
    '"full refund" NEAR/0 is': {"lost"},
    'parcel NEAR/2 "in shipping" NEAR/3 refund': {"lost"},
    '"lost in" NEAR/1 par*': {"lost"},
    "don't": {"late"},
    "dont": set(),
    "Rene": {"card"},
    "ren\N{LATIN SMALL LETTER E WITH ACUTE}": {"card"},
    "rene\N{COMBINING ACUTE ACCENT}": {"card"},
    "CREDIT_CARD": {"card"},
    "[person]": {"lost"},
    "re-fund": {"card"},
    "3.5": {"card"},
    "near and": {"calm"},
    "refund NEAR refund": {"late", "lost"},
    "nothing": set(),
}
"""What each query finds."""

REFUSED = {
    "": ("character 1", "a word is missing"),
    "   ": ("character", "a word is missing"),
    "refund AND": ("character 11", "a word is missing"),
    "OR refund": ("character 1", "a word is missing"),
    "NOT refund": ("character 1", "NOT needs something before it"),
    "a OR NOT refund": ("character 6", "NOT needs something before it"),
    "(refund": ("character 8", "not closed"),
    "refund)": ("character 7", "not opened"),
    '"refund': ("character 1", "no second one"),
    "refund ...": ("character 8", "neither a letter nor a digit"),
    "x*": ("character 1", "fewer than 2"),
    "refund NEAR/51 x": ("character 8", "over 50"),
    "refund NEAR/x y": ("character 8", "no number"),
    "refund NEAR (a b)": ("character", "NEAR joins words"),
    "(" * 17 + "a" + ")" * 17: ("character", "more than 16 deep"),
    "refund " * 33: ("character", "more than 32 words"),
    "refund " * 200: ("1400 characters", "over 1000"),
}
"""What cannot be read, and what is said of it."""


def publication(name: str, texts: tuple[str, ...]) -> Publication:
    """A call of these turns, 10 s each, agent and customer in turn; a word a second."""
    turns = tuple(
        RedactedTurn(
            side.value,
            side,
            tuple(
                RedactedWord(word, 10.0 * number + i / 2, 10.0 * number + i / 2 + 0.4, 0.9 if i else 0.4)
                for i, word in enumerate(text.split())
            ),
        )
        for number, text in enumerate(texts)
        for side in [(Channel.AGENT, Channel.CUSTOMER)[number % 2]]
    )
    transcript = RedactedTranscript(
        audio=f"{name}.wav",
        duration_s=10.0 * len(texts),
        channels=(Channel.AGENT, Channel.CUSTOMER),
        turns=turns,
        regions=(),
        redactions=(),
        policy="all",
        provenance=Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "1"),
    )
    recording = Recording(hashlib.sha256(name.encode()).hexdigest(), Path("/calls") / f"{name}.wav", 1_000)
    stage_s = {"prepare": 0.5, "transcribe": 2.0, "redact": 0.25, "summarise": 0.25}
    found = (
        Analysed("parcels", AnalysisKind.CATEGORY, "v1", "rules/1", 1.0, (0,)),
        Analysed("courtesy", AnalysisKind.SCORECARD, "v1", "rules/1", 0.5),
    )
    facts, cpu_s = AudioFacts(10.0 * len(texts), "WAV", "PCM_16", 8_000), {"prepare": 1.0, "transcribe": 4.0}
    return Publication(recording, facts, transcript, stage_s=stage_s, analyses=found, cpu_s=cpu_s, cost=0.005)


def fill(engine: sa.Engine) -> None:
    """Publish CALLS, each a day after the one before, each with an agent of its own; "calm" tells nothing."""
    repository = Repository(engine, lambda: MONDAY + timedelta(days=30))
    run_id = repository.begin_run("f", "1")
    for number, (name, texts) in enumerate(CALLS.items()):
        recording_id = repository.publish(run_id, publication(name, texts))
        if name != "calm":
            told = CallMetadata(
                call_id=name.upper(),
                started_at=MONDAY + timedelta(days=number),
                agent=f"agent {number}",
                queue="claims" if name == "lost" else "sales",
                sources={"call_id": "x", "started_at": "x", "agent": "x", "queue": "x"},
            )
            repository.annotate(recording_id, told, {})


def found(engine: sa.Engine, query: str, where: Where | None = None) -> set[str]:
    """The names of the calls in which a query finds a turn."""
    return {hit.call.removesuffix(".wav") for hit in search(engine, parse(query), where or Where(), 100)}

"""What is published reads back equal, whatever it is, and however often it is replaced."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from dataclasses import fields
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.types import Channel, GuardCounts, Provenance, Recording, Region, RegionKind
from compliance.types import Document, RedactedTranscript, RedactedTurn, RedactedWord, Redaction
from llm.types import Finding, Summary
from storage.objects import FolderStore
from storage.repository import Repository
from storage.session import migrate, open_database
from storage.types import AudioFacts, Publication

# PostgreSQL keeps no NUL, and no database a lone surrogate.
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
INDEX = st.integers(0, 2**31 - 1)
CHANNEL = st.sampled_from(Channel)
WORD = st.builds(RedactedWord, TEXT, FLOAT, FLOAT, FLOAT, st.none() | TEXT)
TURN = st.builds(RedactedTurn, TEXT, CHANNEL, st.lists(WORD, min_size=1, max_size=4).map(tuple))
REGION = st.builds(Region, FLOAT, FLOAT, CHANNEL, st.sampled_from(RegionKind))
REDACTION = st.builds(Redaction, TEXT, CHANNEL, INDEX, INDEX, INDEX, FLOAT, FLOAT)
TRANSCRIPT = st.builds(
    RedactedTranscript,
    audio=TEXT,
    duration_s=FLOAT,
    channels=st.lists(CHANNEL, max_size=3).map(tuple),
    turns=st.lists(TURN, max_size=4).map(tuple),
    regions=st.lists(REGION, max_size=3).map(tuple),
    redactions=st.lists(REDACTION, max_size=3).map(tuple),
    policy=TEXT,
    provenance=st.builds(Provenance, TEXT, TEXT, TEXT, TEXT, TEXT, TEXT),
    guards=st.builds(GuardCounts, *[INDEX] * len(fields(GuardCounts))),
)
FINDING = st.builds(Finding, TEXT, st.lists(INDEX, max_size=3).map(tuple))
SUMMARY = st.builds(
    Summary,
    TEXT,
    st.none() | FINDING,
    st.none() | FINDING,
    st.lists(FINDING, max_size=3).map(tuple),
    st.lists(TEXT, max_size=3).map(tuple),
)
PUBLICATION = st.builds(
    Publication,
    st.sampled_from(["a.wav", "b.wav"]).map(
        lambda name: Recording(hashlib.sha256(name.encode()).hexdigest(), Path("/calls") / name, 1)
    ),
    st.builds(AudioFacts, FLOAT, TEXT, TEXT, INDEX),
    TRANSCRIPT,
    st.none() | SUMMARY,
    st.dictionaries(TEXT, TEXT, max_size=2),
    st.dictionaries(TEXT, FLOAT, max_size=2),
)


@pytest.fixture(scope="module")
def repository() -> Iterator[Repository]:
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(f"sqlite:///{folder}/calls.db")
        migrate(engine)
        yield Repository(engine)
        engine.dispose()


@settings(max_examples=150)
@given(publication=PUBLICATION)
def test_what_is_published_reads_back_equal(repository: Repository, publication: Publication) -> None:
    recording_id = repository.publish(repository.begin_run("f", "1"), publication)
    assert repository.transcript(recording_id) == publication.transcript
    assert repository.summary(recording_id) == publication.summary
    assert repository.documents(recording_id) == publication.documents


@settings(max_examples=30)
@given(publications=st.lists(PUBLICATION, min_size=1, max_size=4))
def test_the_last_publication_of_a_recording_stands(repository: Repository, publications: list[Publication]) -> None:
    run = repository.begin_run("f", "1")
    last = {repository.publish(run, publication): publication for publication in publications}
    for recording_id, publication in last.items():
        assert repository.transcript(recording_id) == publication.transcript
        assert repository.summary(recording_id) == publication.summary
    assert repository.verify_audit() is None


@settings(max_examples=50)
@given(bodies=st.lists(st.binary(max_size=64), min_size=1, max_size=5))
def test_an_object_is_found_by_what_it_holds(bodies: list[bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = FolderStore(Path(folder))
        keys = [store.put(Document("vtt", "text/vtt", body), date(2026, 9, 24)) for body in bodies]
        assert [store.get(key) for key in keys] == bodies
        assert len(set(keys)) == len(set(bodies))

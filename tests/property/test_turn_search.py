"""What the index finds is what somebody finds who reads every turn."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.errors import QueryError
from storage.search import highlights
from storage.search_query import All, Either, Near, Phrase, Query, Without, for_postgresql, for_sqlite, parse, phrases

WORDS = ("ab", "abc", "ba", "bac", "c")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)
PHRASES = st.builds(Phrase, st.lists(st.sampled_from(WORDS[:4]), min_size=1, max_size=3).map(tuple), st.booleans())
SINGLE = st.builds(lambda word, prefix: Phrase((word,), prefix), st.sampled_from(WORDS[:4]), st.booleans())
NEAR = st.builds(Near, SINGLE, SINGLE, st.integers(0, 4))
QUERIES = st.recursive(
    PHRASES | NEAR,
    lambda parts: (
        st.builds(lambda some: All(tuple(some)), st.lists(parts, min_size=2, max_size=3))
        | st.builds(lambda some: Either(tuple(some)), st.lists(parts, min_size=2, max_size=3))
        | st.builds(Without, parts, parts)
    ),
    max_leaves=6,
)


def places(phrase: Phrase, words: list[str]) -> list[int]:
    """Where a phrase begins."""
    n = len(phrase.words)
    starts = range(len(words) - n + 1)
    return [i for i in starts if matches(phrase, words[i : i + n])]


def matches(phrase: Phrase, words: list[str]) -> bool:
    *first, last = phrase.words
    return words[:-1] == first and (words[-1].startswith(last) if phrase.prefix else words[-1] == last)


def holds(query: Query, words: list[str]) -> bool:
    if isinstance(query, Phrase):
        return bool(places(query, words))
    if isinstance(query, Near):
        return any(
            abs(left - right) <= query.between + 1
            for left in places(query.left, words)
            for right in places(query.right, words)
        )
    if isinstance(query, Without):
        return holds(query.wanted, words) and not holds(query.unwanted, words)
    return (all if isinstance(query, All) else any)(holds(part, words) for part in query.parts)


def written(query: Query) -> str:
    """A query as a person writes it."""
    if isinstance(query, Phrase):
        return f'"{" ".join(query.words)}"' + ("*" if query.prefix else "")
    if isinstance(query, Near):
        return f"{written(query.left)} NEAR/{query.between} {written(query.right)}"
    if isinstance(query, Without):
        return f"({written(query.wanted)} NOT ({written(query.unwanted)}))"
    return "(" + (" " if isinstance(query, All) else " OR ").join(map(written, query.parts)) + ")"


@pytest.fixture(scope="module")
def index() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE i USING fts5(text, content='', tokenize='unicode61 remove_diacritics 2')")
    yield connection
    connection.close()


@given(query=QUERIES, texts=st.lists(TEXTS, min_size=1, max_size=5))
def test_found_is_what_reading_finds(index: sqlite3.Connection, query: Query, texts: list[list[str]]) -> None:
    assert parse(written(query)) == query
    index.execute("INSERT INTO i (i) VALUES ('delete-all')")
    index.executemany(
        "INSERT INTO i (rowid, text) VALUES (?, ?)", [(n, " ".join(text)) for n, text in enumerate(texts)]
    )
    found = {n for (n,) in index.execute("SELECT rowid FROM i WHERE i MATCH ?", (for_sqlite(query),))}
    assert found == {n for n, text in enumerate(texts) if holds(query, text)}


@given(st.text(max_size=40) | st.text(alphabet='ab" ()*NEARORTD/5-', max_size=40))
def test_whatever_is_typed_is_refused_or_runs(index: sqlite3.Connection, text: str) -> None:
    try:
        query = parse(text)
    except QueryError:
        return
    index.execute("SELECT rowid FROM i WHERE i MATCH ?", (for_sqlite(query),)).fetchall()
    assert for_postgresql(query)


@given(PHRASES, TEXTS)
def test_a_phrase_is_highlighted_where_it_stands(phrase: Phrase, words: list[str]) -> None:
    text, n = " ".join(words), len(phrase.words)
    marked: set[int] = set()
    for start, end in highlights(text, phrases(phrase)):
        marked |= set(range(text[:start].count(" "), text[:end].count(" ") + 1))
    assert marked == {i + j for i in places(phrase, words) for j in range(n)}

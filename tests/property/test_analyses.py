"""What another version of an analysis changes adds up, whatever was kept before."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from llm.difference import MOST_EXAMPLES, Change, Difference, change
from llm.rules import Rule
from llm.types import Analysed, AnalysisKind
from tests.benchmarks.grounding.samples import transcript

KINDS = st.sampled_from(AnalysisKind)
WORDS = st.lists(st.sampled_from(["card", "cards", "Card", "book", "wrong", "number", "[CARD]", "card."]), max_size=6)


@st.composite
def pairs(draw: st.DrawFn, kind: AnalysisKind) -> tuple[Analysed | None, Analysed]:
    def one(version: str) -> Analysed:
        value = draw(st.sampled_from([0.0, 1.0] if kind is AnalysisKind.CATEGORY else [None, 0.0, 0.5, 1.0]))
        if kind is AnalysisKind.QUESTION:
            return Analysed("x", kind, version, "m", answer=draw(st.sampled_from([None, "a", "b"])))
        return Analysed("x", kind, version, "m", value)

    return draw(st.none() | st.builds(one, st.sampled_from(["v1", "v2"]))), one("v3")


@given(KINDS.flatmap(lambda kind: st.tuples(st.just(kind), st.lists(pairs(kind), max_size=30))))
def test_changes_add_up_to_what_holds_before_and_after(
    made: tuple[AnalysisKind, list[tuple[Analysed | None, Analysed]]],
) -> None:
    kind, calls = made
    total = Difference("x", kind, "v3")
    for number, (before, after) in enumerate(calls):
        total.add(f"{number}.wav", before, after)
    counts = total.counts
    assert counts.total() == sum(total.before.values()) == len(calls)
    stay = counts[Change.KEPT] + counts[Change.CHANGED]
    assert stay + counts[Change.LOST] == sum(before is not None and before.holds for before, _ in calls)
    assert stay + counts[Change.GAINED] == sum(after.holds for _, after in calls)
    for kind_of_change in (Change.GAINED, Change.LOST, Change.CHANGED):
        assert len(total.examples.get(kind_of_change, [])) == min(counts[kind_of_change], MOST_EXAMPLES)


@given(KINDS.flatmap(pairs))
def test_the_same_again_changes_nothing(pair: tuple[Analysed | None, Analysed]) -> None:
    _, after = pair
    assert change(after, after) in (Change.KEPT, Change.WITHOUT)


@given(st.lists(WORDS.filter(bool), max_size=5))
def test_phrases_find_what_patterns_with_bounds_find(said: list[list[str]]) -> None:
    call = transcript([("customer", " ".join(words)) for words in said])
    for phrases, pattern in (
        (("card", "wrong number"), r"\b(card|wrong number)\b"),
        (("card*", "book*"), r"\b(card|book)"),
    ):
        expected = tuple(at for at, turn in enumerate(call.turns) if re.search(pattern, turn.text, re.IGNORECASE))
        assert Rule(any=phrases).borne_by(call.turns) == expected

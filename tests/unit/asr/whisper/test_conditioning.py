"""In which rounds chunks are heard, and what each is told of the one before."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.types import Hypothesis, Word
from asr.whisper.conditioning import in_rounds


def _said(text: str, temperature: float = 0.0) -> Hypothesis:
    words = tuple(Word(word, 0.0, 0.1, 1.0) for word in text.split())
    return Hypothesis(words, "en", -0.1, 0.0, 1.0, temperature)


class Ear:
    """Hears in each chunk its index and what it was told, and keeps the rounds."""

    def __init__(self, temperature: float = 0.0) -> None:
        self.rounds: list[list[int]] = []
        self._temperature = temperature

    def __call__(self, rows: Sequence[int], before: Sequence[str]) -> list[Hypothesis]:
        self.rounds.append(list(rows))
        return [
            _said(f"chunk {row} after {text or 'nothing'}", self._temperature)
            for row, text in zip(rows, before, strict=True)
        ]


def _texts(heard: Sequence[Hypothesis]) -> list[str]:
    return [" ".join(word.text for word in found.words) for found in heard]


def test_all_that_follow_none_are_heard_at_once() -> None:
    ear = Ear()
    assert _texts(in_rounds(2, (), ear)) == ["chunk 0 after nothing", "chunk 1 after nothing"]
    assert ear.rounds == [[0, 1]]
    assert in_rounds(0, (), ear) == []


def test_each_is_told_the_text_of_the_one_before_in_as_few_rounds_as_there_can_be() -> None:
    ear = Ear()
    heard = _texts(in_rounds(5, [None, 0, None, 1, 2], ear))
    assert ear.rounds == [[0, 2], [1, 4], [3]]
    assert heard[0] == "chunk 0 after nothing"
    assert heard[3] == f"chunk 3 after {heard[1]}"
    assert heard[4] == f"chunk 4 after {heard[2]}"


@pytest.mark.parametrize(
    ("temperature", "told"), [(0.0, "chunk 0 after nothing"), (0.5, "chunk 0 after nothing"), (0.6, "nothing")]
)
def test_what_was_sampled_hot_is_not_passed_on(temperature: float, told: str) -> None:
    heard = _texts(in_rounds(2, [None, 0], Ear(temperature)))
    assert heard[1] == f"chunk 1 after {told}"


def test_silence_is_not_passed_on() -> None:
    before: list[str] = []

    def deaf(rows: list[int], texts: list[str]) -> list[Hypothesis]:
        before.extend(texts)
        return [_said("") for _ in rows]

    in_rounds(2, [None, 0], deaf)
    assert before == ["", ""]


@pytest.mark.parametrize(
    ("after", "message"),
    [([None], "1 chunks, the batch of 2"), ([None, 2], "not there"), ([None, -1], "not there"), ([1, 0], "circle")],
)
def test_what_cannot_be_ordered_is_refused(after: list[int | None], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        in_rounds(2, after, Ear())


@given(st.lists(st.integers(1, 6), max_size=6), st.randoms(use_true_random=False))
def test_however_channels_are_mixed_every_chunk_is_heard_once_and_after_its_own(channels: list[int], random) -> None:  # type: ignore[no-untyped-def]
    order = [(channel, at) for channel, length in enumerate(channels) for at in range(length)]
    random.shuffle(order)
    after = [order.index((channel, at - 1)) if at else None for channel, at in order]
    ear = Ear()
    in_rounds(len(order), after, ear)
    assert sorted(row for rows in ear.rounds for row in rows) == list(range(len(order)))
    assert len(ear.rounds) == max(channels, default=0)
    for number, rows in enumerate(ear.rounds):
        assert all(order[row][1] == number for row in rows)

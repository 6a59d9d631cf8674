"""The words of one turn, and what every reader asks of them, worked out once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from compliance.spoken_numbers import NumberRun, bare, read_numbers
from compliance.topics import Mention, topic_reader


@dataclass(frozen=True)
class Utterance:
    """The words of one turn and whose side of the line said them; any two sides differ in their name.

    Not slotted, so that what is worked out from the words can be kept beside them.
    """

    side: str
    words: tuple[str, ...] = field(repr=False)
    confidences: tuple[float, ...] = field(default=(), repr=False)
    """The recogniser's, a word each, in [0, 1]; empty if none are known."""
    loose: bool = False
    """Whether digits are waited for, so that "for" and "too" are some."""

    @cached_property
    def tokens(self) -> list[str]:
        """Every word in lower case without punctuation at its ends; one of marks alone is "_"."""
        return [bare(word).replace(" ", "") or "_" for word in self.words]

    @cached_property
    def text(self) -> str:
        """The tokens with single spaces."""
        return " ".join(self.tokens)

    @cached_property
    def runs(self) -> list[NumberRun]:
        """Its runs of digits."""
        return read_numbers(self.words, loose=self.loose)

    @cached_property
    def numeric(self) -> frozenset[int]:
        """The words that are of a run of digits."""
        return frozenset(word for run in self.runs for word in range(run.first_word, run.last_word))

    @cached_property
    def mentions(self) -> list[Mention]:
        """What it speaks of."""
        return topic_reader().read(self.words)

    @cached_property
    def is_cased(self) -> bool:
        """Whether it has capitals at all, "I" aside."""
        return any(
            word[:1].isupper() and token not in {"i", "i'm", "i'll", "i've", "i'd"}
            for word, token in zip(self.words, self.tokens, strict=True)
        )

    def closes(self, word: int, marks: Sequence[str] = ".,?!;") -> bool:
        """Whether a word ends with one of the marks."""
        return self.words[word][-1:] in marks

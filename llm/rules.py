"""Rules over the turns of a call: which phrases, by whom, and where in the call.

A phrase is words with single spaces between them, in any case; `refund*` is every word that begins so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from compliance.types import RedactedTurn

_WORD = re.compile(r"[^\s*]+|[^\s*]{2,}\*")
_OTHER_SIDE = {"agent": "customer", "customer": "agent"}


def _plain(phrase: str) -> str:
    """The phrase in lower case with single spaces. Raises ValueError for one that could find nothing or anything."""
    words = phrase.lower().replace("\u2019", "'").split()
    if not words or not all(_WORD.fullmatch(word) for word in words):
        raise ValueError("a phrase is one or more words, each with at least two letters before a * at its end")
    return " ".join(words)


Phrase = Annotated[str, AfterValidator(_plain)]


class Rule(BaseModel):
    """A turn bears a rule if it has one of `any`, all of `all` and none of `none`.

    `near` allows so many other words between the phrases of `all`. `by` looks at one side's turns; those of a voice
    that is neither's count for both. `first` and `last` look at so many of these turns, from the beginning or the end.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    any: tuple[Phrase, ...] = ()
    all: tuple[Phrase, ...] = ()
    none: tuple[Phrase, ...] = ()
    near: int | None = Field(None, ge=0, le=50)
    by: Literal["agent", "customer"] | None = None
    first: int | None = Field(None, ge=1)
    last: int | None = Field(None, ge=1)

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.any or self.all):
            raise ValueError("a rule names phrases in any or in all")
        if self.near is not None and len(self.all) < 2:
            raise ValueError("near is between two or more phrases of all")
        if self.first is not None and self.last is not None:
            raise ValueError("a rule looks at the first turns or at the last ones")
        return self

    def borne_by(self, turns: Sequence[RedactedTurn]) -> tuple[int, ...]:
        """The indices of the turns that bear it, in their order."""
        own = [(at, turn) for at, turn in enumerate(turns) if self.by is None or turn.side != _OTHER_SIDE[self.by]]
        own = own[: self.first] if self.last is None else own[-self.last :]
        return tuple(at for at, turn in own if self._fits(turn.text.replace("\u2019", "'")))

    def _fits(self, text: str) -> bool:
        if self.any and not any(_pattern(phrase).search(text) for phrase in self.any):
            return False
        if any(_pattern(phrase).search(text) for phrase in self.none):
            return False
        if self.near is None:
            return all(_pattern(phrase).search(text) for phrase in self.all)
        return _lie_near(text, self.all, self.near)


@cache
def _pattern(phrase: str) -> re.Pattern[str]:
    words = (re.escape(word.removesuffix("*")) + (r"\w*" if word.endswith("*") else "") for word in phrase.split())
    return re.compile(rf"(?<!\w){' '.join(words)}(?!\w)", re.IGNORECASE)


def _lie_near(text: str, phrases: Iterable[str], most: int) -> bool:
    """Whether all phrases lie in one stretch of the text, with at most so many words in it that are not theirs."""
    places = [
        [(text.count(" ", 0, found.start()), len(phrase.split())) for found in _pattern(phrase).finditer(text)]
        for phrase in phrases
    ]
    for first in sorted({start for found in places for start, _ in found}):
        # Of each phrase the earliest that does not begin before: no other ends the stretch sooner.
        chosen = [next((place for place in found if place[0] >= first), None) for found in places]
        if None in chosen:
            return False
        words = {word for start, length in filter(None, chosen) for word in range(start, start + length)}
        if max(words) + 1 - first - len(words) <= most:
            return True
    return False

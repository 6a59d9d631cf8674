"""What stands where something was removed: the entity's name, stars, a pseudonym, or the last four digits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from compliance.spoken_numbers import bare, read_numbers

ACTIONS = ("remove", "mask", "tag", "last_four")

LAST_FOUR_LENGTHS: Mapping[str, int] = {"CREDIT_CARD": 13, "US_SSN": 9, "PHONE_NUMBER": 10, "ACCOUNT_NUMBER": 8}
"""Digits that must be said in one go for the last four of them to show: those of a fragment would give it away."""

MASK = "****"

_MARK = re.compile(r"(?:\[([A-Z][A-Z0-9_]*?)(?:_\d+)?(?::\d{4})?\]|\*{4})[.,?!]?")
_KEPT_PUNCTUATION = (".", ",", "?", "!")


def is_mark(word: str) -> bool:
    """Whether a word stands for something that was removed.

    >>> is_mark("[CREDIT_CARD]."), is_mark("****"), is_mark("[inaudible]")
    (True, True, False)
    """
    return bool(_MARK.fullmatch(word))


def entity_of(word: str) -> str | None:
    """The entity that a mark in brackets names; None for stars and other words.

    >>> entity_of("[PHONE_NUMBER:0142],"), entity_of("[PERSON_2]"), entity_of("****"), entity_of("bank")
    ('PHONE_NUMBER', 'PERSON', None, None)
    """
    matched = _MARK.fullmatch(word)
    return matched[1] if matched else None


def plain_mark(entity: str, last_word: str) -> str:
    """The entity in brackets, with the punctuation that closes the last word removed."""
    closing = last_word[-1:]
    return f"[{entity}]" + (closing if closing in _KEPT_PUNCTUATION else "")


class Marker:
    """Writes the marks of one call; pseudonyms are counted from 1 in the order of their first mention."""

    def __init__(self, actions: Mapping[str, str]) -> None:
        self._actions = actions
        self._numbers: dict[tuple[str, str], int] = {}

    def write(self, entity: str, words: Sequence[str]) -> str:
        """The mark for the words of an entity, in its action."""
        plain = plain_mark(entity, words[-1])
        closing = plain.removeprefix(f"[{entity}]")
        action = self._actions.get(entity, "remove")
        if action == "mask":
            return MASK + closing
        if action == "tag":
            return f"[{entity}_{self._number(entity, words)}]{closing}"
        if action == "last_four":
            digits = "".join(run.digits for run in read_numbers(words))
            if len(digits) >= LAST_FOUR_LENGTHS[entity]:
                return f"[{entity}:{digits[-4:]}]{closing}"
        return plain

    def _number(self, entity: str, words: Sequence[str]) -> int:
        digits = "".join(run.digits for run in read_numbers(words))
        said = digits or " ".join(map(bare, words)).removesuffix("'s")
        ordered = [number for (known, _), number in self._numbers.items() if known == entity]
        return self._numbers.setdefault((entity, said), len(ordered) + 1)

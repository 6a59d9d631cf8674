"""Common names of people and places, for text in which nothing is written with a capital.

Each list is split in two: sure names, and doubtful ones that are also everyday words ("mark", "young", "reading").
Given and family names are the most frequent of the US Census of 1990 (public domain) with names common in Britain,
Ireland, India, Africa and Eastern Europe added; places are states, counties and the larger cities of GeoNames
(CC BY 4.0, geonames.org). Firms and things that a person's name is part of ("earl grey") are people only if a phrase
announces them. A word is everyday if Whisper's vocabulary holds it in lower case as one token.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from compliance.vocabulary import word_set

TITLES = word_set("mr mrs ms miss dr doctor mister professor missus madam reverend")


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Names in lower case; a place of several words is one entry with spaces."""

    given: frozenset[str]
    given_doubtful: frozenset[str]
    family: frozenset[str]
    family_doubtful: frozenset[str]
    places: frozenset[str]
    places_doubtful: frozenset[str]
    everyday: frozenset[str]
    """Words that are no names in lower case: those of Whisper's vocabulary, and of call centres."""
    not_people: frozenset[str]
    place_words: frozenset[str]
    """Words that begin a place of several words."""

    def is_given(self, token: str) -> bool:
        """Whether it is a given name, sure or doubtful."""
        return token in self.given or token in self.given_doubtful

    def is_family(self, token: str) -> bool:
        """Whether it is a family name, sure or doubtful."""
        return token.replace("'", "") in self.family or token in self.family_doubtful

    def is_name(self, token: str) -> bool:
        """Whether it is a sure name of a person."""
        return token in self.given or token.replace("'", "") in self.family


@cache
def lexicon() -> Lexicon:
    """The lists that ship with callwright, read once."""
    places = _words("places")
    return Lexicon(
        given=_words("given"),
        given_doubtful=_words("given_doubtful"),
        family=_words("family"),
        family_doubtful=_words("family_doubtful"),
        places=places,
        places_doubtful=_words("places_doubtful"),
        everyday=_words("everyday"),
        not_people=_words("not_people"),
        place_words=frozenset(place.split(" ")[0] for place in places if " " in place),
    )


def place_at(tokens: list[str], at: int, *, doubtful: bool = False) -> int:
    """The index after a place that begins at a token, or `at` if none does; the longest of up to three words."""
    known = lexicon()
    if tokens[at] in known.place_words:
        for size in (3, 2):
            if at + size <= len(tokens) and " ".join(tokens[at : at + size]) in known.places:
                return at + size
    single = tokens[at] in known.places or (doubtful and tokens[at] in known.places_doubtful)
    return at + 1 if single else at


@cache
def _things() -> re.Pattern[str]:
    return re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, sorted(lexicon().not_people)))})(?!\S)")


def things(text: str) -> Iterator[tuple[int, int]]:
    """Characters of every firm or thing in a text of bare words that a person's name is part of."""
    yield from (match.span() for match in _things().finditer(text))


def _words(name: str) -> frozenset[str]:
    text = files("compliance").joinpath("lexicon", f"{name}.txt").read_text(encoding="utf-8")
    return frozenset(word.replace("_", " ") for word in text.split())

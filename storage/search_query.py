"""The language of searches, read once and written for each database: words, "phrases", prefix*, AND, OR, NOT, NEAR.

    query    = wanted {OR wanted}
    wanted   = without {[AND] without}
    without  = near {[AND] NOT near}
    near     = one {NEAR[/distance] one}
    one      = word | word* | "several words" | "several wor"* | ( query )

Operators are upper case. A word is letters and digits; any other character between two parts a phrase, so that
"don't" is the phrase "don t", as it is in the index. NEAR joins its two neighbours, which are no
brackets.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from storage.errors import QueryError

NEAR_WORDS = 10
"""How many other words may lie between where NEAR tells no distance: what SQLite's FTS5 takes."""

MAX_NEAR_WORDS = 50
"""PostgreSQL looks for every distance by itself."""

MAX_TERMS = 32
MAX_CHARS = 1_000
MIN_PREFIX_CHARS = 2

LANGUAGE = 'Use words, "phrases", prefix*, AND, OR, NOT, NEAR or NEAR/5, and brackets'

MAX_DEPTH = 16
"""Of brackets in brackets."""

_WORD = re.compile(r"(?:[^\W_][\u0300-\u036f]*)+")
_TOKEN = re.compile(
    r'\s*(?:(?P<near>NEAR(?:/(?P<distance>\d+))?(?![^\s()"]))|(?P<sign>[()])|"(?P<phrase>[^"]*)"(?P<star>\*?)'
    r'|(?P<word>[^\s()"]+))'
)


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in lower case one after another, at least one; with `prefix` the last is only how a word begins."""

    words: tuple[str, ...] = field(repr=False)
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Near:
    """Two phrases, in either order, with at most so many other words between."""

    left: Phrase
    right: Phrase
    between: int


@dataclass(frozen=True, slots=True)
class All:
    """All parts, at least two, are in a turn."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Either:
    """One of the parts, at least two, is in a turn."""

    parts: tuple[Query, ...]


@dataclass(frozen=True, slots=True)
class Without:
    """The first is in a turn and the second is not."""

    wanted: Query
    unwanted: Query


Query = Phrase | Near | All | Either | Without
"""What is looked for in a turn."""


def words_of(text: str) -> list[tuple[str, int, int]]:
    """Return a text's words without case and accents, each with the characters [start, end) where it stands.

    >>> words_of("Don't, José!")
    [('don', 0, 3), ('t', 4, 5), ('jose', 7, 11)]
    """
    return [(plain(found.group()), found.start(), found.end()) for found in _WORD.finditer(text)]


def plain(word: str) -> str:
    """Return a word in lower case without its accents."""
    return "".join(char for char in unicodedata.normalize("NFD", word.lower()) if not "\u0300" <= char <= "\u036f")


def parse(text: str) -> Query:
    """Return what a query asks for. Raises QueryError, which tells where it cannot be read and quotes nothing of it."""
    if len(text) > MAX_CHARS:
        raise QueryError(f"the query has {len(text)} characters, over {MAX_CHARS}", "Ask for less at once")
    return _Reader(text).query()


def phrases(query: Query) -> tuple[Phrase, ...]:
    """Return the phrases of which a hit holds at least one, in their order: what is to be highlighted."""
    if isinstance(query, Phrase):
        return (query,)
    if isinstance(query, Near):
        return query.left, query.right
    if isinstance(query, Without):
        return phrases(query.wanted)
    return tuple(phrase for part in query.parts for phrase in phrases(part))


def for_sqlite(query: Query) -> str:
    """Write a query for FTS5."""
    if isinstance(query, Phrase):
        return f'"{" ".join(query.words)}"' + (" *" if query.prefix else "")
    if isinstance(query, Near):
        return f"NEAR({for_sqlite(query.left)} {for_sqlite(query.right)}, {query.between})"
    if isinstance(query, Without):
        return f"({for_sqlite(query.wanted)} NOT {for_sqlite(query.unwanted)})"
    return "(" + (" AND " if isinstance(query, All) else " OR ").join(map(for_sqlite, query.parts)) + ")"


def for_postgresql(query: Query) -> str:
    """Write a query as a tsquery."""
    if isinstance(query, Phrase):
        return "(" + " <-> ".join(f"'{plain(word)}'" for word in query.words) + (":*" if query.prefix else "") + ")"
    if isinstance(query, Near):
        left, right = for_postgresql(query.left), for_postgresql(query.right)
        # At a distance of 1 nothing lies between; at 0 the two share a word, which FTS5 allows too.
        orders = [f"{left} <{n}> {right} | {right} <{n}> {left}" for n in range(query.between + 2)]
        return "(" + " | ".join(orders) + ")"
    if isinstance(query, Without):
        return f"({for_postgresql(query.wanted)} & !{for_postgresql(query.unwanted)})"
    return "(" + (" & " if isinstance(query, All) else " | ").join(map(for_postgresql, query.parts)) + ")"


class _Reader:
    """Reads a query from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[re.Match[str]] = []
        self._next = self._terms = self._depth = 0
        end = 0
        while found := _TOKEN.match(text, end):
            self._tokens.append(found)
            end = found.end()
        if text[end:].strip():
            raise self._refusal(text.index('"', end), "a quotation mark has no second one")

    def query(self) -> Query:
        found = self._either()
        if self._next < len(self._tokens):
            raise self._refusal(self._at(), "a bracket is closed that was not opened")
        return found

    def _either(self) -> Query:
        parts = [self._all()]
        while self._take("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Either(tuple(parts))

    def _all(self) -> Query:
        parts: list[Query] = [self._near()]
        unwanted: list[Query] = []
        while self._next < len(self._tokens) and self._peek() not in (")", "OR"):
            self._take("AND")
            if self._take("NOT"):
                unwanted.append(self._near())
            else:
                parts.append(self._near())
        wanted = parts[0] if len(parts) == 1 else All(tuple(parts))
        for one in unwanted:
            wanted = Without(wanted, one)
        return wanted

    def _near(self) -> Query:
        found = self._one()
        pairs: list[Query] = []
        while (between := self._take_near()) is not None:
            right = self._one()
            left = pairs[-1].right if pairs and isinstance(pairs[-1], Near) else found
            if not isinstance(left, Phrase) or not isinstance(right, Phrase):
                raise self._refusal(self._at(), "NEAR joins words and phrases alone, no brackets")
            pairs.append(Near(left, right, between))
        if not pairs:
            return found
        return pairs[0] if len(pairs) == 1 else All(tuple(pairs))

    def _one(self) -> Query:
        if self._take("("):
            self._depth += 1
            if self._depth > MAX_DEPTH:
                raise self._refusal(self._at(), f"brackets are more than {MAX_DEPTH} deep")
            found = self._either()
            self._depth -= 1
            if not self._take(")"):
                raise self._refusal(self._at(), "a bracket is not closed")
            return found
        at = self._at()
        if self._peek() == "NOT":
            raise self._refusal(at, "NOT needs something before it, or it would find nearly everything")
        if self._next == len(self._tokens) or self._peek() in ("AND", "OR", "NOT", "NEAR", ")"):
            raise self._refusal(at, "a word is missing")
        token = self._tokens[self._next]
        self._next += 1
        quoted = token["phrase"] is not None
        return self._phrase(token["phrase"] if quoted else token["word"], at, starred=quoted and bool(token["star"]))

    def _phrase(self, text: str, at: int, *, starred: bool) -> Phrase:
        if text.startswith("NEAR/"):
            raise self._refusal(at, "the distance of NEAR is no number")
        words = tuple(found.group().lower() for found in _WORD.finditer(unicodedata.normalize("NFC", text)))
        prefix = starred or (text.endswith("*") and len(text) > 1)
        if not words:
            raise self._refusal(at, "there is neither a letter nor a digit")
        if prefix and len(words[-1]) < MIN_PREFIX_CHARS:
            raise self._refusal(at, f"before a * there are fewer than {MIN_PREFIX_CHARS} letters")
        self._terms += len(words)
        if self._terms > MAX_TERMS:
            raise self._refusal(at, f"there are more than {MAX_TERMS} words")
        return Phrase(words, prefix)

    def _peek(self) -> str:
        """The operator or bracket that comes next; empty for a word or a phrase, and at the end."""
        if self._next == len(self._tokens):
            return ""
        token = self._tokens[self._next]
        if token["near"]:
            return "NEAR"
        return token["sign"] or (token["word"] if token["word"] in ("AND", "OR", "NOT") else "")

    def _take(self, expected: str) -> bool:
        if self._next == len(self._tokens) or self._peek() != expected:
            return False
        self._next += 1
        return True

    def _take_near(self) -> int | None:
        if self._peek() != "NEAR":
            return None
        told = self._tokens[self._next]["distance"]
        between = int(told) if told else NEAR_WORDS
        if between > MAX_NEAR_WORDS:
            raise self._refusal(self._at(), f"NEAR is over {MAX_NEAR_WORDS} words")
        self._next += 1
        return between

    def _at(self) -> int:
        """Where the next token begins, from 0."""
        if self._next == len(self._tokens):
            return len(self._text)
        token = self._tokens[self._next]
        return token.start() + len(token.group()) - len(token.group().lstrip())

    def _refusal(self, at: int, why: str) -> QueryError:
        return QueryError(f"the search cannot be read at character {at + 1}: {why}", LANGUAGE)

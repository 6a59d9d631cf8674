"""Text made comparable before it is scored: pipelines by name (docs/scoring.md)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any

from asr.errors import ConfigError

_NOT_OF_A_WORD = re.compile(r"[^\w\s']|_")


@dataclass(frozen=True, slots=True)
class Pipeline:
    """A way to make text comparable; `description` says in a sentence what it does."""

    name: str
    description: str
    apply: Callable[[str], str]


@cache
def _whisper_english() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def whisper_english(text: str) -> str:
    """Text as Whisper's English normaliser leaves it (openai/whisper, normalizers/english.py).

    Lower case, no punctuation, no fillers, American spelling, numbers as figures, contractions spelled out.
    """
    return str(_whisper_english()(text))


def call_centre(text: str) -> str:
    """The same with every digit a word of its own, however the number was said or written.

    A misheard digit of a card number is then one error of sixteen, where Whisper's has one number right or wrong.

    >>> call_centre("My card is four one one one, double two.")
    'my card is 4 1 1 1 2 2'
    >>> call_centre("It's the 9th, 42 dollars!")
    'it is the 9 th $ 4 2'
    """
    return " ".join(re.sub(r"([0-9$%€£])", r" \1 ", whisper_english(text)).split())


def basic(text: str) -> str:
    """Lower case without punctuation, all else as it is written.

    >>> basic("It's the 9th, forty-two dollars!")
    "it's the 9th forty two dollars"
    """
    return " ".join(_NOT_OF_A_WORD.sub(" ", text.lower()).split())


PIPELINES: Mapping[str, Pipeline] = MappingProxyType(
    {
        one.name: one
        for one in (
            Pipeline(
                "call-centre",
                "Whisper's English, then every digit a word: a misheard digit is one error",
                call_centre,
            ),
            Pipeline(
                "whisper-english",
                "Whisper's English normaliser, which published word error rates use: a number is one word",
                whisper_english,
            ),
            Pipeline("basic", "lower case without punctuation; numbers and contractions as they are written", basic),
        )
    }
)


def pipeline(name: str) -> Pipeline:
    """The pipeline of that name. Raises ConfigError, with the known ones, if there is none."""
    if name not in PIPELINES:
        raise ConfigError(f"there is no normalisation {name!r}", f"Known are {', '.join(PIPELINES)}")
    return PIPELINES[name]

"""Text made comparable before it is scored."""

from __future__ import annotations

from functools import cache
from typing import Any


@cache
def _whisper_english() -> Any:
    from whisper_normalizer.english import EnglishTextNormalizer

    return EnglishTextNormalizer()


def whisper_english(text: str) -> str:
    """Text as Whisper's English normaliser leaves it (openai/whisper, normalizers/english.py).

    Lower case, no punctuation, no fillers, American spelling, numbers as figures, contractions spelled out.
    """
    return str(_whisper_english()(text))

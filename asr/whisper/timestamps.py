"""Where timestamps may and must stand in a text that is written with them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from asr.whisper.network import MASKED

STEP_S = 0.02
"""From one timestamp token to the next."""

_FIRST_AT_MOST = 50
"""The text begins within 1.0 s (openai/whisper's max_initial_timestamp), in steps."""


def ruled(
    logits: NDArray[np.float32], tokens: Sequence[int], timestamps: range, end_of_text: int
) -> NDArray[np.float32]:
    """Logits (V,) of what may follow the tokens of a text so far, with all masked that may not.

    The rules are those of openai/whisper's decoding.py, ApplyTimestampRules. A text begins with a timestamp. They come
    in pairs, around a segment each, so that the next to last may be the end of text: after the one that closes a
    segment comes another or the end, after the one that opens it none. They never fall, and a segment takes time.
    Where all that are allowed are together likelier than the likeliest other token, one of them it is.

    `timestamps` are the tokens of the window's times, from 0 s on; those beyond are masked. The token before the first
    is <|notimestamps|>, which is masked, too. The end of text stays possible wherever the text has begun.
    """
    allowed = logits.copy()
    first = timestamps.start
    allowed[first - 1] = MASKED
    allowed[timestamps.stop :] = MASKED
    marked = [token in timestamps for token in tokens]
    if not tokens:
        allowed[:first] = MASKED
        allowed[first + _FIRST_AT_MOST + 1 :] = MASKED
    elif marked[-1] and (len(tokens) == 1 or marked[-2]):
        allowed[first:] = MASKED
    elif marked[-1]:
        end = allowed[end_of_text]
        allowed[:first] = MASKED
        allowed[end_of_text] = end
        # The next segment may begin where this one ended.
        allowed[first : tokens[-1]] = MASKED
    elif any(marked):
        opened = max(token for token in tokens if token in timestamps)
        allowed[first : opened + 1] = MASKED
    times, others = allowed[first : timestamps.stop], allowed[:first]
    highest = times.max()
    if highest + np.log(np.exp(times - highest).sum()) > others.max():
        allowed[:first] = MASKED
    return allowed

"""What each row had so far, against a list of lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.whisper.cache import TokenCache
from asr.whisper.network import Step
from asr.whisper.weights import Dimensions

SIZE = Dimensions(80, 10, 448, 64, 1, 1, 100, ((0, 0),))


@given(st.data())
def test_rows_keep_their_own_tokens_whoever_their_parents_were(data: st.DataObject) -> None:
    cache = TokenCache(SIZE, np.dtype(np.float32))
    rows = data.draw(st.integers(1, 6))
    had: list[list[float]] = [[] for _ in range(rows)]
    for number in range(data.draw(st.integers(1, 70))):
        if data.draw(st.booleans()):
            rows = data.draw(st.integers(1, rows))
        parents = [data.draw(st.integers(0, len(had) - 1)) for _ in range(rows)]
        had = [list(had[parent]) for parent in parents]
        anew = data.draw(st.integers(-6, rows - 1))
        if anew >= 0:
            had[anew] = []
        positions = np.array([len(tokens) for tokens in had])
        cache.begin(Step(np.zeros(rows, np.int64), positions, np.array(parents)))
        seen = cache.unfilled[:, 0, 0] == 0
        for row, tokens in enumerate(had):
            assert cache.past(0, rows)[row, 0, seen[row], 0].tolist() == tokens
            tokens.append(float(100 * number + row))
        new = np.array([tokens[-1] for tokens in had], np.float32)[:, None, None, None]
        for at in (0, 1):
            cache.add(at, np.broadcast_to(new, (rows, 1, 1, 64)))
        cache.end()

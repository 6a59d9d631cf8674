"""What each row had so far, against a list of lists."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from asr.whisper.memory import TokenCache
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


def test_room_grows_a_block_at_a_time_and_keeps_what_was_there() -> None:
    cache = TokenCache(SIZE, np.dtype(np.float32))
    rooms = []
    for number in range(100):
        cache.begin(Step(np.zeros(2, np.int64), np.full(2, number), np.array([0, 1])))
        rooms.append(cache.past(0, 2).shape[2])
        assert cache.past(0, 2)[1, 0, :number, 0].tolist() == list(range(number))
        assert cache.unfilled.shape == (2, 1, 1, rooms[-1])
        for at in (0, 1):
            cache.add(at, np.full((2, 1, 1, 64), number, np.float32))
        cache.end()
    assert rooms == sorted(rooms)
    assert all(room > number for number, room in enumerate(rooms))
    assert len(set(rooms)) <= 4  # a runtime meets few shapes


def test_keys_and_values_of_each_layer_lie_apart() -> None:
    layers = 3
    cache = TokenCache(Dimensions(80, 10, 448, 128, 1, layers, 100, ((0, 0),)), np.dtype(np.float32))
    new = np.arange(2 * layers * 2 * 2 * 64, dtype=np.float32).reshape(2 * layers, 2, 2, 1, 64)
    for number in (0, 1):
        cache.begin(Step(np.zeros(2, np.int64), np.full(2, number), np.array([1, 0]) if number else np.array([0, 1])))
        if number:
            for at in range(2 * layers):
                assert np.array_equal(cache.past(at, 2)[:, :, :1], new[at][::-1])
        for at in range(2 * layers):
            cache.add(at, new[at])
        cache.end()

"""Short pieces of many calls, heard as few windows: an engine takes as long for three seconds as for fifteen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np

from asr.engines.base import Engine
from asr.timebase import ms_to_samples, to_seconds
from asr.types import Hypothesis, Samples
from flows.neighbourhoods import LONGEST

Where = tuple[int, int]
"""A chunk: its channel's place in the file, and its number in it."""

Piece = tuple[tuple[int, Where], Samples]
"""A chunk of a call, by the call's number among those that are heard together, as (n_samples,) float32 at 16 kHz."""

_BETWEEN = ms_to_samples(500)
"""Silence between two pieces in a window, so that no word is of both."""


def portions(pieces: Iterator[Piece], most: int) -> Iterator[list[Piece]]:
    """So many samples at a time, but at least one piece."""
    portion: list[Piece] = []
    held = 0
    for piece in pieces:
        if portion and held + len(piece[1]) > most:
            yield portion
            portion, held = [], 0
        portion.append(piece)
        held += len(piece[1])
    if portion:
        yield portion


def hear_together(pieces: Sequence[Piece], engines: Sequence[Engine]) -> dict[tuple[int, Where], list[Hypothesis]]:
    """What each engine hears in each piece, several of which share a window; times are from the piece's own start.

    All engines hear at once. Raises what they raise.
    """
    windows = list(_windows(pieces))
    sound = [_joined(window) for window in windows]
    found: dict[tuple[int, Where], list[Hypothesis]] = {which: [] for which, _ in pieces}
    with ThreadPoolExecutor(max(1, len(engines))) as pool:
        answers = list(pool.map(lambda engine: engine.transcribe(sound), engines))
    for answer in answers:
        for window, heard in zip(windows, answer, strict=True):
            at = 0
            for which, samples in window:
                found[which].append(_within(heard, to_seconds(at), to_seconds(len(samples))))
                at += len(samples) + _BETWEEN
    return found


def _windows(pieces: Sequence[Piece]) -> Iterator[list[Piece]]:
    """The pieces in windows as long as a piece may be, each in the first that has room: the longest first."""
    windows: list[tuple[int, list[Piece]]] = []
    for piece in sorted(pieces, key=lambda piece: (-len(piece[1]), piece[0])):
        size = len(piece[1]) + _BETWEEN
        place = next((at for at, (held, _) in enumerate(windows) if held + size <= LONGEST + _BETWEEN), None)
        if place is None:
            windows.append((size, [piece]))
        else:
            held, members = windows[place]
            windows[place] = (held + size, [*members, piece])
    return iter([members for _, members in windows])


def _joined(window: Sequence[Piece]) -> Samples:
    parts = [part for _, samples in window for part in (samples, np.zeros(_BETWEEN, np.float32))]
    return np.concatenate(parts[:-1])


def _within(heard: Hypothesis, start_s: float, length_s: float) -> Hypothesis:
    """What of a window's words is nearest to one of its pieces."""
    slack_s = to_seconds(_BETWEEN) / 2
    words = tuple(
        replace(word, start_s=max(0.0, word.start_s - start_s), end_s=max(0.0, word.end_s - start_s))
        for word in heard.words
        if start_s - slack_s <= (word.start_s + word.end_s) / 2 < start_s + length_s + slack_s
    )
    return replace(heard, words=words)

"""Ways to choose among what a text may go on with: beam search, of which greedy decoding is one beam, and sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.whisper.network import MASKED, Scores
from asr.whisper.search import Floats, Integers, Trace


@dataclass(frozen=True, slots=True)
class Ending:
    """The token that ends a text, and those that no text begins with (a space, the end)."""

    end: int
    not_first: tuple[int, ...]


_LOOP_EVERY = 4
_LOOP_TOKENS = 12
_LOOP_TIMES = 3
_LOOP_PERIOD = 40
"""A text whose last 12 tokens or more are the same few, three times over or more, is cut: what loops once does not
stop. People repeat themselves too, so that a cut text is in doubt and searched again, not lost."""


class BeamSearch:
    """The likeliest texts by the sum of their log-probabilities; the best of those that ended by the mean.

    A window is done when as many texts ended as it has beams, or when the likeliest way on is to end. One beam is
    greedy decoding, which falls into loops more than the others and is cut there.
    """

    def __init__(self, beams: int, ending: Ending) -> None:
        self.rows = beams
        self._ending = ending

    def choose(self, trace: Trace, scores: Scores, rows: slice) -> bool:
        """See Strategy.choose."""
        if (self.rows == 1 and _is_looping(trace, 0)) or trace.length >= trace.window.max_tokens:
            trace.end(int(np.argmax(trace.totals)), None)
            return False
        ids, logprobs = scores.top_ids[rows], scores.top_logprobs[rows]
        if trace.length == 0:
            # All rows are alike so far.
            ids, logprobs = _without(ids[:1], logprobs[:1], self._ending.not_first)
        totals = trace.totals[: len(logprobs), None] + logprobs
        order = np.argsort(-totals, axis=None, kind="stable")[: 2 * self.rows]
        tokens: list[int] = []
        likely: list[float] = []
        parents: list[int] = []
        sums: list[float] = []
        for rank, (row, column) in enumerate(zip(*np.unravel_index(order, totals.shape), strict=True)):
            if len(tokens) == self.rows:
                break
            if ids[row, column] == self._ending.end:
                trace.end(int(row), float(logprobs[row, column]))
                if rank == 0 or len(trace.complete) >= self.rows:
                    return False
                continue
            tokens.append(int(ids[row, column]))
            likely.append(float(logprobs[row, column]))
            parents.append(int(row))
            sums.append(float(totals[row, column]))
        trace.totals = np.array(sums, np.float32)
        trace.choose(np.array(tokens), np.array(likely, np.float32), np.array(parents))
        return True


class Sampling:
    """Texts drawn at a temperature, independent of each other; the likeliest by the mean is kept.

    Each window's draws begin with the same seed, so that they depend neither on its batch nor on what came before.
    """

    def __init__(self, temperature: float, draws: int, seed: int, suppressed: Floats, ending: Ending) -> None:
        self.rows = draws
        self._temperature = temperature
        self._seed = seed
        self._suppressed = suppressed
        self._ending = ending

    def choose(self, trace: Trace, scores: Scores, rows: slice) -> bool:
        """See Strategy.choose."""
        if trace.length == 0:
            trace.totals = np.zeros(self.rows, np.float32)
        tokens = np.full(self.rows, self._ending.end)
        likely = np.zeros(self.rows, np.float32)
        points = np.random.default_rng((self._seed, trace.length)).random(self.rows)
        for row in np.flatnonzero(trace.totals > MASKED):
            if trace.length >= trace.window.max_tokens or _is_looping(trace, int(row)):
                trace.end(int(row), None)
                trace.totals[row] = MASKED
                continue
            logits = scores.logits(rows.start + int(row)) + self._suppressed
            if trace.length == 0:
                logits[list(self._ending.not_first)] = MASKED
            tokens[row], likely[row] = self._drawn(logits, points[row])
            if tokens[row] == self._ending.end:
                trace.end(int(row), float(likely[row]))
                trace.totals[row] = MASKED
        if len(trace.complete) == self.rows:
            return False
        trace.choose(tokens, likely, np.arange(self.rows))
        return True

    def _drawn(self, logits: Floats, point: float) -> tuple[int, float]:
        """The token at a point of the cumulative distribution at the temperature, and its log-probability at 1."""
        logits = logits - logits.max()
        cumulative = np.cumsum(np.exp(logits / self._temperature))
        token = int(np.searchsorted(cumulative, point * cumulative[-1], side="right"))
        return token, float(logits[token] - np.log(np.exp(logits).sum()))


def _without(ids: Integers, logprobs: Floats, banned: Sequence[int]) -> tuple[Integers, Floats]:
    """The candidates without those that are banned, as likely as if these had never been there."""
    lost = np.isin(ids, banned)
    left = max(1e-6, 1.0 - float(np.exp(logprobs[lost]).sum()))
    return ids[~lost][None], logprobs[~lost][None] - np.float32(np.log(left))


def _is_looping(trace: Trace, row: int) -> bool:
    """Whether a row's text ends in the same tokens over and over."""
    if trace.length < _LOOP_TOKENS or trace.length % _LOOP_EVERY:
        return False
    tokens = trace.history(row)
    for period in range(1, min(_LOOP_PERIOD, len(tokens) // _LOOP_TIMES) + 1):
        tail = tokens[-max(_LOOP_TIMES * period, _LOOP_TOKENS) :]
        if tail[period:] == tail[:-period]:
            return True
    return False

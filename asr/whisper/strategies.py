"""Ways to choose among what a text may go on with: beam search, of which greedy decoding is one beam, and sampling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from asr.whisper.network import MASKED, Scores
from asr.whisper.search import Floats, Integers, Text, Trace
from asr.whisper.timestamps import ruled


@dataclass(frozen=True, slots=True)
class Ending:
    """The token that ends a text, those that no text begins with (a space, the end), and how much length is held
    against a text that is complete: by None as much as there is, which ranks texts by their mean."""

    end: int
    not_first: tuple[int, ...]
    length_penalty: float | None = None

    def best(self, complete: Sequence[Text]) -> Text:
        """The likeliest of texts that are complete, its length allowed for."""
        if self.length_penalty is None:
            return max(complete, key=lambda text: text.mean_logprob)
        weight = self.length_penalty
        return max(complete, key=lambda text: penalised(sum(text.logprobs), len(text.tokens), weight))


def penalised(logprob: float, n_tokens: int, weight: float) -> float:
    """The log-probability of a text, its end included, over the length penalty of Wu et al., Google's Neural Machine
    Translation System, 2016, in the form of openai/whisper's MaximumLikelihoodRanker."""
    return float(logprob / ((5 + n_tokens) / 6) ** weight)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """What rows may go on with, (rows, K), the likeliest first: tokens, and the log-probabilities that they are
    searched by. Those that are `told` of a text leave out that a timestamp might have come in a token's place."""

    ids: Integers
    logprobs: Floats
    told: Floats


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

    def __init__(self, beams: int, suppressed: Floats, ending: Ending) -> None:
        self.rows = beams
        self._suppressed = suppressed
        self._ending = ending

    def choose(self, trace: Trace, scores: Scores, rows: slice) -> bool:
        """See Strategy.choose."""
        if (self.rows == 1 and _is_looping(trace, 0)) or trace.length >= trace.window.max_tokens:
            trace.end(int(np.argmax(trace.totals)), None)
            return False
        # All rows are alike at first.
        likeliest = self._likeliest(trace, scores, rows if trace.length else slice(rows.start, rows.start + 1))
        ids, told = likeliest.ids, likeliest.told
        totals = trace.totals[: len(ids), None] + likeliest.logprobs
        order = np.argsort(-totals, axis=None, kind="stable")[: 2 * self.rows]
        tokens: list[int] = []
        likely: list[float] = []
        parents: list[int] = []
        sums: list[float] = []
        for rank, (row, column) in enumerate(zip(*np.unravel_index(order, totals.shape), strict=True)):
            if len(tokens) == self.rows:
                break
            if ids[row, column] == self._ending.end:
                trace.end(int(row), float(told[row, column]))
                if rank == 0 or len(trace.complete) >= self.rows:
                    return False
                continue
            tokens.append(int(ids[row, column]))
            likely.append(float(told[row, column]))
            parents.append(int(row))
            sums.append(float(totals[row, column]))
        trace.totals = np.array(sums, np.float32)
        trace.choose(np.array(tokens), np.array(likely, np.float32), np.array(parents))
        return True

    def best(self, complete: Sequence[Text]) -> Text:
        """See Strategy.best."""
        return self._ending.best(complete)

    def _likeliest(self, trace: Trace, scores: Scores, rows: slice) -> Candidates:
        """The likeliest ways on of these rows."""
        if trace.window.timestamps:
            timed = [self._timed(trace, scores.logits(row), row - rows.start) for row in range(rows.start, rows.stop)]
            ids, logprobs, told = (np.stack(parts) for parts in zip(*timed, strict=True))
            return Candidates(ids, logprobs, told)
        ids, logprobs = scores.top_ids[rows], scores.top_logprobs[rows]
        if trace.length == 0:
            ids, logprobs = _without(ids, logprobs, self._ending.not_first)
        return Candidates(ids, logprobs, logprobs)

    def _timed(self, trace: Trace, logits: Floats, row: int) -> tuple[Integers, Floats, Floats]:
        """The likeliest ways on of one row where timestamps are among them: what Candidates has, a row of each."""
        allowed, told = _allowed(trace, row, logits, self._suppressed, self._ending)
        logprobs = _normalised(allowed)
        ids = np.argsort(-logprobs, kind="stable")[: self.rows + 1]
        return ids, logprobs[ids], _normalised(told)[ids]


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
            logits = scores.logits(rows.start + int(row))
            allowed, told = _allowed(trace, int(row), logits, self._suppressed, self._ending)
            tokens[row] = self._drawn(allowed, points[row])
            likely[row] = _normalised(told)[tokens[row]]
            if tokens[row] == self._ending.end:
                trace.end(int(row), float(likely[row]))
                trace.totals[row] = MASKED
        if len(trace.complete) == self.rows:
            return False
        trace.choose(tokens, likely, np.arange(self.rows))
        return True

    def best(self, complete: Sequence[Text]) -> Text:
        """See Strategy.best."""
        return self._ending.best(complete)

    def _drawn(self, logits: Floats, point: float) -> int:
        """The token at a point of the cumulative distribution at the temperature."""
        cumulative = np.cumsum(np.exp((logits - logits.max()) / self._temperature))
        return int(np.searchsorted(cumulative, point * cumulative[-1], side="right"))


def _allowed(trace: Trace, row: int, logits: Floats, suppressed: Floats, ending: Ending) -> tuple[Floats, Floats]:
    """The logits of what a row may go on with, and those by which its tokens count in a text."""
    told, times = logits + suppressed, trace.window.timestamps
    if times:
        timed = told.copy()
        timed[times.start :] = logits[times.start :]
        return ruled(timed, trace.history(row), times, ending.end), told
    if trace.length == 0:
        told[list(ending.not_first)] = MASKED
    return told, told


def _normalised(logits: Floats) -> Floats:
    """Log-probabilities."""
    shifted = logits - logits.max()
    logprobs: Floats = shifted - np.log(np.exp(shifted).sum())
    return logprobs


def _without(ids: Integers, logprobs: Floats, banned: Sequence[int]) -> tuple[Integers, Floats]:
    """The candidates without those that are banned, as likely as if these had never been there."""
    lost = np.isin(ids, banned)
    left = max(1e-6, 1.0 - float(np.exp(logprobs[lost]).sum()))
    return ids[~lost][None], logprobs[~lost][None] - np.float32(np.log(left))


def _is_looping(trace: Trace, row: int) -> bool:
    """Whether a row's text ends in the same tokens over and over."""
    if trace.length < _LOOP_TOKENS or trace.length % _LOOP_EVERY:
        return False
    # A loop goes on in time.
    tokens = [token for token in trace.history(row) if token not in trace.window.timestamps]
    if len(tokens) < _LOOP_TOKENS:
        return False
    for period in range(1, min(_LOOP_PERIOD, len(tokens) // _LOOP_TIMES) + 1):
        tail = tokens[-max(_LOOP_TIMES * period, _LOOP_TOKENS) :]
        if tail[period:] == tail[:-period]:
            return True
    return False

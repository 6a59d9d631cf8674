"""Texts with timestamps, whatever the model says: how times stand in them, and what is left when they are taken out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.whisper.network import MASKED, Scores, Step
from asr.whisper.search import Effort, Sound, Strategy, Text, Trace, Window, search
from asr.whisper.strategies import BeamSearch, Ending, Sampling
from asr.whisper.timestamps import ruled

START, END, NO_SPEECH = 0, 1, 2
LETTERS = (3, 4, 5)
NO_TIMESTAMPS, ZERO = 6, 7
VOCABULARY = ZERO + 81
"""Times up to 1.6 s."""

ENDING = Ending(END, (END,))
SUPPRESSED = np.zeros(VOCABULARY, np.float32)
SUPPRESSED[[START, NO_SPEECH, *range(ZERO, VOCABULARY)]] = MASKED


def _logits(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    """Any numbers will do, the same for the same voice and text; a time is as likely as a letter now and then."""
    rng = np.random.default_rng((voice, *text))
    logits = rng.normal(0.0, 1.5, VOCABULARY).astype(np.float32)
    logits[ZERO:] -= rng.choice([0.0, 4.0, 6.0])
    return logits


def _normalised(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max()
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


class Book:
    """A batch that scores each row by all tokens that the row was ever given. The voice of a window is the first of its
    features; a row's attention is the length of its text."""

    def __init__(self) -> None:
        self.voices: list[int] = []
        self.texts: list[tuple[int, ...]] = []

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features

    def hear(self, slot: int, features: NDArray[np.float32]) -> None:
        self.voices[slot : slot + 1] = [int(features[0, 0])]

    def keep(self, slots: Sequence[int]) -> None:
        self.voices = [self.voices[slot] for slot in slots]

    def step(self, step: Step) -> Scores:
        rows = len(step.tokens) // len(self.voices)
        before = self.texts or [()] * len(step.tokens)
        self.texts = [
            (*(before[parent] if position else ()), int(token))
            for token, position, parent in zip(step.tokens, step.positions, step.parents, strict=True)
        ]
        logits = np.stack([_logits(self.voices[row // rows], text) for row, text in enumerate(self.texts)])
        logprobs = np.stack([_normalised(row + SUPPRESSED) for row in logits])
        order = np.argsort(-logprobs, axis=1, kind="stable")
        looked = np.array([len(text) for text in self.texts], np.float16).reshape(len(self.voices), 1, rows, 1)
        likely = np.take_along_axis(logprobs, order, 1)
        return Scores(order, likely, lambda row: logits[row].copy(), looked.repeat(4, 3))


class Witness:
    """A strategy that keeps what each row has chosen, times and all, when a window is done."""

    def __init__(self, strategy: Strategy) -> None:
        self.rows = strategy.rows
        self.written: list[list[int]] = []
        self._strategy = strategy

    def choose(self, trace: Trace, scores: Scores, rows: slice) -> bool:
        self.written += [trace.history(row) for row in range(self.rows)]
        return self._strategy.choose(trace, scores, rows)

    def best(self, complete: Sequence[Text]) -> Text:
        return self._strategy.best(complete)


def _window(voice: int, most: int, steps: int, prompt: tuple[int, ...] = (START,)) -> Window:
    features = np.full((1, 8), voice, np.float32)
    return Window(
        Sound(lambda: features), 4, prompt, prompt.index(START), most, steps * 0.02, range(ZERO, ZERO + steps + 1)
    )


def _found(windows: Sequence[Window], strategy: Strategy, slots: int) -> list[Text]:
    return search(Book(), windows, slots, strategy, NO_SPEECH, Effort())


def _segments(tokens: Sequence[int]) -> list[list[int]]:
    """Runs of tokens, each a run of times or of letters."""
    runs: list[list[int]] = []
    for token in tokens:
        if runs and (runs[-1][-1] >= ZERO) == (token >= ZERO):
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs


def _assert_well_formed(tokens: Sequence[int], steps: int) -> None:
    times = [token - ZERO for token in tokens if token >= ZERO]
    assert NO_TIMESTAMPS not in tokens
    assert times == sorted(times)
    assert all(0 <= time <= steps for time in times)
    if not tokens:
        return
    assert 0 <= tokens[0] - ZERO <= 50
    runs = _segments(tokens)
    # Times and letters take turns: one time opens the text, two part segments, one or two may be its last.
    assert [run[0] >= ZERO for run in runs] == [at % 2 == 0 for at in range(len(runs))]
    assert len(runs[0]) == 1
    assert all(len(run) == 2 for run in runs[2:-1:2])
    assert all(len(run) <= 2 for run in runs[2::2])
    # Between the time that opens a segment and the one that closes it, some time passes.
    for opened, closed in pairwise(runs[::2]):
        assert closed[0] > opened[-1]


voices = st.integers(0, 10_000)
prompts = st.sampled_from([(START,), (START, 4), (3, 4, START), (5, START, 3, 3)])
windows = st.builds(_window, voices, st.integers(1, 24), st.integers(5, 80), prompts)
strategies = st.one_of(
    st.integers(1, 3).map(lambda beams: BeamSearch(beams, SUPPRESSED, ENDING)),
    st.integers(1, 3).map(lambda draws: Sampling(0.8, draws, 5, SUPPRESSED, ENDING)),
)


@given(voices, st.integers(5, 80), st.integers(0, 60))
def test_whatever_is_drawn_is_well_formed_and_the_text_can_always_end(voice: int, steps: int, length: int) -> None:
    tokens: list[int] = []
    rng = np.random.default_rng(voice)
    for _ in range(length):
        logits = _logits(voice, tokens)
        allowed = ruled(logits, tokens, range(ZERO, ZERO + steps + 1), END)
        possible = np.flatnonzero(allowed > MASKED)
        assert len(possible)
        assert np.array_equal(allowed[possible], logits[possible])
        if tokens:
            # The end is masked only where the times are together likelier than it.
            assert allowed[END] > MASKED or np.exp(allowed[ZERO:]).sum() > np.exp(logits[END])
        tokens.append(int(rng.choice(possible[possible != END])) if set(possible) != {END} else END)
        if tokens[-1] == END:
            tokens.pop()
            break
        _assert_well_formed(tokens, steps)


@given(windows, strategies)
def test_every_text_that_is_searched_is_well_formed_at_every_step(window: Window, strategy: Strategy) -> None:
    witness = Witness(strategy)
    _found([window], witness, 1)
    steps = len(window.timestamps) - 1
    assert any(witness.written)
    for written in witness.written:
        if END not in written:  # a draw that has ended stands still
            _assert_well_formed(written, steps)


@given(windows, strategies)
def test_a_text_holds_no_times_and_is_as_likely_as_if_there_were_none(window: Window, strategy: Strategy) -> None:
    """What a letter's log-probability leaves out is that a time might have stood there."""
    (text,) = _found([window], strategy, 1)
    assert all(token in LETTERS for token in text.tokens)
    assert text.attention.shape[1] == len(text.tokens) + 1
    assert len(text.logprobs) == len(text.tokens) + text.ended
    assert all(-20.0 < logprob <= 0.0 for logprob in text.logprobs)
    looked = text.attention[0, :, 0].tolist()
    assert looked == sorted(set(looked))


@given(voices, st.integers(1, 24))
def test_greedy_tokens_have_the_log_probabilities_of_a_model_without_times(voice: int, most: int) -> None:
    window = _window(voice, most, 80)
    witness = Witness(BeamSearch(1, SUPPRESSED, ENDING))
    (text,) = _found([window], witness, 1)
    written = witness.written[-1]
    assert [token for token in written if token < ZERO] == list(text.tokens)
    told = [
        float(_normalised(_logits(voice, (START, *written[:at])) + SUPPRESSED)[token])
        for at, token in enumerate([*written, *([END] if text.ended else [])])
        if token < ZERO
    ]
    assert text.logprobs == pytest.approx(told, abs=1e-4)


@given(st.lists(windows, min_size=1, max_size=5), strategies, st.integers(1, 5))
def test_a_window_says_what_it_says_alone(several: list[Window], strategy: Strategy, slots: int) -> None:
    for text, window in zip(_found(several, strategy, slots), several, strict=True):
        (alone,) = _found([window], strategy, 1)
        assert (text.tokens, text.logprobs, text.ended) == (alone.tokens, alone.logprobs, alone.ended)
        assert np.array_equal(text.attention, alone.attention)

"""Texts that a search finds, against all texts that there are, in made-up models small enough to list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from asr.whisper.network import MASKED, Scores, Step
from asr.whisper.search import Effort, Sound, Strategy, Text, Window, search
from asr.whisper.strategies import BeamSearch, Ending, Sampling

START, END, NO_SPEECH = 0, 1, 2
LETTERS = (3, 4, 5)
NEVER = tuple(range(6, 40))
"""What is next to impossible, and after which a text never ends: beams that have nothing better are filled with it."""

VOCABULARY = 40
ENDING = Ending(END, (END,))
SUPPRESSED = np.zeros(VOCABULARY, np.float32)
SUPPRESSED[[START, NO_SPEECH]] = MASKED


def _logits(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    """What comes after a text, prompt and all: any numbers will do, the same for the same voice and text."""
    logits = np.full(VOCABULARY, -1e4, np.float32)
    if any(token in NEVER for token in text):
        logits[[NEVER[0], END]] = 0.0, -1e6
    else:
        likely = [END, NO_SPEECH, *LETTERS]
        logits[likely] = np.random.default_rng((voice, *text)).normal(0.0, 1.5, len(likely))
    return logits


def _logprobs(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    return _normalised(_logits(voice, text) + SUPPRESSED)


def _normalised(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    shifted = logits - logits.max()
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


class Book:
    """A batch that scores each row by all tokens that the row was ever given, and checks what it is asked for.

    The voice of a window is the first of its features. A row's attention is the length of its text.
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.voices: list[int] = []
        self.texts: list[tuple[int, ...]] = []
        self.furthest = 0

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features

    def hear(self, slot: int, features: NDArray[np.float32]) -> None:
        assert slot <= len(self.voices)
        assert slot < self.slots
        self.voices[slot : slot + 1] = [int(features[0, 0])]

    def keep(self, slots: Sequence[int]) -> None:
        assert list(slots) == sorted(set(slots))
        self.voices = [self.voices[slot] for slot in slots]

    def step(self, step: Step) -> Scores:
        rows, rest = divmod(len(step.tokens), len(self.voices))
        assert rest == 0
        assert len(step.tokens) == len(step.positions) == len(step.parents)
        before = self.texts or [()] * len(step.tokens)
        self.texts = []
        self.furthest = max(self.furthest, int(step.positions.max()))
        for token, position, parent in zip(step.tokens, step.positions, step.parents, strict=True):
            text = before[parent] if position else ()
            assert len(text) == position
            self.texts.append((*text, int(token)))
        logits = np.stack([_logits(self.voices[row // rows], text) for row, text in enumerate(self.texts)])
        logprobs = np.stack([_normalised(row + SUPPRESSED) for row in logits])
        order = np.argsort(-logprobs, axis=1, kind="stable")
        attention = np.array([len(text) for text in self.texts], np.float16).reshape(len(self.voices), 1, rows, 1)
        return Scores(
            order, np.take_along_axis(logprobs, order, 1), lambda row: logits[row].copy(), attention.repeat(4, 3)
        )


def _window(voice: int, most: int, prompt: tuple[int, ...] = (START,)) -> Window:
    return Window(Sound(lambda: np.full((1, 8), voice, np.float32)), 4, prompt, prompt.index(START), most, 1.0)


def _found(windows: Sequence[Window], strategy: Strategy, slots: int, effort: Effort | None = None) -> list[Text]:
    return search(Book(slots), windows, slots, strategy, NO_SPEECH, effort or Effort())


@dataclass(frozen=True, slots=True)
class Told:
    """A text with the log-probability of each of its tokens, and of its end if it ended."""

    tokens: tuple[int, ...]
    logprobs: tuple[float, ...]

    @property
    def total(self) -> float:
        return sum(self.logprobs)

    @property
    def mean(self) -> float:
        return self.total / len(self.logprobs)


def _told(voice: int, prompt: Sequence[int], tokens: tuple[int, ...]) -> Told:
    logprobs = []
    for at, token in enumerate(tokens):
        likely = _logprobs(voice, (*prompt, *tokens[:at]))
        if at == 0:
            likely = likely - np.log1p(-np.exp(likely[END]))
        logprobs.append(float(likely[token]))
    return Told(tokens, tuple(logprobs))


def _best_of_all(voice: int, prompt: Sequence[int], most: int) -> tuple[Told, bool]:
    """The likeliest text by its mean, of all up to the length at which ending is the likeliest way on of all; there,
    or at the most tokens, only the likeliest counts. And whether it ended."""
    ended: list[Told] = []
    for length in range(1, most + 1):
        texts = [_told(voice, prompt, letters) for letters in product(LETTERS, repeat=length)]
        if length == most:
            cut = max(texts, key=lambda told: told.total)
            return max([*((told, True) for told in ended), (cut, False)], key=lambda found: found[0].mean)
        ends = [_told(voice, prompt, (*told.tokens, END)) for told in texts]
        onward = [_told(voice, prompt, (*told.tokens, letter)) for told in texts for letter in LETTERS]
        likeliest = max(ends, key=lambda told: told.total)
        if likeliest.total > max(told.total for told in onward):
            return max([*ended, likeliest], key=lambda told: told.mean), True
        ended += ends
    raise AssertionError


voices = st.integers(0, 10_000)
prompts = st.sampled_from([(START,), (START, 4), (3, 4, START), (5, START, 3, 3)])
strategies = st.one_of(
    st.integers(1, 3).map(lambda beams: BeamSearch(beams, SUPPRESSED, ENDING)),
    st.integers(1, 3).map(lambda draws: Sampling(0.8, draws, 5, SUPPRESSED, ENDING)),
)
windows = st.builds(_window, voices, st.integers(1, 9), prompts)


@given(voices, prompts, st.integers(1, 12))
def test_one_beam_is_the_likeliest_token_at_every_step(voice: int, prompt: tuple[int, ...], most: int) -> None:
    (text,) = _found([_window(voice, most, prompt)], BeamSearch(1, SUPPRESSED, ENDING), 1)
    tokens: list[int] = []
    while len(tokens) < most:
        likely = _logprobs(voice, (*prompt, *tokens))
        if not tokens:
            likely[END] = -np.inf
        if (token := int(np.argmax(likely))) == END:
            break
        tokens.append(token)
    assert list(text.tokens) == tokens
    assert text.ended == (len(tokens) < most)


@given(voices, prompts, st.integers(1, 3))
def test_a_beam_for_every_text_finds_the_best_of_all(voice: int, prompt: tuple[int, ...], most: int) -> None:
    (text,) = _found([_window(voice, most, prompt)], BeamSearch(len(LETTERS) ** most, SUPPRESSED, ENDING), 1)
    best, ended = _best_of_all(voice, prompt, most)
    assert (*text.tokens, END) == best.tokens if ended else text.tokens == best.tokens
    assert text.ended == ended
    assert text.logprobs == pytest.approx(best.logprobs, abs=1e-4)
    assert text.mean_logprob == pytest.approx(best.mean, abs=1e-4)


@given(st.lists(windows, min_size=1, max_size=7), strategies, st.integers(1, 7))
def test_a_window_says_what_it_says_alone_whatever_it_shares_its_batch_with(
    several: list[Window], strategy: Strategy, slots: int
) -> None:
    """With a slot for each, and with fewer, where a window begins as another ends."""
    for text, window in zip(_found(several, strategy, slots), several, strict=True):
        (alone,) = _found([window], strategy, 1)
        assert (text.tokens, text.ended) == (alone.tokens, alone.ended)
        assert text.logprobs == alone.logprobs
        assert text.no_speech_prob == alone.no_speech_prob
        assert np.array_equal(text.attention, alone.attention)


@given(windows, strategies)
def test_a_text_knows_its_own_likelihood_and_where_each_token_looked(window: Window, strategy: Strategy) -> None:
    (text,) = _found([window], strategy, 1)
    voice = int(window.sound.features()[0, 0])
    told = _told(voice, window.prompt, (*text.tokens, END) if text.ended else text.tokens)
    assert text.logprobs == pytest.approx(told.logprobs, abs=1e-4)
    assert len(text.tokens) <= window.max_tokens
    first = len(window.prompt)
    assert text.attention[0, :, 0].tolist() == list(range(first, first + len(text.tokens) + 1))


@given(windows)
def test_the_chance_of_no_speech_is_read_after_the_start_of_transcript(window: Window) -> None:
    (text,) = _found([window], BeamSearch(2, SUPPRESSED, ENDING), 1)
    voice = int(window.sound.features()[0, 0])
    start = _normalised(_logits(voice, window.prompt[: window.start_index + 1]))
    assert text.no_speech_prob == pytest.approx(float(np.exp(start[NO_SPEECH])), rel=1e-4)


@given(st.lists(windows, min_size=1, max_size=9), st.integers(1, 9))
def test_all_steps_are_counted_once(several: list[Window], slots: int) -> None:
    """A window takes a step for every token of its prompt and its text; its slot may stand empty after that."""
    effort = Effort()
    texts = _found(several, BeamSearch(1, SUPPRESSED, ENDING), slots, effort)
    steps = [len(window.prompt) + len(text.tokens) for window, text in zip(several, texts, strict=True)]
    assert effort.useful == sum(steps)
    assert effort.useful <= effort.total <= 2 * effort.useful


def test_no_row_is_sent_beyond_the_longest_text() -> None:
    """A model has so many positions and no more; two of three windows begin anew just before the third ends."""
    never = BeamSearch(1, SUPPRESSED, Ending(VOCABULARY, ()))
    batch = Book(3)
    texts = search(batch, [_window(1, most) for most in (9, 8, 8, 9, 9)], 3, never, NO_SPEECH, Effort())
    assert [len(text.tokens) for text in texts] == [9, 8, 8, 9, 9]
    assert batch.furthest <= 9


@given(st.integers(0, 50), st.integers(0, 50))
def test_draws_depend_on_their_seed_alone(seed: int, other: int) -> None:
    several = [_window(voice, 9) for voice in range(12)]
    first, again, last = (
        [text.tokens for text in _found(several, Sampling(1.5, 1, number, SUPPRESSED, ENDING), 4)]
        for number in (seed, seed, other)
    )
    assert first == again
    assert seed == other or first != last


def test_texts_at_temperature_one_are_as_frequent_as_they_are_likely() -> None:
    """First two letters over 3,000 seeds; of one draw each, since of several the likeliest is kept."""
    window = _window(8, 2)
    drawn = [_found([window], Sampling(1.0, 1, seed, SUPPRESSED, ENDING), 1)[0].tokens for seed in range(3_000)]
    for text in product(LETTERS, repeat=2):
        chance = float(np.exp(_told(8, (START,), text).total))
        assert drawn.count(text) / len(drawn) == pytest.approx(chance, abs=0.03)
    for letter in LETTERS:
        chance = float(np.exp(_told(8, (START,), (letter, END)).total))
        assert drawn.count((letter,)) / len(drawn) == pytest.approx(chance, abs=0.03)

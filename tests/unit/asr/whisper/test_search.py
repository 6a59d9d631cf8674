"""Searches in a made-up model whose best texts can be found by trying all."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.whisper.network import Scores, Step
from asr.whisper.search import Effort, Sound, Strategy, Text, Window, search
from asr.whisper.strategies import BeamSearch, Ending, Sampling

START, END, NO_SPEECH, VOCABULARY = 0, 1, 2, 7
LETTERS = (3, 4, 5, 6)
ENDING = Ending(END, (END,))
SUPPRESSED = np.zeros(VOCABULARY, np.float32)
SUPPRESSED[[START, NO_SPEECH]] = -1e9


def _logits(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    """Any numbers will do, the same for the same voice and text; the end grows likelier as the text grows."""
    rng = np.random.default_rng((voice, *text))
    logits = rng.normal(0.0, 1.5, VOCABULARY).astype(np.float32)
    logits[END] += len(text) - 3
    return logits


def _logprobs(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    logits = _logits(voice, text) + SUPPRESSED
    if len(text) == 1:
        logits[END] = -1e9
    shifted = logits - logits.max()
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


class Oracle:
    """A batch that knows each row's whole text and scores by it; it checks what it is asked to do."""

    def __init__(self) -> None:
        self.voices: list[int] = []
        self.texts: list[list[int]] = []

    def encode(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        return features

    def hear(self, slot: int, features: NDArray[np.float32]) -> None:
        voice = int(features[0, 0])
        assert slot <= len(self.voices)
        self.voices[slot : slot + 1] = [voice]

    def keep(self, slots: Sequence[int]) -> None:
        assert list(slots) == sorted(slots)
        self.voices = [self.voices[slot] for slot in slots]

    def step(self, step: Step) -> Scores:
        rows = len(step.tokens) // len(self.voices)
        before = self.texts or [[] for _ in step.tokens]
        kept = [before[parent] for parent in step.parents]
        self.texts = [
            [*(text if position else []), int(token)]
            for text, position, token in zip(kept, step.positions, step.tokens, strict=True)
        ]
        assert [len(text) for text in self.texts] == [position + 1 for position in step.positions]
        logits = np.stack([_logits(self.voices[row // rows], text) for row, text in enumerate(self.texts)])
        logprobs = np.stack([_plain(self.voices[row // rows], text) for row, text in enumerate(self.texts)])
        order = np.argsort(-logprobs, axis=1)
        likely = np.take_along_axis(logprobs, order, 1)
        attention = np.zeros((len(self.voices), 1, rows, 4), np.float16)
        attention[:, 0, :, 0] = [[len(self.texts[w * rows + r]) for r in range(rows)] for w in range(len(self.voices))]
        return Scores(order, likely, lambda row: logits[row].copy(), attention)


def _plain(voice: int, text: Sequence[int]) -> NDArray[np.float32]:
    logits = _logits(voice, text) + SUPPRESSED
    shifted = logits - logits.max()
    logprobs: NDArray[np.float32] = shifted - np.log(np.exp(shifted).sum())
    return logprobs


def _window(voice: int, most: int = 12, prompt: tuple[int, ...] = (START,)) -> Window:
    return Window(Sound(lambda: np.full((1, 8), voice, np.float32)), 4, prompt, prompt.index(START), most, 1.0)


def _found(windows: Sequence[Window], strategy: Strategy, slots: int | None = None) -> list[Text]:
    return search(Oracle(), windows, slots or len(windows), strategy, NO_SPEECH, Effort())


def _sum(voice: int, tokens: Sequence[int]) -> float:
    return sum(float(_logprobs(voice, (START, *tokens[:at]))[token]) for at, token in enumerate(tokens))


def test_one_beam_takes_the_likeliest_token_each_time() -> None:
    for voice in range(20):
        (text,) = _found([_window(voice)], BeamSearch(1, SUPPRESSED, ENDING))
        tokens: list[int] = []
        while len(tokens) < 12 and (best := int(np.argmax(_logprobs(voice, (START, *tokens))))) != END:
            tokens.append(best)
        assert list(text.tokens) == tokens
        assert sum(text.logprobs) == pytest.approx(_sum(voice, [*tokens, END]), abs=1e-4)


def test_wide_beams_find_the_likeliest_of_all_texts_that_end_first() -> None:
    """With a beam for every text of two letters, the first text that ends at the top is the likeliest of its length."""
    for voice in range(10):
        (text,) = _found([_window(voice, most=3)], BeamSearch(4, SUPPRESSED, ENDING))
        if len(text.tokens) == 1 and text.ended:
            sums = {letter: _sum(voice, (letter, END)) for letter in LETTERS}
            assert text.tokens == (max(sums, key=lambda letter: sums[letter]),)


@pytest.mark.parametrize("beams", [1, 3])
def test_a_window_says_the_same_alone_in_a_batch_and_when_it_takes_anothers_place(beams: int) -> None:
    windows = [_window(voice, most=3 + voice % 9) for voice in range(17)]
    alone = [_found([window], BeamSearch(beams, SUPPRESSED, ENDING))[0] for window in windows]
    for slots in (2, 5, 17):
        together = _found(windows, BeamSearch(beams, SUPPRESSED, ENDING), slots)
        assert [text.tokens for text in together] == [text.tokens for text in alone]
        for one, other in zip(together, alone, strict=True):
            assert one.logprobs == pytest.approx(other.logprobs)
            assert np.array_equal(one.attention, other.attention)


def test_where_a_row_looked_follows_the_row() -> None:
    (text,) = _found([_window(3)], BeamSearch(4, SUPPRESSED, ENDING))
    assert text.attention[0, :, 0].tolist() == list(range(1, len(text.tokens) + 2))


def test_prompts_of_several_lengths_share_a_batch_and_no_speech_is_read_at_the_start() -> None:
    prompts = [(START,), (3, 4, START), (START, 5, 6), (4, START, 5)]
    windows = [_window(9, prompt=prompt) for prompt in prompts]
    together = _found(windows, BeamSearch(2, SUPPRESSED, ENDING))
    for window, text in zip(windows, together, strict=True):
        assert text.tokens == _found([window], BeamSearch(2, SUPPRESSED, ENDING))[0].tokens
        logits = _logits(9, window.prompt[: window.start_index + 1])
        assert text.no_speech_prob == pytest.approx(float(np.exp(logits)[NO_SPEECH] / np.exp(logits).sum()), rel=1e-4)


def test_a_text_that_does_not_end_is_cut() -> None:
    never = Ending(99, (99,))
    (text,) = _found([_window(1, most=5)], BeamSearch(2, SUPPRESSED, never))
    assert len(text.tokens) == 5
    assert not text.ended


def test_a_greedy_text_that_goes_round_is_cut_long_before_its_cap(monkeypatch: pytest.MonkeyPatch) -> None:
    def rounds(_: int, text: Sequence[int]) -> NDArray[np.float32]:
        logits = np.zeros(VOCABULARY, np.float32)
        logits[LETTERS[len(text) % 3]] = 9.0
        return logits

    monkeypatch.setattr(f"{__name__}._logits", rounds)
    (text,) = _found([_window(1, most=200)], BeamSearch(1, SUPPRESSED, ENDING))
    assert not text.ended
    assert 12 <= len(text.tokens) <= 20


def test_draws_are_the_same_alone_and_in_a_batch_and_other_with_another_seed() -> None:
    windows = [_window(voice) for voice in range(6)]
    first = _found(windows, Sampling(1.5, 3, 7, SUPPRESSED, ENDING))
    assert [t.tokens for t in first] == [
        _found([window], Sampling(1.5, 3, 7, SUPPRESSED, ENDING))[0].tokens for window in windows
    ]
    other = _found(windows, Sampling(1.5, 3, 8, SUPPRESSED, ENDING))
    assert [t.tokens for t in first] != [t.tokens for t in other]


def test_draws_are_as_frequent_as_they_are_likely() -> None:
    counts = np.zeros(VOCABULARY)
    sampling = Sampling(1.0, 1, 0, SUPPRESSED, ENDING)
    logits = _logits(5, (START,)) + SUPPRESSED
    points = (np.arange(2_000) + 0.5) / 2_000
    for point in points:
        counts[sampling._drawn(logits, float(point))] += 1
    assert np.allclose(counts / len(points), np.exp(_plain(5, (START,))), atol=0.002)


def _complete(*texts: tuple[float, int]) -> list[Text]:
    """Texts of so much log-probability in all, and so many tokens before their end."""
    return [
        Text((3,) * n_tokens, (total / (n_tokens + 1),) * (n_tokens + 1), np.zeros((1, 1, 1), np.float16), True, 0.0)
        for total, n_tokens in texts
    ]


@pytest.mark.parametrize(
    ("penalty", "best"),
    [
        # The means are -0.500, -0.455 and -0.429.
        (None, 2),
        # Nothing is divided: the likeliest of all is the shortest.
        (0.0, 0),
        # By ((5 + 1) / 6, (5 + 10) / 6, (5 + 20) / 6) it is -1.000, -2.000, -2.160.
        (1.0, 0),
        # And by the third powers of these -1.000, -0.320, -0.124.
        (3.0, 2),
    ],
)
def test_of_complete_texts_the_best_is_that_of_the_penalty(penalty: float | None, best: int) -> None:
    texts = _complete((-1.0, 1), (-5.0, 10), (-9.0, 20))
    assert Ending(END, (END,), penalty).best(texts) is texts[best]


def test_a_penalty_changes_which_text_a_search_takes() -> None:
    windows = [_window(voice) for voice in range(40)]
    lengths = []
    for penalty in (0.0, 1.0, 4.0):
        ending = Ending(END, (END,), penalty)
        beam, sampling = BeamSearch(4, SUPPRESSED, ending), Sampling(1.0, 4, 7, SUPPRESSED, ending)
        lengths.append([sum(len(text.tokens) for text in _found(windows, way)) for way in (beam, sampling)])
    assert lengths == sorted(lengths)
    assert lengths[0][0] < lengths[-1][0]
    assert lengths[0][1] < lengths[-1][1]


def test_effort_counts_what_was_useful_and_what_there_was_room_for() -> None:
    effort = Effort()
    texts = search(Oracle(), [_window(v) for v in range(8)], 8, BeamSearch(1, SUPPRESSED, ENDING), NO_SPEECH, effort)
    steps = [len(text.tokens) + 1 for text in texts]
    assert effort.useful == sum(steps)
    assert max(steps) <= effort.total <= 8 * max(steps)


def test_every_combination_of_few_slots_ends() -> None:
    for windows, slots in itertools.product(range(1, 7), range(1, 4)):
        assert len(_found([_window(v) for v in range(windows)], BeamSearch(2, SUPPRESSED, ENDING), slots)) == windows

"""Texts of many windows at once, a token a step.

Every window has the same number of rows, its hypotheses, and a strategy that chooses among what they may go on
with. A window leaves as it ends: then either the others close ranks, or the next one that waits takes its place.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.whisper.network import Batch, Scores, Step

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


@dataclass(slots=True, eq=False)
class Sound:
    """A window's audio: what gives its log-mel features, (n_mels, 2 * positions), and what the encoder made of them
    once they were needed. It is encoded once, however often it is searched."""

    features: Callable[[], Floats]
    encoded: Any = None

    def into(self, batch: Batch, slot: int, effort: Effort) -> None:
        """Have a batch hear it."""
        features = self.features() if self.encoded is None else None
        began_s = time.perf_counter()
        if features is not None:
            self.encoded = batch.encode(features)
        batch.hear(slot, self.encoded)
        effort.encode_s += time.perf_counter() - began_s

    def forget(self) -> None:
        """Give the memory back: it will not be searched again."""
        self.encoded = None


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """What is decoded: its sound, and the prompt that its text goes on from.

    The prompt's `start_index` is that of its start-of-transcript token. At most `max_tokens` follow. `timestamps` are
    the tokens of the times that are to be in the text; none for a text without.
    """

    sound: Sound
    positions: int
    prompt: tuple[int, ...] = field(repr=False)
    start_index: int
    max_tokens: int
    duration_s: float
    timestamps: range = range(0)


@dataclass(frozen=True, slots=True, eq=False)
class Text:
    """What was found in a window: tokens without timestamps and the end of text, their log-probabilities and the end's,
    if it came.

    `looked` is where the model looked as it chose each token, and the end, (A, P) each. `ended` is false for a text
    that was cut. `took_s` is wall time: from when the windows that its own was batched with began to be
    encoded, or itself where it took another's place, until this was found.
    """

    tokens: tuple[int, ...] = field(repr=False)
    logprobs: tuple[float, ...] = field(repr=False)
    looked: tuple[NDArray[np.float16], ...] = field(repr=False)
    ended: bool
    no_speech_prob: float
    took_s: float = 0.0

    @property
    def attention(self) -> NDArray[np.float16]:
        """Where the model looked, (A, n_tokens + 1, P)."""
        return np.stack(self.looked, 1)

    @property
    def mean_logprob(self) -> float:
        """Of a token, the end of text included where it came (openai/whisper, decoding.py). Of nothing, 0."""
        return sum(self.logprobs) / max(1, len(self.logprobs))


@dataclass(slots=True)
class Effort:
    """What searching took: seconds in the encoder and in the decoder, and how full its batches were, in steps times
    windows: those that were decoded, and those that there was room for."""

    encode_s: float = 0.0
    decode_s: float = 0.0
    useful: int = 0
    total: int = 0

    def add(self, other: Effort) -> None:
        """Count the other in."""
        self.encode_s += other.encode_s
        self.decode_s += other.decode_s
        self.useful += other.useful
        self.total += other.total


class Trace:
    """A window on its way: what each of its rows chose at every step, from which row, and where that one looked."""

    def __init__(self, index: int, window: Window, joined: int, began_s: float) -> None:
        self.index = index
        self.window = window
        self.joined = joined
        self.began_s = began_s
        self.fed = 0
        self.no_speech_prob = 0.0
        self.totals: Floats = np.zeros(1, np.float32)
        self.complete: list[Text] = []
        self._chosen: list[tuple[Integers, Floats, Integers]] = []
        self._looked: list[NDArray[np.float16]] = []

    @property
    def length(self) -> int:
        """Tokens chosen so far."""
        return len(self._chosen)

    @property
    def prompted(self) -> bool:
        """Whether all of the prompt was fed."""
        return self.fed >= len(self.window.prompt)

    def look(self, attention: NDArray[np.float16]) -> None:
        """Note what each row's last token attended to, (A, rows, P)."""
        self._looked.append(attention[:, :, : self.window.positions].copy())

    def choose(self, tokens: Integers, logprobs: Floats, parents: Integers) -> None:
        """Go on with these tokens, one a row, each from a row of the step before."""
        self._chosen.append((tokens, logprobs, parents))

    def end(self, row: int, logprob: float | None) -> None:
        """Take the text of a row as it stands before this step's choice as one that is complete: by the end of text,
        with its log-probability, or None for a text that is cut."""
        tokens, logprobs, looked = [], [] if logprob is None else [logprob], [self._looked[-1][:, row]]
        for (chosen, likely, parents), attention in zip(self._chosen[::-1], self._looked[-2::-1], strict=True):
            token, chance, row = int(chosen[row]), float(likely[row]), int(parents[row])
            if token not in self.window.timestamps:
                tokens.append(token)
                logprobs.append(chance)
                looked.append(attention[:, row])
        self.complete.append(
            Text(
                tuple(tokens[::-1]),
                tuple(logprobs[::-1]),
                tuple(looked[::-1]),
                logprob is not None,
                self.no_speech_prob,
            )
        )

    def close(self, best: Text) -> Text:
        """The text that is the window's, by itself; what all others looked at is forgotten."""
        self.complete.clear()
        self._looked.clear()
        looked = tuple(attention.copy() for attention in best.looked)
        return replace(best, looked=looked, took_s=time.perf_counter() - self.began_s)

    def next_tokens(self, rows: int) -> Integers:
        """What is fed next, (rows,): the prompt's next token, or the one that each row chose."""
        if self._chosen:
            return self._chosen[-1][0]
        return np.full(rows, self.window.prompt[min(self.fed, len(self.window.prompt) - 1)])

    def parents(self, rows: int) -> Integers:
        """Which of its own rows each row goes on from."""
        return self._chosen[-1][2] if self._chosen else np.arange(rows)

    def history(self, row: int) -> list[int]:
        """The tokens that a row has chosen so far."""
        tokens = []
        for chosen, _, parents in self._chosen[::-1]:
            tokens.append(int(chosen[row]))
            row = int(parents[row])
        return tokens[::-1]


class Strategy(Protocol):
    """How texts are chosen."""

    @property
    def rows(self) -> int:
        """Hypotheses for each window."""
        ...

    def choose(self, trace: Trace, scores: Scores, rows: slice) -> bool:
        """Choose the next token of each row, given the scores of these rows; false if the window is done."""
        ...

    def best(self, complete: Sequence[Text]) -> Text:
        """Which of a window's texts that are complete, at least one, is the window's."""
        ...


def search(
    batch: Batch, windows: Sequence[Window], slots: int, strategy: Strategy, no_speech: int, effort: Effort
) -> list[Text]:
    """The text of each window, in order.

    The batch must be new, with room for `slots` windows. `no_speech` is the id of the no-speech token, whose
    probability is read after the start of transcript.
    """
    waiting = deque(range(len(windows)))
    found: dict[int, Text] = {}
    live = []
    started_s = time.perf_counter()
    for slot in range(min(slots, len(windows))):
        live.append(Trace(waiting.popleft(), windows[slot], 0, started_s))
        windows[slot].sound.into(batch, slot, effort)
    gone: set[int] = set()
    rows, length = strategy.rows, 0
    parents = np.arange(len(live) * rows)
    while len(gone) < len(live):
        tokens = np.concatenate([trace.next_tokens(rows) for trace in live])
        # An empty slot begins anew each step: a model has no positions beyond its longest text.
        joined = [length if slot in gone else trace.joined for slot, trace in enumerate(live)]
        began_s = time.perf_counter()
        scores = batch.step(Step(tokens, length - np.repeat(joined, rows), parents))
        effort.decode_s += time.perf_counter() - began_s
        length += 1
        effort.useful += len(live) - len(gone)
        effort.total += len(live)
        for slot, trace in enumerate(live):
            if slot in gone or _advance(trace, scores, slot, strategy, no_speech):
                continue
            found[trace.index] = trace.close(strategy.best(trace.complete))
            if waiting:
                index = waiting.popleft()
                live[slot] = Trace(index, windows[index], length, time.perf_counter())
                windows[index].sound.into(batch, slot, effort)
            else:
                gone.add(slot)
        parents = np.concatenate([slot * rows + trace.parents(rows) for slot, trace in enumerate(live)])
        if len(gone) < len(live) and 2 * len(gone) >= len(live):
            kept = [slot for slot in range(len(live)) if slot not in gone]
            batch.keep(kept)
            parents = np.concatenate([parents[slot * rows : (slot + 1) * rows] for slot in kept])
            live, gone = [live[slot] for slot in kept], set()
    return [found[index] for index in range(len(windows))]


def _advance(trace: Trace, scores: Scores, slot: int, strategy: Strategy, no_speech: int) -> bool:
    """Take in a step's scores; false if the window is done."""
    rows = slice(slot * strategy.rows, (slot + 1) * strategy.rows)
    trace.fed += 1
    if trace.fed == trace.window.start_index + 1:
        logits = scores.logits(rows.start)
        shares = np.exp(logits - logits.max())
        trace.no_speech_prob = float(shares[no_speech] / shares.sum())
    if not trace.prompted:
        return True
    trace.look(scores.attention[slot])
    return strategy.choose(trace, scores, rows)

"""Windows of many calls to words: greedy first, beam search where that is in doubt, samples where both fail."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from math import ceil, inf
from threading import Lock
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from asr.engines.base import EngineInfo
from asr.errors import RetryableError
from asr.options import TranscribeOptions
from asr.timebase import to_samples, to_seconds
from asr.types import Hypothesis, Samples, Word
from asr.whisper.align import token_starts
from asr.whisper.conditioning import in_rounds
from asr.whisper.conveyor import Conveyor, Stage
from asr.whisper.judging import Judge, Reading, compression_ratio
from asr.whisper.mel import HOP, log_mel
from asr.whisper.network import MASKED, Network
from asr.whisper.search import Effort, Sound, Strategy, Text, Window, search
from asr.whisper.strategies import BeamSearch, Ending, Sampling
from asr.whisper.tokenizer import WhisperTokenizer
from asr.whisper.weights import Dimensions

FRAMES_PER_POSITION = 2
"""The encoder's second convolution halves the frames: a position is 20 ms."""

POSITION_S = to_seconds(HOP * FRAMES_PER_POSITION)

_TAIL_S = 1.0
"""Silence that the encoder hears after a chunk, instead of filling its 30 s: on 24 telephone calls, chunks of 6 to
30 s, the full 30 s cost 1.1 points of WER more and half as much time again; with 0.1 s texts ran on."""

_MIN_POSITIONS = 750
"""What is shorter is heard as if it lasted 15 s. Single turns of 3 to 7 s, heard as they are, are said twice over:
WER 24 % and with tiny.en 59 %; filled to 10 s 11.9 and 14.9 %, to 15 s 11.7 and 13.7 %, to 30 s 11.2 and 13.3 %."""

_POSITION_STEP = 25
"""Windows are encoded in whole half seconds, so that a runtime meets few shapes."""

MAX_TOKENS = 224
"""Most tokens of text in one window (openai/whisper's sample_len: half of its context)."""

TOKENS_PER_S = 8
"""More than anybody says: the fastest talkers reach 7 words in a second for a moment, 4 over 30 s. Loops end here."""

MIN_SAMPLES = to_samples(0.1)
"""No word fits in less."""

DRAWS = 5
"""Samples drawn at a temperature above zero, of which the likeliest is kept (openai/whisper's best_of)."""


_REMEMBERED = 100_000
"""Windows whose seconds are kept: a process may transcribe for weeks."""


@dataclass(slots=True)
class Statistics:
    """What an engine has done since it was loaded, all workers together.

    `searches` counts windows that were searched with one hypothesis, and with several; `positions` are what was
    encoded, `padding` those that held no audio; `halved` how often a batch was halved because memory ran out.
    `window_s` is what each of the last windows cost inside its batches: wall seconds from when the batch that holds
    it began to be encoded, or itself where it took another's place, to its text being found, added up over the
    searches that it went through. It waits for the others of a batch while they are encoded, but not for those whose
    texts end later. Spectrogram and alignment are not in it, nor the tries that memory ran out in.
    """

    windows: int = 0
    searches: list[int] = field(default_factory=lambda: [0, 0])
    positions: int = 0
    padding: int = 0
    halved: int = 0
    mel_s: float = 0.0
    align_s: float = 0.0
    window_s: deque[float] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    effort: Effort = field(default_factory=Effort)


@dataclass(frozen=True, slots=True, eq=False)
class _Try:
    """A text, and what it is judged by."""

    text: Text
    reading: Reading


@dataclass(slots=True, eq=False)
class _Case:
    """A window, what was made of it so far and in how many seconds, and in the end what was heard."""

    window: Window
    tries: list[_Try] = field(default_factory=list)
    took_s: float = 0.0
    heard: Hypothesis | None = None

    def add(self, one: _Try) -> None:
        """One more text. A greedy one that was cut says nothing of what a right one looks like, and goes."""
        self.tries = [*(last for last in self.tries if last.reading.ended or last.reading.temperature > 0.0), one]
        self.took_s += one.text.took_s

    def settle(self, heard: Hypothesis) -> None:
        """This is it: all that it was made from may go."""
        self.heard = heard
        self.tries.clear()
        self.window.sound.forget()


class WhisperEngine:
    """An engine on any network (docs/decisions/0006-one-search-for-all-runtimes.md). Every worker is a thread that
    decodes batches of its own: most of a decoding step is too small to share. What one strategy leaves in
    doubt goes on to the next."""

    def __init__(
        self,
        network: Network,
        tokenizer: WhisperTokenizer,
        info: EngineInfo,
        options: TranscribeOptions,
        workers: int,
    ) -> None:
        self._network = network
        self._tokenizer = tokenizer
        self._info = info
        self._options = options
        # One beam is what greedy decoding has.
        self._search = "greedy" if options.beam_size == 1 else options.search
        self._workers = workers
        self._judge = Judge(options)
        self._ending = Ending(tokenizer.end_of_text, tokenizer.never_first(), options.length_penalty)
        self._suppressed = suppression(tokenizer, network.dimensions.vocabulary)
        self.statistics = Statistics()
        self._counting = Lock()

    @property
    def info(self) -> EngineInfo:
        """What is loaded."""
        return self._info

    @property
    def weight_bytes(self) -> int:
        """See Engine.weight_bytes."""
        return self._network.weight_bytes

    def searching(self, search: Literal["adaptive", "beam", "greedy"], workers: int | None = None) -> WhisperEngine:
        """An engine on the same network that searches in another way, once: nothing is loaded twice, and no samples are
        drawn of what stays in doubt. It has so many workers, at most as many as this one, which is what None means."""
        options = self._options.model_copy(update={"search": search, "temperatures": (0.0,)})
        workers = min(workers or self._workers, self._workers)
        return WhisperEngine(self._network, self._tokenizer, self._info, options, workers)

    def transcribe(
        self,
        batch: Sequence[Samples],
        on_audio: Callable[[float], None] = lambda _: None,
        after: Sequence[int | None] = (),
    ) -> list[Hypothesis]:
        """See Engine.transcribe."""
        linked = after if self._options.condition_on_previous else ()
        return in_rounds(
            len(batch), linked, lambda rows, before: self._hear([batch[row] for row in rows], before, on_audio)
        )

    def _hear(
        self, batch: Sequence[Samples], before: Sequence[str], on_audio: Callable[[float], None]
    ) -> list[Hypothesis]:
        """What is said in each item, after the texts that were said before."""
        heard = [Hypothesis((), self._tokenizer.language, 0.0, 1.0, 1.0, 0.0)] * len(batch)
        rows = [row for row, samples in enumerate(batch) if len(samples) >= MIN_SAMPLES and np.any(samples)]
        on_audio(to_seconds(sum(map(len, batch)) - sum(len(batch[row]) for row in rows)))
        # The longest first: batches of windows that are alike, and the shortest where a round ends.
        rows.sort(key=lambda row: -len(batch[row]))
        cases = [_Case(self._window(batch[row], before[row])) for row in rows]
        stages = [
            self._stage(strategy, temperature, len(cases), on_audio) for strategy, temperature in self._strategies()
        ]
        # Threads end before the runtime may be unloaded, which they may hold memory of.
        with ThreadPoolExecutor(self._workers) as pool:
            Conveyor(cases, stages).run(pool, self._workers)
        on_audio(sum(case.window.duration_s for case in cases if case.heard is None))
        with self._counting:
            self.statistics.window_s.extend(case.took_s for case in cases)
        for row, case in zip(rows, cases, strict=True):
            heard[row] = case.heard or self._best(case)
        return heard

    def _window(self, samples: Samples, before: str) -> Window:
        size = self._network.dimensions
        positions = window_positions(samples, size)
        with self._counting:
            self.statistics.windows += 1
            self.statistics.positions += positions
            self.statistics.padding += positions - int(to_seconds(len(samples)) / POSITION_S)
        duration_s = to_seconds(len(samples))
        context = self._tokenizer.context(", ".join(self._options.hotwords), before)
        timed = self._options.timestamps
        prompt = (*context, *self._tokenizer.prompt, *(() if timed else (self._tokenizer.no_timestamps,)))
        most = min(max_tokens(len(samples)), size.text_positions - len(prompt))
        timestamps = self._tokenizer.timestamps(duration_s) if timed else range(0)
        sound = Sound(partial(self._features, samples, positions))
        return Window(sound, positions, prompt, len(context), most, duration_s, timestamps)

    def _features(self, samples: Samples, positions: int) -> NDArray[np.float32]:
        began_s = time.perf_counter()
        features = window_features(samples, positions, self._network.dimensions)
        with self._counting:
            self.statistics.mel_s += time.perf_counter() - began_s
        return features

    def _stage(
        self, strategy: Strategy, temperature: float, most: int, on_audio: Callable[[float], None]
    ) -> Stage[_Case]:
        """Searching by one strategy. Several hypotheses of a window fill a batch's rows with half of the windows."""
        slots = self._options.batch_size if strategy.rows == 1 else max(1, self._options.batch_size // 2)
        if temperature > 0.0:
            # These are few, and waiting for more would leave them for the end, one thread's work while others idle.
            slots = 1
        share = ceil(most / self._workers)
        # No worker is to be without when there is little; and continuous batches are as long as a worker's share.
        size = max(1, share if self._options.schedule == "continuous" else min(slots, share))

        def work(cases: Sequence[_Case]) -> list[_Case]:
            texts = self._decoded([case.window for case in cases], slots, strategy)
            for case, text in zip(cases, texts, strict=True):
                case.add(_Try(text, self._read(text, temperature)))
                if self._settled(case.tries, strategy):
                    case.settle(self._best(case))
            on_audio(sum(case.window.duration_s for case in cases if case.heard))
            return [case for case in cases if case.heard is None]

        return Stage(size, work, self._options.batch_wait_s if self._options.schedule == "dynamic" else inf)

    def _strategies(self) -> Iterator[tuple[Strategy, float]]:
        """What is tried on a window, in order, with its temperature."""
        for temperature in self._options.temperatures:
            if temperature > 0.0:
                yield Sampling(temperature, DRAWS, self._options.seed, self._suppressed, self._ending), temperature
                continue
            if self._search != "beam":
                yield BeamSearch(1, self._suppressed, self._ending), temperature
            if self._search != "greedy":
                yield BeamSearch(self._options.beam_size, self._suppressed, self._ending), temperature

    def _settled(self, tries: Sequence[_Try], strategy: Strategy) -> bool:
        last = tries[-1].reading
        if strategy.rows == 1 and self._search == "adaptive":
            return not self._judge.is_doubtful(last)
        return self._judge.settled([one.reading for one in tries])

    def _decoded(self, windows: Sequence[Window], slots: int, strategy: Strategy) -> list[Text]:
        """The texts of windows that go through one batch. If memory runs out, half of them at a time."""
        slots = min(slots, len(windows))
        effort = Effort()
        try:
            batch = self._network.batch(slots, max(window.positions for window in windows))
            texts = search(batch, windows, slots, strategy, self._tokenizer.no_speech, effort)
        except RetryableError:
            if len(windows) == 1:
                raise
            with self._counting:
                self.statistics.halved += 1
            half, slots = len(windows) // 2, max(1, slots // 2)
            return [*self._decoded(windows[:half], slots, strategy), *self._decoded(windows[half:], slots, strategy)]
        with self._counting:
            self.statistics.searches[strategy.rows > 1] += len(windows)
            self.statistics.effort.add(effort)
        return texts

    def _read(self, text: Text, temperature: float) -> Reading:
        return Reading(
            text.tokens,
            text.ended,
            text.mean_logprob,
            text.no_speech_prob,
            compression_ratio(self._tokenizer.decode(list(text.tokens))),
            temperature,
        )

    def _best(self, case: _Case) -> Hypothesis:
        """What the best of a window's texts says, and when."""
        best = case.tries[self._judge.best([one.reading for one in case.tries])]
        reading = best.reading
        is_silence = self._judge.is_silence(reading)
        words = () if is_silence else self._words(best.text, case.window.duration_s)
        return Hypothesis(
            words,
            self._tokenizer.language,
            reading.mean_logprob,
            reading.no_speech_prob,
            reading.compression_ratio,
            reading.temperature,
            is_silence and bool(reading.tokens),
        )

    def _words(self, text: Text, duration_s: float) -> tuple[Word, ...]:
        began_s = time.perf_counter()
        # Where each token begins, and the end.
        starts = np.minimum(token_starts(text.attention.astype(np.float32)) * POSITION_S, duration_s)
        probabilities = np.exp(np.array(text.logprobs))
        words = []
        for word in self._tokenizer.words(list(text.tokens)):
            start_s, end_s = float(starts[word.first]), float(starts[word.stop])
            confidence = float(np.mean(probabilities[word.first : word.stop]))
            words.append(Word(word.text, start_s, end_s, min(1.0, confidence)))
        with self._counting:
            self.statistics.align_s += time.perf_counter() - began_s
        return tuple(words)


def window_positions(samples: Samples, size: Dimensions) -> int:
    """How many positions of 20 ms the encoder hears of a chunk, and of the silence after it."""
    wanted = ceil((to_seconds(len(samples)) + _TAIL_S) / POSITION_S / _POSITION_STEP) * _POSITION_STEP
    return min(size.audio_positions, max(wanted, _MIN_POSITIONS))


def window_features(samples: Samples, positions: int, size: Dimensions) -> NDArray[np.float32]:
    """What the encoder is given of a chunk: log-mel features (n_mels, 2 * positions)."""
    return np.ascontiguousarray(log_mel(samples, size.n_mels)[:, : positions * FRAMES_PER_POSITION])


def suppression(tokenizer: WhisperTokenizer, vocabulary: int) -> NDArray[np.float32]:
    """What is added to the logits so that no control token or sound effect is chosen, (vocabulary,)."""
    bias = np.zeros(vocabulary, np.float32)
    bias[tokenizer.suppressed()] = MASKED
    # Timestamps come by rules of their own, or not at all, though nothing in the model forbids them.
    bias[tokenizer.timestamp_begin :] = MASKED
    return bias


def max_tokens(n_samples: int) -> int:
    """The most tokens that a text of so many samples may have."""
    return min(MAX_TOKENS, int(to_seconds(n_samples) * TOKENS_PER_S) + TOKENS_PER_S)

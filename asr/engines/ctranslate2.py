"""Whisper on CTranslate2: int8 on CPUs, float16 on CUDA GPUs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.engines.base import Engine, EngineInfo
from asr.errors import ConfigError, FatalError, ModelError, PipelineError, RetryableError
from asr.options import TranscribeOptions
from asr.timebase import to_seconds
from asr.types import Hypothesis, Samples, Word
from asr.whisper.engine import DRAWS, FRAMES_PER_POSITION, MIN_SAMPLES, POSITION_S, Statistics, max_tokens
from asr.whisper.judging import Judge, Reading, compression_ratio
from asr.whisper.mel import HOP, N_FRAMES, log_mel
from asr.whisper.search import Effort
from asr.whisper.tokenizer import WhisperTokenizer

_POSITIONS = N_FRAMES // FRAMES_PER_POSITION


def load(folder: Path, info: EngineInfo, device: str, options: TranscribeOptions, threads: int) -> Engine:
    """A Whisper in CTranslate2's own format. Raises ConfigError for a precision that the device does not run,
    ModelError for a folder that does not load."""
    return CTranslate2Engine(folder, info, device, options, threads)


class CTranslate2Engine:
    """A Whisper model in CTranslate2's format.

    On a CPU every worker has a thread of its own and decodes a batch of its own: two batches on two cores beat
    one batch on both, since most of a decoding step is too small to share.
    """

    def __init__(self, folder: Path, info: EngineInfo, device: str, options: TranscribeOptions, threads: int) -> None:
        import ctranslate2

        self._ctranslate2: Any = ctranslate2
        self._folder = folder
        self._device = device
        self._info = info
        self._options = options
        self._judge = Judge(options)
        self._workers = threads if device == "cpu" else 1
        self._tokenizer = WhisperTokenizer.load(folder / "tokenizer.json", options.language)
        self._model = self._load(self._workers)
        self._sampling = Lock()
        self._suppressed = self._tokenizer.suppressed()
        self.statistics = Statistics()
        self._counting = Lock()

    def _load(self, workers: int) -> Any:
        device = self._device
        try:
            return self._ctranslate2.models.Whisper(
                str(self._folder),
                device=device,
                compute_type=self._info.precision,
                inter_threads=workers,
                intra_threads=1,
            )
        except ValueError as error:
            raise ConfigError(
                f"transcribe.precision {self._info.precision} does not run on {device}: {error}",
                f"Use one of {', '.join(sorted(self._ctranslate2.get_supported_compute_types(device)))}",
            ) from error
        except RuntimeError as error:
            raise ModelError(
                f"{self._folder} does not load in CTranslate2: {error}", "callwright models verify"
            ) from error

    @property
    def info(self) -> EngineInfo:
        """What is loaded."""
        return self._info

    @property
    def weight_bytes(self) -> int:
        """Of the model's file: what CTranslate2 makes of it as it loads, it does not say."""
        return (self._folder / "model.bin").stat().st_size

    def transcribe(
        self, batch: Sequence[Samples], on_audio: Callable[[float], None] = lambda _: None
    ) -> list[Hypothesis]:
        """See Engine.transcribe."""
        order = sorted(range(len(batch)), key=lambda index: -len(batch[index]))
        size = max(1, self._options.batch_size // self._workers)
        heard: dict[int, Hypothesis] = {}

        def work(rows: Sequence[int]) -> None:
            heard.update(zip(rows, self._transcribe_share([batch[row] for row in rows]), strict=True))
            on_audio(to_seconds(sum(len(batch[row]) for row in rows)))

        with ThreadPoolExecutor(self._workers) as pool:
            list(pool.map(work, [order[at : at + size] for at in range(0, len(order), size)]))
        return [heard[row] for row in range(len(batch))]

    def _transcribe_share(self, batch: list[Samples]) -> list[Hypothesis]:
        rows = [row for row, samples in enumerate(batch) if len(samples) >= MIN_SAMPLES and np.any(samples)]
        heard = [_nothing(self._tokenizer.language)] * len(batch)
        if not rows:
            return heard
        lengths = [len(batch[row]) for row in rows]
        marks_s = [time.perf_counter()]
        try:
            features = np.stack([log_mel(batch[row], self._model.n_mels) for row in rows])
            marks_s.append(time.perf_counter())
            encoded = self._encode(self._model, features)
            marks_s.append(time.perf_counter())
            decoded = self._decode(encoded, features, [max_tokens(length) for length in lengths])
            marks_s.append(time.perf_counter())
            hypotheses = self._hypotheses(encoded, decoded, lengths)
            marks_s.append(time.perf_counter())
        except RuntimeError as error:
            raise _runtime_error(error, len(rows)) from error
        self._count(lengths, np.diff(marks_s).tolist())
        for row, hypothesis in zip(rows, hypotheses, strict=True):
            heard[row] = hypothesis
        return heard

    def _count(self, lengths: Sequence[int], took_s: Sequence[float]) -> None:
        """Count a batch in: seconds of spectrograms, encoder, decoder and alignment. All of its texts are done at
        once, and every window is encoded as 30 s; how full the decoder's batches are CTranslate2 does not say."""
        mel_s, encode_s, decode_s, align_s = took_s
        heard = [int(to_seconds(length) / POSITION_S) for length in lengths]
        with self._counting:
            counted = self.statistics
            counted.windows += len(lengths)
            counted.positions += len(lengths) * _POSITIONS
            counted.padding += len(lengths) * _POSITIONS - sum(heard)
            counted.mel_s += mel_s
            counted.align_s += align_s
            counted.window_s.extend([encode_s + decode_s] * len(lengths))
            counted.effort.add(Effort(encode_s, decode_s))

    def _encode(self, model: Any, features: NDArray[np.float32]) -> Any:
        return model.encode(self._ctranslate2.StorageView.from_array(np.ascontiguousarray(features)))

    def _decode(self, encoded: Any, features: NDArray[np.float32], caps: list[int]) -> list[Reading]:
        """Beam search for all rows; what fails its checks is sampled again at rising temperatures."""
        first, *hotter = self._options.temperatures
        if first > 0:
            return [self._sampled([], row, cap, [first, *hotter]) for row, cap in zip(features, caps, strict=True)]
        searched = self._generate(self._model, encoded, caps, first)
        return [
            item if self._judge.settled([item]) else self._sampled([item], row, cap, hotter)
            for item, row, cap in zip(searched, features, caps, strict=True)
        ]

    def _sampled(
        self, tries: list[Reading], features: NDArray[np.float32], cap: int, temperatures: list[float]
    ) -> Reading:
        """The best of the tries so far and of those at the temperatures, which are made until one settles it.

        CTranslate2 seeds the random numbers of a worker thread once, when it first samples. A model loaded for
        this one row begins them anew, so that its text depends neither on its batch nor on what came before:
        0.25 s for Whisper base, where 2 in 29 chunks of telephone speech need it.
        """
        if not temperatures:
            return tries[self._judge.best(tries)]
        # One at a time, since each holds the weights once more.
        with self._sampling:
            self._ctranslate2.set_random_seed(self._options.seed)
            sampler = self._load(workers=1)
            encoded = self._encode(sampler, features[None])
            for temperature in temperatures:
                tries = [*tries, *self._generate(sampler, encoded, [cap], temperature)]
                if self._judge.settled(tries):
                    break
        return tries[self._judge.best(tries)]

    def _generate(self, model: Any, encoded: Any, caps: list[int], temperature: float) -> list[Reading]:
        """Each row's likeliest text, of at most its own cap of tokens."""
        context = self._tokenizer.context(", ".join(self._options.hotwords))
        prompt = [*context, *self._tokenizer.prompt, self._tokenizer.no_timestamps]
        search = (
            {
                "beam_size": 1,
                "num_hypotheses": DRAWS,
                "sampling_topk": 0,
                "sampling_temperature": temperature,
            }
            if temperature > 0
            else {"beam_size": 1 if self._options.search == "greedy" else self._options.beam_size}
        )
        with self._counting:
            self.statistics.searches[max(search.values()) > 1] += len(caps)
        results = model.generate(
            encoded,
            [prompt] * len(caps),
            **search,
            # CTranslate2 generates at most half of this.
            max_length=len(prompt) + 2 * max(caps),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
        )
        return [self._judged(result, temperature, cap) for result, cap in zip(results, caps, strict=True)]

    def _judged(self, result: Any, temperature: float, cap: int) -> Reading:
        sequence = list(result.sequences_ids[0])
        # CTranslate2's score is a mean over the tokens; Whisper's mean counts the end of text too.
        mean_logprob = result.scores[0] * len(sequence) / (len(sequence) + 1)
        tokens = tuple(self._tokenizer.text_tokens(sequence[:cap]))
        ratio = compression_ratio(self._tokenizer.decode(list(tokens)))
        ended = len(sequence) < cap
        return Reading(tokens, ended, mean_logprob, result.no_speech_prob, ratio, temperature)

    def _hypotheses(self, encoded: Any, decoded: list[Reading], lengths: list[int]) -> list[Hypothesis]:
        """Words with times by cross-attention alignment, for all items at once."""
        spoken = [[] if self._judge.is_silence(item) else list(item.tokens) for item in decoded]
        frames = [min(N_FRAMES, -(-length // HOP)) for length in lengths]
        aligned = self._model.align(encoded, self._tokenizer.prompt, spoken, frames)
        return [
            Hypothesis(
                self._words(tokens, alignment, to_seconds(length)),
                self._tokenizer.language,
                item.mean_logprob,
                item.no_speech_prob,
                item.compression_ratio,
                item.temperature,
            )
            for item, tokens, alignment, length in zip(decoded, spoken, aligned, lengths, strict=True)
        ]

    def _words(self, tokens: list[int], alignment: Any, duration_s: float) -> tuple[Word, ...]:
        if not tokens:
            return ()
        path = np.asarray(alignment.alignments)
        # The path steps to the next token where its token index rises: that step is the token's start.
        starts = path[np.diff(path[:, 0], prepend=-1) > 0, 1] * POSITION_S
        starts = np.minimum(starts, duration_s)
        words = []
        for word in self._tokenizer.words(tokens):
            start_s, end_s = float(starts[word.first]), float(starts[word.stop])
            confidence = float(np.mean(alignment.text_token_probs[word.first : word.stop]))
            words.append(Word(word.text, start_s, end_s, min(1.0, confidence)))
        return tuple(words)


def _nothing(language: str) -> Hypothesis:
    return Hypothesis((), language, 0.0, 1.0, 1.0, 0.0)


def _runtime_error(error: RuntimeError, n_rows: int) -> PipelineError:
    if "out of memory" in str(error).lower() or "alloc" in str(error).lower():
        return RetryableError(
            f"Memory ran out while {n_rows} chunks were decoded", "Set transcribe.batch_size to half of its value"
        )
    return FatalError(f"CTranslate2 failed: {error}", "Run callwright models verify, then try again")

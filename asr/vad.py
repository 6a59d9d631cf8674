"""Where somebody speaks: Silero VAD on onnxruntime, and the rule that turns probabilities into spans."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.errors import ModelError
from asr.options import VadOptions
from asr.timebase import ms_to_samples
from asr.types import Samples, Span

WINDOW = 512
"""Samples in one window of Silero VAD at 16 kHz: 32 ms."""

_CONTEXT = 64
"""Samples of the window before that the model sees again."""

_BLOCK = 512
"""Windows in one run of the model, 16 s: bounds the memory, whatever the call's length. Two minutes took 130 MB more
and were no faster."""

_LOWEST = 0.01
"""Speech ends below this however low the threshold is (Silero VAD, get_speech_timestamps)."""


class Listening(Protocol):
    """A detector at work on one channel."""

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """Probability of speech in each window of WINDOW samples that is complete by now, (n_windows,)."""
        ...

    def end(self) -> NDArray[np.float32]:
        """That of the last window, filled up with zeros; none if the channel ended with a whole one."""
        ...


class SpeechDetector(Protocol):
    """Anything that says how likely speech is."""

    def listen(self) -> Listening:
        """Begin with a channel at 16 kHz."""
        ...


class SileroVad:
    """Silero VAD's sequence model: it runs the recurrence itself, so that one call does many windows."""

    def __init__(self, model_path: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(model_path), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise ModelError(
                f"{model_path} does not load as a Silero VAD model", "Fetch it again: callwright models get silero-vad"
            ) from error

    def listen(self) -> Listening:
        """See SpeechDetector.listen."""
        return _SileroListening(self._session)

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Probability of speech in each 32 ms window of a whole channel; the last one is padded with zeros."""
        listening = self.listen()
        return np.concatenate([listening.hear(samples), listening.end()])


class _SileroListening:
    """What the recurrence has heard so far, and samples that do not fill a window yet."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._h = np.zeros((1, 1, 128), np.float32)
        self._c = np.zeros((1, 1, 128), np.float32)
        self._unheard = np.zeros(_CONTEXT, np.float32)

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """See Listening.hear."""
        heard = np.concatenate([self._unheard, samples])
        n_windows = (len(heard) - _CONTEXT) // WINDOW
        self._unheard = heard[n_windows * WINDOW :].copy()
        if n_windows == 0:
            return np.zeros(0, np.float32)
        windows = np.lib.stride_tricks.sliding_window_view(heard, _CONTEXT + WINDOW)[::WINDOW][:n_windows]
        return np.concatenate([self._run(windows[at : at + _BLOCK]) for at in range(0, n_windows, _BLOCK)])

    def end(self) -> NDArray[np.float32]:
        """See Listening.end."""
        left = len(self._unheard) - _CONTEXT
        return self.hear(np.zeros(WINDOW - left, np.float32)) if left else np.zeros(0, np.float32)

    def _run(self, windows: NDArray[np.float32]) -> NDArray[np.float32]:
        given = {"input": np.ascontiguousarray(windows), "h": self._h, "c": self._c}
        probabilities, self._h, self._c = self._session.run(None, given)
        flat: NDArray[np.float32] = probabilities.reshape(-1)
        return flat


def speech_spans(
    probabilities: NDArray[np.float32], n_samples: int, min_silence_ms: int, options: VadOptions
) -> tuple[Span, ...]:
    """Spans of speech, unpadded, in samples at 16 kHz, in order, no two touching.

    Speech begins at the first window that reaches the threshold and ends at the first one below threshold
    minus hysteresis which begins `min_silence_ms` of silence: Silero VAD's own rule (get_speech_timestamps).
    Bursts shorter than `options.min_speech_ms` are dropped.
    """
    low = max(options.threshold - options.hysteresis, _LOWEST)
    min_silence = ms_to_samples(min_silence_ms)
    min_speech = ms_to_samples(options.min_speech_ms)
    spans: list[Span] = []
    start: int | None = None
    silent_since: int | None = None
    for index, probability in enumerate(probabilities.tolist()):
        at = index * WINDOW
        if probability >= options.threshold:
            start = at if start is None else start
            silent_since = None
        elif start is not None and (probability < low or silent_since is not None):
            # Between the two thresholds silence goes on once it has begun: only real speech ends it.
            silent_since = at if silent_since is None else silent_since
            if at - silent_since >= min_silence:
                spans.append(Span(start, silent_since))
                start = silent_since = None
    if start is not None:
        spans.append(Span(start, min(n_samples, silent_since or n_samples)))
    return tuple(span for span in spans if len(span) >= min_speech)


def join(spans: tuple[Span, ...], max_gap: int) -> tuple[Span, ...]:
    """The spans with gaps of fewer than `max_gap` samples closed."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start - joined[-1].stop < max_gap:
            joined[-1] = Span(joined[-1].start, span.stop)
        else:
            joined.append(span)
    return tuple(joined)


def pad(spans: tuple[Span, ...], pad_samples: int, n_samples: int) -> tuple[Span, ...]:
    """The spans widened on both sides, at most half-way into the gap to a neighbour or to the ends."""
    if not spans:
        return ()
    halves = [(after.start - before.stop) // 2 for before, after in pairwise(spans)]
    lefts = [min(pad_samples, room) for room in [spans[0].start, *halves]]
    rights = [min(pad_samples, room) for room in [*halves, n_samples - spans[-1].stop]]
    return tuple(
        Span(span.start - left, span.stop + right) for span, left, right in zip(spans, lefts, rights, strict=True)
    )

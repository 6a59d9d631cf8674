"""Where somebody speaks: Silero VAD, and the rule that turns probabilities into spans."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from asr.errors import ConfigError, ModelError
from asr.options import VadOptions
from asr.timebase import ms_to_samples
from asr.types import Samples, Span

WINDOW = 512
"""Samples in one window of Silero VAD at 16 kHz: 32 ms."""

_CONTEXT = 64
"""Samples of the window before that the model sees again."""

_BLOCK = 128
"""Windows in one run of the model, 4 s: one shape for all runs, so that a runtime compiles its kernels once. From 64 to
512 windows a window costs the same."""

_LOWEST = 0.01
"""Speech ends below this however low the threshold is (Silero VAD, get_speech_timestamps)."""


class Listening(Protocol):
    """A detector at work on one channel."""

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """Probability of speech in the next windows of WINDOW samples, (n_windows,): none, one or many at a time, since
        a detector may wait for more samples before it says anything."""
        ...

    def end(self) -> NDArray[np.float32]:
        """That of the windows which are left; the last one is filled up with zeros."""
        ...


class SpeechDetector(Protocol):
    """Anything that says how likely speech is."""

    def listen(self) -> Listening:
        """Begin with a channel at 16 kHz."""
        ...


State = tuple[NDArray[np.float32], NDArray[np.float32]]
"""What the model remembers of a channel, its h and c, each (1, 1, 128)."""

SequenceModel = Callable[[NDArray[np.float32], State], tuple[NDArray[np.float32], State]]
"""(_BLOCK, _CONTEXT + WINDOW) samples and the state before them to (_BLOCK,) probabilities and the state after."""


class SileroVad:
    """Silero VAD's sequence model: it runs the recurrence itself, so that one call does many windows."""

    def __init__(self, model_path: Path, runtime: str = "openvino", threads: int = 2) -> None:
        """Load the model; at most `threads` channels are listened to at a time, others wait.

        Raises ModelError for a file that is no such model.
        """
        try:
            self._begin = _on_openvino(model_path, threads) if runtime == "openvino" else _on_onnxruntime(model_path)
        except Exception as error:
            raise ModelError(
                f"{model_path} does not load as a Silero VAD model", "Fetch it again: callwright models get silero-vad"
            ) from error

    def listen(self) -> Listening:
        """See SpeechDetector.listen."""
        return _SileroListening(self._begin())

    def probabilities(self, samples: Samples) -> NDArray[np.float32]:
        """Probability of speech in each 32 ms window of a whole channel; the last one is padded with zeros."""
        listening = self.listen()
        return np.concatenate([listening.hear(samples), listening.end()])


class _SileroListening:
    """What the recurrence has heard so far, and samples that do not fill a block yet."""

    def __init__(self, run: SequenceModel) -> None:
        self._run = run
        self._state: State = (np.zeros((1, 1, 128), np.float32), np.zeros((1, 1, 128), np.float32))
        self._unheard = np.zeros(_CONTEXT, np.float32)

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """See Listening.hear."""
        heard = np.concatenate([self._unheard, samples])
        n_blocks = (len(heard) - _CONTEXT) // (_BLOCK * WINDOW)
        self._unheard = heard[n_blocks * _BLOCK * WINDOW :].copy()
        found = [np.zeros(0, np.float32)]
        for at in range(0, n_blocks * _BLOCK * WINDOW, _BLOCK * WINDOW):
            block = heard[at : at + _CONTEXT + _BLOCK * WINDOW]
            windows = np.lib.stride_tricks.sliding_window_view(block, _CONTEXT + WINDOW)[::WINDOW]
            probabilities, self._state = self._run(np.ascontiguousarray(windows), self._state)
            found.append(probabilities)
        return np.concatenate(found)

    def end(self) -> NDArray[np.float32]:
        """See Listening.end. The block is filled up with zeros, of which nothing is told but the last window."""
        left = len(self._unheard) - _CONTEXT
        return self.hear(np.zeros(_BLOCK * WINDOW - left, np.float32))[: -(-left // WINDOW)]


def load_detector(model_path: Path, runtime: str, threads: int) -> SpeechDetector:
    """The detector on a runtime (vad.runtime), for at most `threads` channels at a time.

    Torch runs the model that silero-vad's own package carries, the others the file. Raises ModelError for a file that
    is no such model, and ConfigError if the runtime is not installed.
    """
    if runtime != "torch":
        return SileroVad(model_path, runtime, threads)
    try:
        from asr.torch_vad import TorchSileroVad
    except ImportError as error:
        raise ConfigError(
            "vad.runtime is torch, and it is not installed", "Install it: .venv/bin/pip install -e '.[torch]'"
        ) from error
    return TorchSileroVad()


def _on_openvino(model_path: Path, threads: int) -> Callable[[], SequenceModel]:
    """The model on OpenVINO: 2.7 times as fast as on ONNX Runtime, whose convolutions are slow when each is small, and
    the same within 1e-5 (docs/front-end.md)."""
    import openvino

    core = openvino.Core()
    graph = core.read_model(model_path)
    graph.reshape({"input": [_BLOCK, _CONTEXT + WINDOW], "h": [1, 1, 128], "c": [1, 1, 128]})
    one_thread_a_channel = {"INFERENCE_PRECISION_HINT": "f32", "NUM_STREAMS": threads, "INFERENCE_NUM_THREADS": threads}
    compiled: Any = core.compile_model(graph, "CPU", one_thread_a_channel)
    # OpenVINO's binding looks numpy up when a tensor's data is first asked for. Two threads that ask at once may wait
    # for each other for ever: one has the binding's lock, the other Python's.
    _ = compiled.create_infer_request().get_output_tensor(0).data

    def begin() -> SequenceModel:
        request = compiled.create_infer_request()

        def run(windows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
            request.infer({"input": windows, "h": state[0], "c": state[1]})
            # Copies: the request writes its next answers over these.
            probabilities, h, c = (request.get_output_tensor(at).data.copy() for at in range(3))
            return probabilities.reshape(-1), (h, c)

        return run

    return begin


def _on_onnxruntime(model_path: Path) -> Callable[[], SequenceModel]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session: Any = onnxruntime.InferenceSession(str(model_path), options, providers=["CPUExecutionProvider"])

    def run(windows: NDArray[np.float32], state: State) -> tuple[NDArray[np.float32], State]:
        probabilities, h, c = session.run(None, {"input": windows, "h": state[0], "c": state[1]})
        return probabilities.reshape(-1), (h, c)

    return lambda: run


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


def inside(n_windows: int, spans: Sequence[Span]) -> NDArray[np.bool_]:
    """Which of a channel's windows hold some of the spans, (n_windows,) bool."""
    marked = np.zeros(n_windows, bool)
    for span in spans:
        marked[span.start // WINDOW : -(-span.stop // WINDOW)] = True
    return marked

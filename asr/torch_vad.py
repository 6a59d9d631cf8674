"""Silero VAD as its own package runs it, on torch: the extra `torch`."""

from __future__ import annotations

import numpy as np
import silero_vad
import torch
from numpy.typing import NDArray

from asr.types import MODEL_RATE_HZ, Samples
from asr.vad import WINDOW, Listening


class TorchSileroVad:
    """The TorchScript model that the package silero-vad carries, window by window."""

    def listen(self) -> Listening:
        """See SpeechDetector.listen. The model holds the state of what it hears: every channel has its own."""
        return _TorchListening(silero_vad.load_silero_vad(onnx=False))


class _TorchListening:
    """A model with what it has heard, and samples that do not fill a window yet."""

    def __init__(self, model: torch.jit.ScriptModule) -> None:
        self._model = model
        self._unheard = np.zeros(0, np.float32)

    def hear(self, samples: Samples) -> NDArray[np.float32]:
        """See Listening.hear."""
        heard = np.concatenate([self._unheard, samples])
        n_windows = len(heard) // WINDOW
        self._unheard = heard[n_windows * WINDOW :]
        windows = torch.from_numpy(heard[: n_windows * WINDOW].reshape(-1, WINDOW))
        with torch.inference_mode():
            return np.array([self._model(window, MODEL_RATE_HZ).item() for window in windows], np.float32)

    def end(self) -> NDArray[np.float32]:
        """See Listening.end."""
        left = len(self._unheard)
        return self.hear(np.zeros(WINDOW - left, np.float32)) if left else np.zeros(0, np.float32)

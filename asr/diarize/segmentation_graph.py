"""pyannote's segmentation-3.0 in OpenVINO's operations: SincNet, four bidirectional LSTMs, two layers, a powerset.

The network is that of Bredin, "pyannote.audio 2.1 speaker diarization pipeline", and Plaquet & Bredin, "Powerset
multi-class cross entropy loss for neural speaker diarization", both Interspeech 2023.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset15 as op

from asr.diarize.checkpoint import Weights

Node = Any

_RATE_HZ = 16_000.0
_MIN_LOW_HZ = 50.0
_MIN_BAND_HZ = 50.0
_STRIDE = 10
_LAYERS = 4
_HIDDEN = 128
_LEAK = 0.01


def build_segmentation(weights: Weights, batch: int, n_samples: int) -> Any:
    """Windows (batch, n_samples) float32 at 16 kHz to logits of the seven classes, (batch, frames, 7)."""
    sound = op.parameter([batch, n_samples], ov.Type.f32, name="sound")
    x = op.unsqueeze(sound, op.constant(1))
    x = _norm(x, weights, "sincnet.wav_norm1d")
    filters = op.constant(sinc_filters(weights))
    x = op.abs(op.convolution(x, filters, [_STRIDE], [0], [0], [1]))
    for layer in range(3):
        if layer:
            x = op.convolution(x, op.constant(weights[f"sincnet.conv1d.{layer}.weight"]), [1], [0], [0], [1])
            x = op.add(x, op.constant(weights[f"sincnet.conv1d.{layer}.bias"][None, :, None]))
        x = op.max_pool(x, [3], [1], [0], [0], [3]).output(0)
        x = _leaky(_norm(x, weights, f"sincnet.norm1d.{layer}"))
    x = op.transpose(x, op.constant([0, 2, 1]))
    for layer in range(_LAYERS):
        x = _lstm(x, weights, layer, batch)
    for layer in range(2):
        x = _leaky(_linear(x, weights, f"linear.{layer}"))
    return ov.Model([op.result(_linear(x, weights, "classifier"))], [sound], "segmentation")


def sinc_filters(weights: Weights) -> NDArray[np.float32]:
    """The band-pass filters, (80, 1, 251): 40 even ones and their odd twins (Ravanelli & Bengio 2018, SincNet)."""
    half, low, band = (weights[f"sincnet.conv1d.0.filterbank.{name}"] for name in ("n_", "low_hz_", "band_hz_"))
    window = weights["sincnet.conv1d.0.filterbank.window_"]
    low = np.float32(_MIN_LOW_HZ) + np.abs(low)
    high = np.minimum(low + np.float32(_MIN_BAND_HZ) + np.abs(band), np.float32(_RATE_HZ / 2))
    width = high - low
    at_low, at_high = low @ half.reshape(1, -1), high @ half.reshape(1, -1)
    even = (np.sin(at_high) - np.sin(at_low)) / (half / 2) * window
    odd = (np.cos(at_low) - np.cos(at_high)) / (half / 2) * window
    both = [
        np.concatenate([even, 2 * width, even[:, ::-1]], axis=1),
        np.concatenate([odd, np.zeros_like(width), -odd[:, ::-1]], axis=1),
    ]
    return np.concatenate([bank / (2 * width) for bank in both]).astype(np.float32)[:, None, :]


def _norm(x: Node, weights: Weights, name: str) -> Node:
    """InstanceNorm1d: each row of (batch, channels, time) to mean 0 and variance 1, then scaled by channel."""
    y = op.mvn(x, op.constant(np.array([-1])), True, 1e-5, "inside_sqrt")
    scaled = op.multiply(y, op.constant(weights[f"{name}.weight"][None, :, None]))
    return op.add(scaled, op.constant(weights[f"{name}.bias"][None, :, None]))


def _leaky(x: Node) -> Node:
    return op.prelu(x, op.constant(np.float32(_LEAK)))


def _linear(x: Node, weights: Weights, name: str) -> Node:
    y = op.matmul(x, op.constant(weights[f"{name}.weight"]), transpose_a=False, transpose_b=True)
    return op.add(y, op.constant(weights[f"{name}.bias"]))


def _lstm(x: Node, weights: Weights, layer: int, batch: int) -> Node:
    """One bidirectional layer, (batch, frames, n) to (batch, frames, 256)."""

    def both(kind: str) -> NDArray[np.float32]:
        return np.stack([_gates(weights[f"lstm.{kind}_l{layer}{way}"]) for way in ("", "_reverse")])

    zeros = op.constant(np.zeros((batch, 2, _HIDDEN), np.float32))
    frames = op.broadcast(op.gather(op.shape_of(x), op.constant([1]), op.constant(0)), op.constant([batch]))
    found = op.lstm_sequence(
        x,
        zeros,
        zeros,
        frames,
        op.constant(both("weight_ih")),
        op.constant(both("weight_hh")),
        op.constant(both("bias_ih") + both("bias_hh")),
        _HIDDEN,
        "bidirectional",
    )
    y = op.transpose(found.output(0), op.constant([0, 2, 1, 3]))
    return op.reshape(y, op.constant([0, 0, 2 * _HIDDEN]), special_zero=True)


def _gates(stacked: NDArray[np.float32]) -> NDArray[np.float32]:
    """PyTorch stacks the gates as input, forget, cell, output; OpenVINO as forget, input, cell, output."""
    took, forgot, cell, out = np.split(stacked, 4)
    return np.concatenate([forgot, took, cell, out])

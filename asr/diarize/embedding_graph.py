"""CAM++ in OpenVINO's operations: a small ResNet over the spectrum, densely connected TDNNs, mean and deviation.

Wang et al., "CAM++: A fast and efficient network for speaker verification using context-aware masking", 2023, as
3D-Speaker publishes it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import openvino as ov
from openvino import opset15 as op

from asr.diarize.checkpoint import Weights

Node = Any

N_MELS = 80
_BLOCKS = ((12, 1), (24, 2), (16, 2))
"""Layers and dilation of each dense block."""
_SEGMENT = 100
"""Frames that share a context in context-aware masking."""


def build_embedding(weights: Weights, batch: int, n_frames: int) -> Any:
    """Features (batch, n_frames, 80) float32 to embeddings (batch, 192) float32.

    Half of `n_frames` is a multiple of _SEGMENT.
    """
    features = op.parameter([batch, n_frames, N_MELS], ov.Type.f32, name="features")
    net = _Layers(weights)
    x = op.unsqueeze(op.transpose(features, op.constant([0, 2, 1])), op.constant(1))
    x = net.head(x)
    x = op.reshape(x, op.constant([batch, 320, n_frames]), special_zero=False)
    x = op.relu(net.norm(net.along_time(x, "xvector.tdnn.linear", 2, 1), "xvector.tdnn.nonlinear.batchnorm"))
    for number, (layers, dilation) in enumerate(_BLOCKS, start=1):
        for layer in range(1, layers + 1):
            new = net.dense(x, f"xvector.block{number}.tdnnd{layer}", dilation, n_frames // 2)
            x = op.concat([x, new], 1)
        x = op.relu(net.norm(x, f"xvector.transit{number}.nonlinear.batchnorm"))
        x = net.along_time(x, f"xvector.transit{number}.linear", 1, 1)
    x = op.relu(net.norm(x, "xvector.out_nonlinear.batchnorm"))
    x = net.along_time(_statistics(x, n_frames // 2), "xvector.dense.linear", 1, 1)
    x = net.norm(x, "xvector.dense.nonlinear.batchnorm")
    return ov.Model([op.result(op.squeeze(x, op.constant(2)))], [features], "embedding")


class _Layers:
    """The network's layers with their weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    def norm(self, x: Node, name: str) -> Node:
        """Batch normalisation with what was learnt, over axis 1."""
        of = self._weights
        scale = 1 / np.sqrt(of[f"{name}.running_var"] + 1e-5)
        scale = scale * of[f"{name}.weight"] if f"{name}.weight" in of else scale
        shift = of.get(f"{name}.bias", np.float32(0)) - of[f"{name}.running_mean"] * scale
        shape = (1, -1, *[1] * (len(x.get_output_partial_shape(0)) - 2))
        y = op.multiply(x, op.constant(scale.reshape(shape).astype(np.float32)))
        return op.add(y, op.constant(shift.reshape(shape).astype(np.float32)))

    def along_time(self, x: Node, name: str, stride: int, dilation: int) -> Node:
        """A convolution over time that keeps the length, but for its stride."""
        kernel = self._weights[f"{name}.weight"]
        kernel = kernel if kernel.ndim == 3 else kernel[:, :, None]
        reach = (kernel.shape[2] - 1) // 2 * dilation
        y = op.convolution(x, op.constant(kernel), [stride], [reach], [reach], [dilation])
        bias = self._weights.get(f"{name}.bias")
        return y if bias is None else op.add(y, op.constant(bias[None, :, None]))

    def over_spectrum(self, x: Node, name: str, stride: int) -> Node:
        """A convolution over bands and time; `stride` is that of the bands."""
        kernel = self._weights[f"{name}.weight"]
        reach = [(side - 1) // 2 for side in kernel.shape[2:]]
        return op.convolution(x, op.constant(kernel), [stride, 1], reach, reach, [1, 1])

    def head(self, x: Node) -> Node:
        """(batch, 1, 80, frames) to (batch, 32, 10, frames)."""
        x = op.relu(self.norm(self.over_spectrum(x, "head.conv1", 1), "head.bn1"))
        for name, stride in (("layer1.0", 2), ("layer1.1", 1), ("layer2.0", 2), ("layer2.1", 1)):
            x = self._residual(x, f"head.{name}", stride)
        return op.relu(self.norm(self.over_spectrum(x, "head.conv2", 2), "head.bn2"))

    def _residual(self, x: Node, name: str, stride: int) -> Node:
        y = op.relu(self.norm(self.over_spectrum(x, f"{name}.conv1", stride), f"{name}.bn1"))
        y = self.norm(self.over_spectrum(y, f"{name}.conv2", 1), f"{name}.bn2")
        if f"{name}.shortcut.0.weight" in self._weights:
            x = self.norm(self.over_spectrum(x, f"{name}.shortcut.0", stride), f"{name}.shortcut.1")
        return op.relu(op.add(y, x))

    def dense(self, x: Node, name: str, dilation: int, n_frames: int) -> Node:
        """A layer of a dense block: 32 new channels, masked by their context."""
        x = op.relu(self.norm(x, f"{name}.nonlinear1.batchnorm"))
        x = op.relu(self.norm(self.along_time(x, f"{name}.linear1", 1, 1), f"{name}.nonlinear2.batchnorm"))
        y = self.along_time(x, f"{name}.cam_layer.linear_local", 1, dilation)
        mask = op.relu(self.along_time(_context(x, n_frames), f"{name}.cam_layer.linear1", 1, 1))
        mask = op.sigmoid(self.along_time(mask, f"{name}.cam_layer.linear2", 1, 1))
        return _masked(y, mask, n_frames)


def _context(x: Node, n_frames: int) -> Node:
    """The mean of all frames plus that of each segment, (batch, channels, segments)."""
    over_all = op.reduce_mean(x, op.constant([2]), keep_dims=True)
    split = op.reshape(x, op.constant([0, 0, n_frames // _SEGMENT, _SEGMENT]), special_zero=True)
    return op.add(op.reduce_mean(split, op.constant([3]), keep_dims=False), over_all)


def _masked(y: Node, mask: Node, n_frames: int) -> Node:
    split = op.reshape(y, op.constant([0, 0, n_frames // _SEGMENT, _SEGMENT]), special_zero=True)
    masked = op.multiply(split, op.unsqueeze(mask, op.constant(3)))
    return op.reshape(masked, op.constant([0, 0, n_frames]), special_zero=True)


def _statistics(x: Node, n_frames: int) -> Node:
    """Mean and unbiased deviation over time, (batch, 2 * channels, 1)."""
    mean = op.reduce_mean(x, op.constant([2]), keep_dims=True)
    away = op.subtract(x, mean)
    variance = op.reduce_sum(op.multiply(away, away), op.constant([2]), keep_dims=True)
    return op.concat([mean, op.sqrt(op.divide(variance, op.constant(np.float32(n_frames - 1))))], 1)

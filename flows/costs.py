"""What a call cost, by the prices that are set."""

from __future__ import annotations

from collections.abc import Mapping

from configs.options import CostOptions

_ON_GPU = ("transcribe", "prove")
"""The stages in which an engine hears."""


def price(
    cpu_s: Mapping[str, float], stage_s: Mapping[str, float], options: CostOptions, *, has_gpu: bool
) -> float | None:
    """The price of a call in costs.currency, by its CPU seconds and the wall seconds in which it had the GPU, if its
    engine runs on one; None if no price is set.

    >>> price({"transcribe": 1800.0}, {}, CostOptions(cpu_hour=0.04), has_gpu=False)
    0.02
    """
    if not (options.cpu_hour or options.gpu_hour):
        return None
    gpu_s = sum(stage_s.get(stage, 0.0) for stage in _ON_GPU) if has_gpu else 0.0
    return (sum(cpu_s.values()) * options.cpu_hour + gpu_s * options.gpu_hour) / 3600

"""Which of ONNX Runtime's providers a device gets."""

from __future__ import annotations

import pytest

from asr.engines.onnxruntime import PROVIDERS, choose_providers
from asr.errors import ConfigError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"
OPENVINO = "OpenVINOExecutionProvider"
AZURE = "AzureExecutionProvider"
"""A provider that sends audio elsewhere: it is never taken."""


@pytest.mark.parametrize(
    ("device", "available", "chosen"),
    [
        ("cpu", [AZURE, CPU], [CPU]),
        ("cpu", [CPU, OPENVINO], [OPENVINO, CPU]),
        ("cpu", [TENSORRT, CUDA, CPU], [CPU]),
        ("cuda", [CPU, CUDA], [CUDA, CPU]),
        ("cuda", [CUDA, CPU, AZURE, TENSORRT], [TENSORRT, CUDA, CPU]),
        ("cuda", list(reversed(PROVIDERS)), list(PROVIDERS)),
    ],
)
def test_the_fastest_come_first_and_the_device_leaves_out_the_rest(
    device: str, available: list[str], chosen: list[str]
) -> None:
    assert choose_providers(device, available) == chosen


def test_providers_come_in_the_order_that_is_wanted_and_the_cpu_takes_what_they_leave() -> None:
    assert choose_providers("cuda", [TENSORRT, CUDA, CPU], (CUDA, TENSORRT)) == [CUDA, TENSORRT, CPU]
    assert choose_providers("cpu", [OPENVINO, CPU], (CPU,)) == [CPU]


def test_a_provider_that_is_wanted_and_not_there_is_named() -> None:
    with pytest.raises(ConfigError, match=f"names {OPENVINO}, and this ONNX Runtime has {AZURE}, {CPU}"):
        choose_providers("cpu", [AZURE, CPU], (OPENVINO, CPU))


def test_a_gpu_that_is_wanted_on_the_cpu_is_refused_before_anything_loads() -> None:
    with pytest.raises(ConfigError, match=f"names {CUDA}, and the device is cpu"):
        choose_providers("cpu", [CUDA, CPU], (CUDA,))


def test_cuda_without_its_provider_among_those_wanted_is_refused() -> None:
    with pytest.raises(ConfigError, match=f"needs {CUDA}"):
        choose_providers("cuda", [CUDA, CPU], (CPU,))


@pytest.mark.parametrize("available", [[AZURE, CPU], [TENSORRT, CPU]])
def test_cuda_without_its_provider_names_what_there_is_and_the_remedy(available: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        choose_providers("cuda", available)
    assert all(name in caught.value.reason for name in ("cuda", CUDA, *available))
    assert "onnxruntime-gpu" in caught.value.remedy
    assert "transcribe.device to cpu" in caught.value.remedy


@pytest.mark.parametrize("available", [[], [AZURE], [CUDA]])
def test_a_runtime_without_a_cpu_is_no_runtime(available: list[str]) -> None:
    with pytest.raises(ConfigError, match="Install onnxruntime again") as caught:
        choose_providers("cpu", available)
    assert CPU in caught.value.reason

"""How much of a kind is done at once, over all machines: limits of Prefect's server by tag of the task."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from asr.engines.registry import choose
from configs.settings import Settings

CPU_ASR, GPU_ASR, LLM = "cpu-asr", "gpu-asr", "llm"

_LEASE_S = 60.0
"""So long after its process died a slot is another's: the least that Prefect's server takes."""


def limits(settings: Settings) -> Mapping[str, int]:
    """So many tasks of each tag at once; 0 for no limit."""
    service = settings.service
    return {CPU_ASR: service.cpu_asr, GPU_ASR: service.gpu_asr, LLM: service.llm}


def asr_tag(settings: Settings, model_sha256: str) -> str:
    """The tag of transcribing on this machine."""
    return GPU_ASR if choose(settings.transcribe, model_sha256).device == "cuda" else CPU_ASR


@contextmanager
def slot(tag: str, settings: Settings) -> Iterator[None]:
    """Wait for a slot of a tag's limit, and hold it. Without a limit nothing is asked of the server.

    Prefect's own limits by tag hold a slot for a hundred years, also for a process that was killed; this is a lease.
    """
    if not limits(settings)[tag]:
        yield
        return
    from prefect.concurrency.sync import concurrency

    with concurrency(tag, lease_duration=_LEASE_S, strict=False):
        yield

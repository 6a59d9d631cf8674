"""What the CPU can multiply with, as the kernel tells."""

from __future__ import annotations

from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")

_NAMES = {
    "AVX2": ("avx2",),
    "AVX-512": ("avx512f",),
    "VNNI": ("avx512_vnni", "avx_vnni"),
    "BF16": ("avx512_bf16", "bf16"),
    "AMX": ("amx_tile",),
    "NEON": ("asimd", "neon"),
    "SVE": ("sve",),
    "I8MM": ("i8mm",),
}
"""Instruction sets by their usual names, and how the kernel calls them, on x86 and on Arm."""


def cpu_flags(info: Path = CPU_INFO) -> frozenset[str]:
    """What the first CPU can do, in the kernel's words: "flags" of x86, "Features" of Arm; nothing where it is not
    told."""
    lines = info.read_text().splitlines() if info.exists() else []
    return next((frozenset(line.split()) for line in lines if line.startswith(("flags", "Features"))), frozenset())


def instruction_sets(flags: frozenset[str]) -> tuple[str, ...]:
    """The instruction sets that matter for matrices, by their usual names.

    >>> instruction_sets(frozenset({"avx2", "avx_vnni", "sse2"}))
    ('AVX2', 'VNNI')
    """
    return tuple(name for name, words in _NAMES.items() if flags.intersection(words))


def cpu_name(info: Path = CPU_INFO) -> str:
    """What the CPU calls itself; empty where that is not told, as on most of Arm's."""
    lines = info.read_text().splitlines() if info.exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")

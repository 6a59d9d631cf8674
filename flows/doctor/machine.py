"""The machine: what it multiplies with, its cores, memory, and who else uses them."""

from __future__ import annotations

import hashlib
import re
import time
from concurrent.futures import ThreadPoolExecutor

from asr.control_group import memory_limit
from asr.cores import real_cores
from asr.instructions import cpu_flags, cpu_name, instruction_sets
from asr.numa import nodes, spanned
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped, warning
from flows.wiring import registry

_GB = 1e9
_PROCESS_BYTES = 0.9 * _GB
_COPIES = 2
"""A process held 930 to 1,130 MB with whisper-base, whose file has 145 MB (docs/performance.md, RSS): what is there
beside the model, and the model as it is read and as the runtime has it."""

_SERVER_BYTES = 0.25 * _GB
"""Prefect's server holds 230 MB."""

_LOOKED_AT_S = 0.3
_LEAST_SHARE = 0.7
_MOST_STOLEN = 0.05


def instructions(patient: Patient) -> Verdict:
    """Whether there is AVX2 or NEON, without which the runtimes fall back to code of another age."""
    info = patient.root / "proc/cpuinfo"
    sets = instruction_sets(cpu_flags(info))
    found = f"{cpu_name(info) or 'CPU'}: {', '.join(sets) or 'neither AVX2 nor NEON'}"
    if {"AVX2", "NEON"}.isdisjoint(sets):
        return warning(found, "Use a CPU of x86-64-v3, or let the virtual machine have its host's CPU model")
    return ok(found)


def cores(patient: Patient) -> Verdict:
    """What of the machine's cores this process may use, and whether it is set to use no more."""
    options, service = patient.settings.transcribe, patient.settings.service
    quota, usable = patient.quota, patient.usable_cores
    real = real_cores(patient.cpus, patient.root / "sys/devices/system/cpu")
    threads = options.threads or usable
    has_twins = ", hyper-threads among them" if real < len(patient.cpus) else ""
    held = "" if quota is None else f"; the control group may use {quota:g}"
    found = f"{len(patient.cpus)} CPUs, {real} cores{has_twins}{held}: {threads} threads"
    if quota is not None and quota < 1.0:
        return failure(
            f"{found}. Less than one core stands still for {1 - quota:.0%} of the time, heartbeats and leases too",
            "Give the container a core or more: cpu.max, docker run --cpus, or resources.limits.cpu",
        )
    if threads > usable:
        return warning(f"{found}, which wait for each other", f"Set transcribe.threads to 0, or at most {usable}")
    if service.task_runner != "threads" and not service.cluster and service.processes > usable:
        return warning(
            f"{found}, and service.processes is {service.processes}", f"Set service.processes to at most {usable}"
        )
    return ok(found)


def numa(patient: Patient) -> Verdict:
    """Whether one process is to span several NUMA nodes, and so would read half of its memory from afar."""
    here = spanned(patient.cpus, nodes(patient.root / "sys/devices/system/node"))
    if len(here) < 2:
        return ok("one node")
    shares = ", ".join(f"node {node.number}: {len(node.cpus)} CPUs, {node.memory_bytes / _GB:.0f} GB" for node in here)
    if patient.settings.service.task_runner == "threads":
        return warning(
            f"one process spans {len(here)} nodes ({shares})",
            f"Set service.task_runner to processes and service.processes to {len(here)}: each is bound to a node",
        )
    return ok(f"{shares}; processes are bound to one each")


def memory(patient: Patient) -> Verdict:
    """Whether the processes that are to run fit into what the machine has left, or the control group allows."""
    service, known = patient.settings.service, registry(patient.settings)
    total, available = (_memory(patient, name) for name in ("MemTotal", "MemAvailable"))
    limit = memory_limit(patient.root / "proc/self/cgroup", patient.root / "sys/fs/cgroup")
    room = min(available, limit or available)
    processes = 1 if service.task_runner == "threads" else service.processes
    model_bytes = known.get(patient.settings.transcribe.model).size_bytes
    needed = processes * (_PROCESS_BYTES + _COPIES * model_bytes) + _SERVER_BYTES
    held = "" if limit is None or limit > total else f", the control group may hold {limit / _GB:.1f} GB"
    who = f"{processes} processes" if processes > 1 else "a process"
    found = (
        f"{total / _GB:.1f} GB, {available / _GB:.1f} GB to be had{held}; "
        f"{needed / _GB:.1f} GB wanted by {who} of {patient.settings.transcribe.model}"
    )
    if room < needed:
        return failure(
            found, "Give the machine or the container more memory, or set a smaller transcribe.model or fewer processes"
        )
    return ok(found)


def load(patient: Patient) -> Verdict:
    """How much of its cores this process gets, while it keeps them all busy for a moment."""
    quota, threads = patient.quota, patient.usable_cores
    stat = patient.root / "proc/stat"
    before = _ticks(stat.read_text()) if stat.exists() else None
    with ThreadPoolExecutor(threads) as pool:
        got_s = sum(pool.map(_busy, [_LOOKED_AT_S] * threads))
    got = min(1.0, got_s / (threads * _LOOKED_AT_S))
    stolen = 0.0 if before is None else _stolen(before, _ticks(stat.read_text()))
    found = f"{got:.0%} of {threads} cores for {_LOOKED_AT_S:g} s" + (f", {stolen:.0%} stolen" if stolen else "")
    if stolen > _MOST_STOLEN:
        return warning(found, "The host gives these cores to other machines too: move, or ask for dedicated ones")
    if got < _LEAST_SHARE and (quota is None or quota >= threads):
        return warning(found, "Others use these cores: `top` says who; end that, or give callwright its own machine")
    return ok(found)


def gpu(patient: Patient) -> Verdict:
    """Whether what the driver shows can be used; that a GPU is asked for and missing is the engine's to say."""
    from asr.engines.registry import cuda_gpus

    driver = patient.root / "proc/driver/nvidia/version"
    if not driver.exists():
        return skipped("no driver of NVIDIA's")
    version = re.search(r"Module\s+([\d.]+)", driver.read_text())
    named = f"NVIDIA's driver {version[1] if version else 'of unknown version'}"
    if not (gpus := cuda_gpus()):
        return warning(
            f"{named} is there, and CUDA shows no GPU",
            "Compare the driver with the CUDA libraries that are installed: nvidia-smi; and let the container have "
            "its GPUs: docker run --gpus all",
        )
    return ok(f"{named}, {gpus} GPU{'s' * (gpus > 1)}")


def _memory(patient: Patient, name: str) -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", (patient.root / "proc/meminfo").read_text())
    return int(found[1]) * 1024 if found else 0


def _busy(for_s: float) -> float:
    """Keep a core busy for some wall time and return the CPU time that was had for it."""
    block, began_s, began_cpu_s = bytes(1 << 20), time.monotonic(), time.thread_time()
    while time.monotonic() - began_s < for_s:
        hashlib.sha256(block)  # which lets go of the interpreter's lock
    return time.thread_time() - began_cpu_s


def _ticks(stat: str) -> tuple[int, int]:
    """All time of all CPUs since the machine started, and what of it was stolen (proc(5), /proc/stat).

    >>> _ticks("cpu  1 2 3 4 0 0 0 5 0 0\\ncpu0 1")
    (15, 5)
    """
    counted = [int(field) for field in stat.splitlines()[0].split()[1:9]]
    return sum(counted), counted[7]


def _stolen(before: tuple[int, int], after: tuple[int, int]) -> float:
    return (after[1] - before[1]) / max(1, after[0] - before[0])

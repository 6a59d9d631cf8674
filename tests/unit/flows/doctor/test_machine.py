"""What is said of machines that are made up: what the kernel would tell of them lies in a folder."""

from __future__ import annotations

import doctest
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from configs.load import load
from flows.doctor import machine
from flows.doctor.finding import Patient, Status
from tests.unit.asr.test_numa import make_nodes

MakePatient = Callable[..., Patient]


@pytest.fixture
def patient(tmp_path: Path) -> MakePatient:
    def made(*overrides: str, cpus: int = 4, **files: str) -> Patient:
        """`files` are by their path below the root, with a double underscore for each slash."""
        for name, text in files.items():
            path = tmp_path / "root" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        settings = load(None, overrides, {}, Path(os.devnull))
        return Patient(settings, tmp_path / "var", {}, frozenset(range(cpus)), root=tmp_path / "root")

    return made


def test_a_cpu_of_another_age_is_named(patient: MakePatient) -> None:
    old = machine.instructions(patient(proc__cpuinfo="model name : Old\nflags : fpu sse4_2\n"))
    assert (old.status, old.found) == (Status.WARNING, "Old: neither AVX2 nor NEON")
    assert "x86-64-v3" in old.remedy
    for flags in ("flags : avx2 amx_tile", "Features : asimd sve"):
        assert machine.instructions(patient(proc__cpuinfo=flags)).status is Status.OK


@pytest.mark.parametrize(
    ("quota", "overrides", "status", "found"),
    [
        ("max 100000", (), Status.OK, "4 CPUs, 4 cores: 4 threads"),
        ("250000 100000", (), Status.OK, "4 CPUs, 4 cores; the control group may use 2.5: 3 threads"),
        ("50000 100000", (), Status.FAILURE, "Less than one core stands still for 50% of the time"),
        ("max 100000", ("transcribe.threads=8",), Status.WARNING, "8 threads, which wait for each other"),
        (
            "200000 100000",
            ("service.task_runner=processes", "service.processes=3"),
            Status.WARNING,
            "service.processes is 3",
        ),
        ("max 100000", ("service.task_runner=processes", "service.processes=3"), Status.OK, "4 threads"),
    ],
)
def test_cores_against_quota_and_settings(
    patient: MakePatient, quota: str, overrides: tuple[str, ...], status: Status, found: str
) -> None:
    limits = {"proc__self__cgroup": "0::/calls\n", "sys__fs__cgroup__calls__cpu.max": quota}
    said = machine.cores(patient(*overrides, **limits))
    assert (said.status, found in said.found) == (status, True), said
    assert bool(said.remedy) is (status is not Status.OK)


def test_hyper_threads_are_told(patient: MakePatient) -> None:
    files = {
        f"sys__devices__system__cpu__cpu{at}__topology__thread_siblings_list": f"{at % 2},{at % 2 + 2}"
        for at in range(4)
    }
    assert machine.cores(patient(**files)).found == "4 CPUs, 2 cores, hyper-threads among them: 2 threads"


def test_a_process_that_spans_nodes_is_named_and_several_are_not(patient: MakePatient) -> None:
    two = patient()
    make_nodes(two.root / "sys/devices/system/node", "0-1", "2-3")
    said = machine.numa(two)
    assert said.status is Status.WARNING
    assert said.found.startswith("one process spans 2 nodes (node 0: 2 CPUs")
    assert "service.processes to 2" in said.remedy
    assert machine.numa(patient("service.task_runner=processes")).status is Status.OK
    assert machine.numa(patient(cpus=2)).found == "one node"


@pytest.mark.parametrize(
    ("available_kb", "limit", "overrides", "status"),
    [
        (8_000_000, "max", (), Status.OK),
        (1_000_000, "max", (), Status.FAILURE),
        (8_000_000, "1000000000", (), Status.FAILURE),
        (4_000_000, "max", ("service.task_runner=processes", "service.processes=4"), Status.FAILURE),
        (8_000_000, "max", ("service.task_runner=processes", "service.processes=4"), Status.OK),
    ],
)
def test_memory_against_what_processes_take(
    patient: MakePatient, available_kb: int, limit: str, overrides: tuple[str, ...], status: Status
) -> None:
    told = f"MemTotal:       16000000 kB\nMemAvailable:   {available_kb} kB\n"
    limits = {"proc__self__cgroup": "0::/calls\n", "sys__fs__cgroup__calls__memory.max": limit}
    said = machine.memory(patient(*overrides, proc__meminfo=told, **limits))
    assert said.status is status
    assert ("the control group may hold 1.0 GB" in said.found) is (limit != "max")


def test_a_driver_whose_gpus_cannot_be_used_is_named(patient: MakePatient) -> None:
    assert machine.gpu(patient()).status is Status.SKIPPED
    told = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5\n"
    said = machine.gpu(patient(proc__driver__nvidia__version=told))
    from asr.engines.registry import cuda_gpus

    assert said.found.startswith("NVIDIA's driver 550.54.15")
    assert said.status is (Status.OK if cuda_gpus() else Status.WARNING)


def test_time_that_the_host_takes_is_named(patient: MakePatient, monkeypatch: pytest.MonkeyPatch) -> None:
    where = patient(proc__stat="cpu  100 0 0 100 0 0 0 0 0 0\n", cpus=1)
    stat = where.root / "proc/stat"
    # The host's ticks go on while the cores are kept busy.
    monkeypatch.setattr(
        machine, "_busy", lambda for_s: (stat.write_text("cpu  150 0 0 120 0 0 0 30 0 0\n") and for_s) or for_s
    )
    said = machine.load(where)
    assert (said.status, said.found) == (Status.WARNING, "100% of 1 cores for 0.3 s, 30% stolen")
    assert "dedicated" in said.remedy


def test_examples_hold() -> None:
    assert doctest.testmod(machine).attempted == 1
    assert doctest.testmod(machine).failed == 0

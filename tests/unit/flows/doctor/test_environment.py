"""Variables that do harm, and those that do not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.load import load
from flows.doctor import environment
from flows.doctor.finding import Patient, Status


def patient(*overrides: str, **environ: str) -> Patient:
    settings = load(None, overrides, {}, Path(os.devnull))
    return Patient(settings, Path("var"), environ, frozenset(range(4)), root=Path("/nowhere"))


@pytest.mark.parametrize(
    ("name", "value", "harms"),
    [
        ("OMP_NUM_THREADS", "64", True),
        ("OMP_NUM_THREADS", "4", False),
        ("OMP_NUM_THREADS", "2,8", True),
        ("OPENBLAS_NUM_THREADS", "1", False),
        ("MKL_NUM_THREADS", "nonsense", False),
    ],
)
def test_more_threads_than_cores_do_harm(name: str, value: str, harms: bool) -> None:  # noqa: FBT001
    said = environment.thread_counts(patient(**{name: value}))
    assert (said.status is Status.WARNING) is harms
    assert (name in said.remedy) is harms


@pytest.mark.parametrize(
    ("name", "value", "harms"),
    [
        ("KMP_BLOCKTIME", "200", False),
        ("KMP_BLOCKTIME", "infinite", True),
        ("KMP_BLOCKTIME", "5000ms", True),
        ("OMP_WAIT_POLICY", "PASSIVE", False),
        ("OMP_WAIT_POLICY", "active", True),
        ("OMP_PROC_BIND", "false", False),
        ("OMP_PROC_BIND", "close", True),
        ("KMP_AFFINITY", "granularity=fine,compact", True),
        ("KMP_AFFINITY", "disabled", False),
        ("MALLOC_ARENA_MAX", "1", True),
        ("MALLOC_ARENA_MAX", "4", False),
        ("GLIBC_TUNABLES", "glibc.malloc.check=3", True),
        ("GLIBC_TUNABLES", "glibc.malloc.arena_max=4", False),
        ("PYTHONMALLOC", "debug", True),
        ("ONEDNN_MAX_CPU_ISA", "ALL", False),
        ("ONEDNN_MAX_CPU_ISA", "AVX2", True),
        ("CT2_FORCE_CPU_ISA", "GENERIC", True),
        ("OV_CPU_VERBOSE", "1", True),
    ],
)
def test_what_slows_the_runtimes_is_told_from_what_does_not(name: str, value: str, harms: bool) -> None:  # noqa: FBT001
    said = environment.variables(patient(**{name: value}))
    assert (said.status is Status.WARNING) is harms
    assert said.remedy == (f"unset {name}" if harms else "")


@pytest.mark.parametrize(
    ("environ", "overrides", "is_caught"),
    [
        ({"http_proxy": "http://p:3128", "PREFECT_API_URL": "http://127.0.0.1:4200/api"}, (), True),
        ({"HTTP_PROXY": "http://p:3128", "PREFECT_API_URL": "http://localhost:4200/api"}, (), True),
        ({"ALL_PROXY": "socks5://p:1080", "AWS_ENDPOINT_URL": "http://[::1]:9000"}, (), True),
        ({"http_proxy": "http://p:3128"}, ("llm.base_url=http://127.0.0.1:8000/v1",), True),
        ({"http_proxy": "http://p:3128", "PREFECT_API_URL": "http://prefect.example:4200/api"}, (), False),
        ({"https_proxy": "http://p:3128", "PREFECT_API_URL": "http://127.0.0.1:4200/api"}, (), False),
        (
            {"http_proxy": "http://p:1", "no_proxy": "127.0.0.1", "PREFECT_API_URL": "http://127.0.0.1:4200/api"},
            (),
            False,
        ),
        ({"http_proxy": "http://p:1", "NO_PROXY": "*", "PREFECT_API_URL": "http://127.0.0.1:4200/api"}, (), False),
        ({"http_proxy": "", "PREFECT_API_URL": "http://127.0.0.1:4200/api"}, (), False),
        ({"http_proxy": "http://me:secret@p:3128"}, (), False),
    ],
)
def test_a_proxy_catches_what_is_meant_for_this_machine(
    environ: dict[str, str],
    overrides: tuple[str, ...],
    is_caught: bool,  # noqa: FBT001
) -> None:
    said = environment.proxies(patient(*overrides, **environ))
    assert (said.status is Status.FAILURE) is is_caught, said
    assert "secret" not in said.found

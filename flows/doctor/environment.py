"""Variables that slow the runtimes down, or send what is meant for this machine to a proxy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit
from urllib.request import proxy_bypass_environment  # type: ignore[attr-defined]

from flows.doctor.finding import Patient, Verdict, failure, ok, warning

_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS", "NUMEXPR_NUM_THREADS"),
    *("GOTO_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)

_LONG_SPIN_MS = 1_000

S3_ENDPOINTS = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3")
"""Where boto3 is told of a server other than AWS's."""


@dataclass(frozen=True, slots=True)
class _Slow:
    """A variable that does harm with some values, and what it does then."""

    name: str
    harms: Callable[[str], bool]
    why: str


def _is_on(value: str) -> bool:
    return value.strip().lower() not in ("", "0", "false", "off", "no")


def _spins(value: str) -> bool:
    """Whether a KMP_BLOCKTIME, in ms, lets threads wait busily for long."""
    text = value.strip().lower().removesuffix("ms")
    return text == "infinite" or (text.isdigit() and int(text) > _LONG_SPIN_MS)


_BOUND = "each process binds its threads to the same cores"
_HELD_BACK = "instructions of the CPU are left unused"
_DEBUGS = "every allocation is checked"
_CHATTER = "every operation is printed"

_SLOW = (
    _Slow("KMP_BLOCKTIME", _spins, "threads that wait keep their cores busy"),
    _Slow("KMP_LIBRARY", lambda value: value.lower() == "turnaround", "threads that wait keep their cores busy"),
    _Slow("OMP_WAIT_POLICY", lambda value: value.lower() == "active", "threads that wait keep their cores busy"),
    _Slow("KMP_AFFINITY", lambda value: value.lower() not in ("", "disabled", "none"), _BOUND),
    _Slow("GOMP_CPU_AFFINITY", bool, _BOUND),
    _Slow("OMP_PROC_BIND", _is_on, _BOUND),
    _Slow("MALLOC_ARENA_MAX", lambda value: value.strip() == "1", "threads wait for each other's memory"),
    _Slow("MALLOC_CHECK_", _is_on, _DEBUGS),
    _Slow("MALLOC_PERTURB_", _is_on, _DEBUGS),
    _Slow("GLIBC_TUNABLES", lambda value: bool(re.search(r"malloc\.(check|perturb)=[^0]", value)), _DEBUGS),
    _Slow("PYTHONMALLOC", lambda value: value not in ("", "default", "pymalloc"), _DEBUGS),
    _Slow("PYTHONDEVMODE", bool, _DEBUGS),
    _Slow("PYTHONTRACEMALLOC", _is_on, _DEBUGS),
    _Slow("PYTHONASYNCIODEBUG", bool, "asyncio checks every step of Prefect's"),
    _Slow("ONEDNN_MAX_CPU_ISA", lambda value: value.upper() not in ("", "ALL", "DEFAULT"), _HELD_BACK),
    _Slow("DNNL_MAX_CPU_ISA", lambda value: value.upper() not in ("", "ALL", "DEFAULT"), _HELD_BACK),
    _Slow("CT2_FORCE_CPU_ISA", bool, _HELD_BACK),
    _Slow("CT2_USE_MKL", _is_on, "CTranslate2 is slower with MKL (docs/performance.md)"),
    _Slow("ONEDNN_VERBOSE", _is_on, _CHATTER),
    _Slow("DNNL_VERBOSE", _is_on, _CHATTER),
    _Slow("MKL_VERBOSE", _is_on, _CHATTER),
    _Slow("CUDA_LAUNCH_BLOCKING", _is_on, "the GPU waits after every kernel"),
)
"""Documented by OpenMP 5.2 (6), Intel's OpenMP runtime, glibc's mallopt(3), CPython's command line, oneDNN and
CTranslate2."""


def thread_counts(patient: Patient) -> Verdict:
    """Whether libraries are told to start more threads than there are cores for."""
    usable = patient.usable_cores
    told = {name: patient.environ[name] for name in _THREADS if patient.environ.get(name)}
    many = [f"{name}={value}" for name, value in told.items() if _most(value) > usable]
    if many:
        return warning(
            f"{', '.join(many)}, and {usable} core{'s' * (usable > 1)} may be used: threads wait for each other",
            f"unset {' '.join(name.partition('=')[0] for name in many)}: engines take as many as there are cores",
        )
    return ok(", ".join(f"{name}={value}" for name, value in told.items()) or "none is set")


def variables(patient: Patient) -> Verdict:
    """Whether any other variable is set that makes runtimes slower."""
    harmful = [slow for slow in _SLOW if slow.harms(patient.environ.get(slow.name, ""))]
    names = [slow.name for slow in harmful]
    found = [f"{slow.name}: {slow.why}" for slow in harmful]
    if debugging := sorted(name for name in patient.environ if name.startswith("OV_CPU_")):
        names += debugging
        found.append(f"{', '.join(debugging)}: switches for debugging OpenVINO")
    if names:
        return warning("; ".join(found), f"unset {' '.join(names)}")
    return ok("none that slows anything down")


def proxies(patient: Patient) -> Verdict:
    """Whether what is to reach a server on this machine would go to a proxy, which looks for it on its own."""
    environ = patient.environ
    caught = [name for name, url in _servers(patient) if is_caught(url, environ)]
    if caught:
        return failure(
            f"a proxy catches what is meant for this machine: {', '.join(caught)}",
            "Add 127.0.0.1,localhost to no_proxy, in small letters and in capitals",
        )
    named = sorted(name for name in environ if name.lower().endswith("_proxy") and environ[name])
    return ok(f"{', '.join(named)} set, and nothing on this machine goes through" if named else "none is set")


def _servers(patient: Patient) -> Iterator[tuple[str, str]]:
    for name in ("PREFECT_API_URL", *S3_ENDPOINTS):
        yield name, patient.environ.get(name, "")
    yield "llm.base_url", patient.settings.llm.base_url


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def is_caught(url: str, environ: Mapping[str, str]) -> bool:
    """Whether an address on this machine would be asked for at a proxy."""
    parts, named = urlsplit(url), _proxies(environ.items())
    is_proxied = bool(named.get(parts.scheme) or named.get("all"))
    return _is_here(url) and is_proxied and not proxy_bypass_environment(parts.netloc, {"no": named.get("no", "")})


def _proxies(variables: Iterable[tuple[str, str]]) -> dict[str, str]:
    """What is set by scheme, "all" and "no"; small letters count before capitals, as for every client."""
    found = {name: value for name, value in variables if name.lower().endswith("_proxy")}
    return {name.lower().removesuffix("_proxy"): found[name] for name in sorted(found)}


def _most(value: str) -> int:
    """The highest number of threads in a list by levels of nesting, 0 for what is none."""
    return max((int(part) for part in value.split(",") if part.strip().isdigit()), default=0)

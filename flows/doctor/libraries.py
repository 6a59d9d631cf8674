"""Installed packages that do not work together, and an engine that cannot start."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distributions, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import configs
from asr.engines import registry as engines
from flows.doctor.finding import Patient, Verdict, failure, ok, warning
from flows.wiring import registry

CONSTRAINTS = Path(configs.__file__).parents[1] / "constraints.txt"

_SHOWN = 5


def libraries(_patient: Patient) -> Verdict:
    """What is installed, against what callwright needs, and against what was tested together (constraints.txt)."""
    if wrong := list(_unmet()):
        return failure("; ".join(wrong), "Install what was tested together: `make install`, in callwright's folder")
    there = {canonicalize_name(found.name) for found in distributions()}
    if {"onnxruntime", "onnxruntime-gpu"} <= there:
        return warning(
            "onnxruntime and onnxruntime-gpu are both installed, and each overwrites the other's files",
            "Uninstall both, then install the one that is wanted",
        )
    pinned = dict(_pinned()) if CONSTRAINTS.exists() else {}
    others = [
        f"{name} {found}, not {wanted}"
        for name, wanted in pinned.items()
        if (found := _version(name)) not in (None, wanted)
    ]
    if others:
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        return warning(
            f"not as tested together: {'; '.join(others[:_SHOWN])}{more}",
            "Install what was tested together: `make install`, in callwright's folder",
        )
    return ok(f"prefect {version('prefect')}, openvino {version('openvino')}, as tested together")


def engine(patient: Patient) -> Verdict:
    """Whether the engine that these settings choose is installed, and has the device and providers that they name."""
    options = patient.settings.transcribe
    choice = engines.startable(options, registry(patient.settings).get(options.model).sha256)
    return ok(f"{choice.engine} on {choice.device} in {choice.precision}, {choice.threads} threads")


def _unmet() -> Iterator[str]:
    """What callwright needs and is not there, or in another version."""
    for line in requires("callwright") or ():
        needed = Requirement(line)
        if needed.marker is not None and not needed.marker.evaluate({"extra": ""}):
            continue
        found = _version(needed.name)
        if found is None:
            yield f"{needed.name} is not installed"
        elif not needed.specifier.contains(found, prereleases=True):
            yield f"{needed.name} {found} is installed, and callwright needs {needed.specifier}"


def _pinned() -> Iterator[tuple[str, str]]:
    for line in CONSTRAINTS.read_text(encoding="utf-8").splitlines():
        name, equals, wanted = line.partition("==")
        if equals:
            yield name.strip(), wanted.strip()


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None

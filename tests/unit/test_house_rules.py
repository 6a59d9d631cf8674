"""The rules of the house, on the code as it lies here. A failure lists the offenders."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("asr", "compliance", "llm", "storage", "configs", "flows")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))

HOMES = {
    "prefect": ("flows/",),
    "sqlalchemy": ("storage/", "flows/wiring.py"),
    "alembic": ("storage/",),
    "boto3": ("storage/",),
    "cryptography": ("compliance/",),
    # The registry asks it for GPUs.
    "ctranslate2": ("asr/engines/ctranslate2.py", "asr/engines/registry.py"),
    "openvino": (
        *("asr/engines/openvino.py", "asr/engines/openvino_graph.py", "asr/engines/openvino_calibrate.py"),
        "asr/engines/openvino_peak.py",
        *(
            "asr/vad.py",
            "asr/diarize/openvino.py",
            "asr/diarize/embedding_graph.py",
            "asr/diarize/segmentation_graph.py",
        ),
    ),
    "onnx": ("asr/engines/onnx_graph.py", "asr/engines/onnxruntime.py"),
    "onnxruntime": ("asr/vad.py", "asr/engines/onnxruntime.py"),
    "httpx": ("llm/client.py", "flows/artifacts.py", "flows/outage.py"),
    "xllamacpp": ("llm/llama_server.py",),
    "gguf": ("llm/footprint.py",),
    "spacy": ("compliance/",),
    "presidio_analyzer": ("compliance/",),
    "faster_whisper": ("flows/benches/peers.py",),
    "openvino_genai": ("flows/benches/peers.py",),
    "matplotlib": ("flows/benches/chart.py", "flows/picture.py", "flows/hearing/quality_page.py"),
    "pyarrow": ("flows/parquet.py",),
    "torch": (
        "flows/benches/peers.py",
        "flows/benches/reference.py",
        "asr/engines/torch.py",
        "asr/torch_resample.py",
        "asr/torch_vad.py",
        "asr/diarize/pyannote.py",
    ),
    "prometheus_client": (
        "flows/monitor/tally.py",
        "flows/monitor/gauges.py",
        "flows/monitor/exposition.py",
        "flows/commands/metrics.py",
    ),
    "grafana_foundation_sdk": ("flows/monitor/dashboards.py",),
    "torchaudio": ("asr/torch_resample.py",),
    "silero_vad": ("asr/torch_vad.py",),
}
"""Where a package may be imported: path prefixes. flows/wiring.py names the type of the database that it opens."""

SEEN_OF_ASR = {"asr.types", "asr.errors"}
MIDDLE = ("compliance", "llm", "storage")


def _name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(path: Path) -> Iterator[str]:
    """Full names of the modules that a file imports, at the top or within."""
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(_tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def test_there_is_code_to_check() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in FILES} == set(PACKAGES)


def test_nothing_is_too_large() -> None:
    report = subprocess.run(
        [sys.executable, ROOT / "tests/size_report.py"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert report.returncode == 0, report.stdout


def test_no_keyword_catch_alls() -> None:
    """But in what wraps commands, whose parameters are the options that each declares."""
    catchers = [f"{_name(path)}:{f.name}" for path in FILES for f in _functions(path) if f.args.kwarg]
    assert [name for name in catchers if not name.startswith("flows/commands/")] == []


def test_nothing_is_left_to_do() -> None:
    marks = ("TO" + "DO", "FIX" + "ME", "X" + "XX")
    assert [_name(path) for path in FILES if any(mark in path.read_text(encoding="utf-8") for mark in marks)] == []


def test_only_flows_print() -> None:
    prints = [
        f"{_name(path)}:{node.lineno}"
        for path in FILES
        if not _name(path).startswith("flows/")
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert prints == []


@pytest.mark.parametrize("package", HOMES)
def test_a_package_is_imported_only_where_it_is_at_home(package: str) -> None:
    strays = [
        _name(path)
        for path in FILES
        if any(module.split(".")[0] == package for module in _imports(path))
        and not _name(path).startswith(HOMES[package])
    ]
    assert strays == []


def test_imports_run_one_way() -> None:
    rank = {package: number for number, package in enumerate(PACKAGES)}
    strays = [
        f"{_name(path)} imports {module}"
        for path in FILES
        for module in _imports(path)
        if rank.get(module.split(".")[0], -1) > rank[path.relative_to(ROOT).parts[0]]
    ]
    assert strays == []


def test_of_other_packages_little_is_seen() -> None:
    """Of asr the middle packages see types and errors; storage sees the same of all; configs sees options."""
    strays = []
    for path in FILES:
        own = path.relative_to(ROOT).parts[0]
        for module in _imports(path):
            package, _, rest = module.partition(".")
            if package == own or package not in PACKAGES:
                continue
            hidden = (
                (own in MIDDLE and package == "asr" and module not in SEEN_OF_ASR)
                or (own == "storage" and rest not in {"types", "errors"})
                or (own == "configs" and rest.rpartition(".")[2] != "options" and module not in SEEN_OF_ASR)
            )
            if hidden:
                strays.append(f"{_name(path)} imports {module}")
    assert strays == []


def test_heavy_runtimes_are_imported_where_they_are_used() -> None:
    heavy = {"ctranslate2", "onnxruntime", "soundfile", "av", "spacy", "presidio_analyzer", "noisereduce", "matplotlib"}
    strays = [
        f"{_name(path)}:{node.lineno}"
        for path in FILES
        for node in _tree(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([a.name for a in node.names] if isinstance(node, ast.Import) else [node.module or ""])
        if name.split(".")[0] in heavy
    ]
    assert strays == []

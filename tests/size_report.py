"""How large the code is: `python tests/size_report.py`. Exits with 1 if a file or a function is too large."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGES = ("asr", "compliance", "llm", "storage", "configs", "flows")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_PARAMETERS = 6


def offenders(path: Path) -> Iterator[str]:
    """What is too large in a file, a sentence each."""
    text = path.read_text()
    if (lines := text.count("\n")) > MAX_FILE_LINES:
        yield f"{path}: {lines} lines, over {MAX_FILE_LINES}"
    if "versions" in path.parts:
        return  # migrations are lists of tables, each written once and read once
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            arguments = [a.arg for a in (*node.args.args, *node.args.kwonlyargs) if a.arg not in ("self", "cls")]
            if length > MAX_FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines, over {MAX_FUNCTION_LINES}"
            if len(arguments) > MAX_PARAMETERS:
                yield f"{path}:{node.lineno}: {node.name} has {len(arguments)} parameters, over {MAX_PARAMETERS}"


def main() -> int:
    """Print files and lines by package, the longest file of each, and all offenders."""
    print(f"{'package':<12}{'files':>6}{'lines':>7}  longest file")
    found: list[str] = []
    for package in PACKAGES:
        files = sorted(Path(package).rglob("*.py"))
        lines = {file: file.read_text().count("\n") for file in files}
        longest = max(lines, key=lambda file: lines[file])
        print(f"{package:<12}{len(files):>6}{sum(lines.values()):>7}  {longest} ({lines[longest]})")
        found.extend(offence for file in files for offence in offenders(file))
    print("\n".join(found) or "nothing is too large")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())

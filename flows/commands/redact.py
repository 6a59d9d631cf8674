"""`callwright redact`: text from standard input to standard output, without what must not rest."""

from __future__ import annotations

import queue
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import BinaryIO

import click

from compliance.policies import POLICIES
from compliance.redactor import Redactor
from configs.settings import Settings
from flows.commands import options
from flows.report import print_fetching
from flows.wiring import load_redactor, missing_redactor
from flows.written_calls import LineError, WrittenCall, as_json_line, decode, numbered, parse, rewrite

BATCH_LINES = 128
"""Lines at most that share the model's batches; fewer are answered at once if no more are waiting."""


@click.command(epilog="""Example: callwright redact --policy pci --json < calls.jsonl > redacted.jsonl""")
@click.option("--policy", type=click.Choice(list(POLICIES)), help="What to remove; redact.policy if not given.")
@click.option("--json", "as_json", is_flag=True, help="A call a line as JSON, and spans in the answer.")
@options.settings
def redact(policy: str | None, settings: Settings, *, as_json: bool) -> int:
    """Redact text from standard input: one utterance a line, each read by itself.

    With --json each line is a call, {"turns": [{"speaker", "text"}]}, whose turns are read together; so a number may
    be dictated over several of them. It is written back with the text redacted and with "spans": [{"turn", "start",
    "end", "entity"}], in characters of the text as it came; turns count from 0. An "id" is kept, other fields are not.
    A line that cannot be read ends the work with exit code 2; the calls before it are written.
    """
    if policy:
        settings = settings.model_copy(update={"redact": settings.redact.model_copy(update={"policy": policy})})
    print_fetching(missing_redactor(settings))
    redactor = load_redactor(settings)
    number = 1
    for lines in _batches(sys.stdin.buffer):
        for answer in _answers(lines, number, redactor, as_json=as_json):
            sys.stdout.buffer.write(answer.encode() + b"\n")
        sys.stdout.buffer.flush()
        number += len(lines)
    return 0


def _answers(lines: Sequence[bytes], number: int, redactor: Redactor, *, as_json: bool) -> Iterator[str]:
    calls: list[WrittenCall] = []
    broken: LineError | None = None
    for at, line in numbered(lines, number) if as_json else enumerate(lines, number):
        try:
            text = decode(line, at)
            calls.append(parse(text, at) if as_json else WrittenCall((("", text),)))
        except LineError as error:
            broken = error
            break
    transcripts = redactor.redact_all([call.transcript() for call in calls])
    for call, transcript in zip(calls, transcripts, strict=True):
        redacted = rewrite(call, transcript)
        yield as_json_line(redacted) if as_json else redacted.texts[0]
    if broken:
        raise broken


def _batches(stream: BinaryIO) -> Iterator[list[bytes]]:
    """The lines that are there, up to BATCH_LINES at once; waits for the first of each batch alone."""
    waiting: queue.Queue[bytes | None] = queue.Queue(maxsize=BATCH_LINES)

    def read() -> None:
        for line in stream:
            waiting.put(line)
        waiting.put(None)

    threading.Thread(target=read, daemon=True).start()
    while (first := waiting.get()) is not None:
        lines = [first]
        while len(lines) < BATCH_LINES:
            try:
                line = waiting.get(timeout=0.02)
            except queue.Empty:
                break
            if line is None:
                yield lines
                return
            lines.append(line)
        yield lines

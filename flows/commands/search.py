"""`callwright search`: turns by their words."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import click
from rich.text import Text

from flows import report
from flows.commands import options
from flows.commands.look import Reader, reader
from storage.audit_log import Detail
from storage.search import Hit, Where
from storage.search import search as find
from storage.search_query import parse

_SHA256_CHARS = 12
"""Of each call whose words were shown, the audit trail keeps so much of its SHA-256."""


def _where(command: options.Command) -> options.Command:
    """Give the command `where`: which calls are looked through."""

    @click.option("--since", type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]), help="Calls from then on, in UTC.")
    @click.option("--agent", help="Calls of this agent alone.")
    @click.option("--queue", help="Calls of this queue alone.")
    @click.option("--tenant", help="Calls of this tenant alone.")
    @wraps(command)
    def with_where(
        *args: Any, since: datetime | None, agent: str | None, queue: str | None, tenant: str | None, **kwargs: Any
    ) -> Any:
        where = Where(since.replace(tzinfo=UTC) if since else None, agent, queue, tenant)
        return command(*args, where=where, **kwargs)

    return with_where


@click.command(epilog='Example: callwright search "refund NEAR shipping" --since 2026-09-01 --queue billing')
@click.argument("query")
@_where
@click.option("--limit", type=click.IntRange(1, 1_000), default=20, show_default=True, help="Show at most so many.")
@reader
@options.as_json
def search(query: str, where: Where, limit: int, reader: Reader, *, as_json: bool) -> int:
    """Show the turns that a QUERY finds, the best first, with what was asked for marked.

    QUERY has words, "phrases", prefix*, AND, OR, NOT, brackets, and NEAR or NEAR/5, between whose sides lie at most 10
    or 5 other words. Words side by side must all be in one turn.
    """
    wanted = parse(query)
    hits = find(reader.database, wanted, where, limit)
    told = {**_told(query, where, hits), "as": reader.role}
    reader.archive.repository.looked_at("search", "transcript.search", told)
    if as_json:
        report.print_json([asdict(hit) for hit in hits])
        return 0
    columns = ("call", "began", "agent", "at", "speaker", "turn")
    report.print_table(columns, [_row(hit) for hit in hits], right=("at",))
    if len(hits) == limit:
        click.echo(f"The best {limit}; --limit shows more.", err=True)
    return 0


def _told(query: str, where: Where, hits: tuple[Hit, ...]) -> Detail:
    """What the audit trail keeps: no query, and no hash of one, which for a card number would soon be guessed."""
    calls = dict.fromkeys(hit.sha256[:_SHA256_CHARS] for hit in hits)
    return {
        "query_chars": len(query),
        "narrowed_by": ", ".join(where.told),
        "hits": len(hits),
        "calls": ", ".join(calls),
    }


def _row(hit: Hit) -> tuple[object, ...]:
    return hit.call, f"{hit.began_at:%Y-%m-%d %H:%M}", hit.agent, report.clock(hit.start_s), hit.speaker, _marked(hit)


def _marked(hit: Hit) -> Text:
    """The turn with what was found between angle quotation marks, bold on a terminal."""
    shown, after = Text(), 0
    for start, end in hit.highlights:
        shown.append(hit.text[after:start])
        shown.append(f"«{hit.text[start:end]}»", style="bold")
        after = end
    return shown.append(hit.text[after:])

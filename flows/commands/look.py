"""`callwright status`, `show` and `sql`: looking at what is there."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from asr.errors import ConfigError
from compliance.render import as_json_line
from compliance.types import AUDIO_KINDS
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.wiring import Archive, objects_place, open_archive
from storage.access import read_as
from storage.audit_log import Detail
from storage.errors import NoTranscriptError
from storage.overview import FILTERS
from storage.query import read_only
from storage.repository import Repository
from storage.session import Database
from storage.types import RecordingState, StoredRecording


@click.command(epilog="Example: callwright status --only queue=billing --only direction=inbound")
@click.option(
    "--only",
    metavar="FIELD=VALUE",
    multiple=True,
    help=f"Only calls of which this is told; may be repeated. FIELD is one of {', '.join(FILTERS)}.",
)
@options.settings
@options.data_dir
@options.as_json
def status(only: tuple[str, ...], settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Say how far each call has come, why some are quarantined, and how the last run ended."""
    overview = archive_of(settings, data_dir).repository.overview(only=_narrowed(only))
    if as_json:
        report.print_json(report.overview_facts(overview))
    else:
        report.print_overview(overview)
    return 0


@click.command(epilog="Example: callwright show bank")
@click.argument("call")
@click.option("--rttm", is_flag=True, help="Print who talks when, as RTTM, and nothing else.")
@options.settings
@options.data_dir
@options.as_json
def show(call: str, settings: Settings, data_dir: Path, *, rttm: bool, as_json: bool) -> int:
    """Show one CALL: its summary, what was removed, and its turns.

    CALL is a file name, with or without its ending, or at least six digits of the recording's SHA-256.
    """
    repository = archive_of(settings, data_dir).repository
    found = published(repository, call)
    transcript, summary = repository.transcript(found.id), repository.summary(found.id)
    told, documents = repository.metadata(found.id), repository.documents(found.id)
    conversation, analyses = repository.conversation(found.id), repository.analyses(found.id)
    repository.looked_at(found.sha256, "transcript.show", {"turns": len(transcript.turns)})
    if rttm:
        click.echo(report.rttm_of(transcript), nl=False)
    elif as_json:
        report.print_json(
            {
                "sha256": found.sha256,
                "documents": documents,
                "metadata": report.metadata_facts(told),
                "transcript": json.loads(as_json_line(transcript, told)),
                "redactions": [asdict(redaction) for redaction in transcript.redactions],
                "guards": asdict(transcript.guards),
                "summary": report.summary_facts(summary),
                "analyses": [asdict(one) for one in analyses],
                "conversation": None if conversation is None else asdict(conversation),
            }
        )
    else:
        place = objects_place(settings, data_dir)
        copies = [f"{place}/{key}" for kind, key in documents.items() if kind in AUDIO_KINDS]
        report.print_transcript(transcript, summary, told, conversation, copies, analyses)
    return 0


@click.command(epilog='Example: callwright sql "SELECT call, words, redactions FROM v_calls ORDER BY words DESC"')
@click.argument("statement")
@click.option("--max-rows", type=click.IntRange(1), default=1000, show_default=True, help="Print at most so many rows.")
@options.settings
@options.data_dir
@options.as_json
def sql(statement: str, max_rows: int, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Run one SELECT on the database; nothing can be changed this way."""
    archive = archive_of(settings, data_dir)
    table = read_only(archive.database, statement, max_rows)
    # The statement itself may hold a name that somebody looks for.
    told: Detail = {"statement_sha256": hashlib.sha256(statement.encode()).hexdigest(), "rows": len(table.rows)}
    archive.repository.looked_at("sql", "transcript.query", told)
    if as_json:
        report.print_json([dict(zip(table.columns, row, strict=True)) for row in table.rows])
    else:
        report.print_table(table.columns, table.rows)
    if table.truncated:
        click.echo(f"Only the first {max_rows} rows; --max-rows shows more.", err=True)
    return 0


def published(repository: Repository, call: str) -> StoredRecording:
    """The recording of a call that has a transcript. Raises NoTranscriptError, which says why, if it has none."""
    found = repository.find(call)
    if found.state is RecordingState.ERASED:
        raise NoTranscriptError(f"the transcript of {found.name} was erased", "`callwright certificate` tells of it")
    if found.state is not RecordingState.PUBLISHED:
        reasons = [row.reason for row in repository.calls([found.sha256]) if row.reason]
        why = f"{found.state}: {reasons[0]}" if reasons else "not processed yet"
        raise NoTranscriptError(f"{found.name} is {why}", "callwright run does it, or does it again")
    return found


def _narrowed(only: tuple[str, ...]) -> dict[str, str]:
    wanted = {field: value for field, _, value in (text.partition("=") for text in only)}
    if unknown := set(wanted) - set(FILTERS):
        raise ConfigError(f"--only knows no field {min(unknown)!r}", f"Write FIELD=VALUE, with {', '.join(FILTERS)}")
    if wanted.get("consent", "true") not in ("true", "false"):
        raise ConfigError("--only consent is neither true nor false", "Write --only consent=false")
    return wanted


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads calls: the archive, its database as `role` may read it, and that role, None for the tables' owner."""

    archive: Archive
    database: Database
    role: str | None


def reader(command: options.Command) -> options.Command:
    """Give the command `reader`, opened by settings, data folder and --as."""

    @click.option("--as", "role", metavar="ROLE", help="On PostgreSQL: read what this role may read.")
    @options.settings
    @options.data_dir
    @wraps(command)
    def with_reader(*args: Any, role: str | None, settings: Settings, data_dir: Path, **kwargs: Any) -> Any:
        archive = archive_of(settings, data_dir)
        database = read_as(archive.database, role) if role else archive.database
        return command(*args, reader=Reader(archive, database, role), **kwargs)

    return with_reader


def archive_of(settings: Settings, data_dir: Path) -> Archive:
    """The database and objects that are there. Raises ConfigError if there are none yet."""
    if not settings.storage.database_url and not (data_dir / "callwright.db").exists():
        raise ConfigError(f"there is no database in {data_dir}", "Process recordings first: callwright run FOLDER")
    return open_archive(settings, data_dir)

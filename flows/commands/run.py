"""`callwright run`: recordings in folders become redacted transcripts in SQL."""

from __future__ import annotations

import shlex
import shutil
import sys
from pathlib import Path

import click

from configs.settings import Settings
from flows import run as runs
from flows.commands import options
from flows.meter import Bar
from flows.report import print_fetching, print_json, print_result, result_facts
from flows.wiring import missing_models
from storage.types import RecordingState

_COUNT_REMOVED = "SELECT entity, count(*) AS removed FROM redactions GROUP BY entity"


@click.command(epilog="Example: callwright run /mnt/recorder/today --profile cpu-server")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@options.settings
@options.data_dir
@click.option("--again", is_flag=True, help="Process what is published too, after a change of model or settings.")
@options.quality
@options.as_json
def run(
    paths: tuple[Path, ...], settings: Settings, data_dir: Path, *, again: bool, quality: bool, as_json: bool
) -> int:
    """Process every recording under PATHS that is not published yet.

    Folders are searched with all their subfolders. What failed before is tried again. What sidecars, manifests and file
    names tell of a call is kept with it, and what they tell to be without consent skipped. Exits with 0 only if every
    other recording is published, 1 if some are quarantined.
    """
    settings = options.with_quality(settings, quality=quality)
    print_fetching(missing_models(settings))
    result = runs.run(paths, settings, data_dir, Bar(quiet=as_json), again=again)
    if as_json:
        print_json(result_facts(result))
    elif not result.calls and not result.unreadable:
        click.echo("No recordings there. Known endings are .wav, .flac, .mp3, .ogg, .opus, .m4a and the like.")
    else:
        print_result(result)
        _print_next(result, settings, data_dir)
    return 0 if result.complete else 1


def _print_next(result: runs.Result, settings: Settings, data_dir: Path) -> None:
    published = [call for call in result.calls if call.state is RecordingState.PUBLISHED]
    if not published:
        return
    program = "callwright" if shutil.which("callwright") == sys.argv[0] else shlex.quote(sys.argv[0])
    where = "" if data_dir == Path("var") else f" --data-dir {shlex.quote(str(data_dir))}"
    most = max(published, key=lambda call: call.redactions or 0)
    database = "the database of storage.database_url" if settings.storage.database_url else data_dir / "callwright.db"
    objects = settings.storage.objects_dir or data_dir / "objects"
    click.echo(f"Transcripts are in {database} and {objects}. Type next:\n")
    click.echo(f"  {program} show {shlex.quote(Path(most.call).stem)}{where}")
    click.echo(f"  {program} status{where}")
    click.echo(f'  {program} sql "{_COUNT_REMOVED}"{where}')

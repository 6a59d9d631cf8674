"""`callwright transcribe`: files to standard output, without a database."""

from __future__ import annotations

from pathlib import Path

import click

from asr.decode import identify
from asr.errors import ConfigError, MetadataError, SkippableError
from asr.types import Transcript
from compliance import render
from compliance.redactor import Redactor
from compliance.types import RedactedTranscript
from configs.settings import Settings
from flows import preparation, stages
from flows.commands import options
from flows.metadata import Told, sound, told_of
from flows.preparation import Prepared
from flows.report import print_fetching, rttm_of
from flows.wiring import Models, load_models, missing_models, provenance

_FORMATS = {
    "txt": render.as_txt,
    "vtt": render.as_vtt,
    "srt": render.as_srt,
    "rttm": rttm_of,
}


@click.command(epilog="Example: callwright transcribe call.wav --format vtt > call.vtt")
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--format", "kind", type=click.Choice(["json", *_FORMATS]), default="json", show_default=True)
@click.option("--raw", is_flag=True, help="Leave in what redaction would remove.")
@options.quality
@options.settings
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def transcribe(
    files: tuple[Path, ...], kind: str, settings: Settings, *, raw: bool, quality: bool, as_json: bool
) -> int:
    """Transcribe FILES to standard output, redacted; nothing is kept.

    Several files are batched together. As JSON each gives one document a line, in the order given; the schema is
    docs/transcript.schema.json. Exits with 1 if a file could not be transcribed.
    """
    kind = "json" if as_json else kind
    if kind in ("vtt", "srt") and len(files) > 1:
        raise ConfigError(f"--format {kind} is one document a file, and {len(files)} files were named", "Name one file")
    if raw:
        click.echo("Warning: --raw prints what callers said unredacted, card numbers included.", err=True)
    settings = options.with_quality(settings, quality=quality)
    print_fetching(missing_models(settings))
    models = load_models(settings)
    told = told_of(files, files, settings.metadata)
    prepared = [item for path in files if (item := _prepared(path, told[path], models, settings)) is not None]
    heard = stages.hear(prepared, models.engine, settings, lambda _: None)
    made_by = provenance(models.engine, settings)
    for item, answer in zip(prepared, heard, strict=True):
        transcript = stages.assemble(item, answer, made_by, settings)
        if kind == "txt" and len(files) > 1:
            click.echo(f"# {item.recording.path}")
        released = _released(transcript, models.redactor, raw=raw)
        shown = render.as_json_line(released, item.call) if kind == "json" else _FORMATS[kind](released)
        click.echo(shown, nl=kind == "json")
    return 0 if len(prepared) == len(files) else 1


def _prepared(path: Path, told: Told, models: Models, settings: Settings) -> Prepared | None:
    try:
        call = sound(told)
        if call.consent is False and not settings.metadata.allow_without_consent:
            raise MetadataError(f"{path.name} is told to be without consent", "Set metadata.allow_without_consent")
        return preparation.prepare(identify(path), models.detector, settings, call, diarizer=models.diarizer)
    except SkippableError as error:
        click.echo(f"Error: {error}", err=True)
        return None


def _released(transcript: Transcript, redactor: Redactor, *, raw: bool) -> Transcript | RedactedTranscript:
    return transcript if raw else redactor.redact(transcript)

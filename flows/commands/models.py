"""`callwright models`: which models there are, fetching them, checking them."""

from __future__ import annotations

import click

from asr.fetch import declaration, pin
from asr.models import FileState, cache_folder, verify
from configs.settings import Settings
from flows import report, wiring
from flows.commands import options


@click.group()
def models() -> None:
    """List, fetch and verify the models that callwright uses."""


@models.command("list", epilog="Example: callwright models list")
@options.settings
@options.as_json
def list_(settings: Settings, *, as_json: bool) -> int:
    """List all known models, where each comes from, and whether it is on this machine."""
    cache, used = cache_folder(settings.models), wiring.model_ids(settings)
    known = wiring.registry(settings).models
    if as_json:
        report.print_json(
            [
                {
                    "id": model.id,
                    "kind": model.kind,
                    "licence": model.licence,
                    "source": model.source.kind,
                    "size_bytes": model.size_bytes,
                    "sha256": model.sha256,
                    "fetched": model.folder(cache).exists(),
                    "used": model.id in used,
                    "files": {file.name: file.sha256 for file in model.files},
                }
                for model in known
            ]
        )
        return 0
    report.print_table(
        ("id", "kind", "size", "licence", "source", "here", "used"),
        (
            (
                model.id,
                model.kind,
                f"{model.size_bytes / 1e6:.0f} MB",
                model.licence,
                model.source.kind,
                "yes" if model.folder(cache).exists() else "no",
                "yes" if model.id in used else "",
            )
            for model in known
        ),
        right=("size",),
    )
    click.echo(f"\nModels are kept in {cache}")
    return 0


@models.command(epilog="Example: callwright models get whisper-tiny.en")
@click.argument("ids", nargs=-1)
@click.option("--force", is_flag=True, help="Fetch even what is here and sound.")
@options.settings
@options.as_json
def get(ids: tuple[str, ...], settings: Settings, *, force: bool, as_json: bool) -> int:
    """Fetch the models of these IDS, or those that the settings use, and verify every file's SHA-256."""
    known, cache = wiring.registry(settings), cache_folder(settings.models)
    fetched = []
    if not as_json and not ids:
        report.print_fetching(wiring.missing_models(settings))
    for model_id in ids or wiring.model_ids(settings):
        local = wiring.fetch_model(settings, model_id, force=force)
        fetched.append({"id": model_id, "folder": str(local.folder), "sha256": known.get(model_id).sha256})
        if not as_json:
            click.echo(f"{model_id}: {known.get(model_id).size_bytes / 1e6:.0f} MB, verified, in {cache}")
    if as_json:
        report.print_json(fetched)
    return 0


@models.command("verify", epilog="Example: callwright models verify")
@options.settings
@options.as_json
def verify_(settings: Settings, *, as_json: bool) -> int:
    """Hash every file of every fetched model. Exits with 1 if one is not as declared."""
    cache = cache_folder(settings.models)
    here = [model for model in wiring.registry(settings).models if model.folder(cache).exists()]
    checked = verify(here, cache)
    if as_json:
        report.print_json([{"model": f.model, "file": f.file.name, "state": f.state.value} for f in checked])
    else:
        report.print_table(("model", "file", "state"), ((f.model, f.file.name, f.state.value) for f in checked))
        if any(file.state is not FileState.GOOD for file in checked):
            click.echo("What is not good is refused. Fetch it again: callwright models get ID --force")
        if not checked:
            click.echo("No model has been fetched yet. Fetch them: callwright models get")
    return 0 if all(file.state is FileState.GOOD for file in checked) else 1


@models.command("pin", epilog="Example: callwright models pin my-model >> models.toml")
@click.argument("id_", metavar="ID")
@options.settings
@options.as_json
def pin_(id_: str, settings: Settings, *, as_json: bool) -> int:
    """Fetch a model whose hashes are not declared yet into quarantine, and print a declaration with them."""
    model = wiring.registry(settings).get(id_)
    pinned = pin(model, cache_folder(settings.models), wiring.access(settings))
    if as_json:
        report.print_json({"id": id_, "files": {file.name: file.sha256 for file in pinned.files}})
    else:
        click.echo(declaration(pinned))
    return 0

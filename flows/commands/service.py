"""`callwright up`, `deploy` and `worker`: what goes on by itself, on one machine or on many."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from asr.errors import ConfigError, FatalError
from asr.numa import NODES, nodes, spanned
from configs.load import variable
from configs.settings import Settings, toml_value
from flows import children, report
from flows.commands import options
from flows.inlets.opening import open_inlet
from flows.prefect_server import HOME, QUIET, answers, api_url, no_proxy, server_line
from flows.presence import own_folder
from flows.site import environment
from flows.supervisor import Program, Supervisor
from flows.wiring import missing_models

_LEASES = "prefect.server.concurrency.lease_storage.filesystem"
"""Prefect keeps them in memory as shipped: a server that is started again would hold their slots for ever."""

_NO_ENDPOINT = {variable("metrics.listen"): toml_value("")}

_POOL = click.option("--pool", metavar="NAME", help="The work pool, in place of service.pool.")


@click.command(epilog="Example: callwright deploy --profile cpu-server --set service.pool=calls")
@_POOL
@options.settings
@options.as_json
def deploy(pool: str | None, settings: Settings, *, as_json: bool) -> int:
    """Make the Prefect server of PREFECT_API_URL know the service: work pool, deployments with schedules, limits,
    automations.

    What is there as it should be is left alone, so that it can be run at every release. docs/service.md says more.
    """
    _check_server()
    os.environ.update({name: value for name, value in QUIET.items() if name not in os.environ})
    # Prefect reads its settings when it is imported.
    from flows import deployments

    changes = deployments.deploy(with_service(settings, pool=pool))
    if as_json:
        report.print_json([{"kind": one.kind, "name": one.name, "done": one.done} for one in changes])
    else:
        report.print_table(("", "name", "", ""), ((one.kind, one.name, one.done, one.detail) for one in changes))
    return 0


@click.command(
    epilog="Example: callwright worker --pool callwright --profile gpu-server --data-dir /var/lib/callwright"
)
@_POOL
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="So many runs at a time.")
@options.settings
@options.data_dir
def worker(pool: str | None, limit: int, settings: Settings, data_dir: Path) -> int:
    """Run what the Prefect server of PREFECT_API_URL has scheduled for the pool, by the settings of this machine.

    Goes on until SIGTERM or Ctrl-C. Runs take their settings from here: profile, file, environment and --set.
    """
    _check_server()
    settings = with_service(settings, pool=pool)
    data_dir.mkdir(parents=True, exist_ok=True)
    report.print_fetching(missing_models(settings))
    ours = {"PREFECT_HOME": str((data_dir / HOME).absolute()), **QUIET}
    # Runs come and go, several at once: what they count is told by `callwright metrics`.
    environ = {**os.environ, **environment(settings, data_dir), **_NO_ENDPOINT}
    environ |= {name: value for name, value in ours.items() if name not in os.environ}
    # `python` in a deployment is the one that has callwright installed.
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    line = [sys.executable, "-m", "prefect", "worker", "start", "--pool", settings.service.pool]
    line += ["--limit", str(limit), "--install-policy", "never", "--create-pool-if-not-found"]
    sys.stdout.flush()
    os.execve(sys.executable, line, environ)  # noqa: S606


@click.command(epilog="Example: callwright up /mnt/recorder --profile cpu-server --data-dir /var/lib/callwright")
@click.argument("sources", nargs=-1)
@click.option("--port", type=click.IntRange(1, 65_535), default=4200, show_default=True, help="Of Prefect's server.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address that Prefect's server listens on.")
@click.option("--no-watcher", is_flag=True, help="Do what comes in by the schedule of ingest-watch instead.")
@options.settings
@options.data_dir
def up(sources: tuple[str, ...], port: int, host: str, settings: Settings, data_dir: Path, *, no_watcher: bool) -> int:
    """Start all that one machine needs: Prefect's server with its pages, a worker for what is scheduled, and a watcher
    over SOURCES or service.sources, both once for each NUMA node. What ends is started again.

    Goes on until SIGTERM or Ctrl-C, which lets the group in hand be ended; a second one does not. Other machines join
    with `callwright worker`, if --host lets them reach the server and they share a PostgreSQL.
    """
    settings = with_service(settings, sources=sources)
    for source in settings.service.sources:
        open_inlet(source, settings)  # raises for what is no source
    if answers(port):
        raise ConfigError(f"something answers at port {port} already", "Name another with --port, or stop that first")
    has_watcher = bool(settings.service.sources) and not no_watcher
    with own_folder(data_dir, HOME) as home:
        environ = {**QUIET, **os.environ, **environment(settings, data_dir), **_NO_ENDPOINT}
        environ |= {"PREFECT_HOME": str(home.absolute()), "PREFECT_API_URL": api_url(port), "no_proxy": no_proxy()}
        served = {**environ, "PREFECT_UI_API_URL": "/api", "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": _LEASES}
        wanted = {"the worker": ["worker"]}
        if has_watcher:
            wanted["the watcher"] = ["watch", *settings.service.sources]
        others = [program for name, words in wanted.items() for program in _on_each_node(name, words, environ)]
        if settings.metrics.listen:
            others.append(Program("the metrics", _line("metrics", "--listen", settings.metrics.listen), environ))
        # What comes in is the watcher's, whose models stay loaded.
        schedules = {variable("schedules.ingest_watch"): toml_value("")} if has_watcher else {}
        Supervisor(
            Program("Prefect's server", tuple(server_line(port, host)), served, home / "server.log"),
            others,
            is_up=lambda: answers(port),
            prepare=lambda: _deploy({**environ, **schedules}, port),
            told=lambda text: click.echo(text, err=True),
            patience_s=settings.ingest.let_go_s,
        ).run()
    click.echo("Stopped.")
    return 0


def _on_each_node(name: str, words: Sequence[str], environ: Mapping[str, str]) -> list[Program]:
    """A command of callwright's own; where the machine has several NUMA nodes one for each, which stays there."""
    line, here = _line(*words), spanned(os.sched_getaffinity(0), nodes(NODES))
    if len(here) < 2:
        return [Program(name, line, environ)]
    return [Program(f"{name} of node {node.number}", line, environ, cpus=node.cpus) for node in here]


def _line(*words: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "flows.cli", *words)


def with_service(settings: Settings, *, sources: tuple[str, ...] = (), pool: str | None = None) -> Settings:
    """The settings, with the sources and the pool that a command line names."""
    absolute = tuple(source if "://" in source else str(Path(source).absolute()) for source in sources)
    changed = {**({"sources": absolute} if sources else {}), **({"pool": pool} if pool else {})}
    return settings.model_copy(update={"service": settings.service.model_copy(update=changed)})


def _check_server() -> None:
    if not os.environ.get("PREFECT_API_URL"):
        raise ConfigError(
            "PREFECT_API_URL names no Prefect server",
            "Set it, as in http://prefect.example:4200/api, or start one with `callwright up`",
        )


def _deploy(environ: dict[str, str], port: int) -> None:
    deploying = children.start((sys.executable, "-m", "flows.cli", "deploy"), environ=environ)
    if deploying.wait():
        raise FatalError("the service could not be deployed", "What it says above tells why")
    click.echo(f"Prefect's pages are at http://127.0.0.1:{port}. Stop with Ctrl-C.")

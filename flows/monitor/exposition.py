"""Telling what is measured: an endpoint that Prometheus asks, a file for its node exporter, or a pushgateway.

No run waits for it or fails with it: what cannot be told is a warning.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import click
from prometheus_client import CollectorRegistry, push_to_gateway, start_http_server, write_to_textfile

from asr.errors import ConfigError
from configs.options import MetricsOptions
from configs.settings import Settings
from flows.custody import open_custody
from flows.monitor.gauges import Gauges, check_source, ledger_source, machine_source, recent_source
from flows.monitor.heard_gauges import drift_source, wer_source
from flows.monitor.tally import TallyCollector, tally_folder
from flows.wiring import Archive

_JOB = "callwright"
_PUSH_S = 5.0

_SELDOM = 4
"""Every minute as shipped: figures of the last calls take 140 ms of CPU time, those of the whole ledger 3."""


def _warn(text: str) -> None:
    click.echo(f"Warning: {text}", err=True)


def registry_of(
    archive: Archive, settings: Settings, data_dir: Path, *, checks: Gauges | None = None
) -> CollectorRegistry:
    """All that is told: what this machine's processes have counted, the ledger and the machine, and the gauges of
    `checks_of`."""
    registry, every_s = CollectorRegistry(), settings.metrics.every_s
    registry.register(TallyCollector(tally_folder(data_dir)))
    registry.register(Gauges([ledger_source(archive.database), machine_source(data_dir)], every_s))
    registry.register(Gauges([recent_source(archive.database, settings)], _SELDOM * every_s))
    if checks is not None:
        registry.register(checks)
    return registry


def checks_of(archive: Archive, settings: Settings, data_dir: Path) -> Gauges:
    """What reads much of the ledger. Raises ConfigError for keys or rules that cannot be read."""
    custody = open_custody(archive.database, archive.objects, settings, data_dir)
    sources = [
        check_source(custody, archive.repository),
        wer_source(archive, settings),
        drift_source(archive, settings),
    ]
    return Gauges(sources, settings.metrics.check_every_s)


@dataclass(slots=True)
class Teller:
    """Tells a registry where the options say."""

    registry: CollectorRegistry
    options: MetricsOptions
    warn: Callable[[str], None] = _warn
    _warned: set[str] = field(default_factory=set)

    def tell(self) -> bool:
        """Write the file and tell the pushgateway, as far as they are named; false, with a warning the first time, if
        that cannot be done."""
        well = True
        if self.options.textfile:
            well = self._try(
                "metrics.textfile cannot be written", lambda: write_to_textfile(self.options.textfile, self.registry)
            )
        if self.options.push:
            well = self._try("the pushgateway of metrics.push cannot be told", self._push) and well
        return well

    def _push(self) -> None:
        here = {"instance": socket.gethostname()}
        push_to_gateway(self.options.push, _JOB, self.registry, grouping_key=here, timeout=_PUSH_S)

    def _try(self, what: str, do: Callable[[], None]) -> bool:
        try:
            do()
        except Exception as error:  # noqa: BLE001 - whatever it is, it stops no run
            if what not in self._warned:
                self._warned.add(what)
                self.warn(f"{what}: {type(error).__name__}")
            return False
        return True

    @contextmanager
    def going_on(self) -> Iterator[None]:
        """Tell now and then until the block ends."""
        if not (self.options.textfile or self.options.push):
            yield
            return
        over = threading.Event()

        def go_on() -> None:
            while not over.wait(self.options.every_s):
                self.tell()

        thread = threading.Thread(target=go_on, name="metrics", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join(_PUSH_S)


@contextmanager
def exposed(archive: Archive, settings: Settings, data_dir: Path) -> Iterator[None]:
    """Tell what is measured while the block goes on, where [metrics] says; as shipped nowhere."""
    options = settings.metrics
    if not (options.listen or options.textfile or options.push):
        yield
        return
    try:
        registry = registry_of(archive, settings, data_dir)
    except Exception as error:  # noqa: BLE001 - whatever it is, it stops no run
        _warn(f"what is measured cannot be told: {type(error).__name__}. The work goes on")
        yield
        return
    teller = Teller(registry, options)
    try:
        with _listening_if_free(registry, options.listen), teller.going_on():
            yield
    finally:
        # Read anew: what it came to.
        teller.registry = registry_of(archive, settings, data_dir)
        teller.tell()


@contextmanager
def listening(registry: CollectorRegistry, address: str) -> Iterator[int]:
    """Answer at HOST:PORT until the block ends, and give the port; 0 takes any. Raises ConfigError if it is taken."""
    host, _, port = address.rpartition(":")
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, OverflowError, ValueError) as error:
        raise ConfigError(f"nothing can listen at {address}: {error}", "Name another with metrics.listen") from error
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def _listening_if_free(registry: CollectorRegistry, address: str) -> Iterator[None]:
    if not address:
        yield
        return
    with ExitStack() as opened:
        try:
            opened.enter_context(listening(registry, address))
        except ConfigError as error:
            _warn(f"{error}. The work goes on")
        yield

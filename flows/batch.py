"""What one run of the flow does, with what, and who is told: it never leaves the process."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path

from configs.settings import Settings
from flows.custody import Custody
from flows.ingest import Source
from flows.monitor.tally import Tally
from flows.wiring import Archive, Models
from storage.leases import Leases
from storage.types import Failure


@dataclass(frozen=True, slots=True)
class Progress:
    """Who is told how a run goes: of recorded time transcribed, of recordings done, and by SHA-256 of failures and of
    what others have in hand."""

    on_audio: Callable[[float], None]
    on_recording: Callable[[], None]
    on_failure: Callable[[str, Failure], None]
    on_elsewhere: Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Leased:
    """Under whose leases a batch is done, what ends it early, and whether what is published is done again."""

    leases: Leases
    stop: threading.Event
    again: bool
    data_dir: Path
    """Held group by group, so that what deletes can come in between."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What one run of the flow does, and with what. It never leaves the process."""

    groups: tuple[tuple[Source, ...], ...]
    models: Models
    archive: Archive
    custody: Custody
    settings: Settings
    progress: Progress
    leased: Leased
    tally: Tally


BATCH: ContextVar[Batch] = ContextVar("batch")
"""Set by whoever starts the flow."""

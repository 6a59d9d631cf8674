"""From what somebody named to the inlet that it is."""

from __future__ import annotations

from pathlib import Path

from configs.settings import Settings
from flows.inlets.base import Inlet
from flows.inlets.bucket import BucketInlet
from flows.inlets.folder import FolderInlet
from flows.inlets.queue import QueueInlet


def open_inlet(source: str, settings: Settings) -> Inlet:
    """The inlet at s3://bucket/prefix, at the http(s) URL of an SQS queue, or in a folder.

    Raises ConfigError for what is none of these.
    """
    if source.startswith("s3://"):
        return BucketInlet(source, settings)
    if source.startswith(("https://", "http://")):
        return QueueInlet(source, settings)
    return FolderInlet(Path(source), settings)

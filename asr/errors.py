"""Errors that say what the pipeline should do next.

Each names the value at fault, what was allowed, and the remedy. None holds a word that was spoken.
Chain with `from` so that the cause stays visible.
"""

from __future__ import annotations


class PipelineError(Exception):
    """Anything that callwright raises on purpose. `reason` says what is wrong, `remedy` what to do."""

    def __init__(self, reason: str, remedy: str = "") -> None:
        self.reason = reason
        self.remedy = remedy
        super().__init__(f"{reason}. {remedy}" if remedy else reason)


class RetryableError(PipelineError):
    """Try again later: the network, a busy database, a full disk."""


class SkippableError(PipelineError):
    """This recording cannot be done: quarantine it with the reason and go on with the rest."""


class MetadataError(SkippableError):
    """What is told of a call cannot be right: its recording waits until that is mended. No value of it is shown."""


class FatalError(PipelineError):
    """Nothing can be done until somebody mends it: stop the run."""


class ConfigError(FatalError):
    """A setting is unknown or out of range."""


class ModelError(FatalError):
    """A model is missing, or its files are not the ones that were declared."""

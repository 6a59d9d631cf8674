"""Errors of language models. None holds what was asked or answered."""

from __future__ import annotations

from asr.errors import ConfigError, RetryableError, SkippableError


class UnavailableError(RetryableError):
    """The model's server cannot be reached, is too busy, or does not answer in time.

    `wait_s` is how long it asked to be left alone, if it did; `status` what it answered with, 0 if it did not.
    """

    def __init__(self, reason: str, remedy: str = "", wait_s: float | None = None, status: int = 0) -> None:
        super().__init__(reason, remedy)
        self.wait_s = wait_s
        self.status = status


class AnswerError(SkippableError):
    """What the model answered cannot be used: not JSON, not after the schema, cut off, or without end."""


class PromptError(ConfigError):
    """A prompt is not known, or lacks a part."""

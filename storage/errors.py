"""Errors of storage that a caller may want to tell apart."""

from __future__ import annotations

from asr.errors import FatalError, PipelineError


class LeaseLostError(PipelineError):
    """Somebody else has taken a recording over: what was made of it here is not kept."""


class UnknownRecordingError(FatalError):
    """No recording answers to what was typed."""


class AmbiguousRecordingError(FatalError):
    """Several recordings answer to what was typed; `candidates` are the ones that do, as sha256 and name."""

    def __init__(self, reason: str, remedy: str, candidates: tuple[str, ...]) -> None:
        self.candidates = candidates
        super().__init__(reason, remedy)


class NoTranscriptError(FatalError):
    """The recording is known and has no transcript."""


class QueryError(FatalError):
    """A statement of the user's cannot be run."""


class UnknownHoldError(FatalError):
    """No legal hold in force has that number."""

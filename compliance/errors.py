"""Errors of compliance that a caller may want to tell apart."""

from __future__ import annotations

from asr.errors import ConfigError, FatalError, SkippableError


class VaultError(FatalError):
    """What is sealed cannot be opened: another master key, or changed files. Nothing was changed by trying."""


class SignatureError(FatalError):
    """A signed document is not what was signed, or was signed with another key."""


class RetentionError(ConfigError):
    """A rule of retention cannot be read."""


class UnprovenError(SkippableError):
    """What had to go from a call's sound may still be heard in its copy: nothing of the call is published."""

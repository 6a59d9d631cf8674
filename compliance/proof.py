"""What is known of a call's redacted copy: what was replaced in it, and what a second hearing found. No values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from compliance.canonical import Json


@dataclass(frozen=True, slots=True)
class RedactedAudio:
    """A redacted copy: its format, and for each channel of the file the samples [start, stop) that were replaced.

    `channels` are whose side each is, "ignored" for those that are silent throughout. `doubts` count the removals that
    took a whole turn, by why the times of their words were not relied on.
    """

    kind: str
    container: str
    codec: str
    sample_rate_hz: int
    n_samples: int
    cover: str
    channels: tuple[str, ...]
    spans: tuple[tuple[tuple[int, int], ...], ...]
    doubts: Mapping[str, int] = field(default_factory=dict)

    def told(self, sha256: str) -> dict[str, Json]:
        """As a certificate tells of it; `sha256` is the file's."""
        return {
            "sha256": sha256,
            "kind": self.kind,
            "container": self.container,
            "codec": self.codec,
            "sample_rate_hz": self.sample_rate_hz,
            "samples": self.n_samples,
            "cover": self.cover,
            "channels": list(self.channels),
            "replaced": [[[start, stop] for start, stop in channel] for channel in self.spans],
            "whole_turns": dict(self.doubts),
        }


@dataclass(frozen=True, slots=True)
class Hearing:
    """What heard a copy: a model by its id and hash, on an engine in a precision, and how it searched."""

    model: str
    sha256: str
    engine: str
    precision: str
    search: str


@dataclass(frozen=True, slots=True)
class Verification:
    """How a copy was proved: in so many rounds, of so many places, for so many seconds of sound and hearings.

    `widened` counts what was still heard, by type, and then removed; nothing was heard in the last round. `whole_call`
    says that all that was left was heard, and not only what lies near to what was removed.
    """

    rounds: int
    places: int
    heard_s: float
    whole_call: bool
    hearings: tuple[Hearing, ...]
    widened: Mapping[str, int] = field(default_factory=dict)

    def told(self) -> dict[str, Json]:
        """As a certificate tells of it."""
        return {
            "verdict": "passed",
            "rounds": self.rounds,
            "places": self.places,
            "heard_ms": round(self.heard_s * 1_000),
            "whole_call": self.whole_call,
            "hearings": [asdict(hearing) for hearing in self.hearings],
            "widened": dict(self.widened),
            "survivors": {},
        }


@dataclass(frozen=True, slots=True)
class SoundProof:
    """A copy and how it was proved."""

    audio: RedactedAudio
    verification: Verification

"""Who hears redacted copies: the engine that heard the recording, and a second model or search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.models import LocalModel
from asr.whisper.engine import WhisperEngine
from compliance.proof import Hearing
from configs.settings import Settings

BEAM = "beam"
"""What `redact.proof` is called if the second hearing is the same model with all its beams."""


@dataclass(frozen=True, slots=True)
class Listener:
    """An engine that hears copies, and how it is named in certificates."""

    engine: Engine
    search: str

    @property
    def told(self) -> Hearing:
        """Which it is."""
        info = self.engine.info
        return Hearing(info.model_id, info.model_sha256, info.name, info.precision, self.search)


def proof_model(settings: Settings) -> str | None:
    """The id of the model that proving needs beside the engine's own, or None."""
    return None if settings.redact.audio == "off" or settings.redact.proof == BEAM else settings.redact.proof


def listeners(engine: Engine, settings: Settings, own: LocalModel, other: LocalModel | None) -> tuple[Listener, ...]:
    """The engine's own model, greedy, and who hears after it; none if no copies are made.

    `own` is the engine's model and `other` that of `proof_model`. What stays in doubt is not tried again: words that
    were heard by chance prove nothing. Raises what loading an engine raises.
    """
    if settings.redact.audio == "off":
        return ()
    first = Listener(_searching(engine, "greedy", settings, own), "greedy")
    if other is None:
        return first, Listener(_searching(engine, "beam", settings, own), "beam")
    options = settings.transcribe.model_copy(update={"model": other.model.id, "card": "", **_ONCE, "search": "greedy"})
    return first, Listener(load_engine(other, options), "greedy")


_ONCE = {"temperatures": (0.0,)}


def _searching(engine: Engine, search: Literal["greedy", "beam"], settings: Settings, own: LocalModel) -> Engine:
    """The engine's model, searched in one way; loaded again only where the engine cannot do that itself."""
    if isinstance(engine, WhisperEngine):
        return engine.searching(search)
    return load_engine(own, settings.transcribe.model_copy(update={"search": search, **_ONCE}))

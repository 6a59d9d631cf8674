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
    """The engine, and who hears after it; none if no copies are made.

    `own` is the engine's model and `other` that of `proof_model`. Raises what loading an engine raises.
    """
    options = settings.transcribe
    if settings.redact.audio == "off":
        return ()
    if other is not None:
        second = load_engine(other, options.model_copy(update={"model": other.model.id, "card": ""}))
        return Listener(engine, options.search), Listener(second, options.search)
    # Where all beams are what every chunk gets, one is another opinion.
    search: Literal["greedy", "beam"] = "greedy" if options.search == "beam" else "beam"
    if isinstance(engine, WhisperEngine):
        return Listener(engine, options.search), Listener(engine.searching(search), search)
    again = load_engine(own, options.model_copy(update={"search": search}))
    return Listener(engine, options.search), Listener(again, search)

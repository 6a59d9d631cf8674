"""Who hears redacted copies: the engine that heard the recording, and a second model or search."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from asr.cores import cores
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
    """The id of the model that proving needs beside the engine's own, or None: then that one hears with all its beams,
    as it does where it would be its own witness."""
    is_own = settings.redact.proof in (BEAM, settings.transcribe.model)
    return None if settings.redact.audio == "off" or is_own else settings.redact.proof


def listeners(engine: Engine, settings: Settings, own: LocalModel, other: LocalModel | None) -> tuple[Listener, ...]:
    """The engine's own model, greedy, and who hears beside it; none if no copies are made.

    `own` is the engine's model and `other` that of `proof_model`. What stays in doubt is not tried again: words that
    were heard by chance prove nothing. They hear at the same time, so each has half of the cores: what is heard again
    is little, and one batch of it takes fewer steps than two. Raises what loading an engine raises.
    """
    if settings.redact.audio == "off":
        return ()
    threads = max(1, cores(settings.transcribe) // 2)
    first = Listener(_searching(engine, "greedy", threads, settings, own), "greedy")
    if other is None:
        return first, Listener(_searching(engine, "beam", threads, settings, own), "beam")
    changes = {"model": other.model.id, "card": "", "search": "greedy", "threads": threads, **_ONCE}
    return first, Listener(load_engine(other, settings.transcribe.model_copy(update=changes)), "greedy")


_ONCE = {"temperatures": (0.0,)}


def _searching(
    engine: Engine, search: Literal["greedy", "beam"], threads: int, settings: Settings, own: LocalModel
) -> Engine:
    """The engine's model, searched in one way; loaded again only where the engine cannot do that itself."""
    if isinstance(engine, WhisperEngine):
        return engine.searching(search, threads)
    changes = {"search": search, "threads": threads, **_ONCE}
    return load_engine(own, settings.transcribe.model_copy(update=changes))

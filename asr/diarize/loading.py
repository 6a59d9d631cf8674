"""The diarizer that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from threading import Lock

from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Diarizer, Speaking
from asr.errors import ConfigError
from asr.heap import trim_heap
from asr.types import Samples, Span


def load_diarizer(folders: Sequence[Path], options: DiarizeOptions, threads: int) -> Diarizer | None:
    """The diarizer for at most `threads` channels at a time; None if it is off.

    `folders` are those of the models of segmentation and of embedding, as far as the diarizer takes them. Raises
    ConfigError if what it runs on is not installed.
    """
    if options.diarizer == "off":
        return None
    if options.diarizer == "pyannote":
        try:
            from asr.diarize.pyannote import PyannoteDiarizer
        except ImportError as error:
            raise ConfigError(
                "diarize.diarizer is pyannote, and it is not installed",
                "Install it: .venv/bin/pip install -e '.[torch]'",
            ) from error
        return PyannoteDiarizer(folders, options)
    segmentation, embedding = folders

    def load() -> Diarizer:
        from asr.diarize.openvino import load_openvino

        return load_openvino(segmentation, embedding, options, threads)

    return _LoadedAtNeed(load)


class _LoadedAtNeed:
    """A diarizer that is loaded with the first mixed channel: most runs have none, and it takes memory and a second."""

    def __init__(self, load: Callable[[], Diarizer]) -> None:
        self._load = load
        self._lock = Lock()
        self._loaded: Diarizer | None = None

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span], *, shared: bool = True) -> tuple[Speaking, ...]:
        """See Diarizer.diarize. Raises ModelError for files that are no such models."""
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
                trim_heap()  # 60 MB of weights as they were read
        return self._loaded.diarize(sound, speech, shared=shared)

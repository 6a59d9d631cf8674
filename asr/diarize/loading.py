"""The diarizer that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Diarizer
from asr.errors import ConfigError


def load_diarizer(folders: Sequence[Path], options: DiarizeOptions, threads: int) -> Diarizer | None:
    """The diarizer for at most `threads` channels at a time; None if it is off.

    `folders` are those of the models of segmentation and of embedding, for the diarizers that take them. Raises
    ModelError for files that are no such models, ConfigError if what it runs on is not installed.
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
        return PyannoteDiarizer(options)
    from asr.diarize.openvino import load_openvino

    segmentation, embedding = folders
    return load_openvino(segmentation, embedding, options, threads)

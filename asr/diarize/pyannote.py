"""pyannote.audio's own pipeline, of the extra torch, behind the same seam."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from pyannote.audio import Pipeline
from pyannote.audio.core.plda import PLDA
from pyannote.audio.pipelines import SpeakerDiarization
from pyannote.audio.telemetry import set_telemetry_metrics

from asr.diarize.diarizer import numbered, within
from asr.diarize.openvino import SEGMENTATION_FILE
from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Speaking
from asr.errors import ConfigError
from asr.timebase import covering
from asr.types import MODEL_RATE_HZ, Samples, Span

_HUB_PIPELINE = "pyannote/speaker-diarization-community-1"

_CLUSTERING = {"method": "centroid", "min_cluster_size": 12, "threshold": 0.7045654963945799}
"""Of pyannote's speaker-diarization-3.1, which has the same segmentation."""


class PyannoteDiarizer:
    """Holds a whole channel in memory, and sends nothing to anybody: the pipeline's telemetry is off."""

    def __init__(self, folders: Sequence[Path], options: DiarizeOptions) -> None:
        """`folders` has the folder of the segmentation, unless the pipeline is the hub's, which wants a token of yours.

        Raises ConfigError for an embedding that pyannote.audio would not take for a file of ONNX, and without a token.
        """
        set_telemetry_metrics(False)
        self._options = options
        if options.pyannote_embedding:
            self._pipeline = _local(folders[0] / SEGMENTATION_FILE, options.pyannote_embedding)
        elif (pipeline := Pipeline.from_pretrained(_HUB_PIPELINE)) is not None:
            self._pipeline = pipeline
        else:
            raise ConfigError(
                f"{_HUB_PIPELINE} cannot be had from its hub",
                "Accept its terms there and log in, or set diarize.pyannote_embedding",
            )

    def diarize(
        self,
        sound: Iterable[Samples],
        speech: Sequence[Span],
        *,
        shared: bool = True,  # noqa: ARG002
    ) -> tuple[Speaking, ...]:
        """See Diarizer.diarize."""
        blocks = list(sound)
        if not blocks or not speech:
            return ()
        waveform = torch.from_numpy(np.concatenate(blocks))[None]
        least, most = self._options.bounds
        answer = self._pipeline(
            {"waveform": waveform, "sample_rate": MODEL_RATE_HZ}, min_speakers=least, max_speakers=most
        )
        labels = sorted(answer.speaker_diarization.labels())
        found = [
            Speaking(span, labels.index(label))
            for segment, _, label in answer.speaker_diarization.itertracks(yield_label=True)
            for span in within([covering(segment.start, segment.end)], speech)
        ]
        return numbered(sorted(found, key=lambda one: (one.span.start, one.span.stop, one.speaker)))


def _local(segmentation: Path, embedding: str) -> Pipeline:
    """The pipeline from files, without any hub."""
    if "wespeaker" not in embedding or "pyannote" in embedding or not Path(embedding).is_file():
        raise ConfigError(
            f"diarize.pyannote_embedding is {embedding}, and pyannote.audio takes no such file for an embedding",
            "Name a file of ONNX (docs/speakers.md) with wespeaker and without pyannote in its path",
        )
    pipeline = SpeakerDiarization(
        segmentation=str(segmentation),
        embedding=embedding,
        embedding_exclude_overlap=True,
        clustering="AgglomerativeClustering",
        # This clustering has no use for one, and pyannote.audio 4.0.7 would fetch it from the hub.
        plda=object.__new__(PLDA),
    )
    pipeline.instantiate({"segmentation": {"min_duration_off": 0.0}, "clustering": _CLUSTERING})
    return pipeline

"""pyannote.audio's own pipeline, of the extra torch, behind the same seam."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from pyannote.audio import Pipeline

from asr.diarize.diarizer import numbered, within
from asr.diarize.options import DiarizeOptions
from asr.diarize.types import Speaking
from asr.timebase import covering
from asr.types import MODEL_RATE_HZ, Samples, Span

_PIPELINE = "pyannote/speaker-diarization-community-1"


class PyannoteDiarizer:
    """Holds a whole channel in memory; the pipeline comes from its hub, for which it wants a token of yours."""

    def __init__(self, options: DiarizeOptions) -> None:
        self._pipeline = Pipeline.from_pretrained(_PIPELINE)
        self._options = options

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span]) -> tuple[Speaking, ...]:
        """See Diarizer.diarize."""
        waveform = torch.from_numpy(np.concatenate(list(sound)))[None]
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
        return numbered(found)

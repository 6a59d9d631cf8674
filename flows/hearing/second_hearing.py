"""A part of a sample of all calls, heard again by another model: where two models differ, one of them is wrong.

Only how many words differ is kept, never which.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.guards import Evidence, guard
from asr.models import LocalModel
from asr.scoring.errors import EditErrors, pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.types import Hypothesis, Samples
from configs.settings import Settings
from flows.preparation import Prepared, read_chunks

_CHUNKS = 2
"""At most so many chunks of a call are heard again, a minute at most."""


@dataclass(frozen=True, slots=True)
class SecondHearing:
    """What a second model heard otherwise: its id, and errors against the first model's text as the reference."""

    model: str
    errors: EditErrors


@dataclass(slots=True)
class SecondModel:
    """A second model, loaded when the first call of the sample comes."""

    model: LocalModel
    settings: Settings
    _engine: Engine | None = field(default=None, repr=False)

    def hear(self, prepared: Prepared, first: Sequence[Hypothesis], settings: Settings) -> SecondHearing | None:
        """How far the second model is from what was heard first in some chunks of a call.

        None for a call that is not in the sample, that has no chunks, or that the second model failed at: a figure that
        is missing is no reason to lose a call.
        """
        sha256 = prepared.recording.sha256
        if not first or not is_sampled(sha256, settings.quality.sample):
            return None
        try:
            return SecondHearing(self.model.model.id, self._differences(prepared, first, settings))
        except Exception:  # noqa: BLE001
            return None

    def _differences(self, prepared: Prepared, first: Sequence[Hypothesis], settings: Settings) -> EditErrors:
        chosen = part(prepared.recording.sha256, len(first))
        sounds: dict[int, tuple[Samples, Evidence]] = {}
        firsts = _firsts(prepared)
        for place, number, samples in read_chunks(prepared, settings):
            if (at := firsts[place] + number) in chosen:
                own = prepared.channels[place]
                sounds[at] = samples, Evidence.of(own.chunks[number], own.bursts, own.probabilities)
        heard = self._loaded().transcribe([sounds[at][0] for at in chosen])
        second = [guard(answer, sounds[at][1])[0] for at, answer in zip(chosen, heard, strict=True)]
        return pooled(word_errors(_text(first[at]), _text(answer)) for at, answer in zip(chosen, second, strict=True))

    def _loaded(self) -> Engine:
        if self._engine is None:
            changes = {"model": self.model.model.id, "card": "", "search": "greedy", "temperatures": (0.0,)}
            self._engine = load_engine(self.model, self.settings.transcribe.model_copy(update=changes))
        return self._engine


def is_sampled(sha256: str, share: float) -> bool:
    """Whether a recording is of a sample of this share: always the same answer for the same bytes.

    Other digits of the hash than those that choose the calls whose copies are proved as a whole (flows/proof.py).
    """
    return int(sha256[8:16], 16) < share * 2**32


def part(sha256: str, n_chunks: int) -> tuple[int, ...]:
    """Which of a call's chunks are heard again, by the recording's hash, spread over all of it.

    >>> part("0" * 16 + "5" + "0" * 47, 4)
    (1, 3)
    """
    n = min(_CHUNKS, n_chunks)
    start = int(sha256[16:24], 16)
    return tuple(sorted({(start + at * n_chunks // n) % n_chunks for at in range(n)}))


def _firsts(prepared: Prepared) -> list[int]:
    firsts, at = [], 0
    for channel in prepared.channels:
        firsts.append(at)
        at += len(channel.chunks)
    return firsts


def _text(hypothesis: Hypothesis) -> str:
    return whisper_english(" ".join(word.text for word in hypothesis.words))

"""A second hearing for chunks whose text leaves speech out, and the guards for all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from asr.engines.base import Engine
from asr.guards import Evidence, guard, joined, judged, lost_speech_s, middle_pause_s
from asr.options import GuardOptions
from asr.timebase import to_samples, to_seconds
from asr.types import GuardCounts, Hypothesis, Samples
from asr.whisper.engine import WhisperEngine

_LOGPROB_DROP = 0.5
"""A second text that is less likely by more is another one, not a better hearing (asr/whisper/judging.py)."""


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """A chunk, (n_samples,) float32 at 16 kHz, where in it somebody speaks, and what an engine heard."""

    samples: Samples = field(repr=False)
    evidence: Evidence
    hypothesis: Hypothesis = field(repr=False)


def guarded(engine: Engine, chunks: Sequence[Said], options: GuardOptions) -> list[tuple[Hypothesis, GuardCounts]]:
    """What stands of each chunk's text, and what was done to it.

    Texts that leave out `options.lost_speech_s` of speech in a row are heard again in two halves, all in one batch. The
    second text is taken if it leaves out at most half of that and is not much less likely. Raises what the engine
    raises.
    """
    if not options.enabled:
        return [(chunk.hypothesis, judged(chunk.hypothesis)) for chunk in chunks]
    lost_s = [lost_speech_s(chunk.hypothesis, chunk.evidence) for chunk in chunks]
    again = [at for at, lost in enumerate(lost_s) if lost >= options.lost_speech_s]
    second = dict(zip(again, _in_halves(engine, [chunks[at] for at in again]), strict=True))
    found = []
    for at, chunk in enumerate(chunks):
        hypothesis, counts = guard(chunk.hypothesis, chunk.evidence)
        if at in second:
            retried, retried_counts = guard(second[at], chunk.evidence)
            left_s = lost_speech_s(retried, chunk.evidence)
            is_close = retried.mean_logprob >= chunk.hypothesis.mean_logprob - _LOGPROB_DROP
            is_better = left_s <= lost_s[at] / 2 and (is_close or not hypothesis.words)
            hypothesis, counts = (retried, retried_counts) if is_better else (hypothesis, counts)
            is_lost = lost_speech_s(hypothesis, chunk.evidence) >= options.lost_speech_s
            counts += GuardCounts(retried=1, recovered=int(is_better), unheard=int(is_lost))
        found.append((hypothesis, counts))
    return found


def _in_halves(engine: Engine, chunks: Sequence[Said]) -> list[Hypothesis]:
    """What an engine hears in each chunk when it is given it as two.

    With all its beams and no samples: those were drawn of the whole chunk. Of 24 telephone calls one chunk is heard
    again, for 1.0 s of CPU time; with samples it took 4.1, of 52 for all, and heard the same.
    """
    if not chunks:
        return []
    if isinstance(engine, WhisperEngine):
        engine = engine.searching("beam")
    cuts = [to_samples(middle_pause_s(chunk.evidence, to_seconds(len(chunk.samples)))) for chunk in chunks]
    halves = [
        half for chunk, cut in zip(chunks, cuts, strict=True) for half in (chunk.samples[:cut], chunk.samples[cut:])
    ]
    heard = engine.transcribe(halves)
    return [
        joined(first, second, to_seconds(cut)) for first, second, cut in zip(heard[::2], heard[1::2], cuts, strict=True)
    ]

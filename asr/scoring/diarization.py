"""Who talks when, against who did: the diarization error rate (NIST RT-09, pyannote.metrics).

Everything is a sum of seconds: speech that nobody was found in, speakers that were found where nobody, or fewer, talk,
and speech that is somebody else's; over all speech of the reference, in which two who talk at once count twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from asr.diarize.rttm import Talk
from asr.scoring.assignment import cheapest

COLLAR_S = 0.25
"""How far around the borders of the truth NIST does not score."""


@dataclass(frozen=True, slots=True)
class DiarizationErrors:
    """The components of a diarization error rate in seconds; they add up over calls."""

    missed_s: float = 0.0
    false_alarm_s: float = 0.0
    confusion_s: float = 0.0
    speech_s: float = 0.0

    @property
    def rate(self) -> float:
        """(missed + false alarm + confusion) / speech of the reference; without any 0, or 1 if any was found."""
        wrong_s = self.missed_s + self.false_alarm_s + self.confusion_s
        return wrong_s / self.speech_s if self.speech_s else float(wrong_s > 0)

    def __add__(self, other: DiarizationErrors) -> DiarizationErrors:
        return DiarizationErrors(
            self.missed_s + other.missed_s,
            self.false_alarm_s + other.false_alarm_s,
            self.confusion_s + other.confusion_s,
            self.speech_s + other.speech_s,
        )


def diarization_errors(truth: Sequence[Talk], found: Sequence[Talk], collar_s: float = 0.0) -> DiarizationErrors:
    """The errors of what was found under the naming of speakers that shares most time with the truth.

    Nothing is scored within `collar_s` of a border of the truth; overlap is. Stretches of one speaker that overlap are
    one.

    >>> diarization_errors([Talk("A", 0, 10)], [Talk("x", 2, 12)])
    DiarizationErrors(missed_s=2.0, false_alarm_s=2.0, confusion_s=0.0, speech_s=10.0)
    """
    edges = sorted({edge for one in truth for edge in (one.start_s, one.end_s)}) if collar_s else []
    spared = [Talk("", edge - collar_s, edge + collar_s) for edge in edges]
    borders = np.unique([time for one in (*truth, *found, *spared) for time in (one.start_s, one.end_s)])
    pieces_s = np.diff(borders, append=borders[-1:]) * ~_talking(spared, borders).any(axis=0)
    here, there = _talking(truth, borders), _talking(found, borders)
    most = max(len(here), len(there))
    shared_s = np.zeros((most, most))
    shared_s[: len(here), : len(there)] = (here * pieces_s) @ there.T
    names = cheapest(-shared_s)
    n_here, n_there = here.sum(axis=0), there.sum(axis=0)
    right_s = sum(shared_s[row, column] for row, column in enumerate(names))
    return DiarizationErrors(
        missed_s=float(pieces_s @ np.maximum(0, n_here - n_there)),
        false_alarm_s=float(pieces_s @ np.maximum(0, n_there - n_here)),
        confusion_s=float(pieces_s @ np.minimum(n_here, n_there) - right_s),
        speech_s=float(pieces_s @ n_here),
    )


def _talking(talk: Sequence[Talk], borders: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether each speaker talks from each border to the next, (n_speakers, n_borders)."""
    speakers = sorted({one.speaker for one in talk})
    found = np.zeros((len(speakers), len(borders)), dtype=bool)
    for one in talk:
        first, last = np.searchsorted(borders, (one.start_s, one.end_s))
        found[speakers.index(one.speaker), first:last] = True
    return found

"""Real telephone calls: music where it was laid, and no tone or key that nobody sent."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.sounds.sound import SoundListener
from asr.timebase import to_seconds
from asr.types import RegionKind

TELEPHONE = Path(__file__).parents[3] / "shared" / "data" / "phone"


@pytest.mark.skipif(not TELEPHONE.is_dir(), reason="the telephone calls are not on this machine")
def test_calls_have_music_where_it_was_laid_and_no_tones() -> None:
    calls = sorted(TELEPHONE.glob("*.wav"))
    laid_s = found_s = wrong_s = 0.0
    for call in calls:
        held = json.loads(call.with_suffix(".json").read_text())["hold_music"]
        samples, rate_hz = soundfile.read(call, dtype="float32", always_2d=True)
        for channel in range(2):
            listener = SoundListener(rate_hz)
            listener.hear(np.ascontiguousarray(samples[:, channel]))
            sounds = listener.end()
            assert {sound.kind for sound in sounds} <= {RegionKind.MUSIC}, call.name
            here = held is not None and held["channel"] == channel
            start_s, end_s = (held["start_s"], held["end_s"]) if here else (0.0, 0.0)
            laid_s += end_s - start_s
            for sound in sounds:
                first_s, last_s = to_seconds(sound.span.start), to_seconds(sound.span.stop)
                right_s = max(0.0, min(last_s, end_s) - max(first_s, start_s))
                found_s += right_s
                wrong_s += last_s - first_s - right_s
    assert len(calls) == 24
    assert found_s > 0.97 * laid_s
    assert wrong_s < 8.0

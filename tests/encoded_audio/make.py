"""Write bank.awb: two seconds of sample_audio/bank.wav in AMR-WB, for which no installed package has an encoder.

`python tests/encoded_audio/make.py LIBRARY`, with VisualOn's encoder (Apache-2.0), libvo-amrwbenc.so.0 of Debian's
package libvo-amrwbenc0. The frames are stored as RFC 4867, section 5, has it.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import soundfile
import soxr

HERE = Path(__file__).resolve().parent
START_S, STOP_S = 8, 10
FRAME = 320
"""Samples in 20 ms at 16 kHz."""
MODE = 8
"""23.85 kbit/s."""


def main(library: str) -> None:
    """Encode the agent's channel."""
    encoder = ctypes.CDLL(library)
    encoder.E_IF_init.restype = ctypes.c_void_p
    state = ctypes.c_void_p(encoder.E_IF_init())
    audio, rate_hz = soundfile.read(HERE.parents[1] / "sample_audio" / "bank.wav", dtype="float32")
    speech = soxr.resample(audio[START_S * rate_hz : STOP_S * rate_hz, 0], rate_hz, 16_000)
    frames = (speech * 32_767).astype(np.int16).reshape(-1, FRAME)
    out = b"#!AMR-WB\n"
    for frame in frames:
        coded = ctypes.create_string_buffer(100)
        samples = np.ascontiguousarray(frame).ctypes.data_as(ctypes.POINTER(ctypes.c_short))
        size = encoder.E_IF_encode(state, MODE, samples, coded, 0)
        out += coded.raw[:size]
    (HERE / "bank.awb").write_bytes(out)


if __name__ == "__main__":
    main(sys.argv[1])

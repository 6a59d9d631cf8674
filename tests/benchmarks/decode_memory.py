"""What it takes to read a call of four hours, by format: `python -m tests.benchmarks.decode_memory [FORMAT ...]`.

Each format's call is made of the sample calls, over and over, and goes through both passes in a process of its own:
survey, regions, chunks, and the samples of every chunk, which are let go. Memory is what the process took at most, over
what it had taken once the model that finds speech was loaded.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from itertools import chain, repeat
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from asr.chunking import chunk
from asr.cutting import cut_chunks
from asr.decode import identify
from asr.options import ChunkOptions, DecodeOptions, VadOptions
from asr.regions import find_speech
from asr.survey import survey
from asr.vad import SileroVad
from configs.load import load
from flows import wiring

SAMPLES = Path(__file__).parents[2] / "sample_audio"
LENGTH_S = 14_400
RATE_HZ = 8_000
FORMATS = {"wav": "ULAW", "flac": "PCM_16", "mp3": "libmp3lame", "opus": "libopus", "m4a": "aac"}


def make(path: Path, coder: str) -> None:
    """Write the call, two channels at 8 kHz."""
    calls = [soundfile.read(call, dtype="float32", always_2d=True)[0] for call in sorted(SAMPLES.glob("*.wav"))]
    once = np.concatenate(calls)
    rounds = -(-LENGTH_S * RATE_HZ // len(once))
    if path.suffix in (".wav", ".flac"):
        with soundfile.SoundFile(path, "w", RATE_HZ, 2, subtype=coder) as file:
            for samples in repeat(once, rounds):
                file.write(samples)
        return
    with av.open(str(path), "w", format="ogg" if path.suffix == ".opus" else None) as container:
        stream: Any = container.add_stream(coder, rate=RATE_HZ, layout="stereo")
        packets = _packets(stream, once)
        step = sum(packet.duration or 0 for packet in packets)
        # Encoded once; joints click, which costs no memory.
        for number, packet in chain.from_iterable(zip(repeat(at), packets, strict=False) for at in range(rounds)):
            copy = av.Packet(bytes(packet))
            copy.stream, copy.time_base = stream, packet.time_base
            copy.pts = copy.dts = (packet.pts or 0) + number * step
            copy.duration = packet.duration
            container.mux(copy)


def _packets(stream: Any, samples: NDArray[np.float32]) -> list[Any]:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = RATE_HZ, 0
    return [packet for packet in [*stream.encode(frame), *stream.encode(None)] if packet.size]


def read(path: Path) -> None:
    """Take the call through both passes, and print what that took."""
    detector = SileroVad(wiring.vad_file(load(None, [], os.environ, None)))
    detector.probabilities(np.zeros(16_000 * 30, np.float32))
    loaded_mb, began_s, began_cpu_s = _peak_mb(), time.perf_counter(), time.process_time()
    recording = identify(path)
    found = survey(recording, detector, DecodeOptions())
    surveyed_mb, surveyed_cpu_s = _peak_mb(), time.process_time()
    plans = []
    for channel in found.channels:
        speech = find_speech(channel.probabilities, channel.n_samples, VadOptions(), ChunkOptions())
        plans.append(chunk(speech, channel.channel, ChunkOptions()))
    speech_s = sum(len(samples) for _, _, samples in cut_chunks(recording, plans, DecodeOptions())) / 16_000
    cpu_s = surveyed_cpu_s - began_cpu_s, time.process_time() - began_cpu_s
    print(
        f"{found.container} {found.codec}: {recording.size_bytes / 1e6:.0f} MB, {found.duration_s / 3600:.2f} h, "
        f"{speech_s / 3600:.2f} h of speech; memory {surveyed_mb - loaded_mb:.0f} MB in the first pass, "
        f"{_peak_mb() - loaded_mb:.0f} MB in both, over {loaded_mb:.0f} MB; CPU {cpu_s[0]:.0f} s in the first, "
        f"{cpu_s[1]:.0f} s in both; {time.perf_counter() - began_s:.0f} s of wall time",
        flush=True,
    )


def _peak_mb() -> float:
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def main(formats: list[str]) -> None:
    """Make the call in each format, in a folder that goes away, and read it."""
    if formats[:1] == ["of"]:
        read(Path(formats[1]))
        return
    for name in formats or FORMATS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"call.{name}"
            make(path, FORMATS[name])
            subprocess.run([sys.executable, "-m", "tests.benchmarks.decode_memory", "of", str(path)], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])

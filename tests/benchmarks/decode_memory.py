"""What it takes to read a call of four hours: `python -m tests.benchmarks.decode_memory [deaf] [NAME ...]`.

In each format of tests/encodings.py (or those that are named), two channels where the format holds two, it goes
through both passes in a process of its own: a survey, and every second of all channels cut into chunks, which are let
go. Memory is what the process took at most, over what it had taken once the model that finds speech was loaded; `deaf`
leaves that model out of the survey.
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

from asr.cutting import cut_chunks
from asr.decode import identify
from asr.files.options import DecodeOptions, Headerless
from asr.survey import ChannelSurvey, survey
from asr.types import Chunk, Span
from asr.vad import SileroVad
from configs.load import load
from flows import wiring
from tests.deaf import DeafDetector
from tests.encodings import ENCODINGS, LAYOUTS, TESTS, Encoding, speech

LENGTH_S = 14_400
ONCE_S = 80.0
"""Of the sample call, over and over."""

HEADERLESS = Encoding("headerless.ulaw", "RAW", "ULAW")
AMR_WB = TESTS / "encoded_audio" / "bank.awb"
OPTIONS = DecodeOptions(headerless={".ulaw": Headerless(codec="mulaw", channels=2)})


def made() -> dict[str, Encoding]:
    """The formats by name, those of recorders: at most two channels, and no video."""
    return {one.name: one for one in (*ENCODINGS, HEADERLESS) if one.n_channels <= 2 and not one.with_video}


def make(path: Path, encoding: Encoding) -> None:
    """Write the call."""
    once = speech(encoding.rate_hz, encoding.n_channels, ONCE_S)
    rounds = -(-LENGTH_S // int(ONCE_S))
    if encoding.by == "soundfile":
        shape = (encoding.rate_hz, encoding.n_channels, encoding.codec, "FILE", encoding.container)
        with soundfile.SoundFile(path, "w", *shape) as file:
            for _ in range(rounds):
                for at in range(0, once.shape[1], 8_192):  # libsndfile's coders of Ogg take the stack for all of them
                    file.write(once[:, at : at + 8_192].T)
        return
    form = "adts" if path.suffix == ".aac" else None
    with av.open(str(path), "w", format=form, options=dict(encoding.options)) as container:
        layout = LAYOUTS[encoding.n_channels]
        stream: Any = container.add_stream(
            encoding.encoder, rate=encoding.rate_hz, layout=layout, options=dict(encoding.options)
        )
        if encoding.bit_rate:
            stream.bit_rate = encoding.bit_rate
        packets = _packets(stream, once, encoding.rate_hz, layout)
        step = sum(packet.duration or 0 for packet in packets)
        # Encoded once; joints click, which costs no memory.
        for number, packet in chain.from_iterable(zip(repeat(at), packets, strict=False) for at in range(rounds)):
            copy = av.Packet(bytes(packet))
            copy.stream, copy.time_base = stream, packet.time_base
            copy.pts = copy.dts = (packet.pts or 0) + number * step
            copy.duration = packet.duration
            container.mux(copy)


def make_amr_wb(path: Path) -> None:
    """Write the two seconds that are at hand over and over: nothing here encodes AMR-WB."""
    magic, frames = (data := AMR_WB.read_bytes())[:9], data[9:]
    path.write_bytes(magic + frames * (LENGTH_S // 2))


def _packets(stream: Any, samples: NDArray[np.float32], rate_hz: int, layout: str) -> list[Any]:
    frame = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
    frame.sample_rate, frame.pts = rate_hz, 0
    packets = [packet for packet in [*stream.encode(frame), *stream.encode(None)] if packet.size]
    # The last one is shorter where a coder can say so, which none may be in the middle.
    return [packet for packet in packets if packet.duration == packets[0].duration]


def read(path: Path, deaf: bool) -> None:  # noqa: FBT001
    """Take the call through both passes, and print what that took."""
    model = SileroVad(wiring.vad_file(load(None, [], os.environ, None)))
    model.probabilities(np.zeros(16_000 * 30, np.float32))
    loaded_mb, began_cpu_s = _peak_mb(), time.process_time()
    recording = identify(path)
    found = survey(recording, DeafDetector() if deaf else model, OPTIONS)
    surveyed_mb, surveyed_cpu_s = _peak_mb(), time.process_time()
    plans = [_all_of(channel) for channel in found.channels]
    cut_s = sum(len(samples) for _, _, samples in cut_chunks(recording, plans, OPTIONS)) / 16_000
    cpu_s = surveyed_cpu_s - began_cpu_s, time.process_time() - began_cpu_s
    facts = f"{path.name} | {found.container} {found.codec} | {len(found.channels)} | {recording.size_bytes / 1e6:,.0f}"
    hours = f"{found.duration_s / 3600:.2f} | {cut_s / 3600:.2f}"
    memory = f"{surveyed_mb - loaded_mb:.0f} | {_peak_mb() - loaded_mb:.0f} | {loaded_mb:.0f}"
    print(f"| {facts} | {hours} | {memory} | {cpu_s[0]:.0f} | {cpu_s[1]:.0f} |", flush=True)


def _all_of(channel: ChannelSurvey) -> list[Chunk]:
    """The whole channel, 30 s after 30 s."""
    size, end = 30 * 16_000, channel.n_samples
    return [Chunk(channel.channel, (Span(at, min(at + size, end)),)) for at in range(0, end, size)]


def _peak_mb() -> float:
    (peak,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


def main(words: list[str]) -> None:
    """Make the call in each format, in a folder that goes away, and read it."""
    how = [word for word in words if word == "deaf"]
    if "of" in words:
        read(Path(words[-1]), deaf=bool(how))
        return
    names = [word for word in words if word != "deaf"] or [*made(), AMR_WB.name]
    print(
        "| file | format | channels | MB | hours | hours of chunks | MB, pass 1 | MB, both | over MB | CPU s | both |"
    )
    print("|---" * 11 + "|", flush=True)
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / name
            if name == AMR_WB.name:
                make_amr_wb(path)
            else:
                make(path, made()[name])
            line = [sys.executable, "-m", "tests.benchmarks.decode_memory", *how, "of", str(path)]
            subprocess.run(line, check=True)


if __name__ == "__main__":
    main(sys.argv[1:])

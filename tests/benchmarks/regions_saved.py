"""What finding regions saves and costs: `python -m tests.benchmarks.regions_saved FOLDER [SETTING ...]`.

The calls of the folder, with references beside them, are transcribed with regions, in windows of 30 s that are cut
where they fall, of which those without any speech are left out or not, and with regions but without guards.
"""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

from asr.decode import identify
from asr.engines.registry import load_engine
from asr.scoring.errors import pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.timebase import to_samples, to_seconds
from asr.types import Chunk, GuardCounts, Span
from asr.vad import SileroVad
from configs.load import load
from flows import preparation, stages, wiring
from flows.benches.benchmark import references
from flows.preparation import Prepared, PreparedChannel

SETTINGS = ("regions", "regions, no guards", "windows of 30 s with speech in them", "windows of 30 s, all")


def _windows(item: Prepared, channel: PreparedChannel, *, every: bool) -> tuple[Chunk, ...]:
    n_samples, size = to_samples(item.facts.duration_s), to_samples(30.0)
    spans = [Span(at, min(at + size, n_samples)) for at in range(0, n_samples, size)]
    kept = [span for span in spans if every or any(b.start < span.stop and span.start < b.stop for b in channel.bursts)]
    return tuple(Chunk(channel.channel, (span,)) for span in kept)


def replanned(item: Prepared, setting: str) -> Prepared:
    """The recording with the chunks of a setting. Where nothing was looked for, a word may lie anywhere."""
    if setting.startswith("regions"):
        return item
    every = setting.endswith("all")
    channels = []
    for channel in item.channels:
        chunks = _windows(item, channel, every=every)
        anywhere = (Span(0, to_samples(item.facts.duration_s)),)
        channels.append(replace(channel, chunks=chunks, bursts=anywhere if every else channel.bursts))
    return replace(item, channels=tuple(channels))


def main(folder: str, *chosen: str) -> None:
    """Print a row for each setting."""
    calls = sorted(Path(folder).glob("*.wav"))
    settings = load(None, [], os.environ, None)
    unguarded = settings.model_copy(update={"guards": settings.guards.model_copy(update={"enabled": False})})
    engine = load_engine(wiring.fetch_model(settings, settings.transcribe.model), settings.transcribe)
    detector = SileroVad(wiring.vad_file(settings))
    prepared = [preparation.prepare(identify(call), detector, settings) for call in calls]
    whole_s = sum(item.facts.duration_s * len(item.channels) for item in prepared)
    print("| setting | sent to the encoder | WER | sub | del | ins | words | CPU s | guards |\n" + "|---" * 9 + "|")
    for setting in chosen or SETTINGS:
        own = settings if setting == "regions" else unguarded
        planned = [replanned(item, setting) for item in prepared]
        sent_s = sum(to_seconds(len(part)) for item in planned for part in item.chunks)
        began_s = time.process_time()
        heard = stages.hear(planned, engine, own, lambda _: None)
        took_s = time.process_time() - began_s
        errors, words = [], 0
        for call, item, answer in zip(calls, planned, heard, strict=True):
            transcript = stages.assemble(item, answer, wiring.provenance(engine, own), own)
            wanted = references(call, len(item.channels))
            for channel, text in zip(transcript.channels, wanted, strict=True):
                said = " ".join(turn.text for turn in transcript.turns if turn.channel == channel)
                errors.append(word_errors(text, whisper_english(said)))
                words += len(whisper_english(said).split())
        total = pooled(errors)
        counts = sum((answer.guards for answer in heard), GuardCounts())
        print(
            f"| {setting} | {sent_s / whole_s:.0%} | {total.rate:.1%} | {total.substitutions} | {total.deletions} | "
            f"{total.insertions} | {words:,} | {took_s:.0f} | {counts} |",
            flush=True,
        )


if __name__ == "__main__":
    main(*sys.argv[1:])

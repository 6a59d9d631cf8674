"""A worker that watches a folder with all of callwright's leases and rows, and with a made-up transcript for each file.

`python tests/ingest_worker.py DATABASE DATA_DIR DROP EACH_S [--once]`. A file that begins with "poison" kills it, as a
codec that crashes would. Prints a line once it looks for the first time.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from asr.types import Channel, Provenance, Recording
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord
from configs.load import load
from flows.ingest import Source
from flows.inlets.folder import FolderInlet
from flows.plan import plan
from flows.watch import Cycle, watch, watching
from flows.work import Processed, Work
from storage.errors import LeaseLostError
from storage.types import AudioFacts, Publication, RunState

SETTINGS = ("ingest.complete=rename", "ingest.poll_s=0.1", "ingest.batch_recordings=8", "ingest.stable_s=0")


def made_up(recording: Recording) -> Publication:
    words = (RedactedWord("hello", 0.1, 0.3, 0.5),)
    transcript = RedactedTranscript(
        audio=recording.name,
        duration_s=1.0,
        channels=(Channel.AGENT,),
        turns=(RedactedTurn("agent", Channel.AGENT, words),),
        regions=(),
        redactions=(),
        policy="pii",
        provenance=Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "0.1.0"),
    )
    return Publication(recording, AudioFacts(1.0, "WAV", "PCM_16", 8_000), transcript)


def at_pace(each_s: float) -> Any:
    """What takes the place of Work.process: so many seconds for each recording."""

    def process(self: Work, sources: Sequence[Source], _meter: object, *, again: bool) -> Processed:
        repository, began_s = self.archive.repository, time.monotonic()
        run = repository.begin_run("f", "1", self.leases.term())
        suspects = self.leases.suspects([source.recording.sha256 for source in sources])
        for group in plan(sources, suspects, self.settings.batch):
            members = [source.recording for source in group]
            claim = self.leases.claim(run, members, self.settings.ingest.max_tries, again=again)
            for recording in members:
                if recording.sha256 in claim.tokens:
                    if recording.path.read_bytes().startswith(b"poison"):
                        os.kill(os.getpid(), signal.SIGKILL)
                    time.sleep(each_s)
                    try:
                        repository.publish(run, made_up(recording), claim.tokens[recording.sha256])
                    except LeaseLostError:
                        continue
        self.leases.release()
        repository.finish_run(run, RunState.COMPLETED, time.monotonic() - began_s)
        return Processed()

    return process


def main(database: str, data_dir: str, drop: str, each_s: str, *more: str) -> None:
    overrides = [text.removeprefix("--set=") for text in more if text.startswith("--set=")]
    settings = load(None, (f"storage.database_url={database}", *SETTINGS, *overrides), {}, Path(os.devnull))
    Work.process = at_pace(float(each_s))  # type: ignore[method-assign]
    stop = threading.Event()

    def told(cycle: Cycle) -> None:
        for trouble in cycle.troubles:
            sys.stderr.write(f"{trouble}\n")

    inlet = FolderInlet(Path(drop), settings)
    with watching([inlet], settings, Path(data_dir), stop, lambda: None) as watcher:  # type: ignore[arg-type,return-value]
        sys.stdout.write("looking\n")
        sys.stdout.flush()
        watch(watcher, stop, told, once="--once" in more)


if __name__ == "__main__":
    main(*sys.argv[1:])

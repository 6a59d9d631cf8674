"""A pass over 1,000 calls by way of a server that answers in 50 ms: how full it is kept, and how memory grows.

    python -m tests.benchmarks.summaries_at_once [CALLS] [CONCURRENCY]

The server is a process of its own, so that its work is not this one's. Calls are published in a database of their own.
"""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import sys
import tempfile
import threading
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from asr.types import Recording
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from configs.load import load
from flows.language_model import model_summariser
from flows.summaries import Wish, summaries_of, summarise_with
from flows.wiring import fetch_model, open_archive
from llm.extractive import quote
from storage.types import AudioFacts, Publication
from tests.benchmarks.grounding.samples import transcript
from tests.chat_server import SUMMARY, Reply, chat_server, completion

ANSWER_S = 0.05
SAID = [
    ("agent", "Thank you for calling. How may I help you?"),
    ("customer", "Hello. I would like to order a bench."),
    ("agent", "Please read me your card."),
    ("customer", "[CREDIT_CARD]"),
    ("agent", "I have placed your order. You will receive it on Friday."),
    ("customer", "Great, thank you very much, and have a nice day."),
] * 4


def serve(pipe: Connection) -> None:
    """Answer until told to stop; then tell how busy it was."""
    reply = Reply(completion(json.dumps(SUMMARY)), wait_s=ANSWER_S)
    with chat_server(lambda *_: reply) as server:
        pipe.send(server.url)
        pipe.recv()
        pipe.send((len(server.asked), server.busy_s, server.ended_s - server.began_s, server.most_busy))


def rss_mb() -> float:
    """Resident memory of this process, in MB."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    calls, at_once = (int(value) for value in (*sys.argv[1:], 1_000, 8)[:2])
    pipe, other = multiprocessing.get_context("spawn").Pipe()
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(other,), daemon=True)
    process.start()
    url = pipe.recv()
    overrides = [
        f"llm.base_url={url}",
        "llm.model=fake-1",
        "llm.dialect=json_schema",
        f"summarise.concurrency={at_once}",
    ]
    settings = load(None, overrides, {}, Path(os.devnull))
    redactor = Redactor.load(fetch_model(settings, settings.redact.ner_model).folder, RedactionOptions())
    with tempfile.TemporaryDirectory() as folder:
        archive = open_archive(settings, Path(folder))
        run_id = archive.repository.begin_run("f", "1")
        for number in range(calls):
            said = replace(transcript(SAID), audio=f"{number}.wav")
            recording = Recording(hashlib.sha256(said.audio.encode()).hexdigest(), Path(folder) / said.audio, 1_000)
            publication = Publication(recording, AudioFacts(60.0, "WAV", "PCM_16", 8_000), said, quote(said))
            archive.repository.publish(run_id, publication)
        seen: list[float] = []
        summaries = summaries_of(archive, "benchmark")
        cpu_s, began_s = time.process_time(), time.monotonic()
        with model_summariser(settings, Path(folder), redactor) as summariser:
            done = summarise_with(
                summaries, summariser, Wish(), at_once, threading.Event(), lambda: seen.append(rss_mb())
            )
        wall_s, cpu_s = time.monotonic() - began_s, time.process_time() - cpu_s
        archive.database.dispose()
    pipe.send("stop")
    asked, busy_s, served_s, most = pipe.recv()
    told: dict[str, Any] = {
        "calls": done.made,
        "asked": asked,
        "wall_s": round(wall_s, 1),
        "cpu_s_per_1000_calls": round(cpu_s / calls * 1_000, 1),
        "least_possible_s": round(calls * ANSWER_S / at_once, 1),
        "mean_at_once": round(busy_s / served_s, 2),
        "most_at_once": most,
        "rss_mb_after_100": round(seen[min(99, calls - 1)]),
        "rss_mb_at_end": round(seen[-1]),
    }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()

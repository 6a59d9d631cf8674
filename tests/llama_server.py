"""llama.cpp's own server, in a process of its own, as tests and benchmarks ask it.

    python -m tests.llama_server GGUF [CONTEXT_TOKENS] [KV_CACHE] [AT_ONCE] [THREADS]

serves until its input ends, and prints its address first. xllamacpp, of the extra `llama`, is that server as a library.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Served:
    """Where it answers, and its process."""

    url: str
    pid: int


@contextmanager
def llama_server(
    gguf: Path, context_tokens: int = 2_048, kv_cache: str = "f16", at_once: int = 1, threads: int = 1
) -> Iterator[Served]:
    """A server of that file until the block ends; each of `at_once` conversations has so many tokens.

    One thread, unless told: two that share a core with others wait for each other.
    """
    told = (gguf, context_tokens, kv_cache, at_once, threads)
    line = [sys.executable, "-m", "tests.llama_server", *map(str, told)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(line, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True)
    assert process.stdout is not None
    try:
        url = process.stdout.readline().strip()
        assert url.startswith("http"), "the server did not start"
        yield Served(url, process.pid)
    finally:
        process.kill()
        process.communicate()


def main(
    gguf: str, context_tokens: str = "2048", kv_cache: str = "f16", at_once: str = "1", threads: str = "1"
) -> None:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = gguf
    params.model_alias = {Path(gguf).stem}
    params.n_ctx, params.n_parallel = int(context_tokens) * int(at_once), int(at_once)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = int(threads)
    kv = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{kv_cache.upper()}")
    params.cache_type_k = params.cache_type_v = kv
    params.cache_ram_mib = 0
    params.port = 0
    server = xllamacpp.Server(params)
    print(f"{server.listening_address}/v1", flush=True)  # noqa: T201
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])

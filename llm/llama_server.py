"""llama.cpp's own server of one GGUF file, in a process of its own; the extra `llama` brings it (xllamacpp).

    python -m llm.llama_server

reads what it is to serve as a line of JSON, writes its address, and ends when its input does. A process of its own
gives all of its memory back, takes nobody with it if it dies, and can be ended whatever its threads wait for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO, cast

from asr.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served: a file, tokens of each of `at_once` conversations, the type of the KV cache, threads, the key."""

    gguf: str
    context_tokens: int
    kv_cache: str = "f16"
    threads: int = 1
    at_once: int = 1
    key: str = field(default="", repr=False)


class LlamaServer:
    """A server that answers at `url`, on this machine alone, on a port that was free, until it is closed."""

    def __init__(self, serving: Serving) -> None:
        """Start it. Raises ConfigError if the extra is missing, or the file is none that llama.cpp reads."""
        if find_spec("xllamacpp") is None:
            raise ConfigError(
                "llm.gguf needs the package xllamacpp", "Install the extra: pip install '.[llama]' (docs/summaries.md)"
            )
        # A session of its own, so that Ctrl-C reaches the run, which ends it.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "llm.llama_server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,
        )
        address = self._begin(serving)
        if not address:
            self.close()
            raise ConfigError(f"llama.cpp cannot load {serving.gguf}", "Set llm.gguf to a GGUF file")
        self.url = f"{address}/v1"

    def _begin(self, serving: Serving) -> str:
        """Tell it what to serve, and return its address, empty if it ended."""
        told, tells = cast(IO[str], self._process.stdin), cast(IO[str], self._process.stdout)
        with suppress(BrokenPipeError):
            told.write(json.dumps(asdict(serving)) + "\n")
            told.flush()
        return tells.readline().strip()

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()


def main() -> None:
    """Serve what a line of the standard input tells."""
    import xllamacpp

    serving = Serving(**json.loads(sys.stdin.readline()))
    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = serving.gguf, {Path(serving.gguf).stem}
    params.n_ctx, params.n_parallel = serving.context_tokens * serving.at_once, serving.at_once
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = serving.threads
    kv = getattr(xllamacpp.ggml_type, f"GGML_TYPE_{serving.kv_cache.upper()}")
    params.cache_type_k = params.cache_type_v = kv
    params.cache_ram_mib = 0  # calls have nothing in common but the prompt, which the context itself keeps
    params.port, params.api_keys = 0, [serving.key] if serving.key else []
    params.ui, params.endpoint_slots, params.verbosity = False, False, -1
    server = xllamacpp.Server(params)
    sys.stdout.write(f"{server.listening_address}\n")
    sys.stdout.flush()
    sys.stdin.read()
    # Its own end may wait for ever for a thread.
    os._exit(0)


if __name__ == "__main__":
    main()

"""How far `callwright plan` is from what language models take: `python -m tests.benchmarks.llm_plan_error [ROW]...`

llama.cpp's own server, with one thread, reads a prompt and writes some tokens. Told are the most memory that its
process had and the tokens for a second of its CPU time, so that others at work on the machine matter less. The model is
SmolLM2-135M-Instruct; the rates were fitted to its first and third row. The wide shape has random weights and SmolLM2's
words, and nothing was fitted to it. ROW is the number of a row, from 0; all if none is named.
Before them stands what OpenVINO's products and copies reach in a CPU second of one core.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import httpx
import numpy as np
from numpy.typing import NDArray

from asr.engines.openvino_peak import measure_peaks
from configs.load import load
from flows.capacity import LLM_PROCESS
from flows.wiring import fetch_model
from llm.footprint import Shape, activation_bytes, cache_bytes, read_gguf
from llm.pace import CORE
from tests.llama_server import llama_server

WIDE = Shape(4, 2_048, 32, 8, 64, 8_192, 49_152, tied=True)
"""Four layers of Llama 3.2 1B."""

ROWS = (
    ("smollm2", 2_048, 1, "f16", 600),
    ("smollm2", 8_192, 1, "f16", 600),
    ("smollm2", 8_192, 1, "f16", 2_400),
    ("smollm2", 2_048, 4, "f16", 600),
    ("smollm2", 8_192, 1, "q8_0", 600),
    ("wide", 2_048, 1, "f16", 600),
)
"""Model, context of a conversation, conversations at once, precision of keys and values, and words of the prompt."""

_WRITTEN = 32
_MIB = 1 << 20


def main() -> None:
    """Print what one core can do, and the table."""
    peaks = measure_peaks(1, 3, time.process_time)
    print(f"A CPU second of one core: int8 {peaks.int8 / 1e9:.0f} GOP, floats {peaks.floats / 1e9:.0f} GFLOP, ", end="")
    print(f"{peaks.bandwidth / 1e9:.1f} GB copied")
    print("| model | context | keys, values | MiB, said | measured | error |", end="")
    print(" prompt | read a CPU s, said | measured | error | written a CPU s, said | measured | error |")
    print("|---|---|---|" + "---:|" * 10, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for row in map(int, sys.argv[1:] or range(len(ROWS))):
            _row(*ROWS[row], Path(folder))


def _row(model: str, context: int, at_once: int, kv_cache: str, words: int, folder: Path) -> None:
    path = _smollm2() if model == "smollm2" else _wide(folder / "wide.gguf")
    shape, weights = read_gguf(path)
    with llama_server(path, context, kv_cache, at_once) as served:
        prompt = " ".join(f"word{number}" for number in range(words // 3))
        began_s = _cpu_s(served.pid)
        tokens = _ask(served.url, prompt, 1)
        read_s = _cpu_s(served.pid) - began_s
        for conversation in range(1, at_once):
            _ask(served.url, f"{conversation} {prompt}", 1)
        began_s = _cpu_s(served.pid)
        _ask(served.url, prompt, _WRITTEN)
        written_s = _cpu_s(served.pid) - began_s
        peak = _peak_bytes(served.pid)
    said = weights + cache_bytes(shape, context, at_once, kv_cache) + activation_bytes(shape, context * at_once)
    said += LLM_PROCESS
    cells = [_compared(said / _MIB, peak / _MIB, ",.0f"), f"{tokens:,}"]
    said_written = CORE.written(shape, weights, tokens, 1, kv_cache)
    cells.append(_compared(CORE.read(shape, tokens), tokens / read_s, ",.0f"))
    cells.append(_compared(said_written, _WRITTEN / written_s, ",.1f"))
    print(f"| {model} | {at_once} x {context:,} | {kv_cache} | " + " | ".join(cells) + " |", flush=True)


def _compared(said: float, measured: float, form: str) -> str:
    return f"{said:{form}} | {measured:{form}} | {said / measured - 1:+.0%}"


def _ask(url: str, prompt: str, tokens: int) -> int:
    """Have so many tokens written; how many the prompt has."""
    asked = {"prompt": prompt, "max_tokens": tokens, "temperature": 0.0, "ignore_eos": True}
    told = httpx.post(f"{url}/completions", json=asked, timeout=3_600.0).raise_for_status().json()
    assert told["usage"]["completion_tokens"] == tokens
    return int(told["usage"]["prompt_tokens"])


def _cpu_s(pid: int) -> float:
    """CPU time of all threads of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def _smollm2() -> Path:
    settings = load(None, [], os.environ, Path(os.devnull))
    return next(fetch_model(settings, "smollm2-135m-instruct").folder.glob("*.gguf"))


def _wide(path: Path) -> Path:
    """A file of that shape in Q4_1, with numbers that mean nothing."""
    writer = gguf.GGUFWriter(path, "llama")
    for field in _of_its_words(gguf.GGUFReader(_smollm2())):
        writer.add_key_value(*field)
    writer.add_context_length(8_192)
    writer.add_block_count(WIDE.layers)
    writer.add_embedding_length(WIDE.width)
    writer.add_feed_forward_length(WIDE.widened)
    writer.add_head_count(WIDE.heads)
    writer.add_head_count_kv(WIDE.kv_heads)
    writer.add_rope_dimension_count(WIDE.head_width)
    writer.add_layer_norm_rms_eps(1e-5)
    keys = WIDE.kv_heads * WIDE.head_width
    sizes = {"attn_q": (WIDE.width, WIDE.width), "attn_k": (keys, WIDE.width), "attn_v": (keys, WIDE.width)}
    sizes |= {"attn_output": (WIDE.width, WIDE.width), "ffn_down": (WIDE.width, WIDE.widened)}
    sizes |= {"ffn_gate": (WIDE.widened, WIDE.width), "ffn_up": (WIDE.widened, WIDE.width)}
    matrices = {f"blk.{layer}.{name}": size for layer in range(WIDE.layers) for name, size in sizes.items()}
    for name, (rows, columns) in {"token_embd": (WIDE.vocabulary, WIDE.width), **matrices}.items():
        writer.add_tensor(f"{name}.weight", _matrix(rows, columns), raw_dtype=gguf.GGMLQuantizationType.Q4_1)
    norms = [f"blk.{layer}.{name}_norm" for layer in range(WIDE.layers) for name in ("attn", "ffn")]
    for name in (*norms, "output_norm"):
        writer.add_tensor(f"{name}.weight", np.ones(WIDE.width, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _of_its_words(reader: gguf.GGUFReader) -> Iterator[tuple[str, Any, gguf.GGUFValueType, gguf.GGUFValueType | None]]:
    for field in reader.fields.values():
        if field.name.startswith("tokenizer."):
            inner = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
            yield field.name, field.contents(), field.types[0], inner


def _matrix(rows: int, columns: int) -> NDArray[np.uint8]:
    """The same few random rows over and over: only the size counts."""
    some = (0.02 * np.random.default_rng(1).standard_normal((64, columns))).astype(np.float32)
    return np.tile(gguf.quants.quantize(some, gguf.GGMLQuantizationType.Q4_1), (rows // 64, 1))


if __name__ == "__main__":
    main()

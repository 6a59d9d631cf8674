"""`callwright plan`: memory, calls a day and the price of an hour of audio, before a machine is bought."""

from __future__ import annotations

from dataclasses import asdict
from functools import wraps
from typing import Any

import click

from configs.settings import Settings
from flows.capacity import (
    GIB,
    SHIPPED_SPEED,
    Machine,
    Need,
    Workload,
    known_names,
    needs,
    this_machine,
    together,
)
from flows.commands import options
from flows.commands.options import Command
from flows.report import print_json, print_table
from llm.footprint import CACHE_BITS
from llm.pace import Pace

_POSITIVE = click.FloatRange(0, min_open=True)
_NUMBERS = ("weights", "activations", "caches", "process", "total")
_WORK = ("read/s", "written/s", "x realtime", "audio h a day", "calls a day", "price of audio h")


def machine(command: Command) -> Command:
    """Give the command `machine`: this one, but for what is told of another. Comes inside of options.settings."""

    @click.option("--cores", type=click.IntRange(1), help="Cores of the machine; those of this one if not given.")
    @click.option("--memory", "memory_gib", type=_POSITIVE, help="Its memory in GiB; this one's if not given.")
    @click.option("--vram", "vram_gib", type=click.FloatRange(0), default=0.0, help="Its GPU's memory in GiB.")
    @click.option(
        "--peaks",
        type=(_POSITIVE, _POSITIVE),
        metavar="TFLOPS GB/S",
        help="Of what language models run on; else cores.",
    )
    @click.option("--no-bf16", is_flag=True, help="Its CPU does not multiply bfloat16: before Zen 4, Sapphire Rapids.")
    @wraps(command)
    def with_machine(
        *args: Any,
        cores: int | None,
        memory_gib: float | None,
        vram_gib: float,
        peaks: tuple[float, float] | None,
        no_bf16: bool,
        settings: Settings,
        **kwargs: Any,
    ) -> Any:
        here = this_machine(settings)
        bf16 = not no_bf16 and (cores is not None or here.bf16)
        pace = Pace(peaks[0] * 1e12, peaks[0] * 1e12, peaks[1] * 1e9) if peaks else None
        asked = Machine(cores or here.cores, memory_gib or here.memory_gib, vram_gib, bf16, pace)
        return command(*args, machine=asked, settings=settings, **kwargs)

    return with_machine


def work(command: Command) -> Command:
    """Give the command `work`. Comes inside of options.settings."""

    @click.option(
        "--speed",
        type=_POSITIVE,
        default=SHIPPED_SPEED,
        show_default=True,
        help="Times realtime of one core with whisper-base in int8: what bench asr says, by its cores.",
    )
    @click.option("--call-minutes", type=_POSITIVE, default=5.0, show_default=True, help="Length of a call.")
    @click.option("--context", type=click.IntRange(1), help="Tokens of a conversation; else llm.context_tokens.")
    @click.option("--batch", type=click.IntRange(1), default=1, show_default=True, help="Conversations at once.")
    @click.option("--kv-cache", type=click.Choice(list(CACHE_BITS)), help="Of language models; else llm.kv_cache.")
    @wraps(command)
    def with_work(
        *args: Any,
        speed: float,
        call_minutes: float,
        context: int | None,
        batch: int,
        kv_cache: str | None,
        settings: Settings,
        **kwargs: Any,
    ) -> Any:
        llm = settings.llm
        asked = Workload(
            speed,
            call_minutes,
            settings.transcribe.batch_size,
            context or llm.context_tokens,
            batch,
            kv_cache or llm.kv_cache,
        )
        return command(*args, work=asked, settings=settings, **kwargs)

    return with_work


@click.command(epilog="Example: callwright plan whisper-base llama-3.1-8b --cores 16 --memory 32 --price-per-hour 0.04")
@click.argument("models", nargs=-1, metavar="[MODEL]...")
@options.settings
@machine
@work
@click.option("--price-per-hour", type=click.FloatRange(0), help="Price of one core for an hour; else costs.cpu_hour.")
@options.as_json
def plan(
    models: tuple[str, ...],
    machine: Machine,
    work: Workload,
    price_per_hour: float | None,
    settings: Settings,
    *,
    as_json: bool,
) -> int:
    """What these MODELS take of a machine, or all that are known, and what it does in a day with each.

    A MODEL is a name, or the path of a language model's config.json or GGUF file. Memory is in GiB and the most that
    is taken while all cores work on full batches; how far that is from what was measured is in docs/plan.md. A machine
    is filled to nine tenths. Exits with 1 if a model that was named fits in no precision.
    """
    price = price_per_hour if price_per_hour is not None else settings.costs.cpu_hour or None
    by_model = [list(needs(name, machine, work, settings)) for name in models or known_names(settings)]
    rows = [need for found in by_model for need in found]
    if len(models) > 1:
        rows.append(together([_smallest(found) for found in by_model]))
    if as_json:
        facts = [_facts(need, machine, work, price) for need in rows]
        print_json({"machine": asdict(machine), "work": asdict(work), "models": facts})
    else:
        _print(rows, machine, work, price)
    return 1 if models and not all(any(need.fits(machine) for need in found) for found in by_model) else 0


def _smallest(found: list[Need]) -> Need:
    return min(found, key=lambda need: need.total)


def _print(rows: list[Need], machine: Machine, work: Workload, price: float | None) -> None:
    vram = f", {machine.vram_gib:g} GiB of VRAM" if machine.vram_gib else ""
    click.echo(f"{machine.cores} cores, {machine.memory_gib:.1f} GiB of RAM{vram}; calls of {work.call_minutes:g} min")
    click.echo(f"language models: {work.llm_batch} x {work.context_tokens} tokens, keys and values {work.kv_cache}\n")
    columns = ("model", "precision", *_NUMBERS, "fits", *(_WORK if price is not None else _WORK[:-1]))
    print_table(columns, [_row(need, machine, work, price) for need in rows], (*_NUMBERS, *_WORK))
    click.echo(
        "\nGiB, and tokens a second. Speeds are worked out from whisper-base's and smollm2's. Errors: docs/plan.md"
    )
    if any(need.core_hours is not None and not need.fits(machine) for need in rows):
        click.echo("Speech that does not fit may with less at once: --set transcribe.batch_size=1")


def _row(need: Need, machine: Machine, work: Workload, price: float | None) -> tuple[str, ...]:
    speed = None if need.core_hours is None else machine.cores / need.core_hours
    cells = (
        *(f"{getattr(need, part) / GIB:.2f}" for part in _NUMBERS),
        ", ".join(need.fits(machine)) or "no",
        _number(need.tokens_read, ",.0f"),
        _number(need.tokens_written, ",.1f"),
        _number(speed, ".1f"),
        _number(need.audio_hours_a_day(machine), ",.0f"),
        _number(need.calls_a_day(machine, work.call_minutes), ",.0f"),
    )
    priced = () if price is None else (_number(need.price_of_audio_hour(price), ".4f"),)
    return need.model, need.precision, *cells, *priced


def _number(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def _facts(need: Need, machine: Machine, work: Workload, price: float | None) -> dict[str, object]:
    return {
        **asdict(need),
        "total": need.total,
        "fits": need.fits(machine),
        "audio_hours_a_day": need.audio_hours_a_day(machine),
        "calls_a_day": need.calls_a_day(machine, work.call_minutes),
        "price_of_audio_hour": None if price is None else need.price_of_audio_hour(price),
    }

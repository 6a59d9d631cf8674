"""A second model on a sample of calls, and the figures that a call leaves."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.errors import FatalError
from asr.models import cache_folder, resolve
from asr.types import Channel, Hypothesis, Provenance, Region, RegionKind, Samples, Transcript, Word
from asr.vad import SileroVad
from compliance.redactor import Redactor
from configs.settings import Settings
from flows import wiring
from flows.cli import call
from flows.hearing.call_quality import call_quality, least_side_share, unknown_share
from flows.hearing.second_hearing import SecondModel, is_sampled, part
from flows.preparation import Prepared, prepare
from flows.stages import assemble, hear
from flows.wiring import Models
from storage.types import CallQuality

ALL_CALLS = Settings.model_validate({"quality": {"sample": 1.0}, "guards": {"enabled": False}})
MADE_BY = Provenance("m", "h", "scripted", "int8", "f", "0")


def said(text: str, confidence: float = 0.9) -> Hypothesis:
    words = tuple(Word(word, at / 5, at / 5 + 0.15, confidence) for at, word in enumerate(text.split()))
    return Hypothesis(words, "en", -0.2, 0.1, 1.5, 0.0)


def second(answer: Callable[[Samples], Hypothesis]) -> SecondModel:
    """One whose engine is loaded already, and answers as it is told."""
    known = wiring.registry(Settings())
    model = resolve(known.get("whisper-base"), cache_folder(Settings().models))
    return SecondModel(model, Settings(), ScriptedEngine(answer))


@pytest.fixture
def prepared(calls: Path, detector: SileroVad) -> Prepared:
    return prepare(identify(calls / "bank.wav"), detector, ALL_CALLS)


def test_a_sample_is_a_share_of_hashes_and_always_the_same() -> None:
    hashes = [f"{'0' * 8}{at * 2**32 // 1_000:08x}{'0' * 48}" for at in range(1_000)]
    assert sum(is_sampled(one, 0.02) for one in hashes) == 21  # of 0 to 20 thousandths
    assert all(is_sampled(one, 1.0) for one in hashes)
    assert not any(is_sampled(one, 0.0) for one in hashes)


def test_a_part_of_the_chunks_is_within_them_and_small() -> None:
    for n in range(1, 9):
        for digit in "0123456789abcdef":
            chosen = part("0" * 16 + digit * 8 + "0" * 40, n)
            assert 1 <= len(chosen) <= min(2, n)
            assert all(0 <= at < n for at in chosen)


def test_differences_are_counted_against_what_was_heard_first(prepared: Prepared) -> None:
    n_chunks = len(prepared.chunks)
    first = [said("please note the code word")] * n_chunks
    found = second(lambda _: said("please note a code")).hear(prepared, first, ALL_CALLS)
    assert found is not None
    n_heard = len(part(prepared.recording.sha256, n_chunks))
    assert found.model == "whisper-base"
    assert (found.errors.substitutions, found.errors.deletions) == (n_heard, n_heard)
    assert found.errors.reference_length == 5 * n_heard


def test_the_second_model_hears_the_chunks_that_were_chosen(prepared: Prepared) -> None:
    heard: list[int] = []

    def answer(samples: Samples) -> Hypothesis:
        heard.append(len(samples))
        return said("hello")

    second(answer).hear(prepared, [said("hello")] * len(prepared.chunks), ALL_CALLS)
    chosen = part(prepared.recording.sha256, len(prepared.chunks))
    assert heard == [len(prepared.chunks[at]) for at in chosen]


def test_a_second_model_that_fails_loses_a_figure_and_no_call(prepared: Prepared) -> None:
    def broken(_: Samples) -> Hypothesis:
        raise FatalError("the runtime fell over", "Report it")

    assert second(broken).hear(prepared, [said("hello")] * len(prepared.chunks), ALL_CALLS) is None
    assert second(broken).hear(prepared, [], ALL_CALLS) is None
    nobody = ALL_CALLS.model_copy(update={"quality": ALL_CALLS.quality.model_copy(update={"sample": 0.0})})
    assert second(lambda _: said("x")).hear(prepared, [said("hello")] * len(prepared.chunks), nobody) is None


def test_there_is_no_second_model_where_it_is_not_wanted_or_not_here(tmp_path: Path) -> None:
    def found(**changes: object) -> SecondModel | None:
        return wiring.second_model(
            Settings.model_validate({"quality": changes, "models": {"cache_dir": str(tmp_path)}})
        )

    assert found() is None
    assert found(second="whisper-base") is None
    assert found(second="") is None
    assert wiring.second_model(Settings.model_validate({"quality": {"sample": 0.0}})) is None


def test_the_figures_of_a_call(prepared: Prepared) -> None:
    engine = ScriptedEngine(lambda _: said("please zzyzx don't call 4111", 0.4))
    (heard,) = hear([prepared], engine, ALL_CALLS, lambda _: None)
    transcript = assemble(prepared, heard, MADE_BY, ALL_CALLS)
    figures = call_quality(prepared, heard.hypotheses, transcript)
    n_words = sum(len(turn.words) for turn in transcript.turns)
    assert figures.words == n_words > 0
    assert figures.mean_confidence == pytest.approx(0.4)
    assert figures.doubtful_share == 1.0
    assert figures.unknown_share == pytest.approx(0.2, abs=0.05)
    assert (figures.mean_logprob, figures.no_speech_prob, figures.compression_ratio) == pytest.approx((-0.2, 0.1, 1.5))
    assert figures.estimated_wer is not None
    assert 0.2 < figures.estimated_wer < 1.0
    assert 0.0 <= figures.unworded_s <= figures.speech_s
    assert figures.second_model is figures.second_words is figures.second_errors is None


def test_a_call_in_which_nobody_speaks_has_no_figures_to_tell(prepared: Prepared) -> None:
    empty = Transcript("x", 3.0, (Channel.AGENT, Channel.CUSTOMER), (), (), MADE_BY)
    figures = call_quality(prepared, [], empty)
    assert (figures.words, figures.estimated_wer, figures.mean_confidence, figures.mean_logprob) == (
        0,
        None,
        None,
        None,
    )
    assert figures.least_side_share is None
    assert unknown_share([]) is None


def test_the_quieter_side_is_told_of_two() -> None:
    def share(*channels: Channel) -> float | None:
        regions = (
            Region(0.0, 3.0, Channel.AGENT, RegionKind.SPEECH),
            Region(0.0, 1.0, Channel.CUSTOMER, RegionKind.SPEECH),
            Region(1.0, 9.0, Channel.CUSTOMER, RegionKind.MUSIC),
        )
        kept = tuple(region for region in regions if region.channel in channels)
        return least_side_share(Transcript("x", 9.0, channels, (), kept, MADE_BY))

    assert share(Channel.AGENT, Channel.CUSTOMER) == 0.25
    assert share(Channel.AGENT) is None


def test_a_run_keeps_the_figures_and_what_the_second_model_made_of_them(
    calls: Path,
    tmp_path: Path,
    load: object,
    detector: SileroVad,
    redactor: Redactor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine = ScriptedEngine(lambda _: said("my name is Henrietta Marzipan thank you"))
    models = Models(detector, engine, redactor, second=second(lambda _: said("my name is thank you")))
    monkeypatch.setattr("flows.work.load_models", lambda *_: models)
    monkeypatch.setenv("CALLWRIGHT_QUALITY__SAMPLE", "1.0")
    assert call(["run", str(calls), "--data-dir", str(tmp_path)]) == 0
    with sqlite3.connect(tmp_path / "callwright.db") as connection:
        names = ", ".join(asdict(CallQuality(0)))
        rows = [CallQuality(*row) for row in connection.execute(f"SELECT {names} FROM quality")]
        seen = connection.execute("SELECT estimated_wer, second_errors FROM v_quality").fetchall()
    connection.close()
    assert len(rows) == 3
    for row in rows:
        assert row.words > 0
        assert row.redactions > 0
        assert row.second_model == "whisper-base"
        assert (row.second_errors, row.second_words) in {(2, 7), (4, 14)}
    assert sorted(seen) == sorted((row.estimated_wer, row.second_errors) for row in rows)
    kept = (tmp_path / "callwright.db").read_bytes()
    assert b"Henrietta" not in kept

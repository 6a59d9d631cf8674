"""Redacted copies as a user gets them: real models on real files, and everything that is written searched as bytes."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from asr.decode import identify
from asr.engines.registry import load_engine
from asr.models import LocalModel
from asr.types import Channel, Provenance
from asr.vad import SileroVad
from compliance.bleep import Removal
from compliance.redactor import Redactor
from compliance.spoken_numbers import read_numbers
from configs.load import load
from configs.settings import Settings
from flows import preparation, proof, stages
from flows.bleeping import speech_of
from flows.desk import Desk
from flows.listeners import listeners, proof_model
from flows.preparation import Prepared
from flows.proof import Listening
from flows.stages import Redacted
from tests.external.conftest import Callwright

SAMPLES = Path(__file__).parents[2] / "sample_audio"
SETTINGS = load(None, ["redact.audio=beep", "redact.proof_share=0.0"], {}, Path(os.devnull))
CALLS = ("complaint", "order", "bank")
NUMBERS = ("CREDIT_CARD", "CREDIT_CARD_CVV", "US_SSN")


def entities(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((SAMPLES / f"{name}.json").read_text())["entities"]
    return found


def digits_of(text: str) -> str:
    return "".join(run.digits for run in read_numbers(text.split()))


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory, callwright: Callwright) -> Path:
    """Three calls with cards, security codes and a social security number, taken through the whole job."""
    folder = tmp_path_factory.mktemp("sound")
    calls = folder / "calls"
    calls.mkdir()
    for name in CALLS:
        shutil.copy(SAMPLES / f"{name}.wav", calls)
    ran = callwright("run", calls, "--data-dir", folder / "var", "--set", "redact.audio=beep")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (folder / "var" / "printed.log").write_text(ran.stdout + ran.stderr)
    return folder / "var"


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data_dir / "callwright.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def copies(data_dir: Path) -> dict[str, Path]:
    wanted = (
        "SELECT t.audio, d.object_key FROM documents d JOIN transcripts t USING (recording_id) WHERE d.kind = 'wav'"
    )
    return {audio.removesuffix(".wav"): data_dir / "objects" / key for audio, key in rows(data_dir, wanted)}


def test_each_call_has_a_copy_as_long_as_its_source_and_a_certificate_of_both(
    data_dir: Path, callwright: Callwright
) -> None:
    found = copies(data_dir)
    assert set(found) == set(CALLS)
    for name, path in found.items():
        source, copy = soundfile.info(SAMPLES / f"{name}.wav"), soundfile.info(path)
        assert (copy.frames, copy.samplerate, copy.channels) == (source.frames, source.samplerate, source.channels)
        assert (copy.format, copy.subtype) == (source.format, source.subtype)
    kept = rows(data_dir, "SELECT object_key FROM certificates")
    told = [json.loads((data_dir / "objects" / key).read_text())["body"] for (key,) in kept]
    assert {body["redacted_audio"]["sha256"] for body in told} == {path.stem for path in found.values()}
    for body in told:
        assert body["verification"]["audio"]["verdict"] == "passed"
        assert [one["search"] for one in body["verification"]["audio"]["hearings"]] == ["greedy", "greedy"]
        assert body["verification"]["text"] == {"verdict": "passed", "survivors": {}}
    assert str(found["bank"]) in callwright("show", "bank", "--data-dir", data_dir).stdout
    assert not list((data_dir / "objects").glob(".scratch*"))


def test_no_number_is_in_anything_that_is_written(data_dir: Path) -> None:
    numbers = [digits_of(one["text"]) for name in CALLS for one in entities(name) if one["entity"] in NUMBERS]
    assert sorted(map(len, numbers)) == [3, 3, 8, 8, 9, 16]
    full = [*(number for number in numbers if len(number) >= 8), "4242424242424242"]
    spoken = [one["text"].encode() for name in CALLS for one in entities(name) if one["entity"] in NUMBERS]
    written = [path for path in data_dir.rglob("*") if path.is_file()]
    assert {".db", ".json", ".vtt", ".wav", ".log", ".certificate"} <= {path.suffix for path in written}
    assert any("prefect" in path.parts for path in written)
    for path in written:
        held = path.read_bytes()
        assert not any(text in held for text in spoken), path
        if path.suffix in (".wav", ".pem"):
            continue
        # Digits however they are grouped; of a three-digit code only the words that name it would tell.
        bare = re.sub(rb"(?<=\d)[-., ](?=\d)", b"", held)
        assert not any(number.encode() in bare for number in full), path
    codes = {digits_of(one["text"]) for name in CALLS for one in entities(name) if one["entity"] == "CREDIT_CARD_CVV"}
    for (text,) in rows(data_dir, "SELECT text FROM turns"):
        assert codes.isdisjoint(run.digits for run in read_numbers(text.split()))


def test_another_model_hears_none_of_them_in_the_copies(
    data_dir: Path, whisper_model: LocalModel, vad_model_path: Path
) -> None:
    options = SETTINGS.transcribe.model_copy(update={"model": "whisper-tiny.en", "card": ""})
    tiny, detector = load_engine(whisper_model, options), SileroVad(vad_model_path)
    for name, path in copies(data_dir).items():
        prepared = preparation.prepare(identify(path), detector, Settings())
        [heard] = stages.hear([prepared], tiny, Settings(), lambda _: None)
        transcript = stages.assemble(prepared, heard, Provenance("m", "s", "e", "p", "c", "v"), Settings())
        assert len(transcript.turns) > 10, "it hears the call"
        runs = [run.digits for turn in transcript.turns for run in read_numbers(turn.text.split())]
        for one in entities(name):
            if one["entity"] in NUMBERS:
                number = digits_of(one["text"])
                assert not any(number in run for run in runs)
                assert not any(len(run) >= 4 and run in number for run in runs)


def test_98_percent_of_the_numbers_seconds_are_gone(data_dir: Path) -> None:
    said_s = gone_s = 0.0
    for name, path in copies(data_dir).items():
        source, rate_hz = soundfile.read(SAMPLES / f"{name}.wav")
        copy, _ = soundfile.read(path)
        turns = json.loads((SAMPLES / f"{name}.json").read_text())["turns"]
        for one in entities(name):
            if one["exact"]:
                channel = turns[one["turn"]]["channel"]
                where = slice(int(one["start_s"] * rate_hz), int(one["end_s"] * rate_hz))
                said_s += (where.stop - where.start) / rate_hz
                gone_s += np.sum(source[where, channel] != copy[where, channel]) / rate_hz
    # Some samples of a tone are those of speech by chance.
    assert gone_s / said_s >= 0.96


def test_verify_redaction_holds_and_finds_a_copy_that_was_changed(
    data_dir: Path, callwright: Callwright, tmp_path: Path
) -> None:
    kept = tmp_path / "var"
    shutil.copytree(data_dir, kept, ignore=shutil.ignore_patterns("prefect"))
    checked = callwright("verify-redaction", "complaint", "--data-dir", kept, "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert [(one["faults"], one["audio"]) for one in json.loads(checked.stdout)] == [([], True)]
    path = copies(kept)["complaint"]
    shutil.copy(SAMPLES / "complaint.wav", path)
    checked = callwright("verify-redaction", "complaint", "--data-dir", kept)
    assert checked.returncode == 1
    assert "does not hold what its name says" in checked.stdout
    assert "1 checked, 1 of them with a redacted copy: 1 not as they should be." in checked.stdout
    assert rows(kept, "SELECT count(*) FROM audit_events WHERE action = 'redaction.verify'") == [(2,)]


@pytest.fixture(scope="module")
def listening(whisper_base: LocalModel, whisper_model: LocalModel, redactor: Redactor) -> Listening:
    engine = load_engine(whisper_base, SETTINGS.transcribe)
    return Listening(listeners(engine, SETTINGS, whisper_base, whisper_model), redactor, SETTINGS)


def test_a_model_is_not_its_own_witness() -> None:
    alike = load(None, ["redact.audio=beep", "transcribe.model=whisper-tiny.en"], {}, Path(os.devnull))
    assert (proof_model(SETTINGS), proof_model(alike), proof_model(Settings())) == ("whisper-tiny.en", None, None)


@pytest.fixture(scope="module")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, SETTINGS.redact)


@pytest.fixture(scope="module")
def call(vad_model_path: Path, listening: Listening, redactor: Redactor) -> tuple[Prepared, Redacted]:
    prepared = preparation.prepare(identify(SAMPLES / "complaint.wav"), SileroVad(vad_model_path), SETTINGS)
    [heard] = stages.hear([prepared], listening.listeners[0].engine, SETTINGS, lambda _: None)
    transcript = stages.assemble(prepared, heard, Provenance("m", "s", "e", "p", "c", "v"), SETTINGS)
    return prepared, stages.sound_to_remove(prepared, transcript, stages.redact(transcript, redactor))


def card_of(redacted: Redacted) -> Removal:
    return next(one for one in redacted.removals if one.cause == "CREDIT_CARD")


def test_a_card_that_was_left_in_on_purpose_is_heard(
    call: tuple[Prepared, Redacted], listening: Listening, tmp_path: Path
) -> None:
    prepared, redacted = call
    card = card_of(redacted)
    planted = replace(redacted, removals=tuple(one for one in redacted.removals if one is not card))
    case = proof.begin(prepared, planted, tmp_path, SETTINGS)
    proof.listen([case], listening)
    assert any(
        one.channel is card.channel and one.start_s < card.end_s and one.end_s > card.start_s for one in case.left
    )
    desk = Desk()
    assert proof.prove([proof.begin(prepared, planted, tmp_path, SETTINGS)], listening, desk) == []
    [failure] = desk.failures.values()
    assert failure.reason == "complaint.wav: the sound of a CREDIT_CARD was not removed"


def test_a_span_that_was_planted_too_short_is_widened_until_nothing_is_heard(
    call: tuple[Prepared, Redacted], listening: Listening, tmp_path: Path
) -> None:
    prepared, redacted = call
    card = card_of(redacted)
    short = replace(card, end_s=(card.start_s + card.end_s) / 2)
    beside = [
        one
        for one in redacted.removals
        if one is not card and one.channel is card.channel and one.start_s < card.end_s and one.end_s > short.end_s
    ]  # what else goes there would hide what is planted
    removals = tuple(short if one is card else one for one in redacted.removals if one not in beside)
    # The text's own mark is as short, as if the recogniser had been wrong about the time.
    marks = tuple(
        replace(one, end_s=short.end_s) if one.start_s <= short.end_s <= one.end_s else one
        for one in redacted.transcript.redactions
    )
    planted = replace(redacted, removals=removals, transcript=replace(redacted.transcript, redactions=marks))
    desk = Desk()
    [case] = proof.prove([proof.begin(prepared, planted, tmp_path, SETTINGS)], listening, desk)
    assert desk.failures == {}
    assert case.rounds > 1
    spans = case.copy.spans[1 if card.channel is Channel.CUSTOMER else 0]
    hz = case.copy.sample_rate_hz
    end_s = next(one["end_s"] for one in entities("complaint") if one["entity"] == "CREDIT_CARD")
    bursts = speech_of(prepared, redacted.transcript)[card.channel]  # nobody needs a tone over the pause in its middle
    said = [
        (max(start, card.start_s), min(stop, end_s)) for start, stop in bursts if stop > card.start_s and start < end_s
    ]
    gone_s = sum(
        max(0.0, min(span.stop / hz, stop) - max(span.start / hz, start)) for span in spans for start, stop in said
    )
    assert gone_s >= 0.98 * sum(stop - start for start, stop in said) > 1.5

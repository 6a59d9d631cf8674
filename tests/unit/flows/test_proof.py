"""Copies of a real call, heard by engines that say what they are told to."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.errors import FatalError
from asr.types import (
    Channel,
    Finding,
    FindingEffect,
    FindingKind,
    Hypothesis,
    Provenance,
    Samples,
    Transcript,
    Turn,
    Word,
)
from asr.vad import SileroVad
from compliance.bleep import UNTOLD
from compliance.redactor import Redactor
from configs.settings import Settings
from flows import proof, stages
from flows.desk import Desk
from flows.listeners import Listener
from flows.preparation import Prepared, prepare
from flows.proof import Case, Listening
from flows.stages import Redacted

SAMPLES = Path(__file__).parents[3] / "sample_audio"
CARD = "my card number is 5200 8282 8282 8210 thank you"
Answer = Callable[[Samples], str]


@pytest.fixture
def prepared(calls: Path, detector: SileroVad) -> Prepared:
    return prepare(identify(calls / "bank.wav"), detector, Settings())


def card_said(prepared: Prepared, redactor: Redactor) -> Redacted:
    """The call, as if its agent had told a card number where he speaks longest."""
    burst = max(prepared.channels[0].bursts, key=len)
    start_s, step_s = burst.start / 16_000, len(burst) / 16_000 / 10
    words = tuple(
        Word(word, start_s + at * step_s, start_s + (at + 1) * step_s, 0.9) for at, word in enumerate(CARD.split())
    )
    made_by = Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "1")
    sides = (Channel.AGENT, Channel.CUSTOMER)
    transcript = Transcript("bank.wav", 6.0, sides, (Turn("agent", Channel.AGENT, words),), (), made_by)
    found = stages.redact(transcript, redactor)
    assert [one.entity for one in found.transcript.redactions] == ["CREDIT_CARD"]
    told = stages.sound_to_remove(prepared, transcript, found)
    # All else that is said has no words here, and would go with the card.
    return replace(told, removals=tuple(one for one in told.removals if one.cause != UNTOLD))


@pytest.fixture
def redacted(prepared: Prepared, redactor: Redactor) -> Redacted:
    return card_said(prepared, redactor)


def begun(prepared: Prepared, redacted: Redacted, folder: Path, **changes: object) -> Case:
    settings = Settings()
    redact = settings.redact.model_copy(update={"audio": "beep", "proof_share": 0.0, **changes})
    return proof.begin(prepared, redacted, folder, settings.model_copy(update={"redact": redact}))


def listening(redactor: Redactor, *answers: Answer, context_s: float = 2.0) -> Listening:
    def engine(answer: Answer) -> ScriptedEngine:
        def hypothesis(samples: Samples) -> Hypothesis:
            said = answer(samples).split()
            words = tuple(Word(word, 0.05 + at / 5, 0.2 + at / 5, 0.9) for at, word in enumerate(said))
            return Hypothesis(words, "en", -0.2, 0.0, 1.0, 0.0)

        return ScriptedEngine(hypothesis)

    redact = Settings().redact.model_copy(update={"audio": "beep", "proof_context_s": context_s})
    settings = Settings().model_copy(update={"redact": redact})
    return Listening(tuple(Listener(engine(answer), "scripted") for answer in answers), redactor, settings)


def test_what_is_not_heard_any_more_is_proved(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    case = begun(prepared, redacted, tmp_path)
    [proven] = proof.prove([case], listening(redactor, lambda _: "thank you", lambda _: ""), desk := Desk())
    assert (desk.failures, proven.rounds, proven.left) == ({}, 1, [])
    told = proven.proof(()).verification.told()
    assert (told["verdict"], told["rounds"], told["survivors"]) == ("passed", 1, {})
    source, rate_hz = soundfile.read(prepared.recording.path)
    copy, copied_hz = soundfile.read(proven.copy.path)
    assert (copy.shape, copied_hz) == (source.shape, rate_hz)
    removed = sum(len(span) for span in proven.copy.spans[0])
    assert (copy[:, 0] != source[:, 0]).sum() == pytest.approx(removed, rel=0.02)
    assert (copy[:, 1] == source[:, 1]).all()


def test_what_one_of_them_hears_once_is_removed_too(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    heard: Iterator[str] = iter(["8 2 1 0"])
    case = begun(prepared, redacted, tmp_path)
    before = [len(span) for span in case.copy.spans[0]]
    [proven] = proof.prove(
        [case], listening(redactor, lambda _: "", lambda _: next(heard, "thank you")), desk := Desk()
    )
    assert (desk.failures, proven.rounds) == ({}, 2)
    assert sum(len(span) for span in proven.copy.spans[0]) > sum(before)
    assert proven.proof(()).verification.told()["widened"]


def test_what_is_heard_again_and_again_fails_the_call(detector: SileroVad, redactor: Redactor, tmp_path: Path) -> None:
    prepared = prepare(identify(SAMPLES / "bank.wav"), detector, Settings())
    case = begun(prepared, card_said(prepared, redactor), tmp_path)
    desk, engines = Desk(), listening(redactor, lambda _: "5 2 0 0 8 2 8 2", context_s=15.0)
    assert proof.prove([case], engines, desk) == []
    [failure] = desk.failures.values()
    assert re.fullmatch(r"bank\.wav: after 3 rounds [A-Z_, ]+ may still be heard in its copy", failure.reason)
    assert case.rounds == 3


def test_without_anybody_who_hears_nothing_is_proved(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    with pytest.raises(FatalError, match="nobody"):
        proof.prove([begun(prepared, redacted, tmp_path)], listening(redactor), Desk())


def test_a_span_that_was_left_out_on_purpose_fails_the_call_unheard(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    case, desk = begun(prepared, replace(redacted, removals=()), tmp_path), Desk()
    assert proof.prove([case], listening(redactor, lambda _: ""), desk) == []
    [failure] = desk.failures.values()
    assert failure.reason == "bank.wav: the sound of a CREDIT_CARD was not removed"


@pytest.mark.parametrize("spoken", [True, False])
def test_a_hole_in_a_span_is_proved_only_where_nobody_speaks_in_it(
    *, spoken: bool, prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    [whole], [mark] = redacted.removals, redacted.transcript.redactions
    edges = ((whole.start_s, mark.start_s + 0.2), (mark.end_s - 0.2, whole.end_s))
    halves = tuple(replace(whole, start_s=start_s, end_s=end_s) for start_s, end_s in edges)
    if not spoken:
        channels = tuple(replace(one, bursts=()) for one in prepared.channels)
        prepared = replace(prepared, channels=channels)
    case, desk = begun(prepared, replace(redacted, removals=halves), tmp_path), Desk()
    assert proof.prove([case], listening(redactor, lambda _: ""), desk) == ([] if spoken else [case])
    reasons = [failure.reason for failure in desk.failures.values()]
    assert reasons == (["bank.wav: the sound of a CREDIT_CARD was not removed"] if spoken else [])


def test_a_copy_with_the_source_put_back_fails_the_call_unheard(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path
) -> None:
    case = begun(prepared, redacted, tmp_path)
    shutil.copy(prepared.recording.path, case.copy.path)
    desk = Desk()
    assert proof.prove([case], listening(redactor, lambda _: ""), desk) == []
    [failure] = desk.failures.values()
    assert "holds other sound than it should in 1 places" in failure.reason


def test_what_the_other_side_hears_too_goes_from_both(prepared: Prepared, redacted: Redacted, tmp_path: Path) -> None:
    crosstalk = Finding(FindingKind.CROSSTALK, Channel.CUSTOMER, -20.0, "dB", FindingEffect.SUPPRESSED, 10.0)
    leaky = replace(redacted, transcript=replace(redacted.transcript, findings=(crosstalk,)))
    spans = begun(prepared, leaky, tmp_path).copy.spans
    assert spans[0] == spans[1] != ()


def test_a_pause_of_the_recorder_goes_from_all_channels(prepared: Prepared, redacted: Redacted, tmp_path: Path) -> None:
    paused = replace(prepared, call=replace(prepared.call, pauses=((0.5, 1.0),)))
    for channel in begun(paused, redacted, tmp_path).copy.spans:
        assert any(span.start <= 4_000 and span.stop >= 8_000 for span in channel)


@pytest.mark.parametrize(("wish", "suffix"), [("flac", ".flac"), ("opus", ".opus")])
def test_another_format_by_choice(
    prepared: Prepared, redacted: Redacted, redactor: Redactor, tmp_path: Path, wish: str, suffix: str
) -> None:
    case = begun(prepared, redacted, tmp_path, audio_format=wish)
    assert case.copy.path.suffix == suffix
    assert soundfile.info(case.copy.path).frames == case.copy.n_samples == 48_000
    assert proof.prove([case], listening(redactor, lambda _: ""), Desk()) == [case]

"""Renderings: the JSON's schema, the subtitles' limits and escapes, and the committed goldens."""

import dataclasses
import json
from datetime import datetime
from pathlib import Path

import jsonschema
import pytest

from asr.types import (
    CallMetadata,
    Channel,
    Direction,
    Finding,
    FindingEffect,
    FindingKind,
    Provenance,
    Region,
    RegionKind,
    Transcript,
    Turn,
    Word,
)
from compliance.render import as_json, as_json_line, as_srt, as_txt, as_vtt, documents
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden"
PROVENANCE = Provenance("whisper-base", "d01c", "ctranslate2", "int8", "f00d", "0.1.0")


def spoken(text: str, start_s: float) -> tuple[Word, ...]:
    return tuple(
        Word(word, start_s + 0.4 * place, start_s + 0.4 * place + 0.35, 0.87654)
        for place, word in enumerate(text.split())
    )


@pytest.fixture
def raw() -> Transcript:
    long = (
        "I would like to know why my bill went up by so much this month, "
        "because nobody told me of it & I <really> care."
    )
    return Transcript(
        "call-001.wav",
        3725.12345,
        (Channel.AGENT, Channel.CUSTOMER),
        (
            Turn("agent", Channel.AGENT, spoken("Thank you for calling. How can I help?", 0.25)),
            Turn("customer", Channel.CUSTOMER, spoken(long, 5.0)),
            Turn("agent", Channel.AGENT, spoken("Naïve — goodbye!", 3671.9996)),
        ),
        (
            Region(0.2, 4.0, Channel.AGENT, RegionKind.SPEECH),
            Region(20.0, 60.0, Channel.CUSTOMER, RegionKind.MUSIC),
            Region(70.0, 71.0, Channel.CUSTOMER, RegionKind.TALK, speaker="customer-2"),
        ),
        PROVENANCE,
    )


@pytest.fixture
def redacted() -> RedactedTranscript:
    words = (
        RedactedWord("It's", 1.0, 1.2, 0.9),
        RedactedWord("[CREDIT_CARD].", 1.2, 6.0, 0.61234, "CREDIT_CARD"),
        RedactedWord("Thanks", 6.1, 6.4, 0.99),
    )
    return RedactedTranscript(
        "call-002.wav",
        7.0,
        (Channel.CUSTOMER,),
        (RedactedTurn("customer", Channel.CUSTOMER, words),),
        (),
        (Redaction("CREDIT_CARD", Channel.CUSTOMER, 0, 1, 16, 1.2, 6.0),),
        "all",
        PROVENANCE,
    )


def schema_errors(body: str) -> list[str]:
    schema = json.loads((ROOT / "docs" / "transcript.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(json.loads(body))]


def test_findings_keep_to_the_schema_and_it_knows_all_of_them(raw: Transcript) -> None:
    findings = tuple(
        Finding(kind, channel, -20.12345, "dB", effect, delay_ms)
        for kind in FindingKind
        for effect in FindingEffect
        for channel, delay_ms in ((None, None), (Channel.MIXED, 40.0))
    )
    body = as_json(dataclasses.replace(raw, findings=findings))
    assert schema_errors(body) == []
    assert json.loads(body)["findings"][1] == {
        "kind": "same_channels",
        "channel": "mixed",
        "value": -20.123,
        "unit": "dB",
        "effect": "reported",
        "delay_ms": 40.0,
    }


def test_json_keeps_to_the_schema(raw: Transcript, redacted: RedactedTranscript) -> None:
    for transcript in (raw, redacted):
        assert schema_errors(as_json(transcript)) == []
        assert json.loads(as_json(transcript)) == json.loads(as_json_line(transcript))


@pytest.mark.parametrize(
    ("part", "key"),
    [((), "extra"), (("turns", 0), "extra"), (("turns", 0, "words", 0), "entity"), (("provenance",), "x")],
)
def test_the_schema_refuses_other_keys(raw: Transcript, part: tuple[str | int, ...], key: str) -> None:
    tree = json.loads(as_json(raw))
    place = tree
    for step in part:
        place = place[step]
    place[key] = "anything"
    assert schema_errors(json.dumps(tree))


def test_json_rounds_to_three_decimals_and_is_one_line(raw: Transcript) -> None:
    tree = json.loads(as_json(raw))
    assert tree["duration_s"] == 3725.123
    assert tree["turns"][0]["words"][0]["confidence"] == 0.877
    assert "\n" not in as_json_line(raw)


def test_goldens(raw: Transcript, redacted: RedactedTranscript) -> None:
    written = {"json": as_json, "txt": as_txt, "vtt": as_vtt, "srt": as_srt}
    for suffix, render in written.items():
        assert render(raw) == (GOLDEN / f"raw.{suffix}").read_text(encoding="utf-8"), suffix
        assert render(redacted) == (GOLDEN / f"redacted.{suffix}").read_text(encoding="utf-8"), suffix


def test_cues_are_short_and_lose_no_word(raw: Transcript) -> None:
    cues = as_srt(raw).split("\n\n")
    said = [cue.splitlines()[2].split(": ", 1)[1] for cue in cues]
    assert all(len(text) <= 84 for text in said)
    assert " ".join(said) == " ".join(turn.text for turn in raw.turns)
    assert len(cues) > len(raw.turns)


def test_vtt_escapes_markup_and_names_the_speaker(raw: Transcript) -> None:
    assert "&amp; I &lt;really&gt;" in as_vtt(raw)
    assert "<v customer>" in as_vtt(raw)


def test_a_word_without_length_still_makes_a_cue_with_one() -> None:
    turn = Turn("agent", Channel.AGENT, (Word("hi", 1.0, 1.0, 1.0),))
    still = Transcript("a.wav", 2.0, (Channel.AGENT,), (turn,), (), PROVENANCE)
    assert "00:00:01.000 --> 00:00:01.001" in as_vtt(still)


def test_an_empty_transcript_renders() -> None:
    empty = Transcript("a.wav", 0.0, (Channel.MIXED,), (), (), PROVENANCE)
    assert schema_errors(as_json(empty)) == []
    assert (as_vtt(empty), as_txt(empty), as_srt(empty)) == ("WEBVTT\n", "", "")


def test_documents_are_compact_json_and_vtt(redacted: RedactedTranscript) -> None:
    kept = documents(redacted)
    assert [(document.kind, document.media_type) for document in kept] == [
        ("json", "application/json"),
        ("vtt", "text/vtt"),
    ]
    assert kept[0].body.decode() == as_json_line(redacted)
    assert kept[1].body.decode() == as_vtt(redacted)
    assert b"CREDIT_CARD" not in repr(kept).encode()


def test_json_says_which_call_it_is_and_nothing_else_of_its_metadata(raw: Transcript) -> None:
    call = CallMetadata(
        call_id="A-1",
        started_at=datetime.fromisoformat("2026-09-24T10:11:12+02:00"),
        agent="a.smith",
        direction=Direction.INBOUND,
        language="en",
        consent=True,
        pauses=((1.0, 2.0),),
        other={"card": "gold"},
        sources={"agent": "pattern"},
    )
    body = as_json_line(raw, call)
    assert schema_errors(body) == []
    assert json.loads(body)["call"] == {
        "call_id": "A-1",
        "started_at": "2026-09-24T10:11:12+02:00",
        "agent": "a.smith",
        "direction": "inbound",
        "language": "en",
    }
    assert as_json_line(raw, CallMetadata(consent=True, other={"card": "gold"})) == as_json_line(raw)

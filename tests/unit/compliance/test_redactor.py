"""The redactor with the real model: names, places, marks and whole calls."""

import socket
from pathlib import Path

import pytest

from asr.errors import ModelError
from asr.types import Channel, Provenance, Transcript, Turn, Word
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.types import RedactedTranscript
from compliance.utterance import Utterance
from tests.corpus.blind import FOLDER, blind

pytestmark = pytest.mark.external


def call(*lines: str) -> Transcript:
    """A transcript of lines "A: text" and "C: text", a word every 0.5 s, confidences from 0.5 up."""
    turns = []
    at_s = 0.0
    for line in lines:
        channel = Channel.AGENT if line[0] == "A" else Channel.CUSTOMER
        words = []
        for place, text in enumerate(line[3:].split()):
            words.append(Word(text, at_s, at_s + 0.4, 0.5 + 0.01 * place))
            at_s += 0.5
        turns.append(Turn(channel.value, channel, tuple(words)))
    provenance = Provenance("m", "s", "e", "p", "c", "v")
    return Transcript("call.wav", at_s, (Channel.AGENT, Channel.CUSTOMER), tuple(turns), (), provenance)


def texts(transcript: RedactedTranscript) -> list[str]:
    return [turn.text for turn in transcript.turns]


@pytest.fixture(scope="module")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, RedactionOptions())


CALL = (
    "A: Thank you for calling, this is Jennifer.",
    "C: Hi, my name is Maria Lopez, I'd like to pay my bill.",
    "A: Sure, may I have the card number?",
    "C: Yes, it's four one one one",
    "A: Okay.",
    "C: one one one one, one one one one, one one one one.",
    "A: And the expiration date?",
    "C: oh four twenty seven.",
    "A: And the three digits on the back?",
    "C: One two three.",
    "A: One two three. Your total is $45.20, it takes 3 to 5 business days.",
    "C: My email is Maria.Lopez at example.com and I live at 42 Maple Street, Denver, Colorado.",
    "A: Date of birth?",
    "C: March 3rd, 1984.",
    "A: Thanks, Maria!",
)

REDACTED = [
    "Thank you for calling, this is [PERSON].",
    "Hi, my name is [PERSON], I'd like to pay my bill.",
    "Sure, may I have the card number?",
    "Yes, it's [CREDIT_CARD]",
    "Okay.",
    "[CREDIT_CARD].",
    "And the expiration date?",
    "[CREDIT_CARD_EXPIRATION].",
    "And the three digits on the back?",
    "[CREDIT_CARD_CVV].",
    "[CREDIT_CARD_CVV]. Your total is $45.20, it takes 3 to 5 business days.",
    "My email is [EMAIL_ADDRESS] and I live at [LOCATION].",
    "Date of birth?",
    "[DATE_OF_BIRTH].",
    "Thanks, [PERSON]!",
]


def test_a_whole_call(redactor: Redactor) -> None:
    assert texts(redactor.redact(call(*CALL))) == REDACTED


def test_a_whole_call_in_lower_case_without_punctuation(redactor: Redactor) -> None:
    plain = [line[:3] + line[3:].lower().translate(str.maketrans("", "", ",?!")).rstrip(".") for line in CALL]
    said = " ".join(texts(redactor.redact(call(*plain))))
    for secret in (
        "maria",
        "lopez",
        "jennifer",
        "example",
        "maple",
        "denver",
        "march",
        "1984",
        "one",
        "twenty",
    ):
        assert secret not in said.split(), secret
    assert "$45.20" in said
    assert "3 to 5 business days" in said


def test_a_mark_spans_what_it_replaced(redactor: Redactor) -> None:
    raw = call("A: your security code?", "C: it's one two three, okay")
    redacted = redactor.redact(raw)
    mark = redacted.turns[1].words[1]
    removed = raw.turns[1].words[1:4]
    assert (mark.text, mark.entity) == ("[CREDIT_CARD_CVV],", "CREDIT_CARD_CVV")
    assert (mark.start_s, mark.end_s) == (removed[0].start_s, removed[-1].end_s)
    assert mark.confidence == min(word.confidence for word in removed)
    (redaction,) = redacted.redactions
    assert (redaction.turn, redaction.word, redaction.n_words) == (1, 1, 3)
    assert (redaction.channel, redaction.start_s, redaction.end_s) == (
        Channel.CUSTOMER,
        mark.start_s,
        mark.end_s,
    )


@pytest.mark.parametrize(
    ("line", "entity"),
    [
        ("C: The IBAN is DE89370400440532013000.", "IBAN_CODE"),
        ("C: My driver's license is D1234567.", "US_DRIVER_LICENSE"),
        ("C: my license is S 5 3 0 4 6 0 6 8", "US_DRIVER_LICENSE"),
        ("C: My passport number is C01234567.", "US_PASSPORT"),
        ("C: It shows 192.168.10.44 here.", "IP_ADDRESS"),
        ("C: I went to www.example.com for it.", "URL"),
        ("C: I talked to Robert Williams yesterday.", "PERSON"),
        ("C: We moved to Chicago in the spring.", "LOCATION"),
        ("C: my social is 536-90-4399", "US_SSN"),
    ],
)
def test_entities(redactor: Redactor, line: str, entity: str) -> None:
    assert {redaction.entity for redaction in redactor.redact(call(line)).redactions} == {entity}


@pytest.mark.parametrize(
    "line",
    [
        "A: Your order total is $45.20 and it ships in 3 to 5 business days.",
        "C: One of them is broken, and the other two are fine.",
        "C: I called at 10:30 this morning and waited forty five minutes.",
        "C: Mm-hmm. Yeah, it is a four door car with a V6.",
        "c: will this take long or may i hope for an answer by friday",
        "C: I ordered it on March third and it still has not arrived.",
        "C: I have been a customer since 2015.",
    ],
)
def test_harmless_words_stay(redactor: Redactor, line: str) -> None:
    assert texts(redactor.redact(call(line))) == [line[3:]]


def test_a_policy_removes_only_its_own(ner_model_dir: Path) -> None:
    pci = Redactor.load(ner_model_dir, RedactionOptions(policy="pci"))
    redacted = pci.redact(call("C: I'm Maria Lopez and my card is 4111 1111 1111 1111."))
    assert texts(redacted) == ["I'm Maria Lopez and my card is [CREDIT_CARD]."]
    assert redacted.policy == "pci"


def test_finding_needs_no_times(redactor: Redactor) -> None:
    turns = [Utterance("agent", ("your", "cvv?")), Utterance("customer", ("one", "two", "three"))]
    (finding,) = redactor.find(turns)
    assert (finding.turn, finding.first_word, finding.last_word, finding.entity) == (
        1,
        0,
        3,
        "CREDIT_CARD_CVV",
    )


def test_speakers_on_one_channel_are_told_apart(redactor: Redactor) -> None:
    raw = call("A: go ahead", "C: 4539 1488", "A: okay", "C: 0343 6467")
    turns = tuple(Turn(turn.speaker, Channel.MIXED, turn.words) for turn in raw.turns)
    mixed = Transcript(raw.audio, raw.duration_s, (Channel.MIXED,), turns, (), raw.provenance)
    assert texts(redactor.redact(mixed)) == ["go ahead", "[CREDIT_CARD]", "okay", "[CREDIT_CARD]"]


def test_nothing_reaches_for_the_network(
    redactor: Redactor, ner_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        pytest.fail("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    fresh = Redactor.load(ner_model_dir, RedactionOptions())
    assert texts(fresh.redact(call("C: It's maria@example.com"))) == ["It's [EMAIL_ADDRESS]"]


def test_a_folder_without_a_model_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"config\.cfg"):
        Redactor.load(tmp_path, RedactionOptions())


def test_an_empty_call(redactor: Redactor) -> None:
    assert redactor.redact(call()).turns == ()


@pytest.mark.parametrize("policy", ["pci", "all"])
def test_the_card_passages_of_another_hand_go_whole(redactor: Redactor, policy: str) -> None:
    """Whatever a card's fragment looks like, it must be labelled so that `pci` removes it."""
    paying = {"CREDIT_CARD", "CREDIT_CARD_CVV", "CREDIT_CARD_EXPIRATION"}
    strict = redactor.with_policy(policy)
    missed = []
    for known in blind(FOLDER / "blind_a.txt"):
        turns = [Utterance(side, words) for side, words in known.turns]
        covered = {
            (finding.turn, word)
            for finding in strict.find(turns)
            for word in range(finding.first_word, finding.last_word)
        }
        missed += [
            secret
            for secret in known.secrets
            if secret.entity in paying and not covered.issuperset((secret.turn, word) for word in secret.words)
        ]
    assert missed == []


def test_one_reading_by_two_policies_finds_what_two_readings_find(ner_model_dir: Path) -> None:
    options = RedactionOptions(policy="pci", patterns=("BADGE=badge \\d+",))
    pci = Redactor.load(ner_model_dir, options)
    lines = ("your name and card please", "maria lopez, 4111 1111 1111 1111 and badge 77 born 3 May 1971")
    turns = [Utterance(str(at), tuple(line.split())) for at, line in enumerate(lines)]
    own, strict = pci.find_strictly(turns)
    assert (own, strict) == (pci.find(turns), pci.with_policy("all").find(turns))
    assert {finding.entity for finding in own} == {"CREDIT_CARD", "BADGE"}
    assert {finding.entity for finding in strict} >= {"CREDIT_CARD", "PERSON", "DATE_OF_BIRTH"}

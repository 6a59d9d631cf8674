"""What holds of every redaction, whatever is said: nothing planted survives, nothing kept is lost."""

import random
import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.types import Channel, Provenance, Transcript, Turn, Word
from compliance.options import RedactionOptions
from compliance.policies import POLICIES
from compliance.redactor import Redactor
from compliance.render import as_json, as_json_line, as_srt, as_txt, as_vtt, documents
from compliance.second_reader import Proposal
from compliance.spoken_numbers import luhn_valid, read_numbers
from compliance.types import RedactedTranscript
from tests.corpus.calls import make, templates

pytestmark = [pytest.mark.property, pytest.mark.external]

FEW = settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
SMALL_TALK = st.sampled_from(
    [
        "Okay.", "Sure, let me check that for you.", "It took 3 to 5 days.", "My name is Maria Lopez.",
        "One of them is broken.", "I live at 42 Maple Street.", "Your total is $45.20.", "thank you robert",
        "Call me at 555-867-5309.", "maria dot lopez at example dot com", "I have the card here.",
        "uh-huh", "[PERSON], hello.",
    ]
)  # fmt: skip
TURNS = st.lists(st.tuples(st.sampled_from("AC"), SMALL_TALK), max_size=4)
TIMES = re.compile(r"\d\d:\d\d:\d\d(?:[.,]\d{3})?|_s\": ?[\d.]+|(?m:^\d+$)")
UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]


@pytest.fixture(scope="module")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, RedactionOptions())


def transcript(lines: list[tuple[str, str]]) -> Transcript:
    turns = []
    at_s = 0.0
    for side, text in lines:
        channel = Channel.AGENT if side == "A" else Channel.CUSTOMER
        words = []
        for word in text.split():
            words.append(Word(word, at_s, at_s + 0.4, 0.9))
            at_s += 0.5
        turns.append(Turn(channel.value, channel, tuple(words)))
    provenance = Provenance("m", "s", "e", "p", "c", "v")
    return Transcript("call.wav", at_s, (Channel.AGENT, Channel.CUSTOMER), tuple(turns), (), provenance)


@st.composite
def cards(draw: st.DrawFn) -> str:
    body = draw(st.sampled_from("3456")) + draw(st.text("0123456789", min_size=14, max_size=14))
    return next(body + last for last in "0123456789" if luhn_valid(body + last))


@st.composite
def said(draw: st.DrawFn, digits: str, size: int) -> list[str]:
    """The digits in groups, each as words or figures."""
    groups = [digits[at : at + size] for at in range(0, len(digits), size)]
    return [group if draw(st.booleans()) else " ".join(UNITS[int(digit)] for digit in group) for group in groups]


def renderings(redactor: Redactor, lines: list[tuple[str, str]]) -> tuple[list[str], str]:
    """The redacted words, and all renderings in one."""
    redacted = redactor.redact(transcript(lines))
    bodies = [render(redacted) for render in (as_json, as_json_line, as_txt, as_vtt, as_srt)]
    bodies += [document.body.decode() for document in documents(redacted)]
    return [word.text for turn in redacted.turns for word in turn.words], TIMES.sub("", "\n".join(bodies))


def assert_gone(redactor: Redactor, lines: list[tuple[str, str]], planted: list[tuple[str, str]]) -> None:
    """No group of the planted turns is left, in figures or in words, in any rendering."""
    kept, bodies = renderings(redactor, lines)
    rest = [word for turn in redactor.redact(transcript(lines)).turns for word in turn.words]
    assert len(rest) == len(kept)
    for _, text in planted:
        digits = "".join(run.digits for run in read_numbers(text.split()))
        assert not re.search(rf"(?<![\d.]){digits}(?!\d)", bodies)
        assert text not in " ".join(kept)


@FEW
@given(st.data(), cards(), TURNS, TURNS)
def test_no_card_survives(
    redactor: Redactor,
    data: st.DataObject,
    card: str,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
) -> None:
    groups = data.draw(said(card, 4))
    replies = data.draw(st.lists(st.sampled_from(["okay", "Uh-huh.", "go on", "got it"]), min_size=3, max_size=3))
    planted = [("C", group) for group in groups]
    if data.draw(st.booleans()):
        dictated = [planted[0]]
        for reply, turn in zip(replies, planted[1:], strict=True):
            dictated += [("A", reply), turn]
    else:
        dictated = [("C", " ".join(groups))]
    assert_gone(redactor, [*before, *dictated, *after], dictated[::2] if len(dictated) > 1 else dictated)


@FEW
@given(st.data(), st.text("0123456789", min_size=3, max_size=4), TURNS, TURNS)
def test_no_security_code_survives(
    redactor: Redactor,
    data: st.DataObject,
    code: str,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
) -> None:
    ask = data.draw(
        st.sampled_from(
            ["The security code?", "what's the cvv", "And the three digits on the back of the card, please?"]
        )
    )
    (answer,) = data.draw(said(code, 4))
    planted = [("C", answer), ("A", answer)]
    assert_gone(redactor, [*before, ("A", ask), *planted, *after], planted)


@FEW
@given(st.data(), st.text("0123456789", min_size=9, max_size=9), TURNS, TURNS)
def test_no_social_security_number_survives(
    redactor: Redactor,
    data: st.DataObject,
    ssn: str,
    before: list[tuple[str, str]],
    after: list[tuple[str, str]],
) -> None:
    groups = data.draw(said(ssn, 3))
    planted = [("C", " ".join(groups))]
    assert_gone(redactor, [*before, ("A", "Your social security number?"), *planted, *after], planted)


@FEW
@given(st.lists(st.tuples(st.sampled_from("AC"), SMALL_TALK), max_size=8))
def test_kept_words_stay_in_order_and_marks_are_where_redactions_say(
    redactor: Redactor, lines: list[tuple[str, str]]
) -> None:
    raw = transcript(lines)
    redacted = redactor.redact(raw)
    assert [(turn.speaker, turn.channel) for turn in redacted.turns] == [
        (turn.speaker, turn.channel) for turn in raw.turns
    ]
    marks = {(redaction.turn, redaction.word): redaction for redaction in redacted.redactions}
    for index, (before, after) in enumerate(zip(raw.turns, redacted.turns, strict=True)):
        at = 0
        for place, word in enumerate(after.words):
            if word.entity is None:
                assert (index, place) not in marks
                assert (word.text, word.start_s, word.end_s) == (
                    before.words[at].text, before.words[at].start_s, before.words[at].end_s,
                )  # fmt: skip
                at += 1
                continue
            redaction = marks.pop((index, place))
            assert word.text.startswith(f"[{redaction.entity}]")
            assert word.start_s == before.words[at].start_s
            at += redaction.n_words
            assert word.end_s == before.words[at - 1].end_s
        assert at == len(before.words)
    assert not marks


@FEW
@given(st.lists(st.tuples(st.sampled_from("AC"), SMALL_TALK), max_size=8))
def test_redacting_twice_changes_nothing(redactor: Redactor, lines: list[tuple[str, str]]) -> None:
    once = [turn.text for turn in redactor.redact(transcript(lines)).turns]
    again = redactor.redact(transcript([(side, text) for (side, _), text in zip(lines, once, strict=True)]))
    assert [turn.text for turn in again.turns] == once
    assert again.redactions == ()


TEMPLATES = [
    (entity, text)
    for folder in ("templates", "held_out")
    for entity, texts in templates(folder).items()
    for text in texts
    if entity != "HARMLESS"
]


@FEW
@given(st.sampled_from(TEMPLATES), st.randoms(use_true_random=False), TURNS)
def test_no_rendering_holds_what_was_removed(
    redactor: Redactor, template: tuple[str, str], rng: random.Random, after: list[tuple[str, str]]
) -> None:
    made = make(*template, rng)
    said = [("A" if side == "agent" else "C", " ".join(words)) for side, words in made.turns]
    raw = transcript([*said, *after])
    redacted = redactor.redact(raw)
    kept, bodies = renderings(redactor, [*said, *after])
    at = [0] * len(raw.turns)
    for index, turn in enumerate(redacted.turns):
        sizes = {mark.word: mark.n_words for mark in redacted.redactions if mark.turn == index}
        for place in range(len(turn.words)):
            size = sizes.get(place, 1)
            words = [word.text for word in raw.turns[index].words[at[index] : at[index] + size]]
            at[index] += size
            gone = " ".join(words).strip(".,?!")
            if place in sizes and (size > 1 or len(gone) > 4) and gone not in " ".join(kept):
                assert not re.search(rf"(?<![\w.]){re.escape(gone)}(?!\w)", bodies)
                assert re.sub(r"\s+", "", gone) not in kept


class Proposing:
    """A second reader that says the same of every call."""

    name = "scripted"

    def __init__(self, proposals: Sequence[Proposal]) -> None:
        self._proposals = proposals

    def propose(self, transcript: RedactedTranscript, entities: Collection[str]) -> Sequence[Proposal]:
        return self._proposals


@st.composite
def proposals(draw: st.DrawFn, lines: list[tuple[str, str]]) -> list[Proposal]:
    """Some that stand in the call, as it was before anything was removed, and some of anything."""
    made = []
    for _ in range(draw(st.integers(0, 5))):
        turn = draw(st.integers(-1, len(lines)))
        words = lines[turn][1].split() if 0 <= turn < len(lines) else ["hello"]
        first = draw(st.integers(0, len(words) - 1))
        last = draw(st.integers(first + 1, len(words)))
        text = draw(st.one_of(st.just(" ".join(words[first:last])), st.text(max_size=12)))
        made.append(Proposal(turn, text, draw(st.sampled_from([*sorted(POLICIES["all"]), "NOTHING"]))))
    return made


def removed(redacted: RedactedTranscript) -> Iterator[tuple[int, int]]:
    """Turn and place, as it was said, of every word that went."""
    sizes = {(one.turn, one.word): one.n_words for one in redacted.redactions}
    for index, turn in enumerate(redacted.turns):
        at = 0
        for place in range(len(turn.words)):
            size = sizes.get((index, place), 0)
            yield from ((index, at + word) for word in range(size))
            at += size or 1


@FEW
@given(st.data(), st.lists(st.tuples(st.sampled_from("AC"), SMALL_TALK), min_size=1, max_size=5))
def test_a_second_reader_only_ever_adds(
    ner_model_dir: Path, redactor: Redactor, data: st.DataObject, lines: list[tuple[str, str]]
) -> None:
    reader = Proposing(data.draw(proposals(lines)))
    raw = transcript(lines)
    without, with_it = redactor.redact(raw), Redactor(redactor._analyzer, RedactionOptions(), reader).redact(raw)
    assert set(removed(without)) <= set(removed(with_it))
    said = [(turn.channel, word.text) for turn in raw.turns for word in turn.words]
    kept = [(turn.channel, word.text) for turn in with_it.turns for word in turn.words if not word.entity]
    rest = iter(said)
    assert all(word in rest for word in kept), "what is left was said, in its order, and nothing is put in"
    added = set(removed(with_it)) - set(removed(without))
    assert with_it.second_reading is not None
    assert bool(added) <= bool(with_it.second_reading.added)
    assert redactor.redact_all([raw]) == [without], "the same recognisers, untouched"

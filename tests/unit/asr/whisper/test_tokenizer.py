"""Tokens and words against faster-whisper's tokenizer, for a multilingual and an English-only model."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

import pytest
import tokenizers
from faster_whisper.tokenizer import Tokenizer as Reference
from faster_whisper.transcribe import get_suppressed_tokens, merge_punctuations

from asr.errors import ConfigError, ModelError
from asr.whisper.tokenizer import WhisperTokenizer

PREPENDED = "\"'“¿([{-"
APPENDED = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001

SENTENCES = [
    " Thank you for calling Northside Furniture, my name is Grace. How can I help you?",
    " My card number is 4111 1111 1111 1111, and it expires on 03/27.",
    " It's $49.99, isn't it? That's 10% off!",
    ' She said "hold on", and then... nothing.',
    " The e-mail is daniel.brooks@example.com; the site is https://example.com/a_b.",
    " Well—you know—it's the Smiths' account (the old one).",
    " Mr. O'Brien-Smith paid 1,200.50 at 5:30 p.m.",
    "No leading space here",
    " Café, naïve, façade and jalapeño.",
    " Señor Núñez, ¿cómo está? Muy bien.",
    " I'm, uh, I'm not sure - maybe?",
    " Antidisestablishmentarianism",
    " ",
    "",
    " [MUSIC] Hello 😀 there",
]


@pytest.fixture(scope="module", params=["multilingual", "english"])
def pair(
    request: pytest.FixtureRequest, whisper_dir: Path, whisper_base_dir: Path
) -> tuple[WhisperTokenizer, Reference]:
    multilingual = request.param == "multilingual"
    path = (whisper_base_dir if multilingual else whisper_dir) / "tokenizer.json"
    reference = Reference(tokenizers.Tokenizer.from_file(str(path)), multilingual, task="transcribe", language="en")
    return WhisperTokenizer.load(path, "en"), reference


def test_the_prompt_is_the_references(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    assert own.prompt == reference.sot_sequence
    assert (own.end_of_text, own.no_timestamps) == (reference.eot, reference.no_timestamps)
    assert own.timestamp_begin == reference.timestamp_begin


def test_what_is_never_said_is_the_references_and_the_no_speech_token(
    pair: tuple[WhisperTokenizer, Reference],
) -> None:
    """faster-whisper leaves the no-speech token to its runtime; openai/whisper suppresses it as this does."""
    own, reference = pair
    assert sorted({*get_suppressed_tokens(reference, [-1]), reference.no_speech}) == own.suppressed()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_words_are_what_spaces_part(pair: tuple[WhisperTokenizer, Reference], sentence: str) -> None:
    own, reference = pair
    tokens = reference.encode(sentence)
    assert own.decode([*tokens, own.end_of_text]) == sentence
    # A dash between spaces opens the next word, as a quotation mark does.
    assert [word.text for word in own.words(tokens)] == sentence.replace(" - ", " -").split()


@pytest.mark.parametrize("sentence", SENTENCES)
def test_no_word_ends_within_one_of_the_references(pair: tuple[WhisperTokenizer, Reference], sentence: str) -> None:
    """The reference parts words at inner punctuation too, as in "03/27"; else the two agree."""
    own, reference = pair
    tokens = reference.encode(sentence)
    texts, groups = reference.split_to_word_tokens([*tokens, reference.eot])
    alignment = [{"word": text, "tokens": group} for text, group in zip(texts, groups, strict=True) if text]
    merge_punctuations(alignment, PREPENDED, APPENDED)
    ends = list(accumulate(len("".join(item["word"].split())) for item in alignment))
    assert {*accumulate(len(word.text) for word in own.words(tokens))} <= {*ends}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_words_hold_tokens_in_order_and_leave_closing_punctuation_out(
    pair: tuple[WhisperTokenizer, Reference], sentence: str
) -> None:
    own, reference = pair
    tokens = reference.encode(sentence)
    found = own.words(tokens)
    bounds = [bound for word in found for bound in (word.first, word.stop)]
    assert bounds == sorted(bounds)
    assert all(word.first < word.stop <= len(tokens) for word in found)
    assert all(word.text for word in found)


def test_a_full_stop_is_part_of_a_word_but_not_of_its_time(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    tokens = reference.encode(" Thank you. Bye.")
    assert [(word.text, tokens[word.first : word.stop]) for word in own.words(tokens)] == [
        ("Thank", reference.encode(" Thank")),
        ("you.", reference.encode(" you")),
        ("Bye.", reference.encode(" Bye")),
    ]


def test_a_space_that_is_a_token_of_its_own_parts_words(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    tokens = [*reference.encode(" and"), *reference.encode(" "), *reference.encode("then")]
    assert [word.text for word in own.words(tokens)] == ["and", "then"]


def test_an_opening_mark_at_the_end_is_kept(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    assert [word.text for word in own.words(reference.encode(" and ("))] == ["and", "("]


def test_half_a_character_at_the_end_does_no_harm(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    tokens = reference.encode(" Hello 😀")
    assert own.words(tokens[:-1])[0].text == "Hello"


def test_a_context_is_what_was_read_and_then_what_was_said(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    (start,) = reference.tokenizer.encode("<|startofprev|>", add_special_tokens=False).ids
    read, said = reference.encode(" Grace, Northside"), reference.encode(" How can I help?")
    assert own.context("") == own.context(" ", " ") == []
    assert own.context("Grace, Northside") == [start, *read]
    assert own.context("", "How can I help?") == [start, *said]
    assert own.context("Grace, Northside", "How can I help?") == [start, *read, *said]


def test_a_context_takes_half_of_the_models_positions_less_one_and_drops_what_was_said_first(
    pair: tuple[WhisperTokenizer, Reference],
) -> None:
    own, reference = pair
    long, short = " ".join(["word"] * 300) + " end", "Grace"
    assert len(own.context("", long)) == len(own.context(long)) == 224
    both = own.context(short, long)
    assert len(both) == 224
    assert both[1:2] == reference.encode(" Grace")
    assert both[-1:] == reference.encode(" end")
    assert own.context(long, short) == own.context(long)


def test_times_are_tokens_of_20_ms_up_to_the_end_of_what_is_heard(pair: tuple[WhisperTokenizer, Reference]) -> None:
    own, reference = pair
    first = reference.timestamp_begin
    assert own.timestamps(0.1) == range(first, first + 6)
    assert own.timestamps(1.0)[-1] == first + 50
    assert own.timestamps(30.0)[-1] == first + 1_500
    assert own.timestamps(31.0) == own.timestamps(30.0)


def test_an_unknown_language_is_refused(whisper_base_dir: Path) -> None:
    with pytest.raises(ConfigError, match=r"transcribe\.language is 'xx'"):
        WhisperTokenizer.load(whisper_base_dir / "tokenizer.json", "xx")


def test_what_is_no_tokenizer_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelError, match="is not a tokenizer"):
        WhisperTokenizer.load(tmp_path / "tokenizer.json", "en")
    plain = tokenizers.Tokenizer(tokenizers.models.BPE())
    plain.save(str(tmp_path / "tokenizer.json"))
    with pytest.raises(ModelError, match=r"has no <\|endoftext\|>"):
        WhisperTokenizer.load(tmp_path / "tokenizer.json", "en")


def test_an_english_model_takes_no_other_language(whisper_dir: Path) -> None:
    with pytest.raises(ConfigError, match="knows English alone"):
        WhisperTokenizer.load(whisper_dir / "tokenizer.json", "de")

"""What is scored against what, what removed words do to it, and what comes of groups."""

from __future__ import annotations

import pytest

from asr.diarize.rttm import Talk
from asr.errors import ConfigError
from asr.scoring.errors import EditErrors
from asr.scoring.keywords import KeywordCount
from asr.scoring.normalisation import PIPELINES, pipeline
from flows.scores.said import Said, SaidCall
from flows.scores.scoring import CallScore, Method, compare, confusions, figures, grouped, noise_band, score_call

METHOD = Method(PIPELINES["whisper-english"], ("refund", "my plan"))


def call(name: str, *turns: tuple[str, str], talk: tuple[Talk, ...] | None = None, **facts: str) -> SaidCall:
    said = tuple(
        Said(who, who if who in ("agent", "customer") else "", tuple(text.split()), float(at), at + 0.9)
        for at, (who, text) in enumerate(turns)
    )
    return SaidCall(name, said, talk, facts=facts)


def score(reference: SaidCall, heard: SaidCall, method: Method = METHOD) -> CallScore:
    return score_call(reference, heard, method)


def test_sides_are_scored_each_by_itself_and_a_word_on_the_wrong_side_is_wrong_twice() -> None:
    said = call("a", ("agent", "Hello, how are you?"), ("customer", "Fine thanks."))
    heard = call("a", ("agent", "Hello, how are you fine?"), ("customer", "Thanks."))
    found = score(said, heard)
    assert [(side.side, side.words) for side in found.sides] == [
        ("agent", EditErrors(0, 0, 1, 4)),
        ("customer", EditErrors(0, 1, 0, 2)),
    ]
    assert found.cp == EditErrors(0, 1, 1, 6)


def test_without_sides_all_turns_are_one_text_by_their_start() -> None:
    said = call("a", ("", "hello there"), ("", "fine thanks"))
    heard = call("a", ("agent", "hello there"), ("customer", "fine thanks"))
    found = score(said, heard)
    assert [(side.side, side.words) for side in found.sides] == [("all", EditErrors(reference_length=4))]
    assert found.cp is None


def test_removed_words_are_neither_wrong_nor_right() -> None:
    said = call("a", ("customer", "My name is Mary Ann Smith and I want a refund"))
    heard = call("a", ("customer", "My name is [PERSON]. And I want a refund."))
    [side] = score(said, heard).sides
    assert side.words == EditErrors(reference_length=8)
    assert side.unscored == 3
    assert side.characters.rate == 0
    both = score(heard, heard).sides[0]
    assert (both.words, both.unscored) == (EditErrors(reference_length=8), 0)
    turned = score(heard, said).sides[0]
    assert turned.words == EditErrors(reference_length=8)


@pytest.mark.parametrize("mark", ["[CREDIT_CARD]", "[CREDIT_CARD:1111],", "****", "[CREDIT_CARD_2]."])
def test_every_way_of_marking_is_a_mark(mark: str) -> None:
    said = call("a", ("customer", "it is four one one one 1111 1111 1111 thanks"))
    heard = call("a", ("customer", f"it is {mark} thanks"))
    for name in PIPELINES:
        [side] = score(said, heard, Method(pipeline(name))).sides
        assert side.words == EditErrors(reference_length=3)
        assert side.digits == EditErrors()


def test_a_mark_does_not_swallow_the_rest_of_a_call() -> None:
    said = call("a", ("agent", "John " + " ".join(f"word{n}" for n in "abcdefghijklmnopqrstuvwxyz")))
    heard = call("a", ("agent", "[PERSON]"))
    [side] = score(said, heard).sides
    assert side.unscored == 8
    assert side.words == EditErrors(0, 19, 0, 19)


def test_a_misheard_digit_is_one_digit_whatever_the_normalisation() -> None:
    said = call("a", ("customer", "it is four one one two"))
    heard = call("a", ("customer", "it is 4113"))
    [side] = score(said, heard).sides
    assert side.words == EditErrors(1, 0, 0, 3)
    assert side.digits == EditErrors(1, 0, 0, 4)


def test_an_empty_reference_has_no_rate_and_its_insertions_count_in_the_group() -> None:
    silent = score(call("silent"), call("silent", ("agent", "thank you")))
    alone = figures([silent])
    assert alone.wer is None
    assert alone.words == EditErrors(insertions=2)
    talk = score(call("talk", ("agent", "red blue green grey")), call("talk", ("agent", "red blue green grey")))
    both = figures([silent, talk])
    assert both.wer is not None
    assert both.wer.rate == 2 / 4
    assert figures([score(call("x"), call("x"))]).words == EditErrors()
    assert figures([]).wer is None


def test_groups_pool_their_calls_and_what_is_not_known_is_in_none() -> None:
    heard = [
        score(
            call(name, ("agent", "a b c d"), ("customer", "e f")),
            call(name, ("agent", said), ("customer", "e f"), **facts),
        )
        for name, said, facts in (
            ("one", "a b c d", {"queue": "sales"}),
            ("two", "a b x d", {"queue": "sales"}),
            ("three", "a b c d", {}),
        )
    ]
    found = grouped(heard, ["queue", "channel", "codec", "call"])
    assert list(found) == ["queue", "channel", "call"]
    assert found["queue"]["sales"].words == EditErrors(1, 0, 0, 12)
    assert found["channel"]["agent"].words == EditErrors(1, 0, 0, 12)
    assert found["channel"]["customer"].words == EditErrors(0, 0, 0, 6)
    assert found["channel"]["agent"].cp_wer is None
    mixed = score(call("four", ("", "x")), call("four", ("", "x")))
    assert grouped([*heard, mixed], ["channel"])["channel"]["agent"].calls == 3
    one = found["call"]["two"].wer
    assert one is not None
    assert (one.rate, one.low) == (1 / 6, None)
    with pytest.raises(ConfigError, match="not grouped by 'weather'"):
        grouped(heard, ["weather"])


def test_keywords_are_found_where_they_were_said() -> None:
    found = score(
        call("a", ("agent", "A refund for my plan, a refund.")),
        call("a", ("agent", "A refund for your plan. My plan?")),
    )
    assert found.sides[0].keywords == {"refund": KeywordCount(2, 1, 0), "my plan": KeywordCount(1, 0, 1)}


def test_errors_are_ranked_by_how_often_they_were_made() -> None:
    found = score(call("a", ("agent", "a b a b c")), call("a", ("agent", "x b x b c d")))
    ranked = [(step.reference, step.hypothesis, times) for step, times in confusions([found], 9)]
    assert ranked == [("a", "x", 2), ("", "d", 1)]


def test_two_runs_are_compared_on_the_calls_of_both() -> None:
    said = call("a", ("agent", "red blue green grey pink brown black"))
    better, worse = score(said, said), score(said, call("a", ("agent", "red x green grey pink y black")))
    alone = score(call("b", ("agent", "x")), call("b", ("agent", "y")))
    found = compare([worse, alone], [better])
    assert (found.first_errors, found.second_errors) == (2, 0)


def test_who_talks_when_is_scored_where_both_tell() -> None:
    talk = (Talk("agent", 0.0, 10.0),)
    found = score(call("a", talk=talk), call("a", talk=(Talk("x", 0.1, 10.0),)))
    assert found.talk is not None
    assert found.talk.rate == pytest.approx(0.01)
    assert found.talk_with_collar is not None
    assert found.talk_with_collar.rate == 0
    assert score(call("a", talk=talk), call("a")).talk is None


def test_bands_of_noise() -> None:
    assert [noise_band(snr) for snr in (3.0, 6.0, 12.0, None)] == [
        "SNR under 6 dB",
        "SNR 6 to 12 dB",
        "SNR 12 dB or more",
        None,
    ]
    assert noise_band(None, low_only=True) == "SNR 12 dB or more"

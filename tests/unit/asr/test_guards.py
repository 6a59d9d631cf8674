"""Each guard on texts with what it is for, and on texts that only look like it."""

from __future__ import annotations

import logging
from dataclasses import replace

import numpy as np
import pytest

from asr.engines.scripted import ScriptedEngine
from asr.guards import Evidence, guard, joined, lost_speech_s, middle_pause_s
from asr.options import GuardOptions
from asr.rehearing import Said, guarded
from asr.types import Channel, Chunk, GuardCounts, Hypothesis, Samples, Span, Word
from asr.vad import WINDOW

SPEECH = ((0.5, 5.0), (6.0, 9.5))


def evidence(bursts: tuple[tuple[float, float], ...] = SPEECH, inside: float = 0.95) -> Evidence:
    probabilities = np.zeros(313, np.float32)
    for start_s, end_s in bursts:
        probabilities[int(start_s * 16_000) // WINDOW : int(end_s * 16_000) // WINDOW] = inside
    return Evidence(bursts, probabilities)


def said(
    text: str, start_s: float = 0.5, step_s: float = 0.3, lasts_s: float = 0.25, no_speech_prob: float = 0.0
) -> Hypothesis:
    words = tuple(
        Word(word, start_s + step_s * at, start_s + step_s * at + lasts_s, 0.9) for at, word in enumerate(text.split())
    )
    return Hypothesis(words, "en", -0.2, no_speech_prob, 1.2, 0.0)


def texts(hypothesis: Hypothesis) -> str:
    return " ".join(word.text for word in hypothesis.words)


def test_a_sound_text_stays_as_it_is() -> None:
    sound = said("I would like to know what my balance is")
    assert guard(sound, evidence()) == (sound, GuardCounts())


def test_words_away_from_speech_go() -> None:
    invented = said("Thank you very", start_s=3.0, step_s=2.5)
    assert guard(said("Yes. Okay.", 8.0, 3.0), evidence(((6.0, 9.0),)))[1] == GuardCounts(away=1)
    # In the pause of a second between two bursts everything is near to one.
    assert guard(invented, evidence())[1] == GuardCounts()
    assert guard(invented, evidence(()))[1] == GuardCounts(away=3)


def test_repeats_without_time_go_and_those_that_were_said_stay() -> None:
    spoken = said("testing testing testing testing testing one", step_s=0.5)
    assert guard(spoken, evidence())[0] is spoken
    looped = said("onward " * 6, step_s=0.0, lasts_s=0.02)
    kept, counts = guard(looped, evidence())
    assert counts == GuardCounts(loops=3)
    assert texts(kept) == "onward onward onward"
    phrase = joined(said("I am sorry", 0.5), said("I am sorry " * 5, 0.0, 0.02, 0.0), 1.5)
    assert texts(guard(phrase, evidence())[0]) == "I am sorry I am sorry I am sorry"


def test_more_words_than_a_second_holds_go() -> None:
    quick = said("a b c d e f g h i", step_s=0.1, lasts_s=0.08)
    assert guard(quick, evidence())[1] == GuardCounts()
    rushed = said("alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima", 2.0, 0.05, 0.05)
    assert guard(rushed, evidence())[1] == GuardCounts(rushed=12)
    long_words = said("responsibility internationalisation characteristically unconstitutional", 2.0, 0.2, 0.2)
    assert guard(long_words, evidence())[1].rushed == 4


def test_a_number_said_slowly_is_not_rushed() -> None:
    number = said("4111111111111111 4111111111111111", 0.5, 4.0, 3.9)
    assert guard(number, evidence())[1] == GuardCounts()


@pytest.mark.parametrize("text", ["Thanks for watching!", "Please subscribe.", "Subtitles by the Amara.org community"])
def test_subtitles_go_where_the_sound_is_no_speech(text: str) -> None:
    assert guard(said(text), evidence(inside=0.95))[1] == GuardCounts()
    assert guard(said(text), evidence(inside=0.3))[1].subtitles == len(text.split())
    assert guard(said(text, no_speech_prob=0.8), evidence())[1].subtitles == len(text.split())


def test_only_the_phrase_itself_goes() -> None:
    kept, counts = guard(said("Okay, thanks for watching the house."), evidence(inside=0.3))
    assert (texts(kept), counts.subtitles) == ("Okay, the house.", 3)


def test_lost_speech_is_the_longest_stretch_without_words() -> None:
    assert lost_speech_s(said("", 0.0), evidence()) == pytest.approx(8.0)
    assert lost_speech_s(said("one two", 0.5, 0.25), evidence()) == pytest.approx(7.5)
    # One word that lasts for ever accounts for a second and a half.
    assert lost_speech_s(said("on", 0.5, lasts_s=9.0), evidence()) == pytest.approx(6.5)
    assert lost_speech_s(said("", 0.0), evidence(())) == 0.0


def test_a_chunk_is_cut_in_the_pause_nearest_to_its_middle() -> None:
    assert middle_pause_s(evidence(), 10.0) == pytest.approx(5.5)
    assert middle_pause_s(evidence(((0.0, 10.0),)), 10.0) == 5.0


def test_evidence_is_laid_out_as_the_chunk_is() -> None:
    chunk = Chunk(Channel.AGENT, (Span(16_000, 32_000), Span(64_000, 96_000)))
    probabilities = np.linspace(0, 1, 250, dtype=np.float32)
    found = Evidence.of(chunk, (Span(20_000, 70_000), Span(80_000, 88_000)), probabilities)
    assert found.bursts == ((0.25, 1.0), (1.0, 1.375), (2.0, 2.5))
    assert found.spoken_s(0.0, 1.2) == pytest.approx(0.95)
    assert found.probability(0.0, 1.0) < found.probability(1.5, 3.0)


def test_probabilities_stay_beside_their_words_over_many_seams() -> None:
    """Spans begin and end within windows, each of which counts once."""
    spans = tuple(Span(at, at + 8_000) for at in range(100, 640_100, 16_000))
    probabilities = np.zeros(1_300, np.float32)
    probabilities[spans[-1].start // WINDOW :] = 1.0
    found = Evidence.of(Chunk(Channel.AGENT, spans), (), probabilities)
    assert len(found.probabilities) == 40 * 8_000 // WINDOW
    assert found.probability(19.0, 19.45) == 0.0
    assert found.probability(19.55, 20.0) == 1.0


def chunk(hypothesis: Hypothesis) -> Said:
    return Said(np.zeros(160_000, np.float32), evidence(), hypothesis)


def test_what_leaves_speech_out_is_heard_again_in_halves() -> None:
    full = "one two three four five six seven eight nine ten eleven twelve thirteen"
    asked: list[int] = []

    def answer(samples: Samples) -> Hypothesis:
        asked.append(len(samples))
        return said(full, 0.5) if len(samples) == 88_000 else said(full, 0.6)

    engine = ScriptedEngine(answer)
    sound = said(full + " " + full, 0.5, 0.35)
    (kept, none), (better, counts) = guarded(engine, [chunk(sound), chunk(said("one two"))], GuardOptions())
    assert (kept, none) == (sound, GuardCounts())
    assert asked == [88_000, 72_000]
    assert texts(better) == f"{full} {full}"
    assert better.words[13].start_s == pytest.approx(5.5 + 0.6)
    assert counts == GuardCounts(retried=1, recovered=1)


def test_a_second_hearing_that_is_no_better_is_not_taken_and_the_chunk_is_flagged() -> None:
    engine = ScriptedEngine(lambda _: said(""))
    ((kept, counts),) = guarded(engine, [chunk(said("one two"))], GuardOptions())
    assert texts(kept) == "one two"
    assert counts == GuardCounts(retried=1, unheard=1)


def test_a_second_hearing_that_is_much_less_likely_is_another_text() -> None:
    unlikely = Hypothesis(said("na " * 14).words, "en", -1.5, 0.0, 1.0, 0.0)
    ((kept, counts),) = guarded(ScriptedEngine(lambda _: unlikely), [chunk(said("one two"))], GuardOptions())
    assert (texts(kept), counts.recovered) == ("one two", 0)


def test_what_the_engine_did_itself_is_counted_with_guards_or_without() -> None:
    judged = [
        Hypothesis((), "en", -2.0, 0.9, 1.2, 0.0, is_silenced=True),
        replace(said("word", 20.0), temperature=0.2),
    ]
    chunks = [Said(np.zeros(160_000, np.float32), evidence(()), one) for one in judged]
    for enabled in (True, False):
        silence, sample = guarded(ScriptedEngine(lambda _: said("")), chunks, GuardOptions(enabled=enabled))
        assert silence == (judged[0], GuardCounts(silenced=1))
        assert sample[1] == GuardCounts(sampled=1, away=int(enabled))


def test_guards_can_be_off() -> None:
    engine = ScriptedEngine(lambda _: said(""))
    assert guarded(engine, [chunk(said("word", 20.0))], GuardOptions(enabled=False)) == [
        (said("word", 20.0), GuardCounts())
    ]
    assert engine.batch_sizes == []


def test_counts_add_up_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        counts = GuardCounts(away=1, loops=2) + GuardCounts(loops=3, unheard=1)
        guard(said("secret " * 9, step_s=0.0, lasts_s=0.0), evidence())
    assert counts == GuardCounts(away=1, loops=5, unheard=1)
    assert counts.removed == 6
    assert caplog.text == ""

"""Which texts are believed, which are searched again, and which of several is kept."""

from __future__ import annotations

import zlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asr.options import TranscribeOptions
from asr.whisper.judging import Judge, Reading, compression_ratio

JUDGE = Judge(TranscribeOptions())
"""In doubt below -0.25, unsure below -1.0, a loop above a ratio of 2.4, silent above a chance of 0.6."""

GOOD = Reading((5, 6, 7), True, -0.1, 0.01, 1.3, 0.0)
FAINT = replace(GOOD, mean_logprob=-0.4)
UNSURE = replace(GOOD, mean_logprob=-1.2)
SILENT = replace(UNSURE, no_speech_prob=0.8)
REPEATED = replace(FAINT, compression_ratio=3.0)
CUT = replace(GOOD, ended=False)
EMPTY = replace(GOOD, tokens=())

readings = st.builds(
    Reading,
    st.sampled_from([(), (5, 6, 7)]),
    st.booleans(),
    st.sampled_from([-0.1, -0.3, -0.7, -1.0, -1.4, -2.5]),
    st.sampled_from([0.0, 0.6, 0.9]),
    st.sampled_from([1.0, 2.4, 3.0]),
    st.sampled_from([0.0, 0.2, 1.0]),
)


def _hotter(reading: Reading, mean_logprob: float) -> Reading:
    return replace(reading, mean_logprob=mean_logprob, temperature=0.4)


def test_silence_is_an_unlikely_text_where_no_speech_is_likely() -> None:
    assert JUDGE.is_silence(SILENT)
    assert not JUDGE.is_silence(UNSURE)
    assert not JUDGE.is_silence(replace(FAINT, no_speech_prob=0.8))


def test_the_limits_themselves_are_allowed() -> None:
    assert not JUDGE.is_silence(replace(SILENT, mean_logprob=-1.0))
    assert not JUDGE.is_silence(replace(SILENT, no_speech_prob=0.6))
    assert not JUDGE.is_doubtful(replace(GOOD, mean_logprob=-0.25, compression_ratio=2.4))
    assert JUDGE.settled([replace(GOOD, mean_logprob=-1.0, compression_ratio=2.4)])


@pytest.mark.parametrize("reading", [FAINT, UNSURE, SILENT, REPEATED, CUT, EMPTY])
def test_a_greedy_text_is_in_doubt_for_each_reason_alone(reading: Reading) -> None:
    assert JUDGE.is_doubtful(reading)
    assert not JUDGE.is_doubtful(GOOD)


@pytest.mark.parametrize("reading", [GOOD, FAINT, SILENT, EMPTY, replace(SILENT, ended=False, compression_ratio=9.0)])
def test_what_passes_settles_it(reading: Reading) -> None:
    assert JUDGE.settled([reading])
    assert JUDGE.settled([REPEATED, reading])


@pytest.mark.parametrize("reading", [UNSURE, REPEATED, CUT])
def test_what_fails_is_tried_again(reading: Reading) -> None:
    assert not JUDGE.settled([reading])


def test_a_try_that_strayed_from_the_first_settles_it_though_it_failed() -> None:
    first = replace(REPEATED, mean_logprob=-0.9)
    assert JUDGE.settled([first, _hotter(UNSURE, -1.41)])
    assert not JUDGE.settled([first, _hotter(UNSURE, -1.39)])


def test_two_texts_that_ended_and_repeat_settle_it_since_it_is_the_speaker_who_does() -> None:
    again = _hotter(REPEATED, -0.45)
    assert JUDGE.settled([REPEATED, again])
    assert not JUDGE.settled([CUT, again])
    assert not JUDGE.settled([UNSURE, replace(again, mean_logprob=-0.9)])


def test_the_last_try_is_kept_if_it_passed() -> None:
    assert JUDGE.best([GOOD]) == 0
    assert JUDGE.best([REPEATED, _hotter(FAINT, -0.8)]) == 1
    assert JUDGE.best([CUT, _hotter(REPEATED, -0.2), _hotter(GOOD, -0.5)]) == 2


def test_a_try_that_passed_but_strayed_is_not_kept() -> None:
    assert JUDGE.best([REPEATED, _hotter(GOOD, -0.91)]) == 0
    assert JUDGE.best([REPEATED, _hotter(GOOD, -0.89)]) == 1


def test_of_tries_that_all_failed_the_likeliest_that_ended_is_kept() -> None:
    assert JUDGE.best([CUT, _hotter(REPEATED, -0.5), _hotter(REPEATED, -0.3)]) == 2
    assert JUDGE.best([_hotter(REPEATED, -0.3), _hotter(CUT, -0.2), _hotter(REPEATED, -0.5)]) == 0


def test_of_tries_that_were_all_cut_the_likeliest_is_kept() -> None:
    assert JUDGE.best([_hotter(CUT, -0.3), _hotter(CUT, -0.2), _hotter(CUT, -0.4)]) == 1


@given(st.lists(readings, min_size=1, max_size=6))
def test_what_is_kept_is_one_of_the_tries_and_never_a_stray_one(tries: list[Reading]) -> None:
    kept = tries[JUDGE.best(tries)]
    assert kept.mean_logprob >= tries[0].mean_logprob - 0.5


@given(readings)
def test_a_single_try_settles_it_if_it_is_silence_or_neither_loops_nor_is_unlikely(reading: Reading) -> None:
    sound = reading.ended and reading.compression_ratio <= 2.4 and reading.mean_logprob >= -1.0
    assert JUDGE.settled([reading]) == (sound or JUDGE.is_silence(reading))
    assert JUDGE.best([reading]) == 0


def test_one_text_that_repeats_after_one_that_does_not_settles_nothing() -> None:
    assert not JUDGE.settled([FAINT, _hotter(REPEATED, -0.3)])


@given(st.text(max_size=80))
def test_the_ratio_is_that_of_bytes(text: str) -> None:
    raw = text.encode()
    assert compression_ratio(text) == (len(raw) / len(zlib.compress(raw)) if raw else 1.0)


def test_what_is_said_over_and_over_compresses_beyond_the_limit() -> None:
    assert compression_ratio("Thank you for calling. " * 8) > 2.4
    assert compression_ratio("Good evening, Northside Furniture, my name is Grace.") < 1.2

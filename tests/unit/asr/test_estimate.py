from __future__ import annotations

import numpy as np
import pytest

from asr.estimate import Calibration, unworded_s, word_features
from asr.types import Channel, Region, RegionKind, Turn, Word


def words(*confidences: float, text: str = "hello") -> list[Word]:
    return [Word(text, float(at), at + 0.5, confidence) for at, confidence in enumerate(confidences)]


def test_features_are_logit_and_letters() -> None:
    features = word_features([Word("don't,", 0.0, 0.4, 0.5), Word("internationally", 1.0, 2.0, 0.9)])
    assert features == pytest.approx(np.array([[0.0, 4.0], [np.log(9), 12.0]]))
    assert word_features([]).shape == (0, 2)


def test_confidences_of_0_and_1_have_finite_logits() -> None:
    assert np.isfinite(word_features(words(0.0, 1.0))).all()


def test_less_sure_and_longer_words_are_more_often_wrong() -> None:
    shipped = Calibration.load()
    wrong = shipped.wrong(word_features(words(0.99, 0.8, 0.4, 0.1)))
    assert (np.diff(wrong) > 0).all()
    assert ((wrong > 0) & (wrong < 1)).all()
    short, long = shipped.wrong(word_features([*words(0.8, text="so"), *words(0.8, text="subscription")]))
    assert long > short


def test_the_rate_is_expected_errors_over_expected_words() -> None:
    even = Calibration(0.0, 0.0, 0.0, 2.0, ())
    features = word_features(words(0.9, 0.9, 0.9, 0.9))
    assert even.wer(features, 0.0) == pytest.approx(0.5)
    # Four words, of which two are wrong, and four that were lost in two seconds.
    assert even.wer(features, 2.0) == pytest.approx(6 / 8)


def test_nothing_said_has_no_rate_and_nothing_heard_is_all_lost() -> None:
    assert Calibration.load().wer(word_features([]), 0.0) is None
    assert Calibration.load().wer(word_features([]), 3.0) == 1.0


def test_the_shipped_calibration_is_sane() -> None:
    shipped = Calibration.load()
    assert shipped.logit < 0 < shipped.letters
    assert 0.1 < shipped.lost_per_s < 4.0
    assert shipped.models


def test_speech_without_words_is_counted_in_long_stretches_on_its_own_channel() -> None:
    turn = Turn("agent", Channel.AGENT, (Word("so", 2.0, 2.4, 0.9), Word("well", 3.0, 9.0, 0.9)))
    regions = (
        Region(0.0, 10.0, Channel.AGENT, RegionKind.SPEECH),
        Region(0.0, 4.0, Channel.CUSTOMER, RegionKind.SPEECH),
        Region(4.0, 9.0, Channel.CUSTOMER, RegionKind.MUSIC),
    )
    # Two seconds before the first word; 0.6 between are a pause; a word accounts for 1.5 s at most: 4.5 to 10.
    assert unworded_s([turn], regions) == pytest.approx(2.0 + 5.5 + 4.0)
    assert unworded_s([], ()) == 0.0

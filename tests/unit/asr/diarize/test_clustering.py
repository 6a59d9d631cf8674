from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from asr.diarize import clustering
from asr.diarize.clustering import Rule, cluster, is_one, without_brief

RULE = Rule(same_voice=0.4, one_voice=0.55, apart=0.3, together=0.1, least=1, most=8)


def voices(whose: list[int], spread: float = 0.3, seed: int = 0) -> np.ndarray:
    """Voices of speakers at right angles to each other, each a little off."""
    drawn = np.random.default_rng(seed).standard_normal((len(whose), 32)).astype(np.float32)
    found = np.eye(32, dtype=np.float32)[whose] + spread * drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def alone(n: int) -> np.ndarray:
    """A window for each voice."""
    return np.stack([np.arange(n), np.zeros(n, int)], axis=1)


def same_partition(found: np.ndarray, whose: list[int]) -> bool:
    return len(set(zip(found.tolist(), whose, strict=True))) == len(set(whose)) == len(set(found.tolist()))


@pytest.mark.parametrize("whose", [[0], [0, 0, 0], [0, 1, 0, 1, 1], [0, 1, 2, 0, 1, 2, 2]])
def test_speakers_are_told_apart(whose: list[int]) -> None:
    assert same_partition(cluster(voices(whose), alone(len(whose)), RULE), whose)


def test_bounds_hold() -> None:
    whose = [0, 1, 2, 3] * 3
    told = cluster(voices(whose), alone(12), replace(RULE, most=2))
    assert len(set(told.tolist())) == 2
    told = cluster(voices([0] * 6), alone(6), replace(RULE, least=3))
    assert len(set(told.tolist())) == 3


def test_more_than_bounded_in_blocks_are_linked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clustering, "_MOST", 10)
    whose = [0, 1] * 20
    assert same_partition(cluster(voices(whose), alone(40), RULE), whose)


def test_the_last_two_are_joined_only_if_they_are_very_alike() -> None:
    """Cosine of 0.5: one speaker's beside a third, but two speakers by themselves."""
    a, c = np.eye(3, dtype=np.float32)[[0, 2]]
    b = np.array([0.5, np.sqrt(0.75), 0], np.float32)
    assert same_partition(cluster(np.stack([a, b]), alone(2), RULE), [0, 1])
    assert same_partition(cluster(np.stack([a, b, c]), alone(3), RULE), [0, 0, 1])


def test_a_window_that_holds_two_apart_is_believed() -> None:
    """Cosine of 0.7: one voice, unless it talks to itself."""
    pair = np.array([[1, 0], [0.7, np.sqrt(0.51)]], np.float32)
    assert same_partition(cluster(pair, np.array([(0, 0), (1, 0)]), RULE), [0, 0])
    assert same_partition(cluster(pair, np.array([(0, 0), (0, 1)]), RULE), [0, 1])


@pytest.mark.parametrize(
    ("labels", "talk_s", "one"),
    [
        ([0, 1, 0, 1, 0, 1], [2.0] * 6, False),
        ([0, 0, 0, 1, 1, 1], [2.0] * 6, True),
        ([0, 0, 1, 0, 1, 0], [4.0, 4.0, 0.5, 4.0, 0.5, 4.0], True),
        ([0, 1], [1.0, 1.0], False),
    ],
    ids=["turns", "one after the other", "strays", "short"],
)
def test_who_takes_no_turns_is_one_person_unless_the_voices_are_unlike(
    labels: list[int], talk_s: list[float], *, one: bool
) -> None:
    alike = np.array([[1, 0], [0.5, np.sqrt(0.75)]], np.float32)
    told = np.array(labels)
    assert is_one(alike[told], told, np.array(talk_s), 0.3) is one
    assert not is_one(np.eye(2, dtype=np.float32)[told], told, np.array(talk_s), 0.3)


def test_a_third_speaker_needs_a_voice_of_some_length() -> None:
    whose = np.array([0, 1, 0, 1, 2, 2])
    given = voices(whose.tolist(), spread=0.0)
    given[4:] = (given[4:] + given[0]) / np.sqrt(2)
    short, longer = (np.array([3.0, 2.0, 1.0, 2.5, 1.2, length_s]) for length_s in (1.4, 1.6))
    assert without_brief(given, whose, short, 1.5, 2).tolist() == [0, 1, 0, 1, 0, 0]
    assert without_brief(given, whose, longer, 1.5, 2).tolist() == whose.tolist()
    assert without_brief(given, whose, short, 1.5, 3).tolist() == whose.tolist()


def test_two_who_say_little_at_a_time_stay_two() -> None:
    whose = np.array([0, 1, 0, 1])
    assert without_brief(voices([0, 1, 0, 1]), whose, np.full(4, 0.4), 1.5, 2).tolist() == whose.tolist()

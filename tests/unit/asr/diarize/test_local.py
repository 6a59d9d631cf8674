"""Voices of a window: how much of one is embedded, and in how many parts."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from asr.diarize.local import LENGTH, _embedded

pytestmark = pytest.mark.unit

Given = list[NDArray[np.float32]]


def embedded(n_frames: int) -> tuple[Given, NDArray[np.float32]]:
    """What is asked for of so many frames, each told by its number, and what comes of it."""
    given: Given = []

    def embed(features: NDArray[np.float32]) -> NDArray[np.float32]:
        given.append(features)
        return np.array([3.0, 4.0 * len(given)], np.float32)

    frames = np.repeat(np.arange(n_frames, dtype=np.float32)[:, None], 80, axis=1)
    return given, _embedded(frames, embed)


@pytest.mark.parametrize(("n_frames", "n_parts"), [(25, 1), (LENGTH, 1), (LENGTH + 1, 2), (2 * LENGTH, 2), (1_000, 2)])
def test_a_voice_is_embedded_in_at_most_two_parts_of_one_length(n_frames: int, n_parts: int) -> None:
    given, embedding = embedded(n_frames)
    assert [part.shape for part in given] == [(LENGTH, 80)] * n_parts
    assert np.linalg.norm(embedding) == pytest.approx(1.0)


def test_parts_are_the_middle_of_the_voice_one_after_another() -> None:
    given, _ = embedded(1_000)
    steps = [np.diff(part[:, 0]) for part in given]
    assert all((step == 1).all() for step in steps)
    means = [part[0, 0] - part[-1, 0] for part in given]
    assert means == [1 - LENGTH, 1 - LENGTH]


def test_the_mean_of_both_parts_stands_for_the_voice() -> None:
    _, embedding = embedded(2 * LENGTH)
    both = np.array([3 / 5, 4 / 5]) + np.array([3.0, 8.0]) / np.hypot(3.0, 8.0)
    assert embedding == pytest.approx(both / np.linalg.norm(both), abs=1e-6)


def test_a_short_voice_is_repeated_and_has_no_mean() -> None:
    [part], _ = embedded(50)
    assert (part[:50] == part[50:100]).all()
    assert part.mean() == pytest.approx(0.0, abs=1e-4)

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from asr.types import Recording
from storage.errors import AmbiguousRecordingError, UnknownRecordingError
from storage.repository import Repository

Add = Callable[[str, str], str]


@pytest.fixture
def add(repository: Repository) -> Add:
    """Register a file whose hash begins with the given digits, and return the whole hash."""

    def register(path: str, digits: str) -> str:
        sha256 = digits.ljust(64, "0")
        repository.register(Recording(sha256, Path("/calls") / path, 1))
        return sha256

    return register


@pytest.mark.parametrize(
    "reference",
    [
        "a/one call.wav",
        "one call.wav",
        "one call",
        "abcdef",
        "ABCDEF0",
        "abcdef".ljust(64, "0"),
        " one call ",
    ],
)
def test_one_recording_by_many_names(repository: Repository, add: Add, reference: str) -> None:
    wanted = add("a/one call.wav", "abcdef")
    add("a/another one call.wav", "abcdee")
    add("a/one call too.wav", "abcded")
    assert repository.find(reference).sha256 == wanted


def test_a_stem_ends_at_the_last_dot(repository: Repository, add: Add) -> None:
    wanted = add("call.2024.wav", "1" * 6)
    assert repository.find("call.2024").sha256 == wanted
    with pytest.raises(UnknownRecordingError):
        repository.find("call")


def test_a_whole_name_goes_before_a_stem(repository: Repository, add: Add) -> None:
    wanted = add("call.wav", "1" * 6)
    add("call.wav.mp3", "2" * 6)
    assert repository.find("call.wav").sha256 == wanted


def test_a_name_goes_before_a_hash(repository: Repository, add: Add) -> None:
    add("other.wav", "abcdef")
    wanted = add("abcdef.wav", "123456")
    assert repository.find("abcdef").sha256 == wanted


@pytest.mark.parametrize("reference", ["CALL.wav", "c%", "c_ll", "", "/", "abcde", "x" * 64, "../call.wav"])
def test_nothing_answers(repository: Repository, add: Add, reference: str) -> None:
    add("call.wav", "abcdef")
    with pytest.raises(UnknownRecordingError, match=r"Type a file name.*last seen: abcdef000000 call\.wav"):
        repository.find(reference)


def test_nothing_answers_when_nothing_is_there(repository: Repository) -> None:
    with pytest.raises(UnknownRecordingError, match="none has been seen yet"):
        repository.find("call")


@pytest.mark.parametrize("reference", ["call.wav", "call", "abcdef"])
def test_several_answer(repository: Repository, add: Add, reference: str) -> None:
    add("monday/call.wav", "abcdef1")
    add("tuesday/call.wav", "abcdef2")
    with pytest.raises(AmbiguousRecordingError, match="names 2 recordings") as caught:
        repository.find(reference)
    assert caught.value.candidates == ("abcdef100000 call.wav", "abcdef200000 call.wav")


def test_more_of_the_path_or_hash_tells_them_apart(repository: Repository, add: Add) -> None:
    monday, tuesday = add("monday/call.wav", "abcdef1"), add("tuesday/call.wav", "abcdef2")
    assert repository.find("monday/call.wav").sha256 == monday
    assert repository.find("abcdef2").sha256 == tuesday


def test_many_candidates_are_cut_in_the_message_only(repository: Repository, add: Add) -> None:
    for index in range(12):
        add(f"{index}/call.wav", f"{index:06x}")
    with pytest.raises(AmbiguousRecordingError, match=r", \.\.\.") as caught:
        repository.find("call")
    assert len(caught.value.candidates) == 12

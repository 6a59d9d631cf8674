from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from asr.decode import identify
from asr.errors import ConfigError
from asr.options import BatchOptions
from asr.types import Recording
from flows.ingest import Source, discover, group, length_s

LENGTHS = st.lists(st.floats(0.0, 5_000.0), max_size=60)


def source(index: int, audio_s: float) -> Source:
    return Source(Recording(f"{index:064x}", Path(f"{index}.wav"), 1), audio_s)


@given(lengths=LENGTHS, limit_s=st.floats(1.0, 3_000.0), most=st.integers(1, 20))
def test_groups_keep_every_recording_in_order_and_within_bounds(
    lengths: list[float], limit_s: float, most: int
) -> None:
    sources = [source(index, audio_s) for index, audio_s in enumerate(lengths)]
    groups = group(sources, BatchOptions(group_audio_s=limit_s, group_recordings=most))
    assert [member for members in groups for member in members] == sources
    for members in groups:
        assert 1 <= len(members) <= most
        assert len(members) == 1 or sum(member.length_s for member in members) <= limit_s


@given(lengths=LENGTHS, limit_s=st.floats(1.0, 3_000.0), most=st.integers(1, 20))
def test_no_group_has_room_for_the_first_of_the_next(lengths: list[float], limit_s: float, most: int) -> None:
    sources = [source(index, audio_s) for index, audio_s in enumerate(lengths)]
    groups = group(sources, BatchOptions(group_audio_s=limit_s, group_recordings=most))
    for members, after in pairwise(groups):
        grown_s = sum(member.length_s for member in members) + after[0].length_s
        assert len(members) == most or grown_s > limit_s


def test_a_folder_gives_its_recordings_sorted_and_nothing_hidden(tmp_path: Path) -> None:
    for name in ("b.WAV", "a/z.mp3", "a/notes.txt", ".hidden.wav", ".trash/c.wav", "c.opus"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.wav").mkdir()
    names = [str(path.relative_to(tmp_path)) for path in discover([tmp_path])]
    assert names == ["a/z.mp3", "b.WAV", "c.opus"]


def test_a_hidden_folder_that_is_named_itself_is_searched(tmp_path: Path) -> None:
    hidden = tmp_path / ".calls"
    hidden.mkdir()
    (hidden / "a.wav").touch()
    assert discover([hidden]) == [hidden / "a.wav"]


def test_a_file_that_is_named_is_taken_once_whatever_its_name(tmp_path: Path) -> None:
    odd, call = tmp_path / "odd.bin", tmp_path / "call.wav"
    odd.touch()
    call.touch()
    assert discover([call, odd, tmp_path, call]) == [call, odd]


def test_a_path_that_does_not_exist_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere does not exist\. Name a recording"):
        discover([tmp_path / "nowhere"])


def test_length_comes_from_the_header_or_else_from_the_size(tmp_path: Path) -> None:
    call, text = tmp_path / "call.wav", tmp_path / "text.wav"
    soundfile.write(call, np.zeros((12_000, 2)), 8_000, subtype="ULAW")
    text.write_bytes(b"x" * 32_000)
    assert length_s(identify(call)) == 1.5
    assert length_s(identify(text)) == 2.0

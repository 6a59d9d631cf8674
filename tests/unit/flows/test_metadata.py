"""What is told of files in folders by sidecars, manifests and names, which outweighs which, and what is wrong."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from asr.errors import MetadataError
from asr.types import CallMetadata, Channel
from flows.ingest import discover
from flows.metadata import Gathered, gather, sound
from storage.options import MetadataOptions

BERLIN = MetadataOptions(time_zone="Europe/Berlin")


def lay(folder: Path, files: Mapping[str, object]) -> Path:
    """Write files: a str as it is, bytes too, anything else as JSON."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, bytes):
            (folder / name).write_bytes(content)
        else:
            (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


def look(folder: Path, options: MetadataOptions | None = None) -> Gathered:
    options = options or MetadataOptions()
    return gather(discover([folder], options), [folder], options)


def told(folder: Path, name: str = "call.wav", options: MetadataOptions | None = None) -> CallMetadata:
    return sound(look(folder, options).told[folder / name])


def refused(folder: Path, name: str = "call.wav", options: MetadataOptions | None = None) -> str:
    found = look(folder, options).told[folder / name]
    assert isinstance(found, MetadataError)
    assert found.remedy
    return found.reason


def test_nothing_is_told_of_a_lone_recording(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": ""})
    assert told(tmp_path) == CallMetadata()
    assert look(tmp_path).notes == ()


def test_field_by_field_a_sidecar_outweighs_a_manifest_and_that_the_name(tmp_path: Path) -> None:
    lay(
        tmp_path,
        {
            "N-P1-20260924-101112.wav": "",
            "N-P1-20260924-101112.json": {"call_id": "S", "colour": "red", "tier": 1},
            "manifest.csv": "file,call_id,queue,colour\nN-P1-20260924-101112.wav,M,billing,blue\n",
        },
    )
    pattern = r"(?P<call_id>\w+)-(?P<queue>\w+)-(?P<started_at>\d{8}-\d{6})\.(?P<ending>\w+)"
    call = told(tmp_path, "N-P1-20260924-101112.wav", MetadataOptions(pattern=pattern, time_zone="Europe/Berlin"))
    assert (call.call_id, call.queue) == ("S", "billing")
    assert call.started_at == datetime(2026, 9, 24, 8, 11, 12, tzinfo=UTC)
    assert call.started_at.utcoffset() == timedelta(hours=2)
    assert call.other == {"colour": "red", "tier": 1, "ending": "wav"}
    assert call.sources == {
        "call_id": "sidecar N-P1-20260924-101112.json",
        "queue": "manifest manifest.csv",
        "started_at": "pattern",
    }


def test_a_zone_told_beside_the_time_outweighs_the_one_that_is_set(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": {"started_at": "2026-01-24 10:00:00", "time_zone": "America/New_York"}})
    assert told(tmp_path, options=BERLIN).started_at == datetime(2026, 1, 24, 15, tzinfo=UTC)


def test_a_time_without_a_zone_is_refused_unless_one_is_set(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": {"started_at": "2026-01-24 10:00:00"}})
    assert refused(tmp_path) == "sidecar call.json: time_zone is missing, and started_at has none of its own"
    assert told(tmp_path, options=BERLIN).started_at == datetime(2026, 1, 24, 9, tzinfo=UTC)


def test_an_hour_that_the_clocks_leave_out_is_refused_and_one_that_comes_twice_is_the_first(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": {"started_at": "2026-03-29 02:30:00"}})
    assert "an hour that clocks leave out in Europe/Berlin" in refused(tmp_path, options=BERLIN)
    lay(tmp_path, {"call.json": {"started_at": "2026-10-25 02:30:00"}})
    assert told(tmp_path, options=BERLIN).started_at == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "sidecar call.json is not JSON: Expecting property name"),
        ("", "sidecar call.json is not JSON: Expecting value"),
        (b"\xff\xfe{\x00", "sidecar call.json is not JSON in UTF-8"),
        ("[" * 100_000, "sidecar call.json is not JSON in UTF-8"),
        ([1], "sidecar call.json is JSON, but no object"),
        (" " * (1 << 20) + "{}", "sidecar call.json has 1048578 bytes, over 1048576"),
        ('{"x": NaN}', "sidecar call.json: a field that is not known holds what is no number"),
        ({"consent": "perhaps"}, "sidecar call.json: consent input should be a valid boolean"),
    ],
)
def test_a_broken_sidecar_is_named_and_others_are_read(tmp_path: Path, content: object, what: str) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": content, "other.wav": "", "other.json": {"call_id": "O"}})
    assert refused(tmp_path).startswith(what)
    assert told(tmp_path, "other.wav").call_id == "O"


def test_a_sidecar_may_be_named_after_the_whole_file(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.wav_metadata.json": {"call_id": "W"}})
    assert told(tmp_path, options=MetadataOptions(sidecar="_metadata.json")).call_id == "W"
    assert told(tmp_path, options=MetadataOptions(sidecar="")) == CallMetadata()


def test_what_is_no_metadata_is_not_kept_and_only_a_reference_goes_unmentioned(tmp_path: Path) -> None:
    lay(tmp_path, {"a.wav": "", "a.json": {"turns": [{"channel": 0, "text": "my number is"}]}})
    lay(tmp_path, {"b.wav": "", "b.json": {"ContactId": "1"}})
    found = look(tmp_path)
    assert set(map(repr, found.told.values())) == {repr(one) for one in found.told.values()}
    assert all(one == CallMetadata() for one in found.told.values())
    assert found.notes == ("Sidecars that tell nothing under a known name: b.json. See metadata.fields",)


def test_what_has_no_recording_is_reported(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "below/lost.json": {"call_id": "L"}, ".x/hidden.json": {}})
    lay(tmp_path, {"manifest.csv": "file,queue\ncall.wav,a\ngone.wav,b\n,c\n"})
    assert look(tmp_path).notes == (
        "Sidecars without a recording: lost.json",
        "Rows of manifest.csv without a recording: gone.wav",
    )


def test_one_recording_named_by_itself_has_its_sidecar_and_row_and_nothing_is_amiss(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": {"agent": "A"}, "other.json": {}, "other.wav": ""})
    lay(tmp_path, {"manifest.csv": "file,queue\ncall.wav,a\nother.wav,b\n"})
    found = gather([tmp_path / "call.wav"], [tmp_path / "call.wav", tmp_path / "other.json"], MetadataOptions())
    call = sound(found.told[tmp_path / "call.wav"])
    assert (call.agent, call.queue, found.notes) == ("A", "a", ())


def test_sidecars_and_manifests_are_no_recordings_even_if_named(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "call.json": {}, "manifest.csv": "file\n"})
    assert discover(sorted(tmp_path.iterdir())) == [tmp_path / "call.wav"]
    assert discover([tmp_path]) == [tmp_path / "call.wav"]


def test_a_manifest_tells_of_folders_below_and_the_nearest_counts(tmp_path: Path) -> None:
    lay(tmp_path, {"a/b/one.wav": "", "a/b/two.wav": "", "a/b/three.wav": ""})
    lay(tmp_path, {"manifest.csv": "file,queue\na/b/one.wav,top\ntwo.wav,top\nthree.wav,top\n"})
    lay(tmp_path, {"a/b/manifest.csv": "file,queue\nthree.wav,near\n"})
    queues = {file.name: sound(call).queue for file, call in look(tmp_path).told.items()}
    assert queues == {"one.wav": "top", "two.wav": "top", "three.wav": "near"}
    assert told(tmp_path / "a", "b/one.wav") == CallMetadata()  # not above what was asked for


def test_csv_as_a_spreadsheet_writes_it(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": ""})
    text = '\ufefffile;channel_map;pauses;agent\r\ncall.wav;customer agent;"1.5-3; 4-5";"O""Neil; A."\r\n'
    lay(tmp_path, {"manifest.csv": text.encode()})
    call = told(tmp_path)
    assert call.channel_map == (Channel.CUSTOMER, Channel.AGENT)
    assert call.pauses == ((1.5, 3.0), (4.0, 5.0))
    assert call.agent == 'O"Neil; A.'


LINES = MetadataOptions(manifest="calls.jsonl")


def test_json_lines(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "calls.jsonl": '{"file": "call.wav", "pauses": [[1, 2]], "note": "a\u2028b"}\n\n'})
    call = told(tmp_path, options=LINES)
    assert (call.pauses, call.other) == (((1.0, 2.0),), {"note": "a\u2028b"})


def test_a_line_that_cannot_be_read_holds_up_those_of_which_nothing_else_is_told(tmp_path: Path) -> None:
    lay(tmp_path, {"call.wav": "", "known.wav": "", "calls.jsonl": '{"file": "known.wav"}\n{"file": "call.w\n'})
    assert refused(tmp_path, options=LINES) == "calls.jsonl, line 2: nothing stands under 'file'"
    assert told(tmp_path, "known.wav", LINES) == CallMetadata()


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("name,queue\ncall.wav,a\n", "manifest.csv, line 2: nothing stands under 'file'"),
        ("file,queue\ncall.wav,a\ncall.wav,b\n", "manifest.csv, line 3: an earlier row is of the same recording"),
        ("file,queue\ncall.wav,a,b\n", "manifest.csv, line 2: the row has more cells than there are columns"),
        ('file,queue\ncall.wav,"a"b\n', "manifest.csv is not CSV"),
        (b"file,queue\ncall.wav,\xff\n", "manifest.csv cannot be read: it is not UTF-8"),
        ("file,consent\ncall.wav,maybe\n", "manifest.csv, line 2: consent input should be a valid boolean"),
    ],
)
def test_a_broken_manifest_is_named_with_its_line(tmp_path: Path, text: str | bytes, what: str) -> None:
    lay(tmp_path, {"call.wav": "", "manifest.csv": text})
    assert refused(tmp_path).startswith(what)

"""Runs over calls of which something is told: what is kept, what is skipped, what is never heard."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from asr.decode import identify
from asr.diarize.types import Speaking
from asr.engines.scripted import ScriptedEngine
from asr.errors import MetadataError, SkippableError
from asr.survey import survey
from asr.timebase import to_samples
from asr.types import CallMetadata, Channel, Hypothesis, RegionKind, Samples, Span, Word
from asr.vad import SileroVad
from configs.settings import Settings
from flows.cli import call
from flows.preparation import prepare

Load = Callable[[Callable[[Samples], Hypothesis]], ScriptedEngine]
AGENT = "Zaphod B."


def heard(_: Samples) -> Hypothesis:
    return Hypothesis((Word("hello", 0.0, 0.15, 0.9),), "en", -0.2, 0.0, 1.0, 0.0)


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data_dir / "callwright.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def document(data_dir: Path) -> dict[str, Any]:
    ((key,),) = rows(data_dir, "SELECT object_key FROM documents WHERE kind = 'json'")
    return dict(json.loads((data_dir / "objects" / key).read_text()))


@pytest.fixture
def inbox(calls: Path, tmp_path: Path) -> Path:
    """A folder with one call, bank.wav, of 6 s on two channels."""
    (tmp_path / "in").mkdir()
    shutil.copy(calls / "bank.wav", tmp_path / "in")
    return tmp_path / "in"


def tell(inbox: Path, told: object, name: str = "bank.json") -> None:
    (inbox / name).write_text(json.dumps(told))


def run(inbox: Path, *more: str) -> int:
    return call(["run", str(inbox), "--data-dir", str(inbox.parent / "var"), *more])


def test_what_is_told_is_kept_shown_and_brought_up_to_date_without_transcribing_again(
    inbox: Path, load: Load, prefect_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    var = inbox.parent / "var"
    engine = load(heard)
    tell(inbox, {"call_id": "A-1", "agent": AGENT, "started_at": "2026-09-24T10:11:12+02:00", "tier": "gold"})
    assert run(inbox) == 0
    assert document(var)["call"] == {"call_id": "A-1", "started_at": "2026-09-24T10:11:12+02:00", "agent": AGENT}
    assert AGENT not in capsys.readouterr().out
    tell(inbox, {"call_id": "A-1", "queue": "billing", "consent": True})
    assert run(inbox) == 0
    out = capsys.readouterr().out
    assert "Metadata of 1 published call brought up to date." in out
    assert "Nothing to do" in out
    assert len(engine.batch_sizes) == 1
    assert document(var)["call"] == {"call_id": "A-1", "queue": "billing"}
    assert run(inbox) == 0
    assert "brought up to date" not in capsys.readouterr().out
    assert call(["show", "bank", "--data-dir", str(var)]) == 0
    shown = capsys.readouterr().out
    assert "queue:       billing  [sidecar bank.json]" in shown
    assert call(["show", "bank", "--json", "--data-dir", str(var)]) == 0
    assert json.loads(capsys.readouterr().out)["metadata"]["consent"] is True
    for only, found in (("queue=billing", 1), ("queue=sales", 0)):
        assert call(["status", "--only", only, "--json", "--data-dir", str(var)]) == 0
        assert len(json.loads(capsys.readouterr().out)["calls"]) == found
    assert call(["status", "--only", "colour=red", "--data-dir", str(var)]) == 2
    assert "Write FIELD=VALUE, with state, call_id" in capsys.readouterr().err
    for file in filter(Path.is_file, prefect_home.rglob("*")):
        assert AGENT.encode() not in file.read_bytes(), file


def test_without_consent_nothing_is_heard_until_there_is(
    inbox: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    engine = load(heard)
    tell(inbox, {"consent": False})
    assert run(inbox) == 0
    assert "bank.wav: there is no consent to its being transcribed. If there is" in capsys.readouterr().out
    assert run(inbox, "--again") == 0
    shutil.move(inbox / "bank.wav", inbox / "copy.wav")  # where nothing is told of it
    assert run(inbox) == 0
    assert engine.batch_sizes == []
    assert rows(inbox.parent / "var", "SELECT state, consent FROM v_calls") == [("skipped", 0)]
    tell(inbox, {"consent": True}, "copy.json")
    assert run(inbox) == 0
    assert len(engine.batch_sizes) == 1
    tell(inbox, {"consent": False}, "copy.json")
    assert run(inbox, "--again") == 0
    assert "copy.wav was published, and now there is no consent" in capsys.readouterr().out
    assert len(engine.batch_sizes) == 1
    assert run(inbox, "--again", "--set", "metadata.allow_without_consent=true") == 0
    assert len(engine.batch_sizes) == 2


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"pauses": [[2, 90]]}, "sidecar bank.json: pauses has [2, 90], past the end of the recording at 6.000 s"),
        ({"channel_map": ["agent"]}, "sidecar bank.json: channel_map names 1 channels, the file has 2"),
        ({"agent": "x" * 200}, "sidecar bank.json: agent string should have at most 128 characters"),
    ],
)
def test_what_cannot_be_right_quarantines_its_recording_and_no_other(
    inbox: Path, calls: Path, load: Load, capsys: pytest.CaptureFixture[str], told: object, what: str
) -> None:
    load(heard)
    shutil.copy(calls / "clinic.wav", inbox)
    tell(inbox, told)
    assert run(inbox) == 1
    assert what in capsys.readouterr().out
    states = "SELECT call, state FROM v_calls ORDER BY call"
    assert rows(inbox.parent / "var", states) == [("bank.wav", "quarantined"), ("clinic.wav", "published")]
    tell(inbox, {"pauses": [[2, 3]]})
    assert run(inbox) == 0
    (inbox / "bank.json").write_text("{")
    assert run(inbox) == 1
    assert "bank.wav failed and keeps the transcript that it had: sidecar bank.json is not" in capsys.readouterr().out


def test_pauses_told_after_the_transcript_was_made_are_pointed_out(
    inbox: Path, load: Load, capsys: pytest.CaptureFixture[str]
) -> None:
    load(heard)
    assert run(inbox) == 0
    tell(inbox, {"pauses": [[2, 3]]})
    assert run(inbox) == 0
    assert "bank.wav was published before its channel_map or pauses were told so" in capsys.readouterr().out
    assert run(inbox) == 0
    assert "--again" in capsys.readouterr().out  # of the advice for when there is nothing to do


def test_nothing_of_a_pause_is_in_a_chunk_or_a_region_of_speech(inbox: Path, detector: SileroVad) -> None:
    recording = identify(inbox / "bank.wav")
    whole = prepare(recording, detector, Settings())
    pauses = ((0.0, 1.23456), (2.5, 4.0))
    sources = {"pauses": "sidecar bank.json", "channel_map": "pattern"}
    told = CallMetadata(pauses=pauses, sources=sources)
    found = prepare(recording, detector, Settings(), told)
    spans = [span for chunk in found.chunks for span in chunk.spans]
    assert spans
    for start_s, end_s in pauses:
        assert all(span.stop <= to_samples(start_s) or span.start >= to_samples(end_s) for span in spans)
        speech = [region for region in found.regions if region.kind is RegionKind.SPEECH]
        assert all(region.end_s <= start_s or region.start_s >= end_s for region in speech)
    assert sum(map(len, found.chunks)) < sum(map(len, whole.chunks))
    # A second is what recorders round up; more is another recording's pause.
    prepare(recording, detector, Settings(), CallMetadata(pauses=((5.5, 6.9),), sources=sources))
    for start_s, end_s in ((5.5, 7.1), (6.0, 6.5)):
        with pytest.raises(MetadataError, match="past the end"):
            prepare(recording, detector, Settings(), CallMetadata(pauses=((start_s, end_s),), sources=sources))


def test_a_channel_map_outweighs_the_settings_and_what_is_ignored_is_not_heard(
    inbox: Path, detector: SileroVad
) -> None:
    recording = identify(inbox / "bank.wav")
    told = CallMetadata(channel_map=(Channel.CUSTOMER, None), sources={"channel_map": "pattern"})
    found = prepare(recording, detector, Settings(), told)
    assert [channel.channel for channel in found.channels] == [Channel.CUSTOMER]
    assert {chunk.channel for chunk in found.chunks} == {Channel.CUSTOMER}
    assert {region.channel for region in found.regions} == {Channel.CUSTOMER}
    with pytest.raises(SkippableError, match="2 channels, and the channel map that comes with it has 1"):
        survey(recording, detector, Settings().decode, (Channel.AGENT,))


class Halves:
    """A diarizer that hears one speaker, or a second one after half of the speech."""

    def __init__(self, speakers: int) -> None:
        self.speakers = speakers
        self.calls = 0

    def diarize(self, sound: Iterable[Samples], speech: Sequence[Span], *, shared: bool = True) -> tuple[Speaking, ...]:
        """See Diarizer.diarize."""
        assert not shared
        assert sum(map(len, sound)) >= speech[-1].stop
        self.calls += 1
        return tuple(Speaking(span, at * self.speakers // len(speech)) for at, span in enumerate(speech))


def test_a_side_is_listened_to_for_a_second_voice_if_asked_and_one_voice_changes_nothing(
    detector: SileroVad,
) -> None:
    recording = identify(Path(__file__).parents[3] / "sample_audio" / "order.wav")
    plain = prepare(recording, detector, Settings())
    settings = Settings.model_validate({"diarize": {"within_channels": True}})
    off, one, two = Halves(2), Halves(1), Halves(2)
    assert prepare(recording, detector, Settings(), diarizer=off).regions == plain.regions
    assert off.calls == 0
    assert prepare(recording, detector, settings, diarizer=one).regions == plain.regions
    found = prepare(recording, detector, settings, diarizer=two)
    assert (one.calls, two.calls) == (2, 2)
    talk = [region for region in found.regions if region.kind is RegionKind.TALK]
    assert {region.speaker for region in talk} <= {"agent", "agent-2", "customer", "customer-2"}
    assert {"agent", "agent-2"} <= {region.speaker for region in talk}

"""Sweeps and erasures over real files, objects and rows."""

from __future__ import annotations

import errno
import json
import os
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from asr.decode import identify
from asr.errors import ConfigError, RetryableError, SkippableError
from asr.types import CallMetadata
from compliance.errors import RetentionError
from compliance.master_key import new_key_text
from compliance.types import Document, Hold, Kind, Scope
from compliance.vault import Item
from flows.cli import call
from flows.custody import Custody, note_configuration
from flows.erase import erase
from flows.evidence import check_objects, check_trail
from flows.sweep import sweep
from storage.errors import NoTranscriptError, UnknownRecordingError
from storage.facts import call_facts
from storage.leases import Leases
from storage.objects import FolderStore, Shelf
from storage.search import Where, search
from storage.search_query import parse
from storage.session import reading, writing
from storage.tables import TurnRow
from storage.types import AudioFacts, Failure, Publication, RecordingState

ALL_AT_ONCE = 'default = "0 days"\n[[rule]]\nkind = "audit"\nkeep = "forever"'
TEXTS = ("turns", "words", "redactions", "summaries", "documents", "transcripts")


def counts(kept, name: str) -> dict[str, int]:  # type: ignore[no-untyped-def]
    sha256 = kept.recordings[name].sha256
    [(recording_id,)] = kept.rows(f"SELECT id FROM recordings WHERE sha256 = '{sha256}'")
    return {
        table: kept.rows(f"SELECT count(*) FROM {table} WHERE recording_id = {recording_id}")[0][0] for table in TEXTS
    }


def hold(custody: Custody, sha256: str, until: datetime | None = None) -> int:
    return custody.ledger.place_hold(Hold(0, Scope.CALL, sha256, "me", "case 1", custody.ledger.now(), until))


def text_objects(kept) -> list[Path]:  # type: ignore[no-untyped-def]
    return [path for path in (kept.data_dir / "objects").rglob("*") if path.suffix in (".json", ".vtt")]


def test_as_shipped_a_sweep_deletes_no_call(kept) -> None:  # type: ignore[no-untyped-def]
    assert sweep(kept.custody(), dry_run=False).lines == ()
    assert len(list(kept.sources.iterdir())) == 4
    assert len(text_objects(kept)) == 8


def test_a_dry_run_says_what_would_go_and_touches_nothing(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules(ALL_AT_ONCE))
    hold(custody, kept.recordings["eve"].sha256)
    before = kept.rows("SELECT count(*) FROM audit_events")
    swept = sweep(custody, dry_run=True)
    states = {(line.sha256, line.state) for line in swept.lines}
    assert (kept.recordings["eve"].sha256, "held") in states
    assert sum(line.state == "due" for line in swept.lines) == 3 * len({"source_audio", "transcript", "summary"})
    assert kept.rows("SELECT count(*) FROM audit_events") == before
    assert len(list(kept.sources.iterdir())) == 4


def test_what_is_over_goes_from_everywhere_and_what_is_held_stays_whole(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules(ALL_AT_ONCE))
    held_before = counts(kept, "eve")
    hold(custody, kept.recordings["eve"].sha256)
    swept = sweep(custody, dry_run=False)
    assert swept.complete
    assert counts(kept, "eve") == held_before
    assert [path.name for path in kept.sources.iterdir()] == ["eve.wav"]
    assert len(text_objects(kept)) == 2
    for name in ("ada", "bob", "kim"):
        assert counts(kept, name) == dict.fromkeys(TEXTS, 0)
    names = {name for (name,) in kept.rows("SELECT name FROM sources")}
    assert names == {"eve.wav", *(f"erased:{kept.recordings[name].sha256[:12]}" for name in ("ada", "bob", "kim"))}
    database = b"".join(path.read_bytes() for path in kept.data_dir.glob("callwright.db*"))
    assert b"marzipan-eve" in database
    for name in ("ada", "bob", "kim"):
        assert f"marzipan-{name}".encode() not in database, "neither in the file nor in its log"
        assert f"{name}.wav".encode() not in database
    assert check_trail(custody, kept.archive.repository, custody.signer.public) == []
    assert check_objects(custody, kept.archive.repository.object_keys()) == []


def test_words_of_the_search_index_go_too(kept) -> None:  # type: ignore[no-untyped-def]
    repository, recording = kept.archive.repository, kept.recordings["ada"]
    with writing(kept.archive.database) as connection:  # the index alone has it in lower case
        connection.execute(sa.update(TurnRow).where(TurnRow.text == "marzipan-ada").values(text="ZANZIBARIC"))
    assert len(search(kept.archive.database, parse("zanzibaric"), Where(), 9)) == 1
    assert b"zanzibaric" in b"".join(path.read_bytes() for path in kept.data_dir.glob("callwright.db*"))
    erase(kept.custody(), Scope.CALL, recording.sha256, "asked for")
    assert b"zanzibaric" not in b"".join(path.read_bytes().lower() for path in kept.data_dir.glob("callwright.db*"))
    assert search(kept.archive.database, parse("zanzibaric"), Where(), 9) == ()
    assert {hit.sha256 for hit in search(kept.archive.database, parse("marzipan"), Where(), 9)} == {
        kept.recordings[name].sha256 for name in ("bob", "eve", "kim")
    }
    assert repository.verify_audit() is None


@pytest.mark.parametrize(
    ("kind", "gone", "left"),
    [
        ("words", {"words"}, {"turns", "summaries", "redactions", "transcripts"}),
        ("transcript", {"words", "turns", "redactions", "documents"}, {"summaries", "transcripts"}),
        ("summary", {"summaries"}, {"words", "turns", "documents"}),
        ("source_audio", set(), set(TEXTS)),
    ],
)
def test_each_kind_goes_by_its_own_rule(kind: str, gone: set[str], left: set[str], kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules(f'[[rule]]\nkind = "{kind}"\nkeep = "0 days"\ntag = "billing"'))
    before = counts(kept, "bob")
    swept = sweep(custody, dry_run=False)
    assert {(line.sha256, line.kind.value) for line in swept.lines} == {(kept.recordings["ada"].sha256, kind)}
    after = counts(kept, "ada")
    assert {table for table in TEXTS if not after[table]} >= gone
    assert all(after[table] for table in left)
    assert counts(kept, "bob") == before
    repository = kept.archive.repository
    found = repository.find("ada")
    if kind == "words":
        assert [turn.text for turn in repository.transcript(found.id).turns] == ["marzipan [PERSON]", "marzipan-ada"]
        assert set(repository.documents(found.id)) == {"vtt"}
    assert (found.state is RecordingState.ERASED) == (kind == "transcript")
    assert sweep(custody, dry_run=False).lines == ()


def test_what_was_erased_is_never_done_again(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules('[[rule]]\nkind = "transcript"\nkeep = "0 days"'))
    sweep(custody, dry_run=False)
    repository, recording = kept.archive.repository, kept.recordings["ada"]
    assert repository.register(recording) is RecordingState.ERASED
    transcript = custody  # any publication is refused before it is looked at
    with pytest.raises(SkippableError, match="was erased"):
        repository.publish(1, Publication(recording, transcript, transcript))  # type: ignore[arg-type]
    assert call(["show", "ada", "--data-dir", str(kept.data_dir)]) == 2


def test_a_path_that_another_recording_has_taken_is_left_alone(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules('[[rule]]\nkind = "source_audio"\nkeep = "0 days"'))
    (kept.sources / "ada.wav").write_bytes(b"another call")
    (kept.sources / "bob.wav").unlink()
    os.link(kept.sources / "eve.wav", kept.sources / "copy of eve")
    notes = {line.sha256: line.note for line in sweep(custody, dry_run=False).lines}
    assert notes[kept.recordings["ada"].sha256] == "another file has taken its place and stays"
    assert notes[kept.recordings["bob"].sha256] == "was gone"
    assert notes[kept.recordings["eve"].sha256] == "1 hard links to it under other names stay"
    assert sorted(path.name for path in kept.sources.iterdir()) == ["ada.wav", "copy of eve"]


def test_what_lay_beside_a_file_to_tell_of_it_goes_with_it(kept) -> None:  # type: ignore[no-untyped-def]
    for name in ("ada.json", "ada.wav.json", "bob.json", "manifest.csv"):
        (kept.sources / name).write_text("{}")
    (kept.sources / "bob.mp3").touch()  # bob.json may tell of this one
    custody = kept.custody()
    for name in ("ada", "bob"):
        erase(custody, Scope.CALL, kept.recordings[name].sha256, "x")
    left = {path.name for path in kept.sources.iterdir() if path.suffix != ".wav"}
    assert left == {"bob.json", "bob.mp3", "manifest.csv"}


def test_sources_are_moved_if_the_settings_say_so_and_erased_there_on_request(kept, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    rules = kept.rules('[[rule]]\nkind = "source_audio"\nkeep = "0 days"')
    custody = kept.custody(rules, "retention.source=move", f"retention.move_to={tmp_path / 'cold'}")
    assert sweep(custody, dry_run=False).complete
    assert list(kept.sources.iterdir()) == []
    sha256 = kept.recordings["ada"].sha256
    moved = tmp_path / "cold" / f"{sha256}.wav"
    assert moved.read_bytes() == b"sound of ada"
    assert sweep(custody, dry_run=False).lines == ()
    assert erase(custody, Scope.CALL, sha256, "asked for").complete
    assert not moved.exists()
    assert len(list((tmp_path / "cold").iterdir())) == 3


def test_a_file_that_cannot_be_deleted_is_told_of_and_tried_again(kept, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules('[[rule]]\nkind = "source_audio"\nkeep = "0 days"'))

    def refuse(path: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patched:
        patched.setattr("storage.places._unlink", refuse)
        swept = sweep(custody, dry_run=False)
    assert not swept.complete
    assert {line.note for line in swept.lines} == {"Permission denied where its file lies"}
    assert len(custody.ledger.intentions()) == 4
    again = sweep(custody, dry_run=False)
    assert (again.complete, again.resumed) == (True, 4)
    assert list(kept.sources.iterdir()) == []


def certificates(kept, custody: Custody, name: str) -> list[dict[str, object]]:  # type: ignore[no-untyped-def]
    [(recording_id,)] = kept.rows(f"SELECT id FROM recordings WHERE sha256 = '{kept.recordings[name].sha256}'")
    documents = [kept.archive.objects.get(key) for key in custody.ledger.certificates(recording_id)]
    return [dict(custody.signer.public.verified(document)) for document in documents]


def test_an_erasure_on_request_is_certified_and_what_a_hold_keeps_goes_later(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody()
    sha256 = kept.recordings["ada"].sha256
    number = hold(custody, sha256)
    first = erase(custody, Scope.CALL, sha256, "request 4711")
    assert not first.complete
    assert (kept.sources / "ada.wav").exists()
    body = certificates(kept, custody, "ada")[-1]
    assert body["erased"] == []
    assert {item["note"] for item in body["not_erased"]} == {f"legal hold {number}"}  # type: ignore[attr-defined]
    events = kept.rows("SELECT count(*) FROM audit_events WHERE action = 'erasure.failed'")
    sweep(custody, dry_run=False)
    assert kept.rows("SELECT count(*) FROM audit_events WHERE action = 'erasure.failed'") == events, "told once"
    custody.ledger.release_hold(number, "closed")
    swept = sweep(custody, dry_run=False)
    assert len(swept.certificates) == 1
    body = certificates(kept, custody, "ada")[-1]
    assert body["not_erased"] == []
    assert {item["kind"]: item["count"] for item in body["erased"]} == {  # type: ignore[attr-defined]
        "vault": 0,
        "source_audio": 1,
        "redacted_audio": 0,
        # two objects; three words, two turns, one redaction, two documents
        "transcript": 2 + 3 + 2 + 1 + 2,
        "summary": 1,
    }
    assert body["request"]["reason"] == "request 4711"  # type: ignore[index]
    assert "events of the audit trail" in str(body["kept"])
    assert counts(kept, "ada") == dict.fromkeys(TEXTS, 0)
    assert not (kept.sources / "ada.wav").exists()
    with pytest.raises(UnknownRecordingError):
        kept.archive.repository.find("ada.wav")
    assert kept.archive.repository.find(sha256).state is RecordingState.ERASED


def test_renderings_that_later_versions_replaced_go_too(kept) -> None:  # type: ignore[no-untyped-def]
    repository, recording = kept.archive.repository, kept.recordings["ada"]
    old = repository.documents(repository.find("ada").id)
    transcript, summary = (read(repository.find("ada").id) for read in (repository.transcript, repository.summary))
    key = kept.archive.objects.put(Document("json", "application/json", b"newer marzipan"), date(2026, 9, 24))
    facts = AudioFacts(2.0, "WAV", "PCM_16", 8_000)
    repository.publish(1, Publication(recording, facts, transcript, summary, {"json": key}))
    assert all(kept.archive.objects.exists(one) for one in old.values())
    erase(kept.custody(), Scope.CALL, recording.sha256, "x")
    assert not any(kept.archive.objects.exists(one) for one in [key, *old.values()])


def test_renderings_that_were_kept_and_never_published_go_too(kept) -> None:  # type: ignore[no-untyped-def]
    repository, recording = kept.archive.repository, kept.recordings["ada"]
    shelf = Shelf(kept.archive.objects, date(2026, 9, 24))
    made = [Document("json", "application/json", b"older marzipan")]
    repository.announce([(recording.sha256, shelf.keys(made), None)])
    shelf.put(made)
    [key] = shelf.keys(made).values()
    assert key not in repository.documents(repository.find("ada").id).values()
    assert kept.archive.objects.exists(key)
    erase(kept.custody(), Scope.CALL, recording.sha256, "x")
    assert not kept.archive.objects.exists(key)


def test_what_a_publication_that_was_refused_left_goes_with_the_next_sweep(kept) -> None:  # type: ignore[no-untyped-def]
    repository, custody = kept.archive.repository, kept.custody()
    path = kept.sources / "lou.wav"
    path.write_bytes(b"sound of lou")
    recording = identify(path)
    shelf = Shelf(kept.archive.objects, date(2026, 9, 24))
    made = [Document("json", "application/json", b"marzipan"), Document("certificate", "application/json", b"{}")]
    keys = shelf.keys(made)
    repository.register(recording)
    repository.announce([(recording.sha256, {"json": keys["json"]}, keys["certificate"])])
    shelf.put(made)
    repository.quarantine(1, recording, Failure("publish", "x", "y"))
    assert [line.state for line in sweep(custody, dry_run=True).lines] == ["due"]
    number = hold(custody, recording.sha256)
    assert [line.state for line in sweep(custody, dry_run=False).lines] == ["held"]
    assert all(kept.archive.objects.exists(key) for key in keys.values())
    custody.ledger.release_hold(number, "closed")
    [line] = sweep(custody, dry_run=False).lines
    assert (line.sha256, line.why, line.state, line.count) == (
        *(recording.sha256, "announced and never published", "erased"),
        2,
    )
    assert not any(kept.archive.objects.exists(key) for key in keys.values())
    assert len(text_objects(kept)) == 8
    assert path.exists(), "no rule takes it"
    assert sweep(custody, dry_run=False).lines == ()
    assert repository.find("lou").state is RecordingState.QUARANTINED
    assert check_trail(custody, repository, custody.signer.public) == []


def test_what_cannot_be_dropped_is_told_of_and_tried_again(kept, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    repository, custody = kept.archive.repository, kept.custody()
    path = kept.sources / "lou.wav"
    path.write_bytes(b"sound of lou")
    recording = identify(path)
    shelf, made = Shelf(kept.archive.objects, date(2026, 9, 24)), [Document("json", "application/json", b"marzipan")]
    repository.register(recording)
    repository.announce([(recording.sha256, shelf.keys(made), None)])
    shelf.put(made)

    def refuse(*_: object) -> bool:
        raise RetryableError("the bucket is away", "Try again")

    with monkeypatch.context() as patched:
        patched.setattr(FolderStore, "delete", refuse)
        swept = sweep(custody, dry_run=False)
    assert not swept.complete
    assert [(line.state, line.note) for line in swept.lines] == [("failed", "the bucket is away")]
    assert [line.state for line in sweep(custody, dry_run=False).lines] == ["erased"]


def tell(kept, name: str, **told: Any) -> None:  # type: ignore[no-untyped-def]
    """Keep what a recorder tells of a call."""
    repository = kept.archive.repository
    repository.annotate(repository.find(name).id, CallMetadata(**told), {})


def test_what_is_told_of_calls_is_read_in_one_place(kept) -> None:  # type: ignore[no-untyped-def]
    began = datetime(2020, 5, 1, 9, tzinfo=UTC)
    other = {"caller": "+1 555", "jurisdiction": "DE", "tags": "vip, refund"}
    tell(kept, "ada", queue="billing", agent="7", started_at=began, other=other)
    tell(kept, "bob", other={"ani": "+1 777", "tags": ["x"]})
    ids = [kept.archive.repository.find(name).id for name in ("ada", "bob", "eve")]
    with reading(kept.archive.database) as connection:
        facts = call_facts(connection, ids)
    ada, bob, eve = (facts[one] for one in ids)
    assert (ada.queue, ada.agent, ada.caller, ada.jurisdiction) == ("billing", "7", "+1 555", "DE")
    assert (ada.began_at, ada.tags) == (began, {"billing", "vip", "refund"})
    assert (bob.caller, bob.tags) == ("+1 777", {"x"})
    assert (eve.queue, eve.caller) == (None, None)
    assert "555" not in repr(ada)


def test_a_caller_and_an_agent_are_erased_with_all_their_calls(kept) -> None:  # type: ignore[no-untyped-def]
    tell(kept, "ada", agent="7", other={"caller": "+1 555"})
    tell(kept, "bob", agent="7", other={"caller": "+1 777"})
    tell(kept, "kim", agent="8", other={"caller": "+1 555"})
    custody = kept.custody()
    erased = erase(custody, Scope.CALLER, "+1 555", "GDPR 17")
    assert {line.sha256 for line in erased.lines} == {kept.recordings[name].sha256 for name in ("ada", "kim")}
    body = custody.signer.public.verified(kept.archive.objects.get(erased.certificate))
    assert "+1 555" not in json.dumps(body), "whoever asked is not named"
    for path in kept.data_dir.glob("callwright.db*"):
        assert b"+1 555" not in path.read_bytes()
    assert kept.rows("SELECT count(*) FROM call_metadata") == [(1,)]
    erase(custody, Scope.AGENT, "7", "x")
    assert [path.name for path in kept.sources.iterdir()] == ["eve.wav"]
    with pytest.raises(UnknownRecordingError):
        erase(custody, Scope.AGENT, "7", "x")


def test_a_sweep_by_queue_and_jurisdiction(kept) -> None:  # type: ignore[no-untyped-def]
    long_ago = datetime(2020, 5, 1, tzinfo=UTC)
    tell(kept, "ada", queue="billing", started_at=long_ago, other={"jurisdiction": "DE"})
    tell(kept, "bob", queue="billing", started_at=long_ago)
    rules = (
        '[[rule]]\nkind = "source_audio"\nqueue = "billing"\nkeep = "forever"\n'
        '[[rule]]\nkind = "source_audio"\nqueue = "billing"\njurisdiction = "DE"\nkeep = "30 days"\n'
        '[[rule]]\nkind = "source_audio"\nkeep = "30 days"\n'
    )
    lines = sweep(kept.custody(kept.rules(rules)), dry_run=False).lines
    assert {line.sha256 for line in lines} == {kept.recordings["ada"].sha256}


def test_the_vault_goes_by_its_rule_and_its_names_last(kept, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MASTER", new_key_text().decode())
    custody = kept.custody(kept.rules('[[rule]]\nkind = "vault"\nkeep = "0 days"'), "vault.master_key=env:MASTER")
    sha256 = kept.recordings["ada"].sha256
    custody.vault().seal([Item(sha256, "transcript", b"x")])
    [line] = sweep(custody, dry_run=False).lines
    assert (line.sha256, line.kind, line.count) == (sha256, Kind.VAULT, 2)
    assert not custody.in_vault(sha256)


def test_rules_that_cannot_be_read_stop_a_sweep_before_anything(kept) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(RetentionError):
        sweep(kept.custody(kept.rules('[[rule]]\nkind = "all"\nkeep = "0 days"')), dry_run=False)
    with pytest.raises(ConfigError):
        sweep(kept.custody("retention.file=nowhere"), dry_run=False)
    assert len(list(kept.sources.iterdir())) == 4


def test_audit_events_go_when_they_are_over_up_to_the_first_that_is_held(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules('[[rule]]\nkind = "audit"\nkeep = "0 days"'))
    number = hold(custody, kept.recordings["bob"].sha256)
    [(bobs,)] = kept.rows(f"SELECT min(id) FROM audit_events WHERE subject = '{kept.recordings['bob'].sha256}'")
    assert sweep(custody, dry_run=False).events == bobs - 1
    assert check_trail(custody, kept.archive.repository, custody.signer.public) == []
    custody.ledger.release_hold(number, "over")
    assert sweep(custody, dry_run=False).events > 0
    assert check_trail(custody, kept.archive.repository, custody.signer.public) == []
    assert kept.rows("SELECT count(*) FROM audit_events")[0][0] <= 2


def test_a_changed_configuration_is_written_once(kept) -> None:  # type: ignore[no-untyped-def]
    for custody in (
        kept.custody(),
        kept.custody(),
        kept.custody("redact.policy=pci"),
        kept.custody("vad.threshold=0.6"),
    ):
        note_configuration(custody)
    assert kept.rows("SELECT count(*) FROM audit_events WHERE action = 'config.change'") == [(3,)]


def test_holds_in_between_are_seen(kept) -> None:  # type: ignore[no-untyped-def]
    """A hold that is placed after it was decided what goes, and before it is written that it goes."""
    custody = kept.custody(kept.rules(ALL_AT_ONCE))
    recording = kept.archive.repository.find("ada")
    hold(custody, recording.sha256)
    assert not custody.ledger.intend(recording.id, {Kind.SUMMARY: "rule"}, custody.held)
    assert custody.ledger.intentions() == []


def test_a_hold_ends_by_itself(kept) -> None:  # type: ignore[no-untyped-def]
    custody = kept.custody(kept.rules(ALL_AT_ONCE))
    for recording in kept.recordings.values():
        hold(custody, recording.sha256, until=custody.ledger.now() + timedelta(seconds=0.2))
    assert {line.state for line in sweep(custody, dry_run=False).lines} == {"held"}
    time.sleep(0.3)
    assert {line.state for line in sweep(custody, dry_run=False).lines} == {"erased"}
    with pytest.raises(NoTranscriptError):
        kept.archive.repository.transcript(1)


def test_what_a_worker_has_in_hand_is_erased_once_it_lets_go(kept) -> None:  # type: ignore[no-untyped-def]
    recording = kept.recordings["ada"]
    leases = Leases(kept.archive.database, "elsewhere", 60.0)
    run_id = kept.archive.repository.begin_run("f", "1")
    claim = leases.claim(run_id, [recording], 3, again=True)
    erased = erase(kept.custody(), Scope.CALL, recording.sha256, "asked for")
    assert {line.state for line in erased.lines} == {"failed"}
    assert recording.path.exists()
    transcript = kept.archive.repository.transcript(kept.archive.repository.recording_id(recording.sha256))
    publication = Publication(recording, AudioFacts(2.0, "WAV", "PCM_16", 8_000), transcript)
    with pytest.raises(SkippableError, match="was erased"):
        kept.archive.repository.publish(run_id, publication, claim.tokens[recording.sha256])
    leases.release()
    assert not leases.claim(run_id, [recording], 3, again=True).tokens, "nobody takes it up again"
    assert {line.state for line in sweep(kept.custody(), dry_run=False).lines} == {"erased"}
    assert not recording.path.exists()

"""Kinds of tampering, each done by somebody who may write everything but has no signing key, and found by a command.

docs/compliance.md has the table. The first kinds are found by `callwright audit verify --objects`, the next by
`callwright verify-redaction --all`, the last, of a certificate alone, by `callwright certificate verify`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import soundfile

from asr.decode import identify
from asr.engines.scripted import ScriptedEngine
from asr.types import Channel, Hypothesis, Provenance, Transcript, Turn, Word
from asr.vad import SileroVad
from compliance.certificate import KIND, UsedModel
from compliance.redactor import Redactor
from compliance.render import documents
from compliance.signing import Signer
from configs.settings import Settings
from flows import proof, stages
from flows.cli import call
from flows.evidence import write_anchor
from flows.keep import certifier
from flows.listeners import Listener
from flows.preparation import prepare
from flows.wiring import Models
from storage.audit_log import GENESIS, AuditEvent, event_hash
from storage.objects import object_key
from storage.types import AudioFacts, Publication
from tests.unit.flows.conftest import Kept, keep_four

Tamper = Callable[[Path], None]
"""Does it to a data folder."""

CARD = "my card number is 5200 8282 8282 8210 thank you"
CORRECTION = (
    1,
    json.dumps([{"speaker": "agent", "channel": "agent", "start_s": 1.0, "text": CARD}]),
    9,
    "all",
    "2026-09-24 00:00:00.000000",
    "somebody",
)
SILENT = Hypothesis((), "en", 0.0, 1.0, 1.0, 0.0)
DAY = date(2026, 9, 24)
LAST_ANCHOR = "anchor-000000000003.json"


def rows(data_dir: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(data_dir / "callwright.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def sql(*statements: str) -> Tamper:
    """As the database's owner, whom no trigger stops."""

    def tamper(data_dir: Path) -> None:
        connection = sqlite3.connect(data_dir / "callwright.db")
        with connection:
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER IF EXISTS audit_events_no_{verb}")
            assert not statements or sum(connection.execute(one).rowcount for one in statements) > 0
        connection.close()

    return tamper


def rewritten(first: int, skip: int | None = None) -> Tamper:
    """Change an event (or leave one out) and hash all that follow anew, so that the chain itself is sound."""

    def tamper(data_dir: Path) -> None:
        sql()(data_dir)
        connection = sqlite3.connect(data_dir / "callwright.db")
        events = connection.execute(
            "SELECT id, at, actor, action, subject, detail FROM audit_events ORDER BY id"
        ).fetchall()
        previous, number = GENESIS, 0
        with connection:
            connection.execute("DELETE FROM audit_events")
            for event_id, at, actor, action, subject, detail in events:
                if event_id == skip:
                    continue
                number += 1
                told = "nobody" if event_id == first else actor
                when = datetime.fromisoformat(at).replace(tzinfo=UTC)
                digest = event_hash(number, AuditEvent(when, told, action, subject, json.loads(detail)), previous)
                connection.execute(
                    "INSERT INTO audit_events (id, at, actor, action, subject, detail, previous_hash, hash) "
                    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    (number, at, told, action, subject, detail, previous, digest),
                )
                previous = digest
        connection.close()

    return tamper


def anchor(change: Callable[[Path], object]) -> Tamper:
    return lambda data_dir: change(data_dir / "anchors") and None


def forged_anchor(data_dir: Path) -> None:
    """Cut the trail's end off and let the last anchors vouch for what is left, signed with a key of one's own."""
    sql("DELETE FROM audit_events WHERE id > 3")(data_dir)
    path = data_dir / "anchors" / LAST_ANCHOR
    body = json.loads(path.read_text())["body"]
    [(digest,)] = rows(data_dir, "SELECT hash FROM audit_events WHERE id = 3")
    path.write_bytes(Signer.new().signed({**body, "event": 3, "hash": digest}))


def forged_prune(data_dir: Path) -> None:
    """Delete the oldest events as if they had been over their time."""
    [(digest,)] = rows(data_dir, "SELECT hash FROM audit_events WHERE id = 2")
    statement = Signer.new().signed({"type": "callwright audit prune", "through": 2, "hash": digest}).decode()
    sql(
        "DELETE FROM audit_events WHERE id <= 2",
        f"INSERT INTO audit_prunes VALUES (2, '{digest}', '2026-01-01 00:00:00', '{statement}')",
    )(data_dir)


def objects(data_dir: Path, suffix: str) -> list[Path]:
    found = sorted((data_dir / "objects").glob(f"????/??/??/*.{suffix}"))
    assert found
    return found


def an_object(suffix: str, change: Callable[[Path], object]) -> Tamper:
    return lambda data_dir: change(objects(data_dir, suffix)[0]) and None


def edited(path: Path) -> None:
    """One bit, in the middle."""
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def swap(one: Path, other: Path) -> None:
    first = one.read_bytes()
    one.write_bytes(other.read_bytes())
    other.write_bytes(first)


def of_other_key(path: Path) -> None:
    """A certificate that says another thing, signed by another key, under the hash of what it said."""
    body = json.loads(path.read_text())["body"]
    path.write_bytes(Signer.new().signed({**body, "spans": {}}))


TRAIL: dict[str, Tamper] = {
    "an event's actor changed": sql("UPDATE audit_events SET actor = 'nobody' WHERE id = 3"),
    "an event's action changed": sql("UPDATE audit_events SET action = 'x' WHERE id = 3"),
    "an event's subject changed": sql("UPDATE audit_events SET subject = 'x' WHERE id = 3"),
    "an event's time changed": sql("UPDATE audit_events SET at = '2020-01-01 00:00:00.000000' WHERE id = 2"),
    "an event's detail changed": sql("UPDATE audit_events SET detail = '{}' WHERE id = 3"),
    "an event's hash changed": sql("UPDATE audit_events SET hash = previous_hash WHERE id = 2"),
    "the first event removed": sql("DELETE FROM audit_events WHERE id = 1"),
    "an event removed from the middle": sql("DELETE FROM audit_events WHERE id = 3"),
    "the last events removed": sql("DELETE FROM audit_events WHERE id > 3"),
    "all events removed": sql("DELETE FROM audit_events"),
    "an event inserted": sql(
        "INSERT INTO audit_events SELECT 99, at, actor, action, subject, detail, 'x', hash FROM audit_events "
        "WHERE id = 1"
    ),
    "the last event there twice": sql(
        "INSERT INTO audit_events SELECT id + 1, at, actor, action, subject, detail, hash, hash || 'x' "
        "FROM audit_events ORDER BY id DESC LIMIT 1"
    ),
    "two events exchanged": sql(
        "UPDATE audit_events SET id = -2 WHERE id = 2",
        "UPDATE audit_events SET id = 2 WHERE id = 3",
        "UPDATE audit_events SET id = 3 WHERE id = -2",
    ),
    "an event changed and the chain written anew": rewritten(first=2),
    "an event left out and the chain written anew": rewritten(first=0, skip=3),
    "the oldest events removed as if over their time": forged_prune,
    "an anchor changed": anchor(lambda folder: edited(folder / LAST_ANCHOR)),
    "an anchor cut short": anchor(lambda folder: truncated(folder / LAST_ANCHOR)),
    "an anchor removed": anchor(lambda folder: (folder / "anchor-000000000002.json").unlink()),
    "two anchors exchanged": anchor(
        lambda folder: swap(folder / "anchor-000000000001.json", folder / "anchor-000000000002.json")
    ),
    "an anchor signed by another key": forged_anchor,
    "a rendering changed": an_object("json", edited),
    "a rendering cut short": an_object("json", truncated),
    "a rendering removed": an_object("vtt", Path.unlink),
    "two renderings exchanged": lambda data_dir: swap(*objects(data_dir, "json")[:2]),
    "a certificate cut short": an_object(KIND, truncated),
    "a certificate removed": an_object(KIND, Path.unlink),
    "two certificates exchanged": lambda data_dir: swap(*objects(data_dir, KIND)[:2]),
    "a certificate replaced by one of another key": an_object(KIND, of_other_key),
    "a redacted copy changed": an_object("wav", lambda path: sounding(path, 0)),
    "a redacted copy cut short": an_object("wav", truncated),
    "a redacted copy removed": an_object("wav", Path.unlink),
}


def sounding(path: Path, at: int) -> None:
    """Ten milliseconds of another sound."""
    sound, rate_hz = soundfile.read(path, dtype="int16", always_2d=True)
    sound[at : at + rate_hz // 100] ^= 0x0F00
    soundfile.write(path, sound, rate_hz, subtype=soundfile.info(path).subtype)


def keys_exchanged(table: str, of: str) -> Tamper:
    """Two recordings' objects of a kind, each named in the tables as the other's."""

    def tamper(data_dir: Path) -> None:
        [(one, first), (other, second)] = rows(data_dir, f"SELECT recording_id, object_key FROM {table} {of} LIMIT 2")
        sql(
            f"UPDATE {table} SET object_key = 'x' WHERE object_key = '{first}'",
            f"UPDATE {table} SET object_key = '{first}' WHERE object_key = '{second}'",
            f"UPDATE {table} SET object_key = '{second}' WHERE object_key = 'x'",
        )(data_dir)
        assert one != other

    return tamper


def put(data_dir: Path, path: Path) -> str:
    """Keep a file under the hash of what it holds, as the object store would; its key."""
    key = object_key(hashlib.sha256(path.read_bytes()).hexdigest(), path.suffix[1:], DAY)
    kept = data_dir / "objects" / key
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(path, kept)
    return key


def copy_restored(data_dir: Path) -> None:
    """The source's sound put back in place of its redacted copy, under a name that fits, and named in the tables."""
    key = put(data_dir, data_dir / "bank.wav")
    sql(f"UPDATE documents SET object_key = '{key}' WHERE kind = 'wav'")(data_dir)


def rendering_restored(data_dir: Path) -> None:
    """A rendering with another text, under a name that fits, and named in the tables."""
    [(key,)] = rows(data_dir, "SELECT object_key FROM documents WHERE kind = 'vtt' LIMIT 1")
    path = data_dir / "other.vtt"
    path.write_bytes((data_dir / "objects" / key).read_bytes().replace(b"marzipan", b"nougat!!"))
    sql(f"UPDATE documents SET object_key = '{put(data_dir, path)}' WHERE object_key = '{key}'")(data_dir)


def certificate_resigned(data_dir: Path) -> None:
    """A certificate that says another thing, signed by another key, under a name that fits, and named in the tables."""
    [(key,)] = rows(data_dir, "SELECT object_key FROM certificates LIMIT 1")
    path = data_dir / f"other.{KIND}"
    shutil.copy(data_dir / "objects" / key, path)
    of_other_key(path)
    sql(f"UPDATE certificates SET object_key = '{put(data_dir, path)}' WHERE object_key = '{key}'")(data_dir)


def certificate_of_before(data_dir: Path) -> None:
    """A sound certificate of the same call that is not the one of what is published."""
    signer = Signer.load(data_dir / "keys" / "signing.pem")
    [(key,)] = rows(data_dir, "SELECT object_key FROM certificates LIMIT 1")
    body = json.loads((data_dir / "objects" / key).read_text())["body"]
    path = data_dir / f"older.{KIND}"
    path.write_bytes(signer.signed({**body, "at": "2020-01-01T00:00:00+00:00"}))
    sql(f"UPDATE certificates SET object_key = '{put(data_dir, path)}' WHERE object_key = '{key}'")(data_dir)


TABLES: dict[str, Tamper] = {
    "a turn's text changed in SQL": sql("UPDATE turns SET text = 'nougat' WHERE text LIKE 'marzipan-%'"),
    "a turn's speaker changed in SQL": sql("UPDATE turns SET speaker = 'customer'"),
    "a turn's time changed in SQL": sql("UPDATE turns SET start_s = start_s + 0.5"),
    "a turn removed in SQL": sql("DELETE FROM words WHERE turn = 1", "DELETE FROM turns WHERE turn = 1"),
    "a turn inserted in SQL": sql(
        "INSERT INTO turns (recording_id, turn, speaker, channel, start_s, end_s, text) "
        "SELECT recording_id, 9, speaker, channel, 1.6, 1.9, 'nougat' FROM turns WHERE turn = 1"
    ),
    "a word changed in SQL": sql("UPDATE words SET text = 'nougat' WHERE text = 'marzipan'"),
    "a word's time changed in SQL": sql("UPDATE words SET start_s = start_s + 0.1 WHERE text = 'marzipan'"),
    "all words removed in SQL": sql("DELETE FROM words"),
    "a mark among the words made a word": sql("UPDATE words SET entity = NULL WHERE entity IS NOT NULL"),
    "a span removed in SQL": sql("DELETE FROM redactions"),
    "a span moved in SQL": sql("UPDATE redactions SET start_s = start_s + 0.2"),
    "a span's type changed in SQL": sql("UPDATE redactions SET entity = 'LOCATION'"),
    "the policy changed in SQL": sql("UPDATE transcripts SET policy = 'pci'"),
    "a transcript removed in SQL": sql("DELETE FROM transcripts"),
    "a card put into a correction in SQL": sql(f"INSERT INTO corrections VALUES {CORRECTION}"),
    "a published call set back in SQL": sql("UPDATE recordings SET state = 'received' WHERE id = 1"),
    "a rendering's row removed": sql("DELETE FROM documents WHERE kind = 'json'"),
    "two renderings exchanged in SQL": keys_exchanged("documents", "WHERE kind = 'vtt'"),
    "a rendering replaced and renamed": rendering_restored,
    "a redacted copy's row removed": sql("DELETE FROM documents WHERE kind = 'wav'"),
    "a redacted copy replaced by its source and renamed": copy_restored,
    "a certificate's row removed": sql("DELETE FROM certificates"),
    "two certificates exchanged in SQL": keys_exchanged("certificates", "ORDER BY object_key"),
    "a certificate replaced by one of another key and renamed": certificate_resigned,
    "a certificate replaced by another one of the same call": certificate_of_before,
}


def field(name: str, value: object) -> Callable[[bytes], bytes]:
    """A certificate whose field has another value, written as certificates are."""

    def change(document: bytes) -> bytes:
        told = json.loads(document)
        assert told["body"][name] != value
        told["body"][name] = value
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    return change


def signature(name: str, value: str) -> Callable[[bytes], bytes]:
    def change(document: bytes) -> bytes:
        told = json.loads(document)
        told["signature"][name] = value
        return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()

    return change


def signed_anew(document: bytes) -> bytes:
    """By another key, which calls itself by the name of the right one."""
    told = json.loads(document)
    other = json.loads(Signer.new().signed(told["body"]))
    other["signature"]["key_id"] = told["signature"]["key_id"]
    return json.dumps(other, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


CERTIFICATE: dict[str, Callable[[bytes], bytes]] = {
    "source": field("source", {"sha256": "0" * 64, "size_bytes": 1}),
    "transcript": field("transcript", {}),
    "database": field("database", {}),
    "redacted_audio": field("redacted_audio", {"sha256": "0" * 64}),
    "verification": field("verification", {"text": {"verdict": "passed", "survivors": {}}, "audio": None, "x": 1}),
    "policy": field("policy", {"name": "none", "entities": []}),
    "models": field("models", []),
    "spans": field("spans", {}),
    "at": field("at", "2020-01-01T00:00:00+00:00"),
    "type": field("type", "callwright erasure certificate"),
    "a field more": lambda document: document.replace(b'{"body":{', b'{"body":{"a":1,', 1),
    "a field twice": lambda document: document.replace(b'{"body":{', b'{"body":{"at":"","at":"",', 1),
    "a space": lambda document: document.replace(b":", b": ", 1),
    "cut short": lambda document: document[:-3],
    "another signature": signature("value", base64.b64encode(bytes(64)).decode()),
    "another algorithm": signature("algorithm", "none"),
    "signed by another key": lambda document: Signer.new().signed(json.loads(document)["body"]),
    "signed by another key of the same name": signed_anew,
}


def with_copy(kept: Kept, source: Path, detector: SileroVad, redactor: Redactor) -> None:
    """A fifth call, of real sound, as if its agent had told a card number where he speaks longest, with its copy."""
    prepared = prepare(identify(source), detector, Settings())
    burst = max(prepared.channels[0].bursts, key=len)
    start_s, step_s = burst.start / 16_000, len(burst) / 16_000 / 10
    said = tuple(
        Word(one, start_s + at * step_s, start_s + (at + 1) * step_s, 0.9) for at, one in enumerate(CARD.split())
    )
    made_by = Provenance("m", "ab" * 32, "scripted", "int8", "f" * 16, "1")
    sides = (Channel.AGENT, Channel.CUSTOMER)
    transcript = Transcript("bank.wav", 6.0, sides, (Turn("agent", Channel.AGENT, said),), (), made_by)
    redacted = stages.sound_to_remove(prepared, transcript, stages.redact(transcript, redactor))
    beeping = Settings().redact.model_copy(update={"audio": "beep"})
    with kept.archive.objects.scratch() as folder:
        case = proof.begin(prepared, redacted, folder, Settings().model_copy(update={"redact": beeping}))
        keys = {one.kind: kept.archive.objects.put(one, DAY) for one in documents(redacted.transcript)}
        keys["wav"] = kept.archive.objects.put_file(case.copy.path, "wav", DAY)
    certify = certifier(kept.custody(), UsedModel("spacy", "ef" * 32, "names"))
    certificate = kept.archive.objects.put(certify(prepared.recording, redacted.transcript, keys, case.proof(())), DAY)
    facts = AudioFacts(6.0, "WAV", "ULAW", 8_000)
    told = Publication(prepared.recording, facts, redacted.transcript, None, keys, {}, certificate)
    kept.archive.repository.publish(kept.archive.repository.begin_run("f", "1"), told)
    shutil.copy(source, kept.data_dir / "bank.wav")


@pytest.fixture(scope="module")
def sound_folder(
    tmp_path_factory: pytest.TempPathFactory, calls: Path, detector: SileroVad, redactor: Redactor
) -> Path:
    """The data folder of five published calls, one with a redacted copy, and three anchors."""
    kept = keep_four(tmp_path_factory.mktemp("kept"))
    with_copy(kept, calls / "bank.wav", detector, redactor)
    custody = kept.custody()
    for number in range(3):
        custody.ledger.write("test", f"thing {number}", {})
        write_anchor(custody)
    kept.archive.database.dispose()
    return kept.data_dir


@pytest.fixture
def data_dir(sound_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound_folder, tmp_path / "var"))


@pytest.fixture
def verify_redaction(monkeypatch: pytest.MonkeyPatch, detector: SileroVad, redactor: Redactor) -> Callable[[Path], int]:
    """The command, with engines that hear nothing: what was done to files and tables shows without them."""
    engine = ScriptedEngine(lambda _: SILENT)
    models = Models(detector, engine, redactor, (Listener(engine, "scripted"),))
    monkeypatch.setattr("flows.commands.verify.load_models", lambda _: models)
    return lambda data_dir: call(["verify-redaction", "--all", "--data-dir", str(data_dir)])


def audit_verify(data_dir: Path) -> int:
    return call(["audit", "verify", "--objects", "--data-dir", str(data_dir)])


def test_untouched_all_is_sound(
    data_dir: Path, verify_redaction: Callable[[Path], int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit_verify(data_dir) == 0
    assert verify_redaction(data_dir) == 0
    assert "5 checked, 1 of them with a redacted copy: 0 not as they should be." in capsys.readouterr().out


def test_what_rules_and_requests_took_is_not_tampering(
    data_dir: Path, verify_redaction: Callable[[Path], int], capsys: pytest.CaptureFixture[str]
) -> None:
    here = ["--data-dir", str(data_dir)]
    rules = data_dir / "rules.toml"
    rules.write_text('[[rule]]\nkind = "words"\nkeep = "0 days"\n[[rule]]\nkind = "redacted_audio"\nkeep = "0 days"\n')
    assert call(["sweep", "--set", f"retention.file={rules}", *here]) == 0
    assert call(["erase", "--call", "ada", "--reason", "asked", *here]) == 0
    assert rows(data_dir, "SELECT count(*) FROM words") == [(0,)]
    assert verify_redaction(data_dir) == 0
    assert "4 checked, 0 of them with a redacted copy: 0 not as they should be." in capsys.readouterr().out
    sql("UPDATE turns SET text = 'nougat' WHERE turn = 0")(data_dir)
    assert verify_redaction(data_dir) == 1


@pytest.mark.parametrize("kind", TRAIL)
def test_audit_verify_finds(kind: str, data_dir: Path) -> None:
    TRAIL[kind](data_dir)
    assert audit_verify(data_dir) == 1


@pytest.mark.parametrize("kind", TABLES)
def test_verify_redaction_finds(
    kind: str, data_dir: Path, verify_redaction: Callable[[Path], int], capsys: pytest.CaptureFixture[str]
) -> None:
    TABLES[kind](data_dir)
    assert verify_redaction(data_dir) == 1
    said = capsys.readouterr().out
    assert not re.search(r": 0 not as they should be", said)
    assert "nougat" not in said


@pytest.mark.parametrize("kind", CERTIFICATE)
def test_certificate_verify_finds(kind: str, data_dir: Path, tmp_path: Path) -> None:
    [key] = rows(data_dir, "SELECT object_key FROM certificates ORDER BY made_at DESC LIMIT 1")[0]
    document = (data_dir / "objects" / key).read_bytes()
    file, public = tmp_path / "c.json", str(data_dir / "keys" / "signing.pem.pub")
    file.write_bytes(document)
    assert call(["certificate", "verify", str(file), "--public-key", public]) == 0
    changed = CERTIFICATE[kind](document)
    assert changed != document
    file.write_bytes(changed)
    assert call(["certificate", "verify", str(file), "--public-key", public]) == 1

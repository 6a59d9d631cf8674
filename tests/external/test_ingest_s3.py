"""Recordings out of S3, polled and told of through SQS, over HTTP, from moto; faults come from a proxy before it."""

from __future__ import annotations

import hashlib
import http.client
import http.server
import json
import os
import socketserver
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlsplit

import boto3
import pytest

from asr.errors import RetryableError
from asr.types import Recording
from configs.load import load as load_settings
from configs.settings import Settings
from flows.inlets.base import GoneError
from flows.inlets.bucket import BucketInlet
from flows.inlets.folder import FolderInlet
from flows.inlets.queue import NotAnEventError, QueueInlet, events
from flows.watch import Cycle, Watcher, watching
from flows.work import Work
from storage.buckets import fetch_version
from storage.types import Failure
from tests.searches import publication

QUARANTINE = Failure("x", "y")


@dataclass(slots=True)
class Faults:
    """What the proxy does to answers to GET: statuses in place of the next ones, bodies that come slowly or short."""

    statuses: list[int] = field(default_factory=list)
    code: str = "SlowDown"
    short_by: int = 0
    delay_s: float = 0.0


class Proxy(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    upstream = ""
    faults = Faults()

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.command == "GET" and self.faults.statuses:
            code = self.faults.code
            self._answer(self.faults.statuses.pop(0), f"<Error><Code>{code}</Code></Error>".encode(), {})
            return
        connection = http.client.HTTPConnection(urlsplit(self.upstream).netloc, timeout=30)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        kept = {
            k: v
            for k, v in answer.getheaders()
            if k.lower() not in ("transfer-encoding", "connection", "content-length")
        }
        read = answer.read()
        length = int(answer.getheader("Content-Length") or len(read))
        self._answer(answer.status, read, kept, length)

    def _answer(self, status: int, body: bytes, headers: dict[str, str], length: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        is_object = self.command == "GET" and "list" not in self.path and status == 200 and "versions" not in self.path
        if is_object and self.faults.short_by:
            self.wfile.write(body[: -self.faults.short_by])
            self.close_connection = True
        elif is_object and self.faults.delay_s:
            for start in range(0, len(body), 1 + len(body) // 4):
                self.wfile.write(body[start : start + 1 + len(body) // 4])
                self.wfile.flush()
                time.sleep(self.faults.delay_s)
        elif self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True


@pytest.fixture(scope="module")
def proxy(moto: str) -> Iterator[str]:
    Proxy.upstream = moto
    server = Server(("127.0.0.1", 0), Proxy)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(autouse=True)
def faults(moto: str, proxy: str, monkeypatch: pytest.MonkeyPatch) -> Faults:
    values = {"ENDPOINT_URL": proxy, "DEFAULT_REGION": "us-east-1", "ACCESS_KEY_ID": "a", "SECRET_ACCESS_KEY": "b"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    urllib.request.urlopen(urllib.request.Request(f"{moto}/moto-api/reset", method="POST"), timeout=10).close()  # noqa: S310
    Proxy.faults = Faults()
    boto3.client("s3").create_bucket(Bucket="calls")
    return Proxy.faults


@pytest.fixture
def queue(moto: str) -> str:
    url: str = boto3.client("sqs").create_queue(QueueName="events")["QueueUrl"]
    return url


def put(key: str, body: bytes) -> dict[str, Any]:
    answer: dict[str, Any] = boto3.client("s3").put_object(Bucket="calls", Key=key, Body=body)
    return answer


def settings(*overrides: str) -> Settings:
    return load_settings(None, overrides, {}, Path(os.devnull))


Watch = Callable[..., list[Cycle]]


@pytest.fixture
def publish(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let recordings be published, each with the same words."""

    def process(self: Work, sources: list[Any], _meter: object, *, again: bool) -> None:
        run = self.archive.repository.begin_run("f", "1", self.leases.term())
        claim = self.leases.claim(run, [source.recording for source in sources], 3, again=again)
        for source in sources:
            made = replace(publication("x", ("Hello there",)), recording=source.recording)
            self.archive.repository.publish(run, made, claim.tokens[source.recording.sha256])

    monkeypatch.setattr(Work, "process", process)


@pytest.fixture
def watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """Cycles over inlets; a recording is done by reading its bytes and setting it aside: no model is needed."""

    def process(self: Work, sources: list[Any], _meter: object, *, again: bool) -> None:
        run = self.archive.repository.begin_run("f", "1", self.leases.term())
        recordings: list[Recording] = [source.recording for source in sources]
        claim = self.leases.claim(run, recordings, 3, again=again)
        for recording in recordings:
            assert hashlib.sha256(recording.path.read_bytes()).hexdigest() == recording.sha256
            token = claim.tokens[recording.sha256]
            self.archive.repository.quarantine(run, recording, QUARANTINE, token=token)

    monkeypatch.setattr(Work, "process", process)

    def cycles(inlet: str, n: int = 1, *overrides: str) -> list[Cycle]:
        chosen = settings(*overrides)
        made = BucketInlet(inlet, chosen) if inlet.startswith("s3:") else QueueInlet(inlet, chosen)
        with watching([made], chosen, tmp_path / "data", threading.Event(), lambda: None) as watcher:  # type: ignore[arg-type,return-value]
            found = [watcher.cycle() for _ in range(n)]
            assert list(watcher.work.worker.scratch.iterdir()) == [], "what was fetched is gone"
        return found

    return cycles


def told(watcher_data: Path, sql: str) -> list[tuple[Any, ...]]:
    import sqlite3

    connection = sqlite3.connect(watcher_data / "data" / "callwright.db")
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def message(queue: str, body: object) -> None:
    text = body if isinstance(body, str) else json.dumps(body)
    boto3.client("sqs").send_message(QueueUrl=queue, MessageBody=text)


def created(key: str, version: str = "") -> dict[str, Any]:
    item = {"key": quote_plus(key)} | ({"versionId": version} if version else {})
    return {"Records": [{"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "calls"}, "object": item}}]}


def left(queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    answer = boto3.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"]
    return sum(int(answer[name]) for name in names)


def test_what_lies_below_a_prefix_is_fetched_once(watch: Watch, tmp_path: Path) -> None:
    put("in/a b+c.wav", b"one")
    put("in/deep/er/\u00e4.wav", b"two")
    put("in/copy.wav", b"one")
    put("in//odd.wav", b"three")
    put("in/" + "n" * 300 + ".wav", b"four")
    put("other/x.wav", b"five")
    put("in/notes.txt", b"six")
    first, second = watch("s3://calls/in/", 2)
    assert (first.settled, first.processed) == ({"quarantined": 5}, 4)
    assert second.idle
    assert told(tmp_path, "SELECT count(*), count(DISTINCT recording_id) FROM sources") == [(5, 4)]
    assert ("s3://calls/in/a b+c.wav",) in told(tmp_path, "SELECT uri FROM sources")
    assert told(tmp_path, "SELECT outcome FROM tries") == [("quarantined",)] * 4


def test_every_version_is_a_recording_and_what_was_deleted_is_none(watch: Watch, tmp_path: Path) -> None:
    client = boto3.client("s3")
    client.put_bucket_versioning(Bucket="calls", VersioningConfiguration={"Status": "Enabled"})
    put("in/a.wav", b"first")
    put("in/a.wav", b"second")
    put("in/b.wav", b"gone")
    client.delete_object(Bucket="calls", Key="in/b.wav")
    [cycle] = watch("s3://calls/in/")
    assert cycle.settled == {"quarantined": 2}
    known = {sha256 for (sha256,) in told(tmp_path, "SELECT sha256 FROM recordings")}
    assert known == {hashlib.sha256(body).hexdigest() for body in (b"first", b"second")}


def test_sidecars_and_manifests_are_read_and_late_ones_joined(watch: Watch, tmp_path: Path) -> None:
    put("in/a.wav", b"one")
    put("in/manifest.csv", b"file,queue\na.wav,billing\n")
    put("in/sub/b.wav", b"two")
    watch("s3://calls/in/")
    assert told(tmp_path, "SELECT queue FROM call_metadata") == [("billing",)]
    put("in/sub/b.json", b'{"agent": "kim"}')
    [cycle] = watch("s3://calls/in/")
    assert cycle.settled == {}
    sql = "SELECT name, agent FROM sources JOIN call_metadata USING (recording_id) ORDER BY name"
    assert told(tmp_path, sql) == [("a.wav", None), ("b.wav", "kim")]


def test_a_sidecar_of_which_a_queue_tells_late_is_joined(watch: Watch, queue: str, tmp_path: Path) -> None:
    agents = "SELECT agent FROM call_metadata"
    for key in ("in/a.wav", "in/a.b.wav", "in/ab.wav"):
        put(key, key.encode())
        message(queue, created(key))
    watch(queue)
    assert told(tmp_path, agents) == []
    for sidecar, agent in (("in/a.json", "kim"), ("in/a.json", "lee"), ("in/ab.wav.json", "ada")):
        put(sidecar, json.dumps({"agent": agent}).encode())
        message(queue, created(sidecar))
        first, second = watch(queue, 2)
        assert (first.settled, second.idle, left(queue)) == ({}, True, 0)
    sql = "SELECT name, agent FROM sources JOIN call_metadata USING (recording_id) ORDER BY name"
    assert told(tmp_path, sql) == [("a.wav", "lee"), ("ab.wav", "ada")]
    put("in/new.json", b'{"agent": "eve"}')
    message(queue, created("in/new.json"))
    assert watch(queue)[0].idle
    assert left(queue) == 0, "its recording is yet to come, and looks for it"
    put("in/new.wav", b"new")
    message(queue, created("in/new.wav"))
    watch(queue)
    assert ("new.wav", "eve") in told(tmp_path, sql)


def test_the_same_bytes_from_three_sources_are_done_once(watch: Watch, queue: str, tmp_path: Path) -> None:
    (tmp_path / "drop").mkdir()
    (tmp_path / "drop" / "one.wav").write_bytes(b"the same")
    put("in/two.wav", b"the same")
    put("elsewhere/three.wav", b"the same")
    message(queue, created("elsewhere/three.wav"))
    chosen = settings("ingest.stable_s=0")
    inlets = [FolderInlet(tmp_path / "drop", chosen), BucketInlet("s3://calls/in/", chosen), QueueInlet(queue, chosen)]
    with watching(inlets, chosen, tmp_path / "data", threading.Event(), lambda: None) as watcher:  # type: ignore[arg-type,return-value]
        cycle = watcher.cycle()
    assert (cycle.settled, cycle.processed) == ({"quarantined": 3}, 1)
    assert told(tmp_path, "SELECT count(*), count(DISTINCT recording_id) FROM sources") == [(3, 1)]
    assert {uri.partition(":")[0] for (uri,) in told(tmp_path, "SELECT uri FROM sources")} == {"file", "s3"}
    assert told(tmp_path, "SELECT count(*) FROM tries") == [(1,)]


@pytest.mark.usefixtures("publish")
@pytest.mark.parametrize("source", ["prefix", "queue"])
@pytest.mark.parametrize("after", ["leave", "move", "delete"])
def test_published_objects_go_where_they_are_to(
    watch: Watch, queue: str, tmp_path: Path, source: str, after: str
) -> None:
    put("in/a.wav", b"sound")
    message(queue, created("in/a.wav"))
    named = queue if source == "queue" else "s3://calls/in/"
    [cycle] = watch(named, 1, f"ingest.after={after}", "ingest.move_to=s3://calls/done")
    assert cycle.settled == {"published": 1}
    sha256 = hashlib.sha256(b"sound").hexdigest()
    found = [item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="calls").get("Contents", ())]
    assert found == {"leave": ["in/a.wav"], "move": [f"done/{sha256}.wav"], "delete": []}[after]
    done = {"leave": "left", "move": "moved", "delete": "deleted"}[after]
    assert told(tmp_path, "SELECT after FROM arrivals") == [(done,)]
    where = {"leave": "s3://calls/in/a.wav", "move": f"s3://calls/done/{sha256}.wav"}
    assert told(tmp_path, "SELECT uri FROM sources") == [(where.get(after, "erased:s3://calls/in/a.wav"),)]


def test_names_that_are_not_wanted_are_left_alone(watch: Watch, queue: str, tmp_path: Path) -> None:
    keys = ("in/yes/a.wav", "in/yes/b.bin", "in/yes/skip-c.wav", "in/no/d.wav", "in/yes/e.tmp", "in/yes/.hidden/f.wav")
    patterns = ('ingest.include=["*yes/*"]', 'ingest.exclude=["*/skip-*", "*.tmp"]')
    for key in keys:
        put(key, key.encode())
        message(queue, created(key))
    assert watch("s3://calls/in/", 1, *patterns)[0].settled == {"quarantined": 2}
    assert watch(queue, 1, *patterns)[0].idle
    assert left(queue) == 0
    assert told(tmp_path, "SELECT name FROM sources ORDER BY name") == [("a.wav",), ("b.bin",)]


def test_objects_are_tagged_beside_the_tags_that_they_have(watch: Watch) -> None:
    client = boto3.client("s3")
    put("in/a.wav", b"one")
    client.put_object_tagging(Bucket="calls", Key="in/a.wav", Tagging={"TagSet": [{"Key": "team", "Value": "x"}]})
    watch("s3://calls/in/", 1, "ingest.after=tag")
    tags = client.get_object_tagging(Bucket="calls", Key="in/a.wav")["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "x", "callwright": "quarantined"}


def test_a_busy_server_is_tried_again_and_nothing_is_lost(
    watch: Watch, faults: Faults, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    put("in/a.wav", b"one")
    faults.statuses = [503]
    away, there = watch("s3://calls/in/", 2)
    assert "SlowDown" in away.troubles[0] or "503" in away.troubles[0]
    assert there.settled == {"quarantined": 1}
    put("in/b.wav", b"two")
    faults.short_by = 1
    [cut] = watch("s3://calls/in/")
    assert cut.settled == {}
    assert len(cut.troubles) == 1
    faults.short_by = 0
    assert watch("s3://calls/in/")[0].waiting == 1, "it waits before it is tried again"
    assert told(tmp_path, "SELECT failures, settled_at FROM arrivals WHERE uri LIKE '%b.wav'") == [(1, None)]


def test_one_that_gave_up_waiting_is_busy_and_not_refusing(
    watch: Watch, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    put("in/a.wav", b"one")
    faults.statuses, faults.code = [400], "RequestTimeout"
    away, there = watch("s3://calls/in/", 2)
    assert "RequestTimeout" in away.troubles[0]
    assert there.settled == {"quarantined": 1}


def test_a_body_that_does_not_end_is_given_up(tmp_path: Path, faults: Faults) -> None:
    put("in/a.wav", b"12345678")
    faults.delay_s = 0.2
    with pytest.raises(RetryableError, match="longer than"):
        fetch_version("s3://calls/in/a.wav", "", tmp_path / "a.wav", 0.1)
    assert list(tmp_path.iterdir()) == []
    assert fetch_version("s3://calls/in/a.wav", "", tmp_path / "a.wav", 60) == hashlib.sha256(b"12345678").hexdigest()


def test_a_message_goes_when_its_recordings_are_settled(watch: Watch, queue: str, tmp_path: Path) -> None:
    put("in/a b+c.wav", b"one")
    put("in/z.wav", b"two")
    message(queue, created("in/a b+c.wav"))
    message(queue, created("in/a b+c.wav"))  # twice
    both = created("in/z.wav")
    both["Records"] += created("in/a b+c.wav")["Records"]
    message(queue, both)
    [cycle] = watch(queue)
    assert (cycle.settled, cycle.processed) == ({"quarantined": 2}, 2)
    assert left(queue) == 0
    message(queue, created("in/a b+c.wav"))  # late
    assert watch(queue)[0].settled == {}
    assert left(queue) == 0
    assert told(tmp_path, "SELECT count(*) FROM tries") == [(2,)]


def test_what_is_no_news_of_a_recording_is_deleted(watch: Watch, queue: str) -> None:
    message(queue, {"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "calls"})
    message(queue, created("in/gone.wav"))
    message(queue, created("in/a.json"))
    removed = created("in/a.wav")
    removed["Records"][0]["eventName"] = "ObjectRemoved:Delete"
    message(queue, removed)
    [cycle] = watch(queue)
    assert cycle.idle
    assert left(queue) == 0


def test_events_out_of_order_name_their_versions(watch: Watch, queue: str, tmp_path: Path) -> None:
    boto3.client("s3").put_bucket_versioning(Bucket="calls", VersioningConfiguration={"Status": "Enabled"})
    versions = [put("in/a.wav", body)["VersionId"] for body in (b"first", b"second")]
    for version in reversed(versions):
        message(queue, created("in/a.wav", version))
    assert watch(queue)[0].settled == {"quarantined": 2}
    assert told(tmp_path, "SELECT count(*) FROM recordings") == [(2,)]


def test_a_message_that_nobody_can_read_goes_to_the_dead_letters(watch: Watch, queue: str) -> None:
    dead = boto3.client("sqs").create_queue(QueueName="dead")["QueueUrl"]
    for body in ("no json {", "[1]", "{}", '{"Records": [{"eventName": "ObjectCreated:Put"}]}'):
        message(queue, body)
    overrides = (f"ingest.dead_letters={dead}", "ingest.max_receives=2", "ingest.lease_s=1")
    watch(queue, 1, *overrides)
    assert (left(queue), left(dead)) == (4, 0)
    time.sleep(1.5)
    watch(queue, 1, *overrides)
    assert (left(queue), left(dead)) == (0, 4)


def test_one_object_told_of_by_queue_and_found_by_listing_is_one_arrival(
    watch: Watch, queue: str, tmp_path: Path
) -> None:
    put("in/a.wav", b"one")
    message(queue, created("in/a.wav"))
    watch(queue)
    assert watch("s3://calls/in/")[0].idle
    assert told(tmp_path, "SELECT count(*) FROM arrivals") == [(1,)]


def test_a_message_stays_until_its_recording_is_settled(
    queue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Work, "process", lambda *_, **__: None)  # the work comes to nothing
    put("in/a.wav", b"one")
    message(queue, created("in/a.wav"))
    chosen = settings("ingest.lease_s=1")
    inlet = QueueInlet(queue, chosen)
    with watching([inlet], chosen, tmp_path / "data", threading.Event(), lambda: None) as watcher:  # type: ignore[arg-type,return-value]
        assert isinstance(watcher, Watcher)
        assert watcher.cycle().waiting == 1
        time.sleep(2.5)  # two leases: the heartbeat keeps it hidden
        assert QueueInlet(queue, chosen).look() == []
        [arrival] = inlet.look()
        assert left(queue) == 1
    boto3.client("s3").delete_object(Bucket="calls", Key="in/a.wav")
    with pytest.raises(GoneError):
        inlet.fetch(arrival, tmp_path / "scratch")
    assert not inlet.is_there(arrival)


def test_events_over_sns_and_event_bridge() -> None:
    inner = json.dumps(created("in/a b.wav", "v1"))
    [over_sns] = events(json.dumps({"Type": "Notification", "Message": inner}))
    bridge = {
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": "calls"}, "object": {"key": "in/a b.wav", "version-id": "v1"}},
    }
    [over_bridge] = events(json.dumps(bridge))
    assert over_sns == over_bridge
    assert over_sns.uri == "s3://calls/in/a b.wav"
    with pytest.raises(NotAnEventError):
        list(events(json.dumps({"detail-type": "Object Created", "detail": []})))

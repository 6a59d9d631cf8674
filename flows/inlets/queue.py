"""A queue in SQS into which S3 tells of new objects, itself, over SNS or over EventBridge.

A message is deleted once all recordings that it tells of are published or quarantined. Messages come twice, late and
out of order: what an object holds, and not the order of events, decides what is done.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from asr.errors import FatalError, PipelineError, RetryableError
from configs.settings import Settings
from flows.inlets.base import Fetched, Names
from flows.inlets.bucket import fetch_object, fetch_tellers, has_version, sidecar_uris
from storage import queues
from storage.buckets import find_version, list_versions
from storage.queues import Message
from storage.types import Arrival


class NotAnEventError(ValueError):
    """A message is no event of S3."""


@dataclass(frozen=True, slots=True)
class Told:
    """An object that an event tells of; `version_id` is empty in a bucket without versions."""

    uri: str
    version_id: str


@dataclass(slots=True)
class QueueInlet:
    """A queue by its URL."""

    url: str
    settings: Settings
    _in_hand: dict[str, tuple[Message, set[Arrival]]] = field(default_factory=dict)
    """By its id each message that was received and not deleted, and which of its arrivals are not settled."""

    @property
    def prefix(self) -> str:
        """A queue may tell of anything."""
        return ""

    def look(self) -> list[Arrival]:
        """What the messages in hand and those that come now tell of. Raises what storage.queues.receive raises."""
        hidden_s = self.settings.ingest.lease_s
        while len(self._in_hand) < self.settings.ingest.batch_recordings:
            messages = queues.receive(self.url, hidden_s)
            for message in messages:
                self._take(message)
            if not messages:
                break
        return list(dict.fromkeys(arrival for _, arrivals in self._in_hand.values() for arrival in _sorted(arrivals)))

    def fetch(self, arrival: Arrival, scratch: Path) -> Fetched:
        """The object in the scratch folder. Raises what flows.inlets.bucket.fetch_object raises."""
        fetched = self.told(arrival, scratch)
        version_id = arrival.version.partition(" ")[0]
        fetch_object(arrival.uri, version_id, fetched.path, self.settings.ingest.fetch_s)
        return fetched

    def told(self, arrival: Arrival, scratch: Path) -> Fetched:
        """What tells of the object, in the scratch folder."""
        name = arrival.uri.rpartition("/")[2]
        tellers = [uri for uri in sidecar_uris(arrival.uri, self.settings) if find_version(uri)]
        return fetch_tellers(arrival.uri, name, tellers, scratch, self.settings.ingest.fetch_s)

    def is_there(self, arrival: Arrival) -> bool:
        """Whether the object still has that version."""
        return has_version(arrival)

    def settled(self, arrival: Arrival) -> None:
        """Delete the messages that told of it and of nothing else that is left. Raises what storage.queues raises."""
        for message, arrivals in list(self._in_hand.values()):
            arrivals.discard(arrival)
            if not arrivals:
                queues.delete(self.url, message)
                del self._in_hand[message.id]

    def beat(self) -> None:
        """Keep the messages in hand from other receivers; if that fails they come again, which does no harm."""
        try:
            held = [message for message, _ in list(self._in_hand.values())]
            queues.keep_hidden(self.url, held, self.settings.ingest.lease_s)
        except PipelineError:
            return

    def _take(self, message: Message) -> None:
        try:
            arrivals = self._arrivals(message)
        except (NotAnEventError, FatalError):
            self._refuse(message)
            return
        except RetryableError:
            return  # it comes again
        if arrivals:
            self._in_hand[message.id] = message, arrivals
        else:  # a test, a deletion, an object that is gone, or a sidecar whose recording is yet to come
            queues.delete(self.url, message)

    def _arrivals(self, message: Message) -> set[Arrival]:
        found: set[Arrival] = set()
        for told in events(message.body):
            if self._is_recording(told.uri):
                version = find_version(told.uri, told.version_id)
                found |= {Arrival(version.uri, version.version)} if version else set()
            else:
                found |= self._told_of_by(told.uri)
        return found

    def _is_recording(self, uri: str) -> bool:
        return Names(self.settings).want(uri.split("/", 3)[-1])

    def _told_of_by(self, uri: str) -> set[Arrival]:
        """The recordings of which an object tells, if it is a sidecar: those beside it that are there already."""
        ending = self.settings.metadata.sidecar
        sidecar = find_version(uri) if ending and uri.endswith(ending) else None
        if sidecar is None:
            return set()
        named = uri.removesuffix(ending)
        itself = find_version(named)
        beside = [*list_versions(f"{named}."), *([itself] if itself else [])]
        return {
            Arrival(version.uri, version.version, sidecar.version)
            for version in beside
            if uri in sidecar_uris(version.uri, self.settings) and self._is_recording(version.uri)
        }

    def _refuse(self, message: Message) -> None:
        """Put a message aside that nobody can read; until it has come often enough it stays, for a newer version."""
        options = self.settings.ingest
        if options.dead_letters and message.receives >= options.max_receives:
            queues.send(options.dead_letters, message.body)
            queues.delete(self.url, message)


def _sorted(arrivals: set[Arrival]) -> list[Arrival]:
    return sorted(arrivals, key=lambda arrival: (arrival.uri, arrival.version))


def events(body: str) -> Iterator[Told]:
    """The objects that a message says were made. Raises NotAnEventError for one that is not S3's."""
    try:
        message = json.loads(body)
    except (json.JSONDecodeError, RecursionError) as error:
        raise NotAnEventError("no JSON") from error
    if not isinstance(message, dict):
        raise NotAnEventError("no object")
    if message.get("Type") == "Notification" and isinstance(message.get("Message"), str):
        yield from events(message["Message"])  # over SNS
    elif message.get("Event") == "s3:TestEvent":
        return
    elif "detail-type" in message:
        yield from _of_event_bridge(message)
    elif isinstance(message.get("Records"), list):
        for record in message["Records"]:
            yield from _of_record(record)
    else:
        raise NotAnEventError("neither Records nor detail-type")


def _of_record(record: Any) -> Iterator[Told]:
    try:
        name, bucket, item = record["eventName"], record["s3"]["bucket"]["name"], record["s3"]["object"]
        key, version_id = item["key"], item.get("versionId") or ""
        if not name.removeprefix("s3:").startswith("ObjectCreated:"):
            return
        yield Told(f"s3://{bucket}/{unquote_plus(key)}", version_id)
    except (KeyError, TypeError, AttributeError) as error:
        raise NotAnEventError("a record without bucket and key") from error


def _of_event_bridge(message: dict[str, Any]) -> Iterator[Told]:
    try:
        detail = message["detail"]
        if message["detail-type"] == "Object Created":
            item = detail["object"]
            yield Told(f"s3://{detail['bucket']['name']}/{item['key']}", item.get("version-id") or "")
    except (KeyError, TypeError, AttributeError) as error:
        raise NotAnEventError("an event without bucket and key") from error

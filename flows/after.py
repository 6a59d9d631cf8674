"""What becomes of a recording's file where it came in, once the recording is published or set aside."""

from __future__ import annotations

import shutil
from pathlib import Path

from compliance.retention import decide
from compliance.types import Kind
from flows.custody import Custody, retention_policy
from flows.erase import erase_sidecars
from flows.metadata import sidecars_of
from storage.buckets import tag_version
from storage.places import erase_place, file_path, move_place
from storage.types import Arrival, Place, RecordingState

_TAG = "callwright"
_S3 = "s3://"


def carry_on(custody: Custody, arrival: Arrival, sha256: str, state: RecordingState) -> str:
    """Do with a file what ingest.after says, and return what was done: "left", "tagged", "moved", "deleted" or "kept".

    Moved and deleted are files of published recordings alone, by the hash of what lies there; "kept" are those under a
    hold, and from deletion those that a rule of retention keeps. Twice does no harm. Raises RetryableError or
    FatalError if S3 does not let it be done.
    """
    after = custody.settings.ingest.after
    if after == "tag" and arrival.uri.startswith(_S3):
        tag_version(arrival.uri, arrival.version.partition(" ")[0], {_TAG: state.value})
        return "tagged"
    if after not in ("move", "delete") or state is not RecordingState.PUBLISHED:
        return "left"
    recording_id, place = custody.ledger.recording_id(sha256), Place(arrival.uri, moved=False)
    facts, now = custody.ledger.facts(recording_id), custody.ledger.now()
    decision = decide(Kind.SOURCE_AUDIO, facts, retention_policy(custody.settings), (), now)
    kept_by_rule = after == "delete" and not decision.delete and decision.why != "no rule"
    if kept_by_rule or custody.hold_on(facts) is not None:
        return "kept"
    if after == "delete":
        outcome, done = erase_place(arrival.uri, sha256), "deleted"
        if outcome.done:
            erase_sidecars(custody, place)
            custody.ledger.mark_place(recording_id, place, None)
    else:
        outcome, where = move_place(arrival.uri, sha256, custody.settings.ingest.move_to)
        done = "moved"
        if outcome.done and where is not None:
            _move_sidecars(custody, arrival.uri, where)
            custody.ledger.relocate(recording_id, arrival.uri, where)
    custody.ledger.write(f"source.{after}", sha256, {"count": outcome.count, "done": outcome.done})
    return done if outcome.done else "left"


def _move_sidecars(custody: Custody, uri: str, where: str) -> None:
    if uri.startswith(_S3):
        return
    path, moved = file_path(uri), file_path(where)
    for sidecar in sidecars_of(path, custody.settings.metadata):
        if sidecar.is_file():
            shutil.move(sidecar, Path(moved.parent) / (moved.stem + sidecar.name.removeprefix(path.stem)))

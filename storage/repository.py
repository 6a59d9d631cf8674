"""What the pipeline remembers. Every change is one transaction, with its audit event inside it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime

import sqlalchemy as sa

from asr.errors import SkippableError
from asr.types import CallMetadata, Conversation, Recording
from compliance.types import RedactedTranscript, RedactedTurn
from llm.types import Analysed, Summary
from storage import audit_log
from storage.analysis_rows import load_analyses
from storage.batches import batches
from storage.call_metadata import changed_fields, load_all_metadata, load_metadata, replace_documents, store_metadata
from storage.columns import UtcDateTime
from storage.conversations import load_conversation
from storage.erasures import erased
from storage.errors import NoTranscriptError, UnknownRecordingError
from storage.leftovers import objects_detail
from storage.lookup import find_recording
from storage.mapping import load_plain_turns, load_transcript
from storage.overview import load_calls, load_overview
from storage.publications import published_detail, store_publications
from storage.quality import load_quality
from storage.recordings import (
    lock_recordings,
    recording_states,
    register_recording,
    register_recordings,
    set_recording_state,
)
from storage.runs import count_quarantined, end_run, insert_run
from storage.session import reading, writing
from storage.summary_rows import load_summary
from storage.tables import CallMetadataRow, CertificateRow, DocumentRow, RecordingRow
from storage.tries import Term, insert_requeued, settle_tries
from storage.types import (
    AudioFacts,
    CallQuality,
    CallRow,
    Failure,
    Overview,
    Publication,
    RecordingState,
    RunState,
    StoredRecording,
    TryOutcome,
)


def utc_now() -> datetime:
    """Return the time now, aware and in UTC."""
    return datetime.now(UTC)


class Repository:
    """The database as the pipeline sees it.

    `now` gives aware datetimes; `actor` is who acts in the audit trail. Every method raises RetryableError if
    the database is busy, full or away, and FatalError if it cannot be used as it is.
    """

    def __init__(self, engine: sa.Engine, now: Callable[[], datetime] = utc_now, actor: str = "callwright") -> None:
        self._engine = engine
        self._now = now
        self._actor = actor

    def register(self, recording: Recording, uri: str | None = None) -> RecordingState:
        """Make the recording and the place where it lies known, and return how far it has come.

        However often the same bytes come they are one row, and each path is one source of it; so is each `uri`, which
        says where a file was fetched from.
        """
        return self.register_all([(recording, uri)])[recording.sha256]

    def register_all(self, found: Sequence[tuple[Recording, str | None]]) -> dict[str, RecordingState]:
        """As `register`, of many recordings with where they came from, in one transaction; their states by SHA-256."""
        with writing(self._engine) as connection:
            ids = register_recordings(connection, found, self._now(), places=True)
            states = recording_states(connection, list(ids.values()))
            return {sha256: states[recording_id] for sha256, recording_id in ids.items()}

    def recording_id(self, sha256: str) -> int:
        """Return the id of a recording by its whole hash. Raises UnknownRecordingError for one that is not known."""
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(RecordingRow.id).where(RecordingRow.sha256 == sha256)).scalar()
        if found is None:
            raise UnknownRecordingError(f"no recording has the SHA-256 {sha256}", "Register it first")
        return found

    def days(self, sha256s: Sequence[str]) -> dict[str, date]:
        """Return the day, in UTC, on which each known recording's call began or, if that is not told, was first seen,
        by its hash."""
        began_at = sa.func.coalesce(CallMetadataRow.started_at, RecordingRow.first_seen_at, type_=UtcDateTime())
        wanted = sa.select(RecordingRow.sha256, began_at).select_from(RecordingRow).outerjoin(CallMetadataRow)
        days: dict[str, date] = {}
        with reading(self._engine) as connection:
            for batch in batches(sha256s):
                rows = connection.execute(wanted.where(RecordingRow.sha256.in_(batch)))
                days.update({sha256: at.date() for sha256, at in rows})
        return days

    def states(self, sha256s: Sequence[str]) -> dict[str, RecordingState]:
        """Return the state of each recording that is known, by its hash; unknown hashes are left out."""
        known: dict[str, RecordingState] = {}
        with reading(self._engine) as connection:
            for batch in batches(sha256s):
                wanted = sa.select(RecordingRow.sha256, RecordingRow.state)
                rows = connection.execute(wanted.where(RecordingRow.sha256.in_(batch)))
                known.update(dict(rows.all()))
        return known

    def metadata(self, recording_id: int) -> CallMetadata | None:
        """Return what is kept of a call's metadata, or None if nothing was told of it."""
        with reading(self._engine) as connection:
            return load_metadata(connection, recording_id)

    def told_before(self, sha256s: Sequence[str]) -> dict[str, tuple[int, CallMetadata | None]]:
        """Return the id of each known recording, and its call's metadata as `metadata` does, by its hash."""
        found: dict[str, tuple[int, CallMetadata | None]] = {}
        with reading(self._engine) as connection:
            for batch in batches(sha256s):
                wanted = sa.select(RecordingRow.sha256, RecordingRow.id).where(RecordingRow.sha256.in_(batch))
                ids = dict(connection.execute(wanted).all())
                told = load_all_metadata(connection, list(ids.values()))
                found.update({sha256: (recording_id, told.get(recording_id)) for sha256, recording_id in ids.items()})
        return found

    def annotate(self, recording_id: int, call: CallMetadata, documents: Mapping[str, str]) -> None:
        """As `annotate_all`, of one recording."""
        self.annotate_all([(recording_id, call, documents)])

    def annotate_all(self, told: Sequence[tuple[int, CallMetadata, Mapping[str, str]]]) -> None:
        """Keep calls' metadata, by their recordings' ids, in place of what was kept before, and the keys of their
        transcripts' renderings with them, in one transaction.

        The audit trail keeps which fields changed, and no value.
        """
        calls = {recording_id: call for recording_id, call, _ in told}
        with writing(self._engine) as connection:
            sha256s = lock_recordings(connection, list(calls))
            kept = load_all_metadata(connection, list(calls))
            store_metadata(connection, calls)
            for recording_id, _, documents in told:
                replace_documents(connection, recording_id, documents)
            changed = {key: ", ".join(changed_fields(kept.get(key), call)) for key, call in calls.items()}
            events = ((sha256s[key], {"fields": changed[key], **objects_detail(keys)}) for key, _, keys in told)
            self._audit_all(connection, "recording.annotate", events)

    def skip(self, recording_id: int) -> None:
        """Set a recording that is not published aside, because there is no consent to its being transcribed."""
        with writing(self._engine) as connection:
            wanted = sa.select(RecordingRow.sha256, RecordingRow.state).where(RecordingRow.id == recording_id)
            row = connection.execute(wanted.with_for_update()).one()
            if row.state not in (RecordingState.PUBLISHED, RecordingState.SKIPPED):
                set_recording_state(connection, recording_id, RecordingState.SKIPPED, audio=None, failure=None)
                self._audit(connection, "recording.skip", row.sha256, {"reason": "no consent"})

    def begin_run(self, config_fingerprint: str, code_version: str, lease: Term | None = None) -> int:
        """Start a run and return its id; runs whose lease is over, or that have none, become INTERRUPTED.

        If such a run is alive after all it sets its true state when it finishes.
        """
        with writing(self._engine) as connection:
            run_id = insert_run(connection, config_fingerprint, code_version, self._now(), lease)
            detail = {"config_fingerprint": config_fingerprint, "code_version": code_version}
            self._audit(connection, "run.begin", f"run:{run_id}", detail)
            return run_id

    def finish_run(self, run_id: int, state: RunState, wall_s: float) -> None:
        """Say how a run ended and how many seconds it took; FatalError for a run that was never begun."""
        with writing(self._engine) as connection:
            end_run(connection, run_id, state, self._now(), wall_s)
            detail = {"state": state.value, "wall_s": wall_s}
            self._audit(connection, "run.finish", f"run:{run_id}", detail)

    def announce(self, kept: Iterable[tuple[str, Mapping[str, str], str | None]]) -> None:
        """Say in the audit trail which objects are about to be kept: of each recording, by SHA-256, the keys of its
        renderings by kind, and that of its certificate.

        An erasure finds by it what a kill leaves between them and their rows.
        """
        with writing(self._engine) as connection:
            events = (
                (sha256, {**objects_detail(documents), "certificate": certificate})
                for sha256, documents, certificate in kept
            )
            self._audit_all(connection, "recording.keep", events)

    def publish(self, run_id: int, publication: Publication, token: int | None = None) -> int:
        """Keep all of a finished recording, in place of whatever it had before, and return its id; see `publish_all`.

        `token` is that of the lease under which it was done.
        """
        return self.publish_all(run_id, [(publication, token)])[0]

    def publish_all(self, run_id: int, finished: Sequence[tuple[Publication, int | None]]) -> list[int]:
        """Keep all of finished recordings, in place of whatever they had before, and return their ids.

        At whatever moment the process ends, everything or nothing of them is kept. With each comes the token of the
        lease under which it was done, which ends with it. Of one that was published under its token before, nothing
        is kept anew. Raises LeaseLostError if another has a lease by now, FatalError for a run that was never begun,
        SkippableError for text that is not valid Unicode or a recording that was erased.
        """
        by_sha256 = {publication.recording.sha256: (publication, token) for publication, token in finished}
        with writing(self._engine) as connection:
            now = self._now()
            ids = register_recordings(connection, [(one.recording, None) for one, _ in finished], now)
            tokens = {ids[sha256]: token for sha256, (_, token) in by_sha256.items()}
            unsettled = settle_tries(connection, tokens, TryOutcome.PUBLISHED, now)
            kept = {sha256: one for sha256, (one, _) in by_sha256.items() if ids[sha256] in unsettled}
            gone = erased(connection, list(unsettled))
            for sha256 in kept:
                if ids[sha256] in gone:
                    raise SkippableError(f"{sha256[:12]} was erased", "What was erased is never done again")
            if kept:
                store_publications(connection, run_id, {ids[sha256]: one for sha256, one in kept.items()}, now)
                events = ((sha256, published_detail(run_id, one)) for sha256, one in kept.items())
                self._audit_all(connection, "recording.publish", events)
        return [ids[publication.recording.sha256] for publication, _ in finished]

    def quarantine(
        self,
        run_id: int,
        recording: Recording,
        failure: Failure,
        audio: AudioFacts | None = None,
        token: int | None = None,
    ) -> RecordingState:
        """Set a recording aside with the reason, and return the state that it has now.

        A recording that was published before stays published with the transcript that it has: a sound
        transcript is worth more than the news that doing it again failed, which the run's count and the audit
        trail keep. `token` and LeaseLostError are as for `publish`. Raises FatalError for a run that was never begun.
        """
        with writing(self._engine) as connection:
            now = self._now()
            recording_id = register_recording(connection, recording, now)
            unsettled = settle_tries(connection, {recording_id: token}, TryOutcome.QUARANTINED, now)
            state = recording_states(connection, [recording_id])[recording_id]
            if not unsettled:
                return state
            count_quarantined(connection, run_id)
            if state not in (RecordingState.PUBLISHED, RecordingState.ERASED):
                state = RecordingState.QUARANTINED
                set_recording_state(connection, recording_id, state, audio, failure)
            detail: audit_log.Detail = {
                "run": run_id,
                "stage": failure.stage,
                "reason": failure.reason,
                "remedy": failure.remedy,
                "state": state.value,
            }
            self._audit(connection, "recording.quarantine", recording.sha256, detail)
            return state

    def requeue(self, sha256: str) -> None:
        """Let the next run do a quarantined recording again; one in another state is left as it is.

        Raises UnknownRecordingError for a hash that is not known.
        """
        with writing(self._engine) as connection:
            wanted = sa.select(RecordingRow.id, RecordingRow.state).where(RecordingRow.sha256 == sha256)
            row = connection.execute(wanted.with_for_update()).first()
            if row is None:
                raise UnknownRecordingError(f"no recording has the SHA-256 {sha256}", "Register it first")
            if row.state is RecordingState.QUARANTINED:
                set_recording_state(connection, row.id, RecordingState.RECEIVED, audio=None, failure=None)
                insert_requeued(connection, row.id, self._now())
                self._audit(connection, "recording.requeue", sha256, {})

    def find(self, reference: str) -> StoredRecording:
        """Return the recording that a file name, the end of a path or the start of a hash names.

        Raises UnknownRecordingError if none answers, AmbiguousRecordingError if several do.
        """
        with reading(self._engine) as connection:
            return find_recording(connection, reference)

    def transcript(self, recording_id: int) -> RedactedTranscript:
        """Return a recording's transcript, equal to the one that was published.

        Raises NoTranscriptError if it has none.
        """
        with reading(self._engine) as connection:
            transcript = load_transcript(connection, recording_id)
        if transcript is None:
            raise NoTranscriptError(
                f"recording {recording_id} has no transcript",
                "Process it first; `callwright status` says how far each recording has come",
            )
        return transcript

    def plain_turns(self, recording_id: int) -> tuple[RedactedTurn, ...]:
        """Return a transcript's turns as their own rows have them, each one piece: what is searched and queried."""
        with reading(self._engine) as connection:
            return load_plain_turns(connection, recording_id)

    def summary(self, recording_id: int) -> Summary | None:
        """Return a recording's summary, equal to the one that was published, or None if it has none."""
        with reading(self._engine) as connection:
            return load_summary(connection, recording_id)

    def conversation(self, recording_id: int) -> Conversation | None:
        """Return the facts of a recording's conversation, equal to those published, or None if it has none."""
        with reading(self._engine) as connection:
            return load_conversation(connection, recording_id)

    def quality(self, recording_id: int) -> CallQuality | None:
        """Return how well a recording was heard, equal to what was published, or None if that is not kept."""
        with reading(self._engine) as connection:
            return load_quality(connection, recording_id)

    def analyses(self, recording_id: int) -> tuple[Analysed, ...]:
        """Return what analyses say of a recording, by name, each scorecard before its checks."""
        with reading(self._engine) as connection:
            return load_analyses(connection, [recording_id]).get(recording_id, ())

    def documents(self, recording_id: int) -> dict[str, str]:
        """Return the object key of each rendering of a recording's transcript, by its kind."""
        with reading(self._engine) as connection:
            wanted = sa.select(DocumentRow.kind, DocumentRow.object_key)
            return dict(connection.execute(wanted.where(DocumentRow.recording_id == recording_id)).all())

    def object_keys(self) -> list[str]:
        """Return the key of every rendering and certificate that is kept."""
        with reading(self._engine) as connection:
            keys = sa.union(sa.select(DocumentRow.object_key), sa.select(CertificateRow.object_key))
            return sorted(str(row[0]) for row in connection.execute(keys))

    def looked_at(self, subject: str, action: str, detail: audit_log.Detail) -> None:
        """Write in the audit trail that somebody saw what is kept, such as a transcript ("transcript.show")."""
        with writing(self._engine) as connection:
            self._audit(connection, action, subject, detail)

    def overview(self, max_calls: int = 100, only: Mapping[str, str] | None = None) -> Overview:
        """Return totals by state, the calls that were first seen last, and the last run.

        `only` narrows calls and totals to those with these texts in these columns of `overview.FILTERS`.
        """
        with reading(self._engine) as connection:
            return load_overview(connection, max_calls, only or {})

    def calls(self, sha256s: Sequence[str]) -> tuple[CallRow, ...]:
        """Return how far each of these recordings has come, in the order given; unknown ones are left out."""
        with reading(self._engine) as connection:
            return load_calls(connection, sha256s)

    def audit_head(self) -> audit_log.ChainHead:
        """Return the last audit event's id and hash, to be kept where this database's owner cannot write."""
        with reading(self._engine) as connection:
            return audit_log.head(connection)

    def verify_audit(self) -> int | None:
        """Return the id of the first audit event that breaks the chain, or None if it is sound."""
        with reading(self._engine) as connection:
            return audit_log.verify(connection)

    def _audit(self, connection: sa.Connection, action: str, subject: str, detail: audit_log.Detail) -> None:
        self._audit_all(connection, action, [(subject, detail)])

    def _audit_all(self, connection: sa.Connection, action: str, told: Iterable[tuple[str, audit_log.Detail]]) -> None:
        now = self._now()
        events = (audit_log.AuditEvent(now, self._actor, action, subject, detail) for subject, detail in told)
        audit_log.append_all(connection, events)

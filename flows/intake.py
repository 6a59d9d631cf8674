"""Recordings as they come in: what is told of them is kept, and who is to be transcribed is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.errors import MetadataError
from asr.types import CallMetadata, Recording
from compliance.render import documents
from configs.settings import Settings
from flows.ingest import Source, length_s
from flows.metadata import Told
from flows.tenants import of_tenant, tenant_at
from flows.wiring import Archive
from storage.objects import Shelf
from storage.types import Failure, RecordingState


@dataclass(slots=True)
class Intake:
    """Whom a run is to process, what is wrong with the metadata of others, by SHA-256, and what is worth knowing."""

    wanted: list[Source] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def take_in(
    recordings: Sequence[Recording],
    told: Mapping[Path, Told],
    archive: Archive,
    settings: Settings,
    *,
    again: bool,
    places: Mapping[Path, str] | None = None,
) -> Intake:
    """Make recordings known, keep what is told of them, and find those that are to be processed.

    Those are what is not published yet, all if `again`, but none that was erased or is told to be without consent. Of
    copies of the same bytes the first of which anything is told counts; if nothing is told, what was told before does.
    What is wrong with metadata is passed on with its recording, which is quarantined where it would have been
    processed. `places` says where files were fetched from.
    """
    intake, repository = Intake(), archive.repository
    updated = 0
    copies: dict[str, list[Recording]] = {}
    for recording in recordings:
        copies.setdefault(recording.sha256, []).append(recording)
    states = repository.register_all([(copy, (places or {}).get(copy.path)) for copy in recordings])
    before = repository.told_before(list(copies))
    for sha256, same in copies.items():
        state = states[sha256]
        if state is RecordingState.ERASED:
            continue
        call = _of_copies([told[copy.path] for copy in same])
        if isinstance(call, CallMetadata):
            recording_id, known = before[sha256]
            kept = known or CallMetadata()
            uri = (places or {}).get(same[0].path) or same[0].path.absolute().as_uri()
            owned = of_tenant(call, kept, tenant_at(uri, settings.metadata), again=again)
            if owned is None:
                intake.notes.append(f"{same[0].name} is a copy of another tenant's recording, and tells nothing of it")
            call = owned or kept
            incoming = _Incoming(same[0].name, sha256, recording_id, state, call)
            if _keep(incoming, archive, intake):
                updated += state is RecordingState.PUBLISHED
                call = repository.metadata(recording_id) or call
            else:
                call = known or call
            if call.consent is False and not settings.metadata.allow_without_consent:
                _refuse(incoming, archive, intake)
                continue
        if again or state is not RecordingState.PUBLISHED:
            intake.wanted.append(Source(same[-1], length_s(same[-1]), call))
        elif isinstance(call, MetadataError):
            intake.failures[sha256] = Failure("metadata", call.reason, call.remedy)
    if updated:
        intake.notes.append(f"Metadata of {updated} published {'call' if updated == 1 else 'calls'} brought up to date")
    return intake


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A recording, how far it had come before this run, and what is told of it now."""

    name: str
    sha256: str
    id: int
    state: RecordingState
    call: CallMetadata


def _of_copies(told: Sequence[Told]) -> Told:
    wrong = next((one for one in told if isinstance(one, MetadataError)), None)
    return wrong or next((one for one in told if one != CallMetadata()), CallMetadata())


def _keep(incoming: _Incoming, archive: Archive, intake: Intake) -> bool:
    """Keep what is told, if anything is and it is news; a transcript that carries it is rendered anew."""
    repository = archive.repository
    if incoming.call == CallMetadata() or not (changed := repository.changed_fields(incoming.id, incoming.call)):
        return False
    rendered: dict[str, str] = {}
    if incoming.state is RecordingState.PUBLISHED:
        transcript = repository.transcript(incoming.id)
        shelf = Shelf(archive.objects, repository.days([incoming.sha256])[incoming.sha256])
        made = documents(transcript, incoming.call)
        rendered = shelf.keys(made)
        repository.announce([(incoming.sha256, rendered, None)])
        shelf.put(made)
        if not {"channel_map", "pauses"}.isdisjoint(changed):
            intake.notes.append(
                f"{incoming.name} was published before its channel_map or pauses were told so: run it with --again"
            )
    repository.annotate(incoming.id, incoming.call, rendered)
    return True


def _refuse(incoming: _Incoming, archive: Archive, intake: Intake) -> None:
    if incoming.state is RecordingState.PUBLISHED:
        intake.notes.append(
            f"{incoming.name} was published, and now there is no consent; its transcript is still there"
        )
    else:
        archive.repository.skip(incoming.id)

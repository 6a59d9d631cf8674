"""Recordings as they come in: what is told of them is kept, and who is to be transcribed is settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asr.errors import MetadataError
from asr.types import CallMetadata, Recording
from compliance.render import documents
from configs.settings import Settings
from flows.ingest import Source, length_s
from flows.metadata import Told
from flows.tenants import of_tenant, tenant_at
from flows.wiring import Archive
from storage.call_metadata import changed_fields
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
    copies: dict[str, list[Recording]] = {}
    for recording in recordings:
        copies.setdefault(recording.sha256, []).append(recording)
    places, intake, repository = places or {}, Intake(), archive.repository
    states = repository.register_all([(copy, places.get(copy.path)) for copy in recordings])
    before = repository.told_before(list(copies))
    come = []
    for sha256, same in copies.items():
        if states[sha256] is not RecordingState.ERASED:
            recording_id, known = before[sha256]
            one = _Incoming(same, recording_id, states[sha256], known, _of_copies([told[copy.path] for copy in same]))
            come.append(_owned(one, settings, intake, places, again=again))
    _keep([one for one in come if one.news], archive, intake)
    for one in come:
        if one.wrong is None and one.call.consent is False and not settings.metadata.allow_without_consent:
            _refuse(one, archive, intake)
        elif again or one.state is not RecordingState.PUBLISHED:
            intake.wanted.append(Source(one.copies[-1], length_s(one.copies[-1]), one.wrong or one.call))
        elif one.wrong is not None:
            intake.failures[one.first.sha256] = Failure("metadata", one.wrong.reason, one.wrong.remedy)
    return intake


@dataclass(frozen=True, slots=True)
class _Incoming:
    """A recording's copies, its row, how far it had come before this run, and what was and is told of it."""

    copies: Sequence[Recording]
    id: int
    state: RecordingState
    known: CallMetadata | None
    told: Told

    @property
    def first(self) -> Recording:
        return self.copies[0]

    @property
    def wrong(self) -> MetadataError | None:
        return self.told if isinstance(self.told, MetadataError) else None

    @property
    def news(self) -> tuple[str, ...]:
        """What of it is told otherwise than before; where nothing is told, nothing is."""
        if isinstance(self.told, MetadataError) or self.told == CallMetadata():
            return ()
        return changed_fields(self.known, self.told)

    @property
    def call(self) -> CallMetadata:
        """What holds from now on."""
        if isinstance(self.told, MetadataError):
            return self.known or CallMetadata()
        return self.told if self.news else self.known or self.told


def _of_copies(told: Sequence[Told]) -> Told:
    wrong = next((one for one in told if isinstance(one, MetadataError)), None)
    return wrong or next((one for one in told if one != CallMetadata()), CallMetadata())


def _owned(one: _Incoming, settings: Settings, intake: Intake, places: Mapping[Path, str], *, again: bool) -> _Incoming:
    """What is told, with the tenant to whom it belongs; a copy of another tenant's recording tells nothing."""
    if isinstance(one.told, MetadataError):
        return one
    uri = places.get(one.first.path) or one.first.path.absolute().as_uri()
    kept = one.known or CallMetadata()
    owned = of_tenant(one.told, kept, tenant_at(uri, settings.metadata), again=again)
    if owned is None:
        intake.notes.append(f"{one.first.name} is a copy of another tenant's recording, and tells nothing of it")
    return replace(one, told=owned or kept)


def _keep(come: Sequence[_Incoming], archive: Archive, intake: Intake) -> None:
    """Keep what is news; a transcript that carries it is rendered anew."""
    published = [one for one in come if one.state is RecordingState.PUBLISHED]
    rendered = {one.id: _rendered(one, archive) for one in published}
    if come:
        archive.repository.annotate_all([(one.id, one.call, rendered.get(one.id, {})) for one in come])
    intake.notes.extend(
        f"{one.first.name} was published before its channel_map or pauses were told so: run it with --again"
        for one in published
        if not {"channel_map", "pauses"}.isdisjoint(one.news)
    )
    if published:
        calls = "call" if len(published) == 1 else "calls"
        intake.notes.append(f"Metadata of {len(published)} published {calls} brought up to date")


def _rendered(one: _Incoming, archive: Archive) -> dict[str, str]:
    repository, sha256 = archive.repository, one.first.sha256
    shelf = Shelf(archive.objects, repository.days([sha256])[sha256])
    made = documents(repository.transcript(one.id), one.call)
    keys = shelf.keys(made)
    repository.announce([(sha256, keys, None)])
    shelf.put(made)
    return keys


def _refuse(one: _Incoming, archive: Archive, intake: Intake) -> None:
    if one.state is RecordingState.PUBLISHED:
        name = one.first.name
        intake.notes.append(f"{name} was published, and now there is no consent; its transcript is still there")
    else:
        archive.repository.skip(one.id)

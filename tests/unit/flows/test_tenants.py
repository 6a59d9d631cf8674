"""Whose a call is, and that a copy cannot make it another's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from asr.decode import identify
from asr.types import CallMetadata
from configs.load import load
from flows.intake import take_in
from flows.metadata import gather
from flows.tenants import of_tenant, tenant_at
from flows.wiring import open_archive
from storage.options import MetadataOptions

PLACES = MetadataOptions(
    tenants={"/mnt": "house", "/mnt/acme": "acme", "s3://calls/acme/": "acme", "s3://calls": "globex"}
)


@pytest.mark.parametrize(
    ("uri", "tenant"),
    [
        ("file:///mnt/acme/2026/a.wav", "acme"),
        ("file:///mnt/acme2/a.wav", "house"),
        ("file:///srv/acme/a.wav", None),
        ("s3://calls/acme/a.wav", "acme"),
        ("s3://calls/acme.wav", "globex"),
        ("s3://calls2/acme/a.wav", None),
    ],
)
def test_the_innermost_place_counts(uri: str, tenant: str | None) -> None:
    assert tenant_at(uri, PLACES) == tenant


def told(**fields: str) -> CallMetadata:
    return CallMetadata(**fields, sources=dict.fromkeys(fields, "sidecar"))  # type: ignore[arg-type]


def test_what_is_told_keeps_its_tenant() -> None:
    nothing, theirs = CallMetadata(), told(tenant="acme", queue="billing")
    assert of_tenant(nothing, nothing, None, again=False) == nothing
    assert of_tenant(theirs, nothing, None, again=False) == theirs
    placed = of_tenant(theirs, nothing, "globex", again=False)
    assert placed is not None
    assert (placed.tenant, placed.queue, placed.sources["tenant"]) == ("globex", "billing", "metadata.tenants")
    assert of_tenant(told(queue="sales"), theirs, None, again=False) == told(queue="sales", tenant="acme")
    assert of_tenant(nothing, theirs, "acme", again=False) == CallMetadata(
        tenant="acme", queue="billing", sources={"tenant": "metadata.tenants", "queue": "sidecar"}
    )
    assert of_tenant(told(tenant="globex"), theirs, None, again=False) is None
    assert of_tenant(nothing, theirs, "globex", again=False) is None
    again = of_tenant(told(tenant="globex"), theirs, None, again=True)
    assert again == told(tenant="globex")


def test_a_copy_of_another_tenant_tells_nothing(tmp_path: Path) -> None:
    for tenant in ("acme", "globex"):
        (tmp_path / tenant).mkdir()
        (tmp_path / tenant / "a.wav").write_bytes(b"the same")
        (tmp_path / tenant / "a.json").write_text(f'{{"agent": "{tenant}", "tenant": "whatever they say"}}')
    table = ", ".join(f'"{tmp_path / tenant}" = "{tenant}"' for tenant in ("acme", "globex"))
    settings = load(None, [f"metadata.tenants={{{table}}}"], {}, Path(os.devnull))
    archive = open_archive(settings, tmp_path / "var")
    notes = []
    for tenant in ("acme", "globex"):
        path = tmp_path / tenant / "a.wav"
        gathered = gather([path], [path.parent], settings.metadata)
        notes += take_in([identify(path)], gathered.told, archive, settings, again=False).notes
    call = archive.repository.metadata(1)
    archive.database.dispose()
    assert call is not None
    assert (call.tenant, call.agent) == ("acme", "acme")
    assert notes == ["a.wav is a copy of another tenant's recording, and tells nothing of it"]

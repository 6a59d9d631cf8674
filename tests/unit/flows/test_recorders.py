"""The shipped profiles of recorders, each on a document of its shape."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from asr.types import CallMetadata, Direction
from configs.load import load
from configs.settings import Settings
from flows.ingest import discover
from flows.metadata import gather, sound

DOCUMENTS = Path(__file__).parents[2] / "metadata"
STARTED = datetime(2026, 9, 24, 8, 11, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def settings(profile: str, *overrides: str) -> Settings:
    return load(profile, overrides, {}, None)


def told(folder: Path, name: str, chosen: Settings) -> CallMetadata:
    (folder / name).touch()
    return sound(gather(discover([folder]), [folder], chosen.metadata).told[folder / name])


def test_genesys(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "genesys.json", tmp_path / "2c1d.opus_metadata.json")
    call = told(tmp_path, "2c1d.opus", settings("genesys"))
    assert call.call_id == "9f7c1f4e-6a0b-4b1d-8b7d-0d8a54a3c2e6"
    assert call.started_at == STARTED.replace(microsecond=345_000)
    assert (call.agent or "")[:8] == "5b1b6c1e"
    assert (call.queue or "")[:8] == "d2a7e9a0"
    assert call.direction is Direction.INBOUND
    assert call.other["durationMs"] == 267_775


def test_amazon_connect(tmp_path: Path) -> None:
    name = "4a573372-1f28-4e26-b97b-60d3b5a1c0de_20260924T08:11_UTC"
    chosen = settings("amazon-connect", 'metadata.fields={consent = "Attributes.recording_consent"}')
    alone = told(tmp_path, f"{name}.wav", chosen)
    assert (alone.call_id, alone.started_at) == (name[:36], STARTED.replace(second=0))
    shutil.copy(DOCUMENTS / "amazon-connect.json", tmp_path / f"{name}.json")
    call = told(tmp_path, f"{name}.wav", chosen)
    assert (call.call_id, call.started_at, call.agent, call.queue) == (name[:36], STARTED, "a.smith", "Billing")
    assert (call.direction, call.language, call.consent) == (Direction.INBOUND, "en", True)
    assert chosen.decode.channel_maps == (("customer", "agent"),)


@pytest.mark.parametrize(
    ("name", "direction", "agent", "queue"),
    [
        ("out-5551234-100-20260924-101112-1695549072.12.wav", Direction.OUTBOUND, "100", None),
        ("in-5550199-5551234-20260924-101112-1695549072.12.WAV", Direction.INBOUND, None, None),
        ("q-400-5551234-20260924-101112-1695549072.12.wav", Direction.INBOUND, None, "400"),
        ("internal-101-100-20260924-101112-1695549072.12.wav", None, None, None),
    ],
)
def test_asterisk_by_file_name(
    tmp_path: Path, name: str, direction: Direction | None, agent: str | None, queue: str | None
) -> None:
    call = told(tmp_path, name, settings("asterisk", "metadata.time_zone=Europe/Berlin"))
    assert (call.call_id, call.started_at) == ("1695549072.12", STARTED)
    assert (call.direction, call.agent, call.queue) == (direction, agent, queue)
    assert set(call.other) == {"dialled", "caller"}


def test_asterisk_by_its_call_detail_records(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "asterisk.csv", tmp_path / "Master.csv")
    call = told(tmp_path, "queue-call.wav", settings("cpu-server,asterisk", "metadata.time_zone=Europe/Berlin"))
    assert (call.call_id, call.started_at) == ("1695549072.12", STARTED)
    assert (call.other["dst"], call.other["disposition"]) == ("400", "ANSWERED")


def test_freeswitch(tmp_path: Path) -> None:
    shutil.copy(DOCUMENTS / "freeswitch.json", tmp_path / "a5c9f6c0.cdr.json")
    call = told(tmp_path, "a5c9f6c0.wav", settings("freeswitch"))
    assert (call.call_id or "").startswith("a5c9f6c0-")
    assert (call.started_at, call.direction) == (STARTED, Direction.INBOUND)
    assert (call.agent, call.queue) == ("1000@default", "support@default")

"""Credentials come from the environment and from files, and rest nowhere: all that a run writes is searched."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
import soundfile
import sqlalchemy as sa

from storage.session import open_database, reading, writing
from tests.external.conftest import COMMAND, ROOT, environ

pytestmark = pytest.mark.skipif(shutil.which("initdb") is None, reason="PostgreSQL is not installed")

DATABASE, AWS_KEY, AWS_SECRET = "open-sesame-database", "AKIAOPENSESAME", "open-sesame-aws"
MASTER = base64.b64encode(b"open-sesame-master-key-32-bytes!").decode()
SECRETS = (DATABASE, AWS_KEY, AWS_SECRET, MASTER, "open-sesame")

LINES = (["run", "drop"], ["config", "show"], ["status", "--json"], ["sql", "SELECT 1/0"])


@pytest.fixture
def env(moto: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    aws = {
        "ENDPOINT_URL": moto,
        "DEFAULT_REGION": "us-east-1",
        "ACCESS_KEY_ID": AWS_KEY,
        "SECRET_ACCESS_KEY": AWS_SECRET,
    }
    for name, value in aws.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    boto3.client("s3").create_bucket(Bucket="kept")
    engine = open_database(postgres_url)
    with writing(engine) as connection:
        connection.exec_driver_sql("DROP SCHEMA public CASCADE")
        connection.exec_driver_sql("CREATE SCHEMA public")
    engine.dispose()
    settings = {
        "STORAGE__DATABASE_URL": postgres_url.replace("postgres@", f"postgres:{DATABASE}@"),
        "STORAGE__OBJECTS_DIR": "s3://kept/objects",
        "AUDIT__ANCHORS": "s3://kept/anchors",
        "VAULT__MASTER_KEY": "env:VAULT_KEY",
        "VAULT__KEEP": '["transcript"]',
        "TRANSCRIBE__MODEL": "whisper-tiny.en",
    }
    return environ() | {"VAULT_KEY": MASTER} | {f"CALLWRIGHT_{name}": value for name, value in settings.items()}


def written(postgres_url: str, data: Path) -> Iterator[tuple[str, bytes]]:
    """All that rests anywhere: rows of the database, objects, files of the data folder with Prefect's own database."""
    engine = open_database(postgres_url)
    with reading(engine) as connection:
        for table in sa.inspect(connection).get_table_names():
            rows = connection.exec_driver_sql(f'SELECT t::text FROM "{table}" t').scalars()
            yield f"table {table}", "\n".join(rows).encode()
    engine.dispose()
    client = boto3.client("s3")
    for item in client.list_objects_v2(Bucket="kept").get("Contents", ()):
        yield item["Key"], client.get_object(Bucket="kept", Key=item["Key"])["Body"].read()
    for path in data.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(data)), path.read_bytes()


def test_no_credential_rests_anywhere(
    env: dict[str, str], postgres_url: str, tmp_path: Path, whisper_dir: Path, vad_model_path: Path
) -> None:
    drop, data = tmp_path / "drop", tmp_path / "data"
    drop.mkdir()
    audio, rate_hz = soundfile.read(ROOT / "sample_audio" / "bank.wav", start=24_000, frames=48_000, dtype="int16")
    soundfile.write(drop / "bank.wav", audio, rate_hz, subtype="ULAW")
    said = b""
    for line in LINES:
        command = [*COMMAND, *map(str, line), *(["--data-dir", str(data)] if line[0] != "config" else [])]
        done = subprocess.run(command, capture_output=True, cwd=tmp_path, env=env, check=False, timeout=300)
        said += done.stdout + done.stderr
        assert done.returncode == (2 if line[0] == "sql" else 0), done.stderr.decode()[-2000:]
    found = dict(written(postgres_url, data))
    assert {"table recordings", "table audit_events", "table runs", "prefect/prefect.db"} <= set(found)
    assert sum(name.startswith("objects/") for name in found) == 3
    assert any(name.startswith("vault/") for name in found)
    found["what was printed"] = said
    assert [(name, secret) for name, body in found.items() for secret in SECRETS if secret.encode() in body] == []
    wrong = env | {"CALLWRIGHT_STORAGE__DATABASE_URL": f"postgresql://postgres:{DATABASE}@127.0.0.1:9/none"}
    away = subprocess.run([*COMMAND, "status"], capture_output=True, cwd=tmp_path, env=wrong, check=False, timeout=60)
    assert away.returncode == 3
    assert b"open-sesame" not in away.stdout + away.stderr
    assert os.environ.get("VAULT_KEY") is None

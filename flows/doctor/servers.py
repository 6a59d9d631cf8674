"""What is spoken to: the object store, Prefect's server, the language model."""

from __future__ import annotations

import base64
import json
import secrets
import tempfile
import urllib.error
import urllib.request
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from urllib.parse import urlsplit

from asr.errors import FatalError
from compliance.types import Document
from flows.doctor.disks import can_write, has_room
from flows.doctor.environment import S3_ENDPOINTS, is_caught
from flows.doctor.finding import Patient, Verdict, failure, ok, skipped, warning
from flows.language_model import DIALECTS_FILE, preset
from flows.wiring import objects_place, open_objects
from llm.client import HttpChat
from llm.dialects import DialectMemory

_ASKED_S = 5.0
_REFUSED = (401, 403)
_CAUGHT = "a proxy catches it"


def object_store(patient: Patient) -> Verdict:
    """Write an object of nobody's, read it back and delete it."""
    place = objects_place(patient.settings, patient.data_dir)
    if why_not := _cannot_be_tried(place, patient):
        return skipped(why_not)
    with tempfile.TemporaryDirectory() as scratch:
        # A bucket's scratch folder is in the data folder otherwise, which may not be there yet.
        store = open_objects(patient.settings, Path(scratch) if place.startswith("s3://") else patient.data_dir)
        body = b"callwright doctor " + secrets.token_hex(8).encode()
        key = store.put(Document("txt", "text/plain", body), datetime.now(UTC).date())
        try:
            is_same = store.get(key) == body
        finally:
            store.delete(key)
    if not is_same or store.exists(key):
        return failure(f"{place} does not give back or delete what it was given", "Ask whoever keeps it")
    return ok(f"{place}: written, read back, deleted")


def _cannot_be_tried(place: str, patient: Patient) -> str:
    """Why nothing is written to the object store now; empty if it can be."""
    if patient.settings.storage.lock:
        return f"{place} is locked: what is written there could not be deleted again"
    if place.startswith("s3://"):
        is_away = any(is_caught(patient.environ.get(name, ""), patient.environ) for name in S3_ENDPOINTS)
        return _CAUGHT if is_away else ""
    if not Path(place).exists():
        return f"{place} is made by the first run"
    return "" if can_write(Path(place)) and has_room(Path(place)) else f"{place} cannot be written"


def prefect(patient: Patient) -> Verdict:
    """Whether the server of PREFECT_API_URL is there, lets us in, and is of our version."""
    url = patient.environ.get("PREFECT_API_URL", "")
    if not url:
        return skipped("PREFECT_API_URL names none: every run starts its own")
    if is_caught(url, patient.environ):
        return skipped(_CAUGHT)
    shown, ours, theirs = _without_password(url), version("prefect"), _prefects_version(url, patient)
    if theirs.split(".")[:2] != ours.split(".")[:2]:
        return warning(f"{shown} is Prefect {theirs}, and this is {ours}", "Run the same version there and here")
    return ok(f"{shown}: Prefect {theirs}")


def _prefects_version(url: str, patient: Patient) -> str:
    """The version of the server at an address. Raises FatalError, without the password that may be in the address."""
    shown, remedy = _without_password(url), "Start it, or let PREFECT_API_URL name it: `callwright up` starts one"
    try:
        return str(_got(f"{url.rstrip('/')}/admin/version", patient))
    except urllib.error.HTTPError as error:
        if error.code in _REFUSED:
            remedy = "Check PREFECT_API_KEY or PREFECT_API_AUTH_STRING"
        raise FatalError(f"{shown} answers with status {error.code}", remedy) from None
    except OSError:
        raise FatalError(f"{shown} cannot be reached", remedy) from None
    except ValueError:
        raise FatalError(f"{shown} is no Prefect server", remedy) from None


def language_model(patient: Patient) -> Verdict:
    """Whether the model that summarises is there. A server is asked which models it has, and told nothing."""
    settings = patient.settings
    options = settings.llm.model_copy(update={"timeout_s": min(_ASKED_S, settings.llm.timeout_s)})
    if not options.base_url:
        return _embedded(patient)
    if is_caught(options.base_url, patient.environ):
        return skipped(_CAUGHT)
    chat = HttpChat(options, preset(settings), DialectMemory(patient.data_dir / DIALECTS_FILE))
    try:
        listed = chat.models()
    finally:
        chat.close()
    if options.model and options.model not in listed:
        return failure(
            f"{options.base_url} has no model {options.model}",
            f"Set llm.model to one that it has: {', '.join(listed) or 'it lists none'}",
        )
    if not listed:
        return failure(f"{options.base_url} lists no model", "Load one there, or set llm.model")
    return ok(f"{options.base_url}: {options.model or listed[0]}")


def _embedded(patient: Patient) -> Verdict:
    settings = patient.settings
    if settings.llm.gguf:
        is_there = Path(settings.llm.gguf).exists() or not settings.llm.gguf.endswith(".gguf")
        if not is_there:
            return failure(f"there is no file {settings.llm.gguf}", "Correct llm.gguf")
        return ok(settings.llm.gguf)
    if settings.summarise.method == "model":
        return failure(
            "summarise.method is model, and none is named", "Set llm.base_url to a server's, or llm.gguf to a file"
        )
    return skipped("none is asked")


def _got(url: str, patient: Patient) -> object:
    """The JSON at an address of Prefect's. Raises URLError, OSError, or ValueError for what is none."""
    request = urllib.request.Request(url)  # noqa: S310
    if key := patient.environ.get("PREFECT_API_KEY"):
        request.add_header("Authorization", f"Bearer {key}")
    elif pair := patient.environ.get("PREFECT_API_AUTH_STRING"):
        request.add_header("Authorization", f"Basic {base64.b64encode(pair.encode()).decode()}")
    with urllib.request.urlopen(request, timeout=_ASKED_S) as answer:  # noqa: S310
        return json.loads(answer.read())


def _without_password(url: str) -> str:
    """An address as it may be shown.

    >>> _without_password("https://me:secret@prefect.example:4200/api")
    'https://prefect.example:4200/api'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()

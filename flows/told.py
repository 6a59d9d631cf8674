"""What one document tells of a call: its values found, checked, and turned into ours.

An error names the document, the field and what is wrong with it, never the value: where a mapping is wrong, a caller's
name may stand in any field.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isfinite
from typing import Annotated, Any, cast, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, PlainValidator, ValidationError, ValidationInfo
from pydantic.types import StringConstraints

from asr.errors import MetadataError
from asr.types import Channel, Direction
from storage.options import MetadataField, MetadataOptions, zone_named

FIELDS: tuple[MetadataField, ...] = get_args(MetadataField)

Names = Mapping[MetadataField, str]
"""Under which name, or dotted path, a document tells a field."""

_EPOCH_S = re.compile(r"\d{9,10}(\.\d+)?")
"""Seconds since 1970 as a text, from 1973 to 2286: what is longer are digits of a date, or smaller units."""

_PAUSE = re.compile(r"(\d+(?:\.\d+)?)\s*-\s*(\d+(?:\.\d+)?)")

_PAUSES_ARE = "must be pairs [start_s, end_s] of seconds with 0 <= start_s < end_s, in CSV 12.5-31; 40-55.25"

_ISO_639_1 = """
aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en eo es
et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv ka kg ki
kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne ng nl nn no
nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st su sv sw ta te
tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu
"""
"""The 183 codes of ISO 639-1:2002 and its maintenance since (Library of Congress, ISO 639-2/RA)."""

_REMEDIES = {
    "time_zone": "Write an offset, as in 2026-09-24T10:11:12+02:00, or set metadata.time_zone",
    "direction": "Write inbound or outbound, or say in metadata.directions what the word means",
    "started_at": "Write it as in 2026-09-24T10:11:12+02:00, or set metadata.time_format",
}


@dataclass(frozen=True, slots=True, repr=False)
class Document:
    """What a document tells, checked: `values` by our fields, `other` under names that are not known.

    `name` is as people and the database are told it: "sidecar call.json".
    """

    name: str
    values: Mapping[str, Any]
    other: Mapping[str, Any]


def refusal(document: str, field: str, what: str) -> MetadataError:
    """The error for one field of a document."""
    remedy = _REMEDIES.get(field, "Mend it there, or say in metadata.fields where it stands")
    return MetadataError(f"{document}: {field} {what}", remedy)


def check(document: str, raw: Mapping[str, Any], names: Names, options: MetadataOptions) -> Document:
    """A document from its values as they were read; `names` says where a field may stand beside its own name.

    What is blank is not told. Raises MetadataError for a value that is not what its field takes.
    """
    places = {field: (names.get(field, field), field) for field in FIELDS}
    found = {field: [value for place in places[field] if not _is_blank(value := _at(raw, place))] for field in FIELDS}
    told = {field: values[0] for field, values in found.items() if values}
    try:
        checked = _Call.model_validate(told, context=options)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        message = fault["msg"].removeprefix("Value error, ")
        raise refusal(document, str(fault["loc"][0]), message[:1].lower() + message[1:]) from None
    values: dict[str, Any] = {field: value for field in told if (value := getattr(checked, field)) is not None}
    return Document(document, values, _other(document, raw, names) if options.keep_unknown else {})


def _other(document: str, raw: Mapping[str, Any], names: Names) -> dict[str, Any]:
    known = {*FIELDS, *names.values()}
    other = {name: value for name, value in raw.items() if name not in known and not _is_blank(value)}
    try:
        json.dumps(other, allow_nan=False)
    except ValueError:
        raise refusal(document, "a field that is not known", "holds what is no number") from None
    return other


def _at(raw: Any, path: str) -> Any:
    """The value at a dotted path, None if it leads nowhere; a whole name with dots in it comes first."""
    if isinstance(raw, Mapping) and path in raw:
        return raw[path]
    for step in path.split("."):
        if isinstance(raw, Mapping):
            raw = raw.get(step)
        elif isinstance(raw, list) and step.isdecimal() and int(step) < len(raw):
            raw = raw[int(step)]
        else:
            return None
    return raw


def _is_blank(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _text(value: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in value):
        raise ValueError("holds a character that is no text")
    return value


def _options(info: ValidationInfo) -> MetadataOptions:
    return MetadataOptions() if info.context is None else cast("MetadataOptions", info.context)


def _moment(value: object, info: ValidationInfo) -> datetime:
    """A time, aware if the text or number says its zone."""
    text = str(value).strip()
    if isinstance(value, str | int | float) and _EPOCH_S.fullmatch(text):
        return datetime.fromtimestamp(float(text), UTC)
    time_format = _options(info).time_format
    if time_format:
        try:
            return datetime.strptime(text, time_format)  # noqa: DTZ007 - the zone comes later
        except ValueError:
            pass  # then it may be ISO 8601
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("is no time in ISO 8601, in seconds since 1970, or in metadata.time_format") from None
    if len(text) <= len("2026-09-24"):
        raise ValueError("is a date without a time")
    return moment


def _zone(value: object) -> str:
    try:
        return zone_named(str(value).strip()).key
    except ValueError:
        raise ValueError("is no IANA time zone such as Europe/Berlin") from None


def _direction(value: object, info: ValidationInfo) -> Direction | None:
    words: dict[str, str] = {direction.value: direction.value for direction in Direction}
    words |= {word.casefold(): meaning for word, meaning in _options(info).directions.items()}
    meaning = words.get(str(value).strip().casefold(), words.get("*"))
    if meaning is None:
        raise ValueError("is a word that says neither inbound nor outbound")
    return Direction(meaning) if meaning else None


def _language(value: object) -> str:
    code = re.split("[-_]", str(value).strip().lower())[0]
    if code not in _ISO_639_1.split():
        raise ValueError("is no language of ISO 639-1, such as en")
    return code


def _channel_map(value: object) -> tuple[Channel | None, ...]:
    names = re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value
    known = [*Channel, "ignored"]
    if not isinstance(names, list) or any(name not in known for name in names):
        raise ValueError("must be a list of agent, customer, mixed and ignored, one for each channel")
    sides = [Channel(name) for name in names if name != "ignored"]
    if not sides or len(set(sides)) < len(sides):
        raise ValueError("must name one channel or more, and none of agent, customer and mixed twice")
    return tuple(None if name == "ignored" else Channel(name) for name in names)


def _pauses(value: object) -> tuple[tuple[float, float], ...]:
    if isinstance(value, str):
        value = _pauses_of_text(value)
    if not isinstance(value, list) or not all(_is_pause(pause) for pause in value):
        raise ValueError(_PAUSES_ARE)
    return tuple(sorted((float(start_s), float(end_s)) for start_s, end_s in value))


def _pauses_of_text(text: str) -> object:
    if text.strip().startswith("["):
        try:
            return json.loads(text)
        except (ValueError, RecursionError):
            return None
    found = [_PAUSE.fullmatch(part.strip()) for part in re.split("[;,]", text) if part.strip()]
    return [[float(start), float(end)] for start, end in (pause.groups() if pause else ("0", "0") for pause in found)]


def _is_pause(pause: object) -> bool:
    if not isinstance(pause, list) or len(pause) != 2:
        return False
    if any(isinstance(at, bool) or not isinstance(at, int | float) or not isfinite(at) for at in pause):
        return False
    return bool(0 <= pause[0] < pause[1])


_Name = Annotated[str, StringConstraints(max_length=128), AfterValidator(_text)]
"""Ids and names: 128 characters are twice what any of the recorders in docs/metadata.md writes."""


class _Call(BaseModel):
    """What is read from outside. `time_zone` is that of `started_at`, which may come without one."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", str_strip_whitespace=True, coerce_numbers_to_str=True, hide_input_in_errors=True
    )

    call_id: _Name | None = None
    started_at: Annotated[datetime, PlainValidator(_moment)] | None = None
    time_zone: Annotated[str, PlainValidator(_zone)] | None = None
    agent: _Name | None = None
    queue: _Name | None = None
    tenant: _Name | None = None
    direction: Annotated[Direction | None, PlainValidator(_direction)] = None
    language: Annotated[str, PlainValidator(_language)] | None = None
    channel_map: Annotated[tuple[Channel | None, ...], PlainValidator(_channel_map)] | None = None
    consent: bool | None = None
    pauses: Annotated[tuple[tuple[float, float], ...], PlainValidator(_pauses)] | None = None

"""One document's values: what is taken, what is refused, and that no refusal shows a value."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from asr.errors import MetadataError
from asr.types import Channel, Direction
from flows.told import check
from storage.options import MetadataOptions

OPTIONS = MetadataOptions(directions={"in": "inbound", "Transfer": ""}, time_format="%d.%m.%Y %H:%M:%S")


def value_of(field: str, told: object) -> Any:
    return check("sidecar call.json", {field: told}, {}, OPTIONS).values.get(field)


@pytest.mark.parametrize(
    ("field", "told", "value"),
    [
        ("call_id", " A-17 ", "A-17"),
        ("call_id", 1695549072.12, "1695549072.12"),
        ("call_id", "x" * 128, "x" * 128),
        ("agent", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}", "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}"),
        ("queue", "", None),
        ("direction", "INBOUND", Direction.INBOUND),
        ("direction", "In", Direction.INBOUND),
        ("direction", "transfer", None),
        ("language", "en-US", "en"),
        ("language", "DE", "de"),
        ("channel_map", ["agent", "ignored"], (Channel.AGENT, None)),
        ("channel_map", "customer; agent", (Channel.CUSTOMER, Channel.AGENT)),
        ("channel_map", "mixed", (Channel.MIXED,)),
        ("consent", False, False),
        ("consent", "no", False),
        ("consent", "1", True),
        ("pauses", [[40, 55.25], [12.5, 31]], ((12.5, 31.0), (40.0, 55.25))),
        ("pauses", "12.5-31; 40 - 55.25", ((12.5, 31.0), (40.0, 55.25))),
        ("pauses", "[[12.5, 31]]", ((12.5, 31.0),)),
        ("pauses", [], ()),
        ("started_at", "2026-09-24T10:11:12+02:00", datetime.fromisoformat("2026-09-24T10:11:12+02:00")),
        ("started_at", "20260924-101112", datetime(2026, 9, 24, 10, 11, 12)),  # noqa: DTZ001
        ("started_at", "24.09.2026 10:11:12", datetime(2026, 9, 24, 10, 11, 12)),  # noqa: DTZ001
        ("started_at", 1790237472, datetime(2026, 9, 24, 8, 11, 12, tzinfo=UTC)),
        ("started_at", "1790237472.5", datetime(2026, 9, 24, 8, 11, 12, 500_000, tzinfo=UTC)),
        ("time_zone", "Europe/Berlin", "Europe/Berlin"),
    ],
)
def test_what_a_field_takes(field: str, told: object, value: object) -> None:
    assert value_of(field, told) == value


NAME = "Zaphod"


@pytest.mark.parametrize(
    ("field", "told", "what"),
    [
        ("call_id", NAME * 22, "call_id string should have at most 128 characters"),
        ("call_id", {"name": NAME}, "call_id input should be a valid string"),
        ("call_id", f"{NAME}\0", "call_id holds a character that is no text"),
        ("agent", f"{NAME}\ud800", "agent input should be a valid string"),
        ("direction", NAME, "direction is a word that says neither inbound nor outbound"),
        ("language", NAME, "language is no language of ISO 639-1"),
        ("channel_map", ["agent", NAME], "channel_map must be a list of agent, customer, mixed and ignored"),
        ("channel_map", ["agent", "agent"], "channel_map must name one channel or more, and none"),
        ("channel_map", ["ignored"], "channel_map must name one channel or more, and none"),
        ("channel_map", ["agent", ["customer"]], "channel_map must be a list"),
        ("consent", NAME, "consent input should be a valid boolean"),
        ("pauses", [[5, 5]], "pauses must be pairs"),
        ("pauses", [[-1, 5]], "pauses must be pairs"),
        ("pauses", [[1, 2, 3]], "pauses must be pairs"),
        ("pauses", [["1", "2"]], "pauses must be pairs"),
        ("pauses", [[0, float("inf")]], "pauses must be pairs"),
        ("pauses", NAME, "pauses must be pairs"),
        ("pauses", f"[{NAME}", "pauses must be pairs"),
        ("pauses", {"start": 1}, "pauses must be pairs"),
        ("started_at", f"at {NAME}", "started_at is no time in ISO 8601"),
        ("started_at", "2026-09-24", "started_at is a date without a time"),
        ("started_at", "2026-09-24T10:11:12+25:00", "started_at is no time in ISO 8601"),
        ("started_at", True, "started_at is no time in ISO 8601"),
        ("time_zone", f"Mars/{NAME}", "time_zone is no IANA time zone"),
        ("time_zone", "../UTC", "time_zone is no IANA time zone"),
        ("notes", float("nan"), "a field that is not known holds what is no number"),
    ],
)
def test_a_refusal_names_document_field_and_remedy_and_no_value(field: str, told: object, what: str) -> None:
    with pytest.raises(MetadataError) as caught:
        value_of(field, told)
    assert caught.value.reason.startswith(f"sidecar call.json: {what}")
    assert caught.value.remedy
    assert caught.value.__suppress_context__
    assert NAME not in str(caught.value)


def test_mapped_names_lead_into_objects_and_lists_and_the_rest_is_kept() -> None:
    raw = {"Contact": {"Ids": ["a", "b"], "Type": "x"}, "a.b": "q", "agent": "own", "Agent": None, "empty": " ", "n": 7}
    names = {"call_id": "Contact.Ids.1", "queue": "a.b", "agent": "Agent", "language": "Contact.Ids.9"}
    document = check("sidecar call.json", raw, names, MetadataOptions())
    assert document.values == {"call_id": "b", "queue": "q", "agent": "own"}
    assert document.other == {"Contact": {"Ids": ["a", "b"], "Type": "x"}, "n": 7}
    without = check("sidecar call.json", raw, names, MetadataOptions(keep_unknown=False))
    assert (without.values, without.other) == (document.values, {})


def test_no_value_shows_in_a_repr() -> None:
    assert NAME not in repr(check("sidecar call.json", {"agent": NAME, "x": NAME}, {}, MetadataOptions()))

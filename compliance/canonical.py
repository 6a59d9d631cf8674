"""JSON that is the same bytes wherever it is written, so that a hash or a signature can be checked by anybody.

The part of RFC 8785 that needs no rules for numbers: floats are refused, and keys are ASCII.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

Json = Mapping[str, "Json"] | Sequence["Json"] | str | int | bool | None
"""What can be written: no floats. Times are ISO 8601 texts or whole milliseconds."""


def canonical(value: Json) -> bytes:
    """UTF-8 JSON with sorted keys, no spaces and no escapes but those that JSON demands.

    >>> canonical({"b": [1, None], "a": "é"}).decode()
    '{"a":"é","b":[1,null]}'

    Raises TypeError for a float, or for a key that is not ASCII.
    """
    _check(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _check(value: Json) -> None:
    if isinstance(value, float):
        raise TypeError("a float has no one way of being written: use whole milliseconds")
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not (isinstance(key, str) and key.isascii()):
                raise TypeError("a key is not ASCII text")
            _check(item)
    elif isinstance(value, Sequence) and not isinstance(value, str | bytes):
        for item in value:
            _check(item)

"""What the settings are, where each was set and what it means, as text for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from configs.load import HIDDEN, Layer, key_of, origin_of
from configs.settings import Key, Settings, known_keys, plain, toml_line, toml_value

_HEAD = """\
# Every setting with its default. Written by configs.explain.render_defaults from the options classes, which
# hold the defaults; a test compares. Copy what you change to callwright.toml in your working folder. In the
# environment, vad.threshold is CALLWRIGHT_VAD__THRESHOLD; on the command line, --set vad.threshold=0.6.
"""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One setting in full; `value` and `default` are TOML, and a secret value shows as "(secret)"."""

    key: str
    value: str
    origin: str
    default: str
    allowed: str
    description: str
    source: str


def explain(settings: Settings, layers: Sequence[Layer], path: str) -> Explanation:
    """What a key is now, what set it, and what it means. Raises ConfigError for an unknown key."""
    key = key_of(path, "the question")
    value = toml_value(plain(settings)[path])
    if key.secret and value != toml_value(key.default):
        value = HIDDEN
    return Explanation(
        key=path,
        value=value,
        origin=origin_of(path, layers),
        default=toml_value(key.default),
        allowed=key.allowed,
        description=key.description,
        source=key.source,
    )


def show(settings: Settings, layers: Sequence[Layer]) -> str:
    """The effective settings as TOML, each that a layer set with its origin; secrets only as comments."""
    values = plain(settings)

    def line(key: Key) -> str:
        origin = origin_of(key.path, layers)
        text = toml_line(key.name, values[key.path])
        if key.secret and values[key.path] != key.default:
            text = f"# {key.name} = {HIDDEN}"
        return text if origin == "default" else f"{text}  # {origin}"

    return _tables({path: line(key) for path, key in known_keys().items()})


def render_defaults() -> str:
    """The text of configs/default.toml: every key with description, source, allowed values and default."""

    def block(key: Key) -> str:
        return (
            f"# {key.description}\n# Allowed: {key.allowed}\n# Source: {key.source}\n"
            f"{toml_line(key.name, key.default)}\n"
        )

    return f"{_HEAD}\n{_tables({path: block(key) for path, key in known_keys().items()})}".rstrip("\n") + "\n"


def _tables(texts: Mapping[str, str]) -> str:
    """The text of each key below a header for each section."""
    tables: dict[str, list[str]] = {}
    for path, text in texts.items():
        tables.setdefault(path.partition(".")[0], []).append(text)
    return "\n\n".join(f"[{section}]\n" + "\n".join(lines) for section, lines in tables.items()) + "\n"

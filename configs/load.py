"""From the layers that a user writes to Settings.

Layers, weakest first: the defaults, a profile, what `callwright promote` wrote, the user's file, the environment
(CALLWRIGHT_VAD__THRESHOLD=0.6) and `--set vad.threshold=0.6`. An error names the layer at fault.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError

from asr.errors import ConfigError
from configs.settings import Key, Settings, known_keys, plain, sections, toml_value

USER_FILE = "callwright.toml"
PROMOTED_FILE = "callwright.promoted.toml"
"""What `callwright promote` writes in the working folder; it is read wherever callwright.toml would be."""
PREFIX = "CALLWRIGHT_"
HIDDEN = "(secret)"
_HERE = Path(__file__).parent
_FOLDERS = ("profiles", "metadata")


@dataclass(frozen=True, slots=True)
class Layer:
    """Values by key path, and where they were written."""

    origin: str
    values: Mapping[str, object]


def load(profile: str | None, overrides: Sequence[str], environ: Mapping[str, str], user_file: Path | None) -> Settings:
    """Settings from all layers.

    `profile` may be several names by commas.
    `overrides` are KEY=VALUE as given to --set; a `user_file` of None is callwright.toml in the working folder, and
    callwright.promoted.toml before it, as far as they are there.

    Raises ConfigError for an unknown profile, section or key, or for a value out of range.
    """
    return settle(read_layers(profile, overrides, environ, user_file))


def read_layers(
    profile: str | None, overrides: Sequence[str], environ: Mapping[str, str], user_file: Path | None
) -> tuple[Layer, ...]:
    """The layers above the defaults, weakest first, every key known. Raises ConfigError as load() does."""
    layers: list[Layer] = []
    if profile is not None:
        layers.extend(_file_layer(profile_file(name), f"profile {name}") for name in profile.split(","))
    if user_file is None and Path(PROMOTED_FILE).exists():
        layers.append(_file_layer(Path(PROMOTED_FILE), PROMOTED_FILE))
    if user_file is not None or Path(USER_FILE).exists():
        path = user_file if user_file is not None else Path(USER_FILE)
        layers.append(_file_layer(path, str(path)))
    layers.extend(_environment_layers(environ))
    layers.extend(_override_layer(override) for override in overrides)
    return tuple(layers)


def settle(layers: Sequence[Layer]) -> Settings:
    """Settings from layers, later ones winning. Raises ConfigError for values out of range."""
    tables: dict[str, dict[str, object]] = {}
    for layer in layers:
        for path, value in layer.values.items():
            section, _, name = path.partition(".")
            before = tables.setdefault(section, {}).get(name)
            merged = {**before, **value} if isinstance(before, dict) and isinstance(value, dict) else value
            tables[section][name] = merged
    try:
        # Read as JSON, strictness turns lists into tuples but no text into a number.
        return Settings.model_validate_json(json.dumps(tables, default=str), strict=True)
    except ValidationError as error:
        # By path: a list gives an error for each of its wrong items.
        faults = {".".join(str(part) for part in fault["loc"][:2]): fault for fault in error.errors()}
        raise ConfigError(
            "; ".join(_fault(path, fault["msg"], layers) for path, fault in faults.items()),
            f"`callwright config explain {next(iter(faults))}` says what it does",
        ) from error


def variable(path: str) -> str:
    """The environment's name of a key: CALLWRIGHT_VAD__THRESHOLD for "vad.threshold"."""
    return f"{PREFIX}{path.replace('.', '__', 1)}".upper()


def as_environment(settings: Settings) -> dict[str, str]:
    """Variables that give another process these settings, whatever file lies where it works; secrets among them."""
    return {variable(path): toml_value(value) for path, value in plain(settings).items() if value is not None}


def origin_of(path: str, layers: Sequence[Layer]) -> str:
    """Where a key's value was written last: a layer's origin, or "default"."""
    return next((layer.origin for layer in reversed(layers) if path in layer.values), "default")


def profiles() -> tuple[str, ...]:
    """The names of the shipped profiles: first those of machines, then those of recorders."""
    return tuple(path.stem for folder in _FOLDERS for path in sorted((_HERE / folder).glob("*.toml")))


def profile_file(profile: str) -> Path:
    """The overlay of a shipped profile. Raises ConfigError that lists the known ones."""
    if profile not in profiles():
        near = get_close_matches(profile, profiles(), n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise ConfigError(f"unknown profile '{profile}'", f"{hint}Known profiles: {', '.join(profiles())}")
    return next(path for folder in _FOLDERS if (path := _HERE / folder / f"{profile}.toml").exists())


def key_of(path: str, origin: str) -> Key:
    """The key of that path. Raises ConfigError that names `origin` and the nearest known key or section."""
    keys = known_keys()
    if path in keys:
        return keys[path]
    section, dot, name = path.partition(".")
    if section not in sections():
        near = [key.path for key in keys.values() if key.name == path] or get_close_matches(section, sections(), n=1)
        known = f"Known sections: {', '.join(sections())}"
        raise ConfigError(
            f"unknown section '{section}' in {origin}",
            f"Did you mean '{near[0]}'? {known}" if near else known,
        )
    siblings = [key.name for key in keys.values() if key.section == section]
    if not dot:
        raise ConfigError(f"'{section}' in {origin} is a section, not a key", f"Its keys: {', '.join(siblings)}")
    near = [f"{section}.{close}" for close in get_close_matches(name, siblings, n=1)]
    near += [key.path for key in keys.values() if key.name == name]
    raise ConfigError(
        f"unknown key '{path}' in {origin}",
        f"Did you mean '{near[0]}'?" if near else f"Known keys of {section}: {', '.join(siblings)}",
    )


def _file_layer(path: Path, origin: str) -> Layer:
    """A TOML file of sections as a layer."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"cannot read the settings in {origin}: {error.strerror}", "Name a file that exists"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{origin} is not TOML: {error}", 'Texts need quotes: key = "text"') from error
    values: dict[str, object] = {}
    for section, table in tables.items():
        if not isinstance(table, dict):
            key_of(section, origin)  # raises: no section is a key
            continue
        if section not in sections():
            key_of(section, origin)
        for name, value in table.items():
            values[key_of(f"{section}.{name}", origin).path] = value
    return Layer(origin, values)


def _environment_layers(environ: Mapping[str, str]) -> list[Layer]:
    """A layer for each CALLWRIGHT_SECTION__KEY; other variables of that prefix are left to others."""
    variables = {variable(key.path): key for key in known_keys().values()}
    layers = []
    for name in sorted(name for name in environ if name.startswith(PREFIX)):
        if name in variables:
            key = variables[name]
            layers.append(Layer(name, {key.path: _value(key, environ[name])}))
        elif "__" in name:
            key_of(name.removeprefix(PREFIX).replace("__", ".", 1).lower(), name)
        elif near := get_close_matches(name, variables, n=1, cutoff=0.9):
            raise ConfigError(f"the variable {name} sets nothing", f"Did you mean {near[0]}?")
    return layers


def _override_layer(override: str) -> Layer:
    """What one --set says."""
    path, equals, text = override.partition("=")
    path = path.strip()
    if not equals or not re.fullmatch(r"[\w.-]+", path):
        # Not shown: what stands in a key's place may be a secret.
        raise ConfigError("a --set is not of the form KEY=VALUE", "Write --set section.key=value")
    key = key_of(path, f"--set {path}")
    return Layer(f"--set {path}", {path: _value(key, text)})


def _value(key: Key, text: str) -> object:
    """What a text says: a TOML value if it is one that the key could take, else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value: object = parsed["value"]
    # A line break could bring in more keys; and a text such as 2026 needs no quotes where a text is wanted.
    if len(parsed) > 1 or (key.textual and not isinstance(value, str)):
        return text
    return value


def _fault(path: str, message: str, layers: Sequence[Layer]) -> str:
    """What is wrong with one key's value, or with the values of a section together."""
    key = known_keys().get(path)
    if key is None:
        return f"the values of [{path}] do not go together: {message}"
    layer = next(layer for layer in reversed(layers) if path in layer.values)
    value = layer.values[path]
    shown = toml_value(value if isinstance(value, str | int | float | list) else str(value))
    return f"{path} = {HIDDEN if key.secret else shown} from {layer.origin}: it takes {key.allowed}"

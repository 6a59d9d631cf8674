"""What people are shown."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

import configs
from asr.errors import ConfigError
from configs.explain import explain, render_defaults, show
from configs.load import load, read_layers, settle
from configs.settings import Settings, known_keys, toml_line


def test_default_toml_is_what_the_options_say() -> None:
    committed = Path(configs.__file__).with_name("default.toml").read_text(encoding="utf-8")
    assert committed == render_defaults(), "write configs.explain.render_defaults() to configs/default.toml"


def test_default_toml_loads_as_the_defaults() -> None:
    assert load(None, [], {}, Path(configs.__file__).with_name("default.toml")) == Settings()


def test_default_toml_says_everything_of_every_key() -> None:
    text = render_defaults()
    for key in known_keys().values():
        line = toml_line(key.name, key.default)
        assert f"# {key.description}\n# Allowed: {key.allowed}\n# Source: {key.source}\n{line}\n" in text


def test_what_is_unset_is_a_comment_and_can_be_set() -> None:
    layers = read_layers(None, [], {}, None)
    assert "\n# length_penalty = (unset)\n" in show(settle(layers), layers)
    explained = explain(settle(layers), layers, "transcribe.length_penalty")
    assert (explained.value, explained.allowed) == ("(unset)", "number, >= 0.0, or left out")
    assert load(None, ["transcribe.length_penalty=1"], {}, None).transcribe.length_penalty == 1.0


def test_shown_settings_load_again_and_say_where_they_came_from(tmp_path: Path) -> None:
    environ = {"CALLWRIGHT_STORAGE__OBJECTS_DIR": 'a "b" \\ é'}
    layers = read_layers("gpu-server", ["vad.threshold=0.6"], environ, None)
    settings = settle(layers)
    text = show(settings, layers)
    assert "threshold = 0.6  # --set vad.threshold" in text
    assert 'device = "cuda"  # profile gpu-server' in text
    assert "hysteresis = 0.15\n" in text
    file = tmp_path / "shown.toml"
    file.write_text(text, encoding="utf-8")
    assert load(None, [], {}, file) == settings


def test_a_secret_shows_only_that_it_is_set() -> None:
    layers = read_layers(None, [], {"CALLWRIGHT_STORAGE__DATABASE_URL": "postgresql://u:s3cret@h/d"}, None)
    text = show(settle(layers), layers)
    assert "s3cret" not in text
    assert "# database_url = (secret)  # CALLWRIGHT_STORAGE__DATABASE_URL" in text
    assert "database_url" not in tomllib.loads(text)["storage"]
    explained = explain(settle(layers), layers, "storage.database_url")
    assert "s3cret" not in repr(explained)
    assert explained.value == "(secret)"
    assert explained.origin == "CALLWRIGHT_STORAGE__DATABASE_URL"


def test_an_explanation_says_all() -> None:
    layers = read_layers(None, ["vad.threshold=0.6"], {}, None)
    explained = explain(settle(layers), layers, "vad.threshold")
    assert (explained.value, explained.default) == ("0.6", "0.5")
    assert explained.origin == "--set vad.threshold"
    assert explained.allowed == "number, > 0.0, < 1.0"
    assert explained.source == "Silero VAD's default"
    assert explain(Settings(), (), "vad.threshold").origin == "default"


def test_an_unknown_key_cannot_be_explained() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'vad\.threshold'"):
        explain(Settings(), (), "vad.treshold")

"""Layers, their order, and what a wrong one is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from asr.errors import ConfigError
from configs.load import load, origin_of, profiles, read_layers, settle
from configs.settings import Settings, plain


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def _fails(*overrides: str, environ: dict[str, str] | None = None, file: Path | None = None) -> str:
    with pytest.raises(ConfigError) as caught:
        load(None, overrides, environ or {}, file)
    return str(caught.value)


def test_no_layers_give_the_defaults() -> None:
    assert load(None, [], {}, None) == Settings()


def test_each_layer_is_stronger_than_the_one_before(tmp_path: Path) -> None:
    environ: dict[str, str] = {}
    assert load("laptop", [], environ, None).transcribe.batch_size == 4
    (tmp_path / "callwright.toml").write_text("[transcribe]\nbatch_size = 5\n")
    assert load("laptop", [], environ, None).transcribe.batch_size == 5
    environ["CALLWRIGHT_TRANSCRIBE__BATCH_SIZE"] = "6"
    assert load("laptop", [], environ, None).transcribe.batch_size == 6
    assert load("laptop", ["transcribe.batch_size=7"], environ, None).transcribe.batch_size == 7
    twice = ["transcribe.batch_size=7", "transcribe.batch_size=8"]
    assert load("laptop", twice, environ, None).transcribe.batch_size == 8


def test_a_named_file_stands_for_the_one_in_the_working_folder(tmp_path: Path) -> None:
    (tmp_path / "callwright.toml").write_text("[vad]\nthreshold = 0.1\n")
    named = tmp_path / "other.toml"
    named.write_text("[vad]\npad_ms = 100\n")
    settings = load(None, [], {}, named)
    assert (settings.vad.threshold, settings.vad.pad_ms) == (0.5, 100)


def test_origins_name_the_strongest_layer(tmp_path: Path) -> None:
    (tmp_path / "callwright.toml").write_text("[vad]\nthreshold = 0.1\npad_ms = 100\n")
    layers = read_layers("laptop", ["vad.threshold=0.2"], {"CALLWRIGHT_CHUNK__OVERLAP_S": "2"}, None)
    assert origin_of("vad.threshold", layers) == "--set vad.threshold"
    assert origin_of("vad.pad_ms", layers) == "callwright.toml"
    assert origin_of("chunk.overlap_s", layers) == "CALLWRIGHT_CHUNK__OVERLAP_S"
    assert origin_of("transcribe.batch_size", layers) == "profile laptop"
    assert origin_of("vad.hysteresis", layers) == "default"


@pytest.mark.parametrize(
    ("override", "path", "value"),
    [
        ("vad.threshold=0.25", "vad.threshold", 0.25),
        ("chunk.overlap_s=2", "chunk.overlap_s", 2.0),
        ("vad.pad_ms = 100", "vad.pad_ms", 100),
        ("models.offline=true", "models.offline", True),
        ("transcribe.temperatures=[0.0, 0.5]", "transcribe.temperatures", [0.0, 0.5]),
        ("transcribe.model=whisper-tiny.en", "transcribe.model", "whisper-tiny.en"),
        ('transcribe.model="whisper-tiny.en"', "transcribe.model", "whisper-tiny.en"),
        ("storage.objects_dir=2026", "storage.objects_dir", "2026"),
        ("storage.objects_dir=", "storage.objects_dir", ""),
        ("storage.objects_dir=a=b\nc = 1", "storage.objects_dir", "a=b\nc = 1"),
        ('decode.channel_maps=[["customer", "agent"]]', "decode.channel_maps", [["customer", "agent"]]),
        (
            'decode.headerless={".ul" = {codec = "mulaw"}}',
            "decode.headerless",
            {".ul": {"codec": "mulaw", "sample_rate_hz": 8_000, "channels": 1}},
        ),
    ],
)
def test_values_are_toml_where_they_can_be(override: str, path: str, value: object) -> None:
    assert plain(load(None, [override], {}, None))[path] == value


def test_unknown_keys_are_told_the_nearest_key_and_their_layer(tmp_path: Path) -> None:
    assert _fails("vad.treshold=0.4") == (
        "unknown key 'vad.treshold' in --set vad.treshold. Did you mean 'vad.threshold'?"
    )
    file = tmp_path / "mine.toml"
    file.write_text("[transcribe]\nbeam = 1\n")
    message = _fails(file=file)
    assert "unknown key 'transcribe.beam'" in message
    assert str(file) in message
    assert "'transcribe.beam_size'" in message
    message = _fails(environ={"CALLWRIGHT_VAD__TRESHOLD": "0.4"})
    assert "CALLWRIGHT_VAD__TRESHOLD" in message
    assert "'vad.threshold'" in message


def test_a_key_of_another_section_is_found_there() -> None:
    assert "Did you mean 'transcribe.batch_size'?" in _fails("vad.batch_size=1")


def test_a_key_near_to_none_is_told_all_of_its_section() -> None:
    message = _fails("vad.zzzz=1")
    assert all(name in message for name in ("threshold", "hysteresis", "min_speech_ms", "pad_ms"))


def test_unknown_sections_are_told_the_nearest_and_all(tmp_path: Path) -> None:
    message = _fails("vda.threshold=1")
    assert "Did you mean 'vad'?" in message
    assert "transcribe" in message
    (tmp_path / "callwright.toml").write_text("threshold = 0.4\n")
    assert "unknown section 'threshold' in callwright.toml" in _fails()
    (tmp_path / "callwright.toml").write_text("[vda]\n")
    assert "unknown section 'vda'" in _fails()
    (tmp_path / "callwright.toml").write_text("vad = 3\n")
    assert "'vad' in callwright.toml is a section" in _fails()


def test_a_variable_with_one_underscore_too_few_is_not_silently_ignored() -> None:
    message = _fails(environ={"CALLWRIGHT_VAD_THRESHOLD": "0.4"})
    assert "Did you mean CALLWRIGHT_VAD__THRESHOLD?" in message
    assert load(None, [], {"CALLWRIGHT_HOME": "/srv", "VAD__THRESHOLD": "9"}, None) == Settings()


@pytest.mark.parametrize(
    ("override", "shown", "allowed"),
    [
        ("vad.threshold=1.5", "1.5", "number, > 0.0, < 1.0"),
        ("vad.threshold=nan", "NaN", "number"),
        ("vad.pad_ms=2.5", "2.5", "whole number, >= 0"),
        ('vad.pad_ms="2"', '"2"', "whole number"),
        ("vad.pad_ms=2026-01-01", '"2026-01-01"', "whole number"),
        ("models.offline=1", "1", "true | false"),
        ("transcribe.language=EN", '"EN"', "text, matching ^[a-z]{2,3}$"),
        ("transcribe.device=gpu", '"gpu"', '"auto" | "cpu" | "cuda"'),
        ("transcribe.temperatures=[]", "[]", "list of at least 1: number"),
        ('decode.channel_maps=[["boss"]]', '[["boss"]]', 'list: list: "agent" | "customer" | "mixed" | "ignored"'),
        ("decode.headerless=3", "3", 'table of text to codec ("pcm_s16le" | "pcm_s16be"'),
    ],
)
def test_wrong_values_are_shown_with_what_is_allowed(override: str, shown: str, allowed: str) -> None:
    path = override.partition("=")[0]
    message = _fails(override)
    assert f"{path} = {shown} from --set {path}: it takes {allowed}" in message


def test_the_layer_that_won_is_blamed_and_all_faults_are_told(tmp_path: Path) -> None:
    (tmp_path / "callwright.toml").write_text("[vad]\nthreshold = 7.0\npad_ms = -1\n")
    message = _fails("vad.threshold=8")
    assert "vad.threshold = 8 from --set vad.threshold" in message
    assert "vad.pad_ms = -1 from callwright.toml" in message


def test_unknown_profiles_are_told_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"unknown profile 'laptp'.*'laptop'.*cpu-server, gpu-server, laptop"):
        load("laptp", [], {}, None)
    with pytest.raises(ConfigError, match="unknown profile"):
        load("../default", [], {}, None)


PROFILES = ["laptop", "cpu-server", "gpu-server", "genesys", "amazon-connect", "asterisk", "freeswitch"]


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_load_and_hold_only_what_differs(profile: str) -> None:
    assert profile in profiles()
    (layer,) = read_layers(profile, [], {}, None)
    changed = plain(settle([layer]))
    defaults = plain(Settings())
    assert layer.values
    assert [path for path in layer.values if changed[path] == defaults[path]] == []


def test_tables_of_several_layers_are_laid_over_each_other(tmp_path: Path) -> None:
    (tmp_path / "callwright.toml").write_text('[metadata.fields]\nqueue = "Group.Name"\n')
    layers = read_layers("cpu-server,amazon-connect", ['metadata.fields={language = "Tongue"}'], {}, None)
    settings = settle(layers)
    assert settings.batch.group_recordings == 64
    fields = settings.metadata.fields
    assert (fields["call_id"], fields["queue"], fields["language"]) == ("ContactId", "Group.Name", "Tongue")
    with pytest.raises(ConfigError, match=r"unknown profile 'amazon'.*'amazon-connect'"):
        load("cpu-server,amazon", [], {}, None)


@pytest.mark.parametrize(
    ("override", "what"),
    [
        ("metadata.pattern=(", "pattern is no regular expression"),
        ("metadata.time_zone=Mars", "time_zone is no IANA time zone"),
        ('metadata.fields={caller = "x"}', 'it takes table of "call_id" | "started_at"'),
        ('metadata.directions={in = "up"}', 'it takes table of text to "inbound" | "outbound"'),
        ("metadata.manifest=calls.xml", "it takes text, matching"),
        ("metadata.sidecar=.wav", "it takes text, matching"),
    ],
)
def test_what_metadata_are_read_by_is_checked_before_anything_is_read(override: str, what: str) -> None:
    assert what in _fails(override)


def test_a_missing_or_broken_file_is_a_config_error(tmp_path: Path) -> None:
    assert "cannot read the settings in" in _fails(file=tmp_path / "none.toml")
    broken = tmp_path / "broken.toml"
    broken.write_text("[vad]\nthreshold = high\n")
    assert "is not TOML" in _fails(file=broken)


def _said(error: BaseException | None) -> str:
    """All that an error and its causes say, without the lines of code that a traceback quotes."""
    return f"{error!s} {error!r} {_said(error.__cause__)}" if error else ""


@pytest.mark.parametrize("override", ["s3cret", "db://s3cret?x=1", "database_url s3cret=1"])
def test_what_stands_in_a_keys_place_is_not_shown(override: str) -> None:
    assert "s3cret" not in _fails(override)


def test_a_good_secret_does_not_show_in_the_error_of_another_key() -> None:
    with pytest.raises(ConfigError) as caught:
        load(None, ["vad.threshold=9"], {"CALLWRIGHT_STORAGE__DATABASE_URL": "s3cret"}, None)
    assert "vad.threshold" in _said(caught.value)
    assert "s3cret" not in _said(caught.value)


def test_a_secret_of_the_wrong_kind_is_hidden(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('[storage]\ndatabase_url = ["s3cret"]\n')
    with pytest.raises(ConfigError) as caught:
        load(None, [], {}, file)
    assert "storage.database_url = (secret)" in str(caught.value)
    assert "s3cret" not in _said(caught.value)

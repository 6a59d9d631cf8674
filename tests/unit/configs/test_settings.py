"""What is known of each key, and what the fingerprint covers."""

from __future__ import annotations

import tomllib

import pytest
from pydantic import ValidationError

from configs.load import load
from configs.settings import Settings, fingerprint, known_keys, plain, toml_value


def _print(*overrides: str) -> str:
    return fingerprint(load(None, overrides, {}, None))


def test_settings_are_frozen_and_closed() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.vad.threshold = 0.1  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings.model_validate({"vads": {}})


def test_every_key_is_described_with_a_source_and_what_it_takes() -> None:
    keys = known_keys()
    assert set(keys) == set(plain(Settings()))
    bare = [key.path for key in keys.values() if not (key.description and key.source and key.allowed)]
    assert bare == []
    # A type that _allowed does not know would show as Python.
    assert [key.path for key in keys.values() if "typing" in key.allowed or "class" in key.allowed] == []


def test_defaults_are_those_of_the_options() -> None:
    assert {path: key.default for path, key in known_keys().items()} == plain(Settings())


def test_the_fingerprint_is_of_16_hex_digits() -> None:
    assert len(_print()) == 16
    assert int(_print(), 16) >= 0


SAME_TEXT = [
    "analysis.file=/x",
    "storage.database_url=sqlite://",
    "storage.objects_dir=/x",
    "storage.encryption=sse-s3",
    "storage.kms_key=",
    "storage.lock=",
    "storage.lock_days=0",
    "storage.cold_after_days=9",
    "storage.cold_class=GLACIER_IR",
    "ingest.complete=rename",
    "ingest.stable_s=1",
    "ingest.marker=.end",
    "ingest.sidecar_wait_s=1",
    'ingest.include=["*.wav"]',
    'ingest.exclude=["x"]',
    "ingest.poll_s=1",
    "ingest.batch_recordings=2",
    "ingest.lease_s=2",
    "ingest.max_tries=4",
    "ingest.let_go_s=1",
    "ingest.after=tag",
    "ingest.move_to=/x",
    "ingest.fetch_s=1",
    "quality.sample=0.5",
    "quality.second=whisper-base",
    "quality.trunk=line",
    "quality.baseline_days=14",
    "quality.false_alarms_per_month=1.0",
    "schedules.quality_weekly=",
    "schedules.quality_monthly=",
    "ingest.max_receives=2",
    "ingest.dead_letters=http://q",
    "metadata.sidecar=.meta.json",
    "metadata.manifest=calls.jsonl",
    "metadata.manifest_key=recording",
    'metadata.manifest_columns=["file"]',
    "metadata.pattern=(?P<call_id>.*)",
    'metadata.fields={call_id = "ContactId"}',
    'metadata.directions={in = "inbound"}',
    "metadata.time_format=%Y",
    "metadata.time_zone=Europe/Berlin",
    "metadata.allow_without_consent=true",
    "metadata.keep_unknown=false",
    "batch.group_audio_s=1.0",
    "batch.group_recordings=2",
    "batch.portion_speech_s=60.0",
    "models.cache_dir=/x",
    "models.offline=true",
    "transcribe.threads=3",
    'vault.keep=["transcript"]',
    "vault.master_key=env:X",
    "vault.folder=/x",
    "retention.file=/x",
    "metrics.listen=localhost:9464",
    "metrics.textfile=/x.prom",
    "metrics.push=http://push:9091",
    "metrics.every_s=5",
    "metrics.check_every_s=60",
    "costs.cpu_hour=0.04",
    "costs.gpu_hour=0.9",
    "costs.currency=USD",
    "retention.source=move",
    'metadata.tenants={"/x" = "acme"}',
    "retention.move_to=/x",
    "redact.audio=beep",
    "redact.audio_format=flac",
    "redact.proof=whisper-tiny.en",
    "redact.proof_context_s=1.0",
    "redact.proof_share=0.5",
    "audit.signing_key=/x",
    "audit.anchors=/x",
    'service.sources=["/x"]',
    "service.pool=x",
    "service.pool_type=process",
    "service.image=x",
    'service.volumes=["/x:/x"]',
    "service.secret=x",
    "service.watchers=2",
    "service.cpu_asr=1",
    "service.gpu_asr=1",
    "service.llm=1",
    "service.alert_url=http://x",
    "service.task_runner=processes",
    "service.processes=3",
    "service.cluster=x",
    "schedules.time_zone=Europe/Berlin",
    "schedules.ingest_watch=every 30 s",
    "schedules.process_calls=every 30 s",
    "schedules.retention_sweep=every 30 s",
    "schedules.backfill=every 30 s",
    "promotion.min_words=10",
    "promotion.max_wer_rise=0.1",
    "promotion.max_deletion_rise=0.1",
    "promotion.max_digit_wer_rise=0.1",
    "promotion.min_digits=10",
    "promotion.significance=0.1",
    "summarise.preset=greedy",
    "summarise.concurrency=9",
    "llm.base_url=http://x/v1",
    "llm.api_key=x",
    "llm.model=x",
    "llm.gguf=/x",
    "llm.context_tokens=8192",
    "llm.kv_cache=q8_0",
    "llm.threads=3",
    "llm.dialect=gbnf",
    "llm.timeout_s=9.0",
    "llm.max_tries=9",
    "llm.max_wait_s=9.0",
    "llm.presets={mine = {temperature = 0.3}}",
]


@pytest.mark.parametrize("override", SAME_TEXT)
def test_what_changes_no_word_leaves_the_fingerprint(override: str) -> None:
    assert _print(override) == _print()


def _other(value: object, path: str) -> object:
    choices = {
        "transcribe.engine": "ctranslate2",
        "transcribe.device": "cpu",
        "transcribe.search": "beam",
        "transcribe.hotwords": ["Grace"],
        "transcribe.providers": ["CPUExecutionProvider"],
        "transcribe.schedule": "continuous",
        "transcribe.precision": "int8",
        "transcribe.language": "de",
        "denoise.method": "spectral-gate",
        "decode.resampler": "torchaudio",
        "vad.runtime": "onnxruntime",
        "diarize.diarizer": "off",
        "redact.policy": "pci",
        "redact.actions": ["PERSON=tag"],
        "redact.patterns": ["BADGE=B-[0-9]+"],
        "summarise.method": "off",
        "decode.channel_maps": [["customer", "agent"]],
        "decode.headerless": {".ul": {"codec": "mulaw"}},
        "chunk.max_chunk_s": 20.0,
        "transcribe.temperatures": [0.0],
        "transcribe.length_penalty": 1.0,
    }
    if path in choices:
        return choices[path]
    if isinstance(value, bool):
        return not value
    return f"{value}x" if isinstance(value, str) else value + type(value)(1) * (0.01 if isinstance(value, float) else 1)  # type: ignore[operator]


def test_every_other_key_changes_the_fingerprint() -> None:
    left_out = {override.partition("=")[0] for override in SAME_TEXT}
    unchanged = [
        path
        for path, value in plain(Settings()).items()
        if path not in left_out and _print(f"{path}={toml_value(_other(value, path))}") == _print()
    ]
    assert unchanged == []


def test_equal_numbers_give_equal_fingerprints() -> None:
    assert _print("chunk.overlap_s=3") == _print("chunk.overlap_s=3.0") == _print("chunk.overlap_s=30e-1")
    assert _print("vad.hysteresis=-0.0") == _print("vad.hysteresis=0.0")


def test_toml_values_of_odd_texts() -> None:
    assert toml_value("a\x7fé\n") == '"a\\u007fé\\n"'


def test_tables_are_written_as_toml_reads_them() -> None:
    value = {"*": "", "in bound": 'a "b"'}
    assert tomllib.loads(f"value = {toml_value(value)}") == {"value": value}

"""What fits on a machine, and what it does in a day."""

import json
from pathlib import Path

import pytest

from asr.errors import ConfigError
from configs.settings import Settings
from flows.capacity import GIB, Machine, Need, Workload, needs, this_machine, together
from flows.cli import call
from llm.pace import Pace

SETTINGS = Settings()
BIG = Machine(16, 64.0, 24.0)


def test_a_day_is_cores_by_speed() -> None:
    base = next(needs("whisper-base", BIG, Workload(speed=20.0), SETTINGS))
    assert base.precision == "int8"
    assert base.audio_hours_a_day(BIG) == pytest.approx(24 * 16 * 20)
    assert base.calls_a_day(BIG, 6.0) == pytest.approx(24 * 16 * 20 * 10)
    assert base.price_of_audio_hour(0.04) == pytest.approx(0.002)


def test_a_machine_is_filled_to_nine_tenths_and_speech_stays_off_the_gpu() -> None:
    speech = Need("s", "int8", 8 * GIB, 0, 0, GIB, core_hours=0.1)
    language = Need("l", "f16", 8 * GIB, 0, 0, GIB, gpu_known=True)
    assert speech.fits(Machine(1, 10.0, 9.0)) == ("RAM",)
    assert language.fits(Machine(1, 9.9, 9.0)) == ("VRAM",)
    assert language.fits(Machine(1, 9.9, 8.5)) == ()
    both = together([speech, language])
    assert (both.total, both.core_hours) == (18 * GIB, None)
    assert both.fits(Machine(1, 24.0, 24.0)) == ("RAM",), "speech is not counted on a GPU beside others either"
    assert together([language, language]).fits(Machine(1, 24.0, 24.0)) == ("RAM", "VRAM")


def test_without_bfloat16_there_is_none() -> None:
    old = Machine(2, 8.0, bf16=False)
    assert [need.precision for need in needs("whisper-base", old, Workload(), SETTINGS)] == ["int8", "float32"]


def test_a_language_model_has_tokens_a_second_by_cores_or_by_the_peaks_that_are_told() -> None:
    def paces(machine: Machine) -> tuple[float, float]:
        need = next(needs("llama-3.1-8b", machine, Workload(), SETTINGS))
        assert need.tokens_read is not None
        assert need.tokens_written is not None
        return need.tokens_read, need.tokens_written

    slow, fast = paces(Machine(4, 64.0)), paces(Machine(8, 64.0))
    assert fast == pytest.approx((2 * slow[0], 2 * slow[1]))
    told = Machine(4, 64.0, peaks=Pace(125e12, 125e12, 600e9))
    assert paces(told)[1] == pytest.approx(600e9 / (8_030_261_248 * 4.8944 / 8), rel=0.1)


def test_an_unknown_model_is_told_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'llama-3\.1-8b'"):
        list(needs("llama-3-8b", BIG, Workload(), SETTINGS))


def test_a_model_by_its_config_file(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    told = {"hidden_size": 64, "intermediate_size": 128, "num_attention_heads": 4, "num_hidden_layers": 2}
    (folder / "config.json").write_text(json.dumps({**told, "vocab_size": 100}))
    found = list(needs(str(folder / "config.json"), BIG, Workload(context_tokens=10, llm_batch=3), SETTINGS))
    assert {need.model for need in found} == {"mine"}
    assert {need.caches for need in found} == {2 * 2 * 4 * 16 * 10 * 3 * 2}


def test_this_machine_has_cores_and_memory() -> None:
    here = this_machine(SETTINGS)
    assert here.cores >= 1
    assert 0.25 < here.memory_gib < 1 << 16


def test_the_command_tells_what_fits_as_a_table_and_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    line = ["plan", "whisper-base", "llama-3.1-70b", "--cores", "8", "--memory", "16", "--price-per-hour", "0.05"]
    assert call(line) == 1, "70 billion parameters do not fit"
    table = capsys.readouterr().out
    assert "price of audio h" in table
    assert call([*line, "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["cores"] == 8
    rows = {(row["model"], row["precision"]): row for row in told["models"]}
    assert rows["whisper-base", "int8"]["fits"] == ["RAM"]
    assert rows["whisper-base", "int8"]["price_of_audio_hour"] == pytest.approx(0.05 / 23.9)
    assert rows["llama-3.1-70b", "q4_k_m"]["fits"] == []
    assert rows["llama-3.1-70b", "q4_k_m"]["calls_a_day"] is None
    slow = rows["llama-3.1-70b", "q4_k_m"]["tokens_written"]
    assert rows["whisper-base", "int8"]["tokens_written"] is None
    assert call([*line, "--peaks", "300", "2000", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["machine"]["peaks"] == {"operations": 300e12, "attention": 300e12, "bytes": 2000e9}
    assert next(row for row in told["models"] if row["precision"] == "q4_k_m")["tokens_written"] > 10 * slow
    assert call(["plan", "whisper-base", "--cores", "8", "--memory", "16"]) == 0


def test_less_at_once_takes_less(capsys: pytest.CaptureFixture[str]) -> None:
    totals = []
    for size in ("6", "1"):
        call(["plan", "whisper-large-v3", "--cores", "8", "--set", f"transcribe.batch_size={size}", "--json"])
        totals.append(json.loads(capsys.readouterr().out)["models"][0]["total"])
    assert totals[1] < totals[0]

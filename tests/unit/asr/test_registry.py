"""The choice of engine, device and precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import ctranslate2
import pytest

from asr.cores import cores
from asr.engines.registry import ENGINES, choose, load_engine
from asr.errors import ConfigError, ModelError
from asr.models import LocalModel
from asr.options import TranscribeOptions

NO_GPU = pytest.mark.skipif(ctranslate2.get_cuda_device_count() > 0, reason="this machine has a GPU")


def test_auto_on_a_cpu_is_int8_on_every_core_that_may_be_used(whisper_base: LocalModel) -> None:
    choice = choose(TranscribeOptions(device="cpu"), whisper_base.sha256)
    assert (choice.engine, choice.device, choice.precision) == ("openvino", "cpu", "int8")
    assert choice.threads == cores(TranscribeOptions())
    assert choice.why


@pytest.mark.parametrize(("engine", "precision"), [("openvino", "bfloat16"), ("onnxruntime", "float32")])
def test_auto_is_not_int8_where_no_card_proves_it(engine: str, precision: str) -> None:
    options = TranscribeOptions.model_validate({"device": "cpu", "engine": engine, "model": "whisper-mine"})
    choice = choose(options, "2" * 64)
    assert choice.precision == precision
    assert "nothing was measured of whisper-mine in int8" in choice.why


def test_int8_that_no_card_proves_is_refused(whisper_model: LocalModel) -> None:
    changed = replace(whisper_model, sha256="2" * 64)
    with pytest.raises(ModelError, match="the card is of other weights"):
        load_engine(changed, TranscribeOptions(device="cpu", model="whisper-tiny.en", precision="int8"))


def test_what_is_set_is_taken() -> None:
    choice = choose(TranscribeOptions(device="cpu", precision="float32", threads=3), "")
    assert (choice.precision, choice.threads) == ("float32", 3)


@NO_GPU
def test_a_gpu_that_is_not_there_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"transcribe\.device is cuda, and no CUDA GPU is visible"):
        choose(TranscribeOptions(device="cuda"), "")


def test_every_engine_that_options_name_is_registered() -> None:
    field = TranscribeOptions.model_fields["engine"]
    assert {*ENGINES, "auto"} == {*field.annotation.__args__}  # type: ignore[union-attr]


def test_a_loaded_engine_says_what_it_runs(whisper_model: LocalModel) -> None:
    info = load_engine(whisper_model, TranscribeOptions(device="cpu", model="whisper-tiny.en")).info
    assert (info.name, info.model_id, info.precision) == ("openvino", "whisper-tiny.en", "int8")
    assert info.model_sha256 == whisper_model.sha256


@NO_GPU
def test_a_precision_that_the_device_has_not_is_refused(whisper_model: LocalModel) -> None:
    with pytest.raises(ConfigError, match=r"transcribe\.precision int8_float16 does not run on cpu"):
        load_engine(whisper_model, TranscribeOptions(engine="ctranslate2", device="cpu", precision="int8_float16"))
    with pytest.raises(ConfigError, match="openvino runs on the CPU in int8, bfloat16, float32, not on cpu in float16"):
        load_engine(whisper_model, TranscribeOptions(engine="openvino", device="cpu", precision="float16"))


def test_a_folder_that_holds_no_model_is_refused(whisper_model: LocalModel, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").symlink_to(whisper_model.folder / "tokenizer.json")
    empty = replace(whisper_model, folder=tmp_path)
    with pytest.raises(ModelError, match="does not load in CTranslate2"):
        load_engine(empty, TranscribeOptions(engine="ctranslate2", device="cpu"))
    with pytest.raises(ModelError, match=r"neither model\.bin nor model\.safetensors"):
        load_engine(empty, TranscribeOptions(engine="openvino", device="cpu"))

from __future__ import annotations

import io
import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from asr.diarize.checkpoint import read_weights
from asr.errors import ModelError


class _Storage:
    def __init__(self, name: str, values: np.ndarray) -> None:
        self.name, self.values = name, values


class _Tensor:
    """Pickles as torch.save writes one: how to rebuild it from a storage that lies beside the pickle."""

    def __init__(self, storage: _Storage, offset: int, shape: tuple[int, ...], strides: tuple[int, ...]) -> None:
        self.parts = (storage, offset, shape, strides, False, OrderedDict())

    def __reduce__(self) -> object:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Just enough of PyTorch to write its names into a pickle."""
    torch, utils = ModuleType("torch"), ModuleType("torch._utils")
    exec("class FloatStorage: pass", torch.__dict__)  # noqa: S102
    exec("def _rebuild_tensor_v2(*parts): return parts", utils.__dict__)  # noqa: S102
    torch.FloatStorage.__module__, utils._rebuild_tensor_v2.__module__ = "torch", "torch._utils"
    torch._utils = utils
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)
    return torch


def saved(path: Path, tree: object, storages: list[_Storage], torch: ModuleType) -> Path:
    class Writer(pickle.Pickler):
        def persistent_id(self, value: object) -> object:
            if isinstance(value, _Storage):
                return ("storage", torch.FloatStorage, value.name, "cpu", value.values.size)
            return None

    told = io.BytesIO()
    Writer(told, protocol=2).dump(tree)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("archive/data.pkl", told.getvalue())
        for storage in storages:
            archive.writestr(f"archive/data/{storage.name}", storage.values.astype("<f4").tobytes())
    return path


def test_tensors_are_read_with_their_offsets_and_strides(tmp_path: Path, torch: ModuleType) -> None:
    storage = _Storage("0", np.arange(12, dtype=np.float32))
    tree = {
        "epoch": 3,
        "state_dict": OrderedDict(
            rows=_Tensor(storage, 0, (3, 4), (4, 1)),
            turned=_Tensor(storage, 2, (2, 3), (1, 2)),
            one=_Tensor(storage, 5, (), ()),
        ),
    }
    found = read_weights(saved(tmp_path / "model.bin", tree, [storage], torch))
    assert set(found) == {"rows", "turned", "one"}
    assert np.array_equal(found["rows"], np.arange(12).reshape(3, 4))
    assert np.array_equal(found["turned"], [[2, 4, 6], [3, 5, 7]])
    assert found["one"] == 5


def test_nothing_else_in_a_checkpoint_runs(tmp_path: Path, torch: ModuleType) -> None:
    class Bomb:
        def __reduce__(self) -> object:
            return exec, (f"open({str(tmp_path / 'ran')!r}, 'w').close()",)

    storage = _Storage("0", np.ones(2, np.float32))
    tree = {"bomb": Bomb(), "state_dict": {"w": _Tensor(storage, 0, (2,), (1,))}}
    assert list(read_weights(saved(tmp_path / "model.bin", tree, [storage], torch))["w"]) == [1, 1]
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04broken"])
def test_what_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "model.bin").write_bytes(content)
    with pytest.raises(ModelError, match=r"model\.bin is no checkpoint"):
        read_weights(tmp_path / "model.bin")

"""Weights out of a checkpoint that PyTorch saved, read without PyTorch and without running anything in it."""

from __future__ import annotations

import pickle
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from asr.errors import ModelError

Weights = Mapping[str, NDArray[np.float32]]

_STORAGES = {"FloatStorage": np.float32, "HalfStorage": np.float16, "LongStorage": np.int64, "IntStorage": np.int32}


def read_weights(path: Path) -> Weights:
    """The tensors of a checkpoint by their names, as arrays of float32: its `state_dict` if it has one.

    The format is a zip with a pickle and each storage's bytes (torch.save since 1.6). Only what rebuilds tensors is
    known to the reader; any other object of the pickle becomes one that does nothing.
    Raises ModelError for a file that is no such checkpoint.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith("/data.pkl"))
            with archive.open(name) as stream:
                found = _Reader(stream, archive, name.removesuffix("data.pkl")).load()
        tensors = found.get("state_dict", found)
        return {key: np.asarray(value, np.float32) for key, value in tensors.items() if isinstance(value, np.ndarray)}
    except (OSError, zipfile.BadZipFile, StopIteration, pickle.UnpicklingError, KeyError, AttributeError) as error:
        raise ModelError(
            f"{path} is no checkpoint of PyTorch: {type(error).__name__}",
            "Fetch its model again: callwright models get",
        ) from error


@dataclass(frozen=True, slots=True)
class _Kind:
    """A storage's class in the pickle."""

    name: str


class _Inert:
    """Stands for every object that is not part of a tensor."""

    def __init__(self, *_args: object) -> None:
        pass

    def __setstate__(self, _state: object) -> None:
        pass


class _Reader(pickle.Unpickler):
    """Unpickles tensors, and nothing that could run."""

    def __init__(self, stream: Any, archive: zipfile.ZipFile, prefix: str) -> None:
        super().__init__(stream)
        self._archive = archive
        self._prefix = prefix

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Callable[..., Any]] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if module == "torch" and name in _STORAGES:
            return _Kind(name)
        return known.get((module, name), _Inert)

    def persistent_load(self, key: Any) -> NDArray[Any]:
        _, kind, name, *_ = key
        return np.frombuffer(self._archive.read(f"{self._prefix}data/{name}"), _STORAGES[kind.name])


def _tensor(
    storage: NDArray[Any], offset: int, shape: tuple[int, ...], strides: tuple[int, ...], *_: object
) -> NDArray[Any]:
    steps = tuple(stride * storage.itemsize for stride in strides)
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps).copy()

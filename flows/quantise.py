"""A model in int8, and the card that says whether it may be used."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.card import Card, Outcome
from asr.cores import cores
from asr.decode import identify
from asr.engines.base import EngineInfo
from asr.engines.openvino import build
from asr.engines.openvino_calibrate import Features, calibrate, save_graphs
from asr.models import LocalModel
from asr.scoring.errors import long_deletions, pooled, word_errors
from asr.scoring.normalisation import whisper_english
from asr.types import Samples
from asr.vad import SpeechDetector
from asr.whisper.engine import window_features, window_positions
from asr.whisper.ranges import Method, Range
from asr.whisper.weights import Dimensions, Weights, load_weights
from configs.settings import Settings
from flows import preparation, wiring
from flows.benches.benchmark import audio_s, references
from flows.benches.contestants import answer

CARD = "card.json"


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is quantised, how, and on which calls: those that ranges are learned from, and those, with references, that
    it is tried on. Without a method only the weights are rounded, for which nothing has to be learned."""

    model_id: str
    method: Method | None
    calibration: tuple[Path, ...]
    evaluation: tuple[Path, ...]


def quantise(recipe: Recipe, settings: Settings, out: Path, on_step: Callable[[str], None]) -> Card:
    """Quantise a model, try it before, in float32, and after, and write its graphs and its card into a folder.

    It is tried with beam search, all else as the settings have it. `on_step` is told what happens. Raises ModelError
    for a model that cannot be had, SkippableError for a call that cannot be read.
    """
    trial = _Trial(
        wiring.fetch_model(settings, recipe.model_id), wiring.detector(settings), recipe.evaluation, settings
    )
    weights = load_weights(trial.model.folder)
    windows: list[Features] = []
    ranges: dict[str, Range] = {}
    left_out: dict[str, float] = {}
    if recipe.method:
        windows = trial.windows(recipe.calibration, weights)
        ranges, left_out = calibrate(weights, windows, recipe.method, on_step)
    on_step(f"hearing {len(recipe.evaluation)} calls in float32")
    before = trial.outcome("float32", {})
    on_step(f"hearing {len(recipe.evaluation)} calls in int8")
    after = trial.outcome("int8", ranges)
    out.mkdir(parents=True, exist_ok=True)
    card = Card(
        model=recipe.model_id,
        model_sha256=trial.model.sha256,
        method=recipe.method or "weights",
        ranges=ranges,
        left_out=left_out,
        calibration_sha256=_digest(recipe.calibration) if recipe.method else "",
        calibration_windows=len(windows),
        evaluation_sha256=_digest(recipe.evaluation),
        evaluation_s=audio_s(recipe.evaluation),
        before=before,
        after=after.model_copy(update={"weight_bytes": save_graphs(weights, ranges, out)}),
    )
    (out / CARD).write_text(card.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return card


@dataclass(frozen=True, slots=True)
class _Trial:
    """A model, and the calls that it is tried on."""

    model: LocalModel
    detector: SpeechDetector
    calls: tuple[Path, ...]
    settings: Settings

    def windows(self, calls: Sequence[Path], weights: Weights) -> list[Features]:
        """What the encoder is given of calls."""
        windows = []
        for call in calls:
            prepared = preparation.prepare(identify(call), self.detector, self.settings)
            cut = preparation.read_chunks(prepared, self.settings)
            windows += [_features(samples, weights.dimensions) for _, _, samples in cut]
        return windows

    def outcome(self, precision: str, ranges: Mapping[str, Range]) -> Outcome:
        """What one precision hears."""
        info = EngineInfo("openvino", self.model.model.id, self.model.sha256, precision)
        # With all beams everywhere: where a cheaper search stops short is another matter, and differs by a point.
        options = self.settings.transcribe.model_copy(update={"search": "beam"})
        engine = build(self.model.folder, info, options, cores(options), ranges)
        heard = answer(engine, self.detector, self.calls, self.settings)
        pairs = [
            (reference, whisper_english(text))
            for call, texts in zip(self.calls, heard.texts, strict=True)
            for reference, text in zip(references(call, len(texts)), texts, strict=True)
        ]
        return Outcome(
            errors=pooled(word_errors(*pair) for pair in pairs),
            long_deletions=sum(long_deletions(*pair) for pair in pairs),
            words=sum(len(text.split()) for _, text in pairs),
            weight_bytes=engine.weight_bytes,
        )


def _features(samples: Samples, size: Dimensions) -> Features:
    return window_features(samples, window_positions(samples, size), size)


def _digest(calls: Sequence[Path]) -> str:
    """One SHA-256 for a set of calls, whatever their names."""
    return hashlib.sha256("".join(sorted(identify(call).sha256 for call in calls)).encode()).hexdigest()

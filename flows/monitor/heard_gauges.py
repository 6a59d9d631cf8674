"""How well calls are heard, for Prometheus: by calls that people corrected, and by what drifts in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from asr.errors import ConfigError
from asr.scoring.normalisation import pipeline
from configs.settings import Settings
from flows.hearing.drift import current_drift
from flows.metrics import Reading
from flows.monitor.gauges import Source, drifts, word_errors
from flows.scores.scored_runs import Scorer
from flows.scores.scoring import Method, grouped
from flows.wiring import Archive, load_redactor


def heard_source(archive: Archive, settings: Settings) -> Source:
    """Word error rates of the golden set by model, and drift by statistic: reads all corrected calls and weeks of
    figures."""

    def read() -> Iterator[Reading]:
        yield from word_errors(_word_error_rates(archive, settings))
        yield from drifts(current_drift(archive.database, settings.quality, datetime.now(UTC).date()).scores.items())

    return read


def _word_error_rates(archive: Archive, settings: Settings) -> Iterator[tuple[str, float]]:
    scorer = Scorer(Method(pipeline("call-centre")), lambda: load_redactor(settings), archive)
    try:
        run = scorer.run(scorer.references(None), None)
    except ConfigError:
        return  # nobody corrected a call
    for model, figures in grouped(run.calls, ("model",))["model"].items():
        if figures.wer is not None:
            yield model, figures.wer.rate

"""How well calls are heard, for Prometheus: by calls that people corrected, and by what drifts in all of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from asr.errors import ConfigError
from asr.scoring.normalisation import pipeline
from configs.settings import Settings
from flows.hearing.drift import current_drift
from flows.metrics import Metric, Reading
from flows.monitor.gauges import Source
from flows.scores.scored_runs import Scorer
from flows.scores.scoring import Method, grouped
from flows.wiring import Archive, load_redactor


def wer_source(archive: Archive, settings: Settings) -> Source:
    """Word error rates of the golden set, by model: reads all corrected calls."""

    def read() -> Iterator[Reading]:
        scorer = Scorer(Method(pipeline("call-centre")), lambda: load_redactor(settings), archive)
        try:
            run = scorer.run(scorer.references(None), None)
        except ConfigError:
            return  # nobody corrected a call
        for model, figures in grouped(run.calls, ("model",)).get("model", {}).items():
            if figures.wer is not None:
                yield Reading(Metric.WER, figures.wer.rate, (model,))

    return read


def drift_source(archive: Archive, settings: Settings) -> Source:
    """How far each statistic of calls is from its baseline, over 1 where it is flagged: reads weeks of figures."""

    def read() -> Iterator[Reading]:
        found = current_drift(archive.database, settings.quality, datetime.now(UTC).date())
        return (Reading(Metric.DRIFT, score, (statistic,)) for statistic, score in found.scores.items())

    return read

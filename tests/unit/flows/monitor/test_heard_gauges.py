"""Readings of how well calls are heard, of a ledger with corrected calls and without."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from configs.load import load
from flows.metrics import Metric
from flows.monitor.heard_gauges import drift_source, wer_source
from flows.wiring import open_archive
from storage.golden import Golden
from tests.benchmarks.drift import DISTURBANCES, Centre, pools
from tests.conftest import NO_FILE
from tests.measured_calls import store_measured
from tests.searches import publication


def test_word_error_rates_by_model_and_drift_by_statistic(tmp_path: Path) -> None:
    settings = load(None, (), {}, NO_FILE)
    archive = open_archive(settings, tmp_path)
    sources = wer_source(archive, settings), drift_source(archive, settings)
    assert [one for read in sources for one in read()] == []
    call = publication("one.wav", ("please hold the line for a moment", "yes of course"))
    key = archive.repository.publish(archive.repository.begin_run("f", "1"), call)
    said = call.transcript
    first, *rest = said.turns
    Golden(archive.database, actor="tests").keep(
        key, replace(said, turns=(replace(first, words=first.words[:-1]), *rest))
    )
    today = datetime.now(UTC).date()
    centre = Centre(np.random.default_rng(5), pools())
    [gsm] = [one for one in DISTURBANCES if one.name.startswith("codec: the recorder writes GSM")]
    days = [(today - timedelta(days=before), None if before > 2 else gsm) for before in range(38, -1, -1)]
    seen = [call for day, disturbance in days for call in centre.day(day, disturbance)]
    store_measured(archive.database, seen)
    told = {(one.metric, one.labels): one.value for read in sources for one in read()}
    [(model, rate)] = [(labels[0], value) for (metric, labels), value in told.items() if metric is Metric.WER]
    assert model == said.provenance.model_id
    assert rate == 1 / 9
    scores = {labels[0]: value for (metric, labels), value in told.items() if metric is Metric.DRIFT}
    assert scores["share_of_calls"] > 1
    archive.database.dispose()

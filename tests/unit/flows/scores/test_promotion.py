"""What is promoted, what is refused with which figures, and where it goes."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from asr.errors import ConfigError
from asr.scoring.errors import EditErrors
from asr.scoring.matched_pairs import MatchedPairs
from configs.load import load, origin_of, read_layers, settle
from configs.options import PromotionOptions
from configs.settings import Settings
from flows.scores.promotion import Bench, Trial, as_detail, changes, in_words, promote
from flows.scores.scored_runs import golden_set
from flows.scores.scoring import Figures, Rate
from storage.golden import Golden

AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LIMITS = PromotionOptions()


def figures(words: EditErrors, digits: EditErrors | None = None) -> Figures:
    rate = Rate(words.rate, None, None)
    return Figures(9, words, 0, rate, rate, digits or EditErrors(), None, {}, None, None, None, None)


SAME = MatchedPairs(200, 100, 100, 0.0, 1.0)
NOW = figures(EditErrors(60, 20, 20, 1_000), EditErrors(5, 0, 0, 200))
FEW = figures(EditErrors(1, 0, 0, 999))
TRIAL = Trial(NOW, NOW, SAME, {}, {})


def test_what_hears_as_well_is_not_refused() -> None:
    assert TRIAL.refusals(LIMITS) == ()
    better = figures(EditErrors(30, 10, 10, 1_000), EditErrors(1, 0, 0, 200))
    assert replace(TRIAL, candidate=better, versus=MatchedPairs(200, 100, 50, 4.0, 0.0001)).refusals(LIMITS) == ()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"now": FEW, "candidate": FEW}, "have 999 words that can be scored"),
        ({"lost": {"bank": "it is silent"}}, "could not do 1 calls"),
        ({"candidate": figures(EditErrors(65, 20, 20, 1_000))}, "word error rate rose from 10.00% to 10.50%; 0.5 poi"),
        ({"candidate": figures(EditErrors(55, 25, 20, 1_000))}, "share of lost words rose from 2.00% to 2.50%"),
        ({"candidate": figures(NOW.words, EditErrors(7, 0, 0, 200))}, "error rate of digits rose from 2.50% to 3.50%"),
        (
            {"versus": MatchedPairs(200, 100, 104, -2.5, 0.0124)},
            "104 errors where 100 were made: by matched pairs over",
        ),
    ],
)
def test_each_regression_is_refused_with_its_figures(change: dict[str, object], reason: str) -> None:
    [refusal] = replace(TRIAL, **change).refusals(LIMITS)  # type: ignore[arg-type]
    assert reason in refusal


def test_what_lies_below_a_limit_or_says_too_little_refuses_nothing() -> None:
    a_little = figures(EditErrors(64, 20, 20, 1_000), EditErrors(6, 0, 0, 200))
    assert replace(TRIAL, candidate=a_little).refusals(LIMITS) == ()
    few_digits = replace(TRIAL, now=figures(NOW.words, EditErrors(0, 0, 0, 99)))
    assert replace(few_digits, candidate=figures(NOW.words, EditErrors(9, 0, 0, 99))).refusals(LIMITS) == ()
    assert replace(TRIAL, versus=MatchedPairs(49, 1, 9, -3.0, 0.001)).refusals(LIMITS) == ()


def test_what_is_promoted_is_taken_by_the_next_run_and_stays_beside_what_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = promote({"transcribe.model": "whisper-tiny.en", "vad.threshold": 0.4}, TRIAL, AT, Path())
    promote({"vad.threshold": 0.45}, TRIAL, AT, Path())
    settings = load("laptop", [], {}, None)
    assert (settings.transcribe.model, settings.vad.threshold) == ("whisper-tiny.en", 0.45)
    assert origin_of("vad.threshold", read_layers(None, [], {}, None)) == "callwright.promoted.toml"
    assert load(None, [], {}, Path(os.devnull)).vad.threshold != 0.45
    text = path.read_text()
    assert "2026-11-30 12:00 UTC" in text
    assert "word errors 10.00% -> 10.00%" in text
    assert [one.name for one in tmp_path.iterdir()] == ["callwright.promoted.toml"]
    (tmp_path / "callwright.toml").write_text("[vad]\nthreshold = 0.7\n")
    assert load(None, [], {}, None).vad.threshold == 0.7, "what somebody wrote by hand is stronger"


def test_only_what_would_be_taken_and_changes_words_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    def wanted(*overrides: str, environ: dict[str, str] | None = None) -> dict[str, object]:
        layers, more = (read_layers(None, given, environ or {}, None) for given in ((), overrides))
        return changes(layers, more[len(layers) :], settle(layers), settle(more))

    assert wanted("vad.threshold=0.4") == {"vad.threshold": 0.4}
    assert wanted("transcribe.model=whisper-tiny.en", "transcribe.search=beam") == {
        "transcribe.model": "whisper-tiny.en",
        "transcribe.search": "beam",
    }
    with pytest.raises(ConfigError, match="does not decide which words are heard"):
        wanted("storage.database_url=postgresql://user:secret@host/x")
    with pytest.raises(ConfigError, match="set in CALLWRIGHT_VAD__THRESHOLD"):
        wanted("vad.threshold=0.4", environ={"CALLWRIGHT_VAD__THRESHOLD": "0.6"})
    with pytest.raises(ConfigError, match="what is in use"):
        wanted("transcribe.threads=1")
    (tmp_path / "callwright.toml").write_text("[vad]\nthreshold = 0.7\n")
    with pytest.raises(ConfigError, match=r"set in callwright\.toml, which a promotion does not reach"):
        wanted("vad.threshold=0.4")


def test_recordings_that_are_gone_are_named_and_nothing_is_tried_without_any(kept: Any, tmp_path: Path) -> None:
    archive = kept.archive
    golden = Golden(archive.database)
    for name in ("ada", "bob"):
        found = archive.repository.find(name)
        golden.keep(found.id, archive.repository.transcript(found.id))
    (kept.sources / "ada.wav").unlink()
    bob = kept.sources / "bob.wav"
    bench = Bench(archive, golden_set(archive), tmp_path, 9.0)
    assert bench.left_out == {"ada": "its recording is no longer where it was"}
    bob.write_bytes(b"other bytes")
    bench = Bench(archive, golden_set(archive), tmp_path, 9.0)
    assert set(bench.left_out) == {"ada", "bob"}
    with pytest.raises(ConfigError, match="no recording of the golden set is there"):
        bench.try_out(Settings(), Settings(), lambda _: None)


def test_the_trail_has_figures_and_no_names_of_calls() -> None:
    detail = as_detail(replace(TRIAL, left_out={"ada": "gone"}), {"vad.threshold": 0.4}, ["worse"])
    assert detail["set.vad.threshold"] == "0.4"
    assert (detail["wer_now"], detail["refusals"]) == (0.1, "worse")
    assert "ada" not in str(detail)
    assert "ada" not in in_words(TRIAL)

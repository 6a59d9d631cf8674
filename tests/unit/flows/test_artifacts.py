"""What Prefect's pages show of a run."""

from __future__ import annotations

from dataclasses import replace

from flows.artifacts import call_row, quality
from storage.run_calls import RunCall
from storage.types import RecordingState

PUBLISHED = RunCall(
    recording_id=1,
    sha256="ab" * 32,
    state=RecordingState.PUBLISHED,
    length_s=61.0,
    speakers=2,
    words=100,
    redactions=3,
    mean_confidence=0.9,
    estimated_wer=0.1,
    second_words=50,
    second_errors=4,
    speech_without_words_s=2.5,
    document="2026/01/02/ab.json",
)
BROKEN = RunCall(2, "cd" * 32, RecordingState.QUARANTINED, *[None] * 10)


def test_a_row_has_the_figures_of_a_call_and_no_name() -> None:
    assert call_row(PUBLISHED) == {
        "recording": "abababababab",
        "state": "published",
        "length": "1:01",
        "speakers": 2,
        "words": 100,
        "redactions": 3,
        "confidence": 0.9,
        "estimated WER": "10.0%",
        "speech without words, s": 2.5,
        "transcript": "2026/01/02/ab.json",
    }
    assert {value for name, value in call_row(BROKEN).items() if name not in ("recording", "state")} == {None}


def test_the_figures_of_a_run_are_weighted_by_words() -> None:
    longer = replace(
        PUBLISHED, words=300, mean_confidence=0.5, estimated_wer=0.3, second_words=None, second_errors=None
    )
    told = quality(7, [PUBLISHED, longer, BROKEN], {"CREDIT_CARD": 2})
    for line in (
        "| recordings published | 2 |",
        "| recordings quarantined | 1 |",
        "| words | 400 |",
        "| mean confidence | 0.600 |",
        "| estimated WER | 25.0% |",
        "| heard otherwise by the second model | 8.0% |",
        "| removed: CREDIT_CARD | 2 |",
    ):
        assert line in told


def test_a_run_that_published_nothing_has_no_word_error_rate() -> None:
    assert "WER" not in quality(7, [BROKEN], {})

"""What a card must show before a model runs in int8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from asr.card import Card, Outcome, admitted, read_card, shipped_card
from asr.errors import ConfigError, ModelError
from asr.models import LocalModel
from asr.scoring.errors import EditErrors

SHA = "1" * 64


def _outcome(errors: int = 160, words: int = 990, long_deletions: int = 1, reference: int = 1_000) -> Outcome:
    return Outcome(
        errors=EditErrors(errors, 0, 0, reference), long_deletions=long_deletions, words=words, weight_bytes=4
    )


def _card(after: Outcome, before: Outcome | None = None, **changes: Any) -> Card:
    values: dict[str, Any] = {
        "model": "mine",
        "model_sha256": SHA,
        "method": "weights",
        "ranges": {},
        "left_out": {},
        "calibration_sha256": "",
        "calibration_windows": 0,
        "evaluation_sha256": SHA,
        "evaluation_s": 1_800.0,
        "before": before or _outcome(),
        "after": after,
    }
    return Card(**(values | changes))


def test_a_model_that_hears_as_well_is_admitted() -> None:
    assert _card(_outcome()).refusals == ()
    assert _card(_outcome(errors=164)).refusals == ()


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (_outcome(errors=165), "its word error rate rose from 16.0% to 16.5%"),
        (_outcome(long_deletions=2), "runs of 5 and more lost words grew from 1 to 2"),
        (_outcome(words=960), "it wrote 960 words where 990 were written, -3.0%"),
        (_outcome(words=1_020), "it wrote 1020 words where 990 were written, +3.0%"),
    ],
)
def test_a_model_that_hears_worse_is_refused_with_the_figures(after: Outcome, said: str) -> None:
    (reason,) = _card(after).refusals
    assert said in reason


def test_too_few_words_prove_nothing() -> None:
    few = _outcome(errors=1, words=99, reference=100)
    assert _card(few, few).refusals == ("it was tried on 100 words of reference; 1000 are the least",)


def test_a_card_is_written_and_read(tmp_path: Path) -> None:
    card = _card(_outcome())
    (tmp_path / "card.json").write_text(card.model_dump_json())
    assert read_card(tmp_path / "card.json") == card
    assert admitted("mine", SHA, str(tmp_path / "card.json")) == card


def test_int8_without_proof_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.json"
    with pytest.raises(ConfigError, match="cannot be read: No such file"):
        admitted("mine", SHA, str(path))
    path.write_text("{}")
    with pytest.raises(ConfigError, match="is not a card"):
        admitted("mine", SHA, str(path))
    path.write_text(_card(_outcome(errors=300)).model_dump_json())
    with pytest.raises(ModelError, match=r"mine in int8 is refused: its word error rate rose from 16\.0% to 30\.0%"):
        admitted("mine", SHA, str(path))
    path.write_text(_card(_outcome()).model_dump_json())
    with pytest.raises(ModelError, match="the card is of other weights than those of mine"):
        admitted("mine", "2" * 64, str(path))
    with pytest.raises(ModelError, match="nothing was measured of mine in int8"):
        admitted("mine", SHA, "")


def test_shipped_cards_admit_the_models_that_are_shipped(whisper_model: LocalModel, whisper_base: LocalModel) -> None:
    for model in (whisper_model, whisper_base):
        card = admitted(model.model.id, model.sha256, "")
        assert card == shipped_card(model.model.id)
        assert card.after.weight_bytes <= 0.27 * card.before.weight_bytes

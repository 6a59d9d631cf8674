"""A quantised model's card: how it was made, what it heard before and after, and whether it may be used.

Quantisation that looks harmless on clean speech has doubled word errors on telephone calls, with clean-looking text
(docs/performance.md). So a model in int8 loads only with a card that proves it on telephone audio.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from asr.errors import ConfigError, ModelError
from asr.scoring.errors import EditErrors
from asr.whisper.ranges import Range

_MAX_WER_RISE = 0.005
"""Half a point: what the same weights differ by from one rounding to another on 2,700 words (docs/performance.md)."""

_MAX_LENGTH_CHANGE = 0.02
"""Fewer words in a second are lost speech, more are loops. Roundings of the same weights differ by 1 %."""

_MIN_WORDS = 1_000
"""On fewer words half a point is five words, and proves nothing."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Outcome(BaseModel):
    """What one precision heard in the evaluation's calls; `long_deletions` are runs of 5 and more words in a row that
    it lost, `words` those that it wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    errors: EditErrors
    long_deletions: int
    words: int
    weight_bytes: int


class Card(BaseModel):
    """How a model was quantised, and what came of it.

    `ranges` are what the inputs of matrices are held to, by the matrix's name; a matrix without one is multiplied with
    what it is given. `left_out` names those that would have hurt, each with the relative error that rounding its input
    alone makes in what the encoder hears (squared difference over squared length).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    model_sha256: str
    method: Literal["weights", "minmax", "entropy", "percentile"]
    ranges: Mapping[str, Range]
    left_out: Mapping[str, float]
    calibration_sha256: Sha256 | Literal[""]
    calibration_windows: int
    evaluation_sha256: Sha256
    evaluation_s: float
    before: Outcome
    after: Outcome

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why the model may not be used, each with its figures; none if it may."""
        before, after = self.before, self.after
        rise = after.errors.rate - before.errors.rate
        change = after.words / max(1, before.words) - 1
        too_few = f"it was tried on {before.errors.reference_length} words of reference; {_MIN_WORDS} are the least"
        worse = (
            f"its word error rate rose from {before.errors.rate:.1%} to {after.errors.rate:.1%}; "
            f"{100 * _MAX_WER_RISE:.1f} points are too many"
        )
        lost = f"runs of 5 and more lost words grew from {before.long_deletions} to {after.long_deletions}"
        longer = (
            f"it wrote {after.words} words where {before.words} were written, {change:+.1%}; "
            f"{_MAX_LENGTH_CHANGE:.0%} are the most"
        )
        checks = (
            (before.errors.reference_length < _MIN_WORDS, too_few),
            (rise >= _MAX_WER_RISE, worse),
            (after.long_deletions > before.long_deletions, lost),
            (abs(change) > _MAX_LENGTH_CHANGE, longer),
        )
        return tuple(reason for failed, reason in checks if failed)


def shipped_card(model_id: str) -> Card | None:
    """The card that comes with callwright for a model, if there is one."""
    found = files("asr.cards") / f"{model_id}.json"
    return Card.model_validate_json(found.read_text(encoding="utf-8")) if found.is_file() else None


def read_card(path: Path) -> Card:
    """A card from a file. Raises ConfigError if there is none in it."""
    try:
        return Card.model_validate_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"the card {path} cannot be read: {error.strerror}", "Name a file that callwright quantise wrote"
        ) from error
    except ValidationError as error:
        raise ConfigError(f"{path} is not a card", "Name a file that callwright quantise wrote") from error


def admitted(model_id: str, model_sha256: str, path: str) -> Card:
    """The card that lets a model run in int8: the one at `path`, or the shipped one if that is empty.

    Raises ModelError, with the figures, if the card refuses, and if there is none for these weights.
    """
    remedy = "Set transcribe.precision to bfloat16 or float32, or measure another: callwright quantise"
    card = read_card(Path(path)) if path else shipped_card(model_id)
    if card is None:
        raise ModelError(f"nothing was measured of {model_id} in int8", remedy)
    if card.model_sha256 != model_sha256:
        raise ModelError(f"the card is of other weights than those of {model_id}", remedy)
    if card.refusals:
        raise ModelError(f"{model_id} in int8 is refused: {'; '.join(card.refusals)}", remedy)
    return card

"""What is asked of every call, as data: categories, scorecards and questions, each known by a hash of what it says."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from asr.errors import ConfigError
from compliance.types import RedactedTurn
from llm.rules import Rule
from llm.types import Analysed, AnalysisKind

RULES = "rules/1"
"""How phrases are matched: part of each version, so that a change of it brings results up to date."""
PROMPT = "question-1"

_REMEDY = "See configs/analysis.toml for how analyses are written"
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+([ _-][a-z0-9]+)*$", max_length=60)]
_FROZEN = ConfigDict(frozen=True, extra="forbid", strict=True)


class Check(Rule):
    """What is to be said, or with `never` is not to be; `when` names the category of calls to which it applies."""

    weight: float = Field(1.0, gt=0.0)
    never: bool = False
    when: str = ""


class Scorecard(BaseModel):
    """Checks by name; a call's score is the share of the weight of those that apply which is met."""

    model_config = _FROZEN

    check: dict[_Name, Check] = Field(min_length=1)


class Question(BaseModel):
    """What a language model is asked of each call, or of those of the category that `when` names."""

    model_config = _FROZEN

    ask: str = Field(min_length=8, max_length=400)
    when: str = ""


class Analyses(BaseModel):
    """All that is asked of a call."""

    model_config = _FROZEN

    category: dict[_Name, Rule] = {}
    scorecard: dict[_Name, Scorecard] = {}
    question: dict[_Name, Question] = {}

    @model_validator(mode="after")
    def _names_are_plain(self) -> Self:
        names = [*self.category, *self.scorecard, *self.question]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"{min(twice)} is defined twice")
        if unknown := {when for when in self._conditions() if when and when not in self.category}:
            raise ValueError(f"when = {min(unknown)!r} is no category")
        return self

    def _conditions(self) -> Iterator[str]:
        yield from (question.when for question in self.question.values())
        yield from (check.when for card in self.scorecard.values() for check in card.check.values())

    @property
    def kinds(self) -> Mapping[str, AnalysisKind]:
        """The kind of each analysis by its name, in the order in which they were written."""
        return {
            **dict.fromkeys(self.category, AnalysisKind.CATEGORY),
            **dict.fromkeys(self.scorecard, AnalysisKind.SCORECARD),
            **dict.fromkeys(self.question, AnalysisKind.QUESTION),
        }

    def only(self, names: Sequence[str]) -> tuple[str, ...]:
        """These names, or all if none is given. Raises ConfigError that lists the known ones."""
        if unknown := [name for name in names if name not in self.kinds]:
            raise ConfigError(f"no analysis is called '{unknown[0]}'", f"Known ones: {', '.join(self.kinds)}")
        return tuple(name for name in self.kinds if name in names or not names)

    def version(self, name: str) -> str:
        """The first 12 hex digits of the SHA-256 of a definition, the categories that it names included."""
        kind = self.kinds[name]
        definition = (self.category | self.scorecard | self.question)[name]
        named: set[str] = set()
        if isinstance(definition, Scorecard):
            named = {check.when for check in definition.check.values()}
        elif isinstance(definition, Question):
            named = {definition.when}
        told = {
            "kind": kind,
            "rules": RULES,
            "prompt": PROMPT if kind is AnalysisKind.QUESTION else "",
            "definition": definition.model_dump(mode="json", exclude_defaults=True),
            "categories": {
                when: self.category[when].model_dump(mode="json", exclude_defaults=True) for when in named if when
            },
        }
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]

    def applies(self, when: str, turns: Sequence[RedactedTurn]) -> bool:
        """Whether a call is of that category; of "" all are."""
        return not when or bool(self.category[when].borne_by(turns))

    def by_rules(self, turns: Sequence[RedactedTurn], names: Sequence[str]) -> tuple[Analysed, ...]:
        """What those of the names that are categories and scorecards say of a call, checks after their scorecard.

        The turns' speakers are as llm.roles calls them.
        """
        found: list[Analysed] = []
        for name in names:
            if name in self.category:
                found.append(self._category(name, turns))
            elif name in self.scorecard:
                found += self._scorecard(name, turns)
        return tuple(found)

    def _category(self, name: str, turns: Sequence[RedactedTurn]) -> Analysed:
        borne = self.category[name].borne_by(turns)
        return Analysed(name, AnalysisKind.CATEGORY, self.version(name), RULES, float(bool(borne)), borne)

    def _scorecard(self, name: str, turns: Sequence[RedactedTurn]) -> list[Analysed]:
        version, kind = self.version(name), AnalysisKind.SCORECARD
        checks, met, weight = [], 0.0, 0.0
        for part, check in self.scorecard[name].check.items():
            value = None
            borne: tuple[int, ...] = ()
            if self.applies(check.when, turns):
                borne = check.borne_by(turns)
                value = float(bool(borne) != check.never)
                met += value * check.weight
                weight += check.weight
            checks.append(Analysed(name, kind, version, RULES, value, borne, part))
        return [Analysed(name, kind, version, RULES, met / weight if weight else None), *checks]


def parse(text: str, origin: str) -> Analyses:
    """Read analyses written as TOML. Raises ConfigError, which names `origin` and the place, for what is not
    understood."""
    try:
        return Analyses.model_validate_json(json.dumps(tomllib.loads(text), default=str))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin} is not TOML: {error}", _REMEDY) from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"] if part != "[key]") or "the whole"
        raise ConfigError(f"{origin}: {place}: {first['msg'].removeprefix('Value error, ')}", _REMEDY) from error


def about(found: Sequence[Analysed]) -> tuple[str, ...]:
    """The names of the categories that a call is of."""
    return tuple(one.name for one in found if one.kind is AnalysisKind.CATEGORY and one.holds)

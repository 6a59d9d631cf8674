"""Scores as rows of a table, as CSV, and as a page of HTML that shows every error where it was made.

What is written down holds redacted text alone.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from itertools import groupby

from asr.scoring.alignment import Kind, Step
from asr.scoring.matched_pairs import MatchedPairs
from flows.scores.scored_runs import Run
from flows.scores.scoring import CallScore, Figures, Method, Rate, confusions, figures

_MOST_CONFUSED = 30

_SIGNIFICANT = 0.05
"""NIST's usual level."""

CSV_COLUMNS = (
    *("by", "value", "calls", "reference_words", "unscored_words"),
    *("wer", "wer_low", "wer_high", "substitutions", "deletions", "insertions", "cer", "cer_low", "cer_high"),
    *("digits", "digit_wer", "digit_wer_low", "digit_wer_high"),
    *("keywords_said", "keywords_found", "keywords_invented", "keyword_recall"),
    *("cp_wer", "cp_wer_low", "cp_wer_high", "tcp_wer", "tcp_wer_low", "tcp_wer_high"),
    *("der", "der_low", "der_high", "der_collar", "der_collar_low", "der_collar_high"),
)
"""Rates are shares, not per cent; an empty cell is a rate of nothing."""

Groups = Mapping[str, Mapping[str, Figures]]


@dataclass(frozen=True, slots=True)
class Scored:
    """All that a report tells of."""

    run: Run
    groups: Groups
    method: Method
    versus: MatchedPairs | None = None
    against: str = ""

    @property
    def total(self) -> Figures:
        """The figures of all calls together."""
        return figures(self.run.calls)


def facts_of(one: Figures) -> dict[str, float | int | None]:
    """Figures by the names of CSV_COLUMNS, in their order, without group."""
    keyword = one.keyword
    return {
        "calls": one.calls,
        "reference_words": one.words.reference_length,
        "unscored_words": one.unscored,
        **_rate("wer", one.wer),
        "substitutions": one.words.substitutions,
        "deletions": one.words.deletions,
        "insertions": one.words.insertions,
        **_rate("cer", one.cer),
        "digits": one.digits.reference_length,
        **_rate("digit_wer", one.digit_wer),
        "keywords_said": keyword.said,
        "keywords_found": keyword.found,
        "keywords_invented": keyword.invented,
        "keyword_recall": keyword.recall,
        **_rate("cp_wer", one.cp_wer),
        **_rate("tcp_wer", one.tcp_wer),
        **_rate("der", one.der),
        **_rate("der_collar", one.der_with_collar),
    }


def rows(scored: Scored) -> Iterator[tuple[str, str, Figures]]:
    """Dimension, value and figures of each group, all calls together first."""
    yield "all", "", scored.total
    for by, groups in scored.groups.items():
        for value, one in groups.items():
            yield by, value, one


def as_csv(scored: Scored) -> str:
    """A row a group, under CSV_COLUMNS; no word of a text."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\n")
    table.writerow(CSV_COLUMNS)
    for by, value, one in rows(scored):
        told = ("" if fact is None else round(fact, 6) for fact in facts_of(one).values())
        table.writerow((by, _harmless(value), *told))
    return out.getvalue()


def as_html(scored: Scored) -> str:
    """A page without scripts: figures by group, confused words, and each call's alignment, the worst call first."""
    from jinja2 import Environment, StrictUndefined

    source = (files("flows.scores") / "score.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(percent=percent, within=within, verdict=verdict)
    by_name = {call.name: call for call in scored.run.calls}
    told = [(call, figures([by_name[call.name]]), _sides(call)) for call in scored.run.shown]
    return environment.from_string(source).render(
        scored=scored,
        total=scored.total,
        calls=sorted(told, key=lambda item: (-(item[1].wer.rate if item[1].wer else 0), item[0].name)),
        confused=confusions(scored.run.shown, _MOST_CONFUSED),
    )


def verdict(found: MatchedPairs) -> str:
    """What the test says of the run that is scored, beside the other one."""
    if not found.is_enough:
        return "too few segments for the test to say much"
    if found.p_value >= _SIGNIFICANT:
        return "no difference is shown"
    return "this run is better" if found.z > 0 else "this run is worse"


def percent(rate: Rate | float | None) -> str:
    """A rate as people read it; a dash for the rate of nothing.

    >>> percent(Rate(0.1234, 0.1, 0.2)), percent(0.5), percent(None)
    ('12.3%', '50.0%', '-')
    """
    value = rate.rate if isinstance(rate, Rate) else rate
    return "-" if value is None else f"{value:.1%}"


def within(rate: Rate | None) -> str:
    """The 95 % interval of a rate, in per cent.

    >>> within(Rate(0.1234, 0.1, 0.2))
    '10.0-20.0'
    """
    if rate is None or rate.low is None or rate.high is None:
        return "-"
    return f"{100 * rate.low:.1f}-{100 * rate.high:.1f}"


def _rate(name: str, rate: Rate | None) -> dict[str, float | None]:
    told = (None, None, None) if rate is None else (rate.rate, rate.low, rate.high)
    return dict(zip((name, f"{name}_low", f"{name}_high"), told, strict=True))


def _harmless(cell: str) -> str:
    """A name that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@")) else cell


@dataclass(frozen=True, slots=True)
class Piece:
    """Words in a row of which the same became; of right ones `reference` is all."""

    kind: str
    reference: str
    hypothesis: str


def _sides(call: CallScore) -> list[tuple[str, list[Piece]]]:
    return [(side.side, _pieces(side.steps)) for side in call.sides]


def _pieces(steps: Sequence[Step]) -> list[Piece]:
    found: list[Piece] = []
    for kind, run in groupby(steps, key=lambda step: step.kind):
        own = list(run)
        if kind is Kind.EQUAL:
            found.append(Piece(kind.value, " ".join(step.reference for step in own), ""))
        else:
            found += [Piece(kind.value, step.reference, step.hypothesis) for step in own]
    return found

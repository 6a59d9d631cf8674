"""What analyses say of a call, and what a pass of them changed, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from flows.analyses import Pass
from llm.difference import Change, Difference
from llm.types import Analysed, AnalysisKind


def analysis_lines(found: Sequence[Analysed]) -> Iterator[str]:
    """What is said of a call, a line for each category that fits, each scorecard and each question.

    >>> score = Analysed("courtesy", AnalysisKind.SCORECARD, "1", "rules/1", 0.5)
    >>> checks = [Analysed("courtesy", score.kind, "1", "rules/1", x, t, n) for n, x, t in
    ...     (("greeted", 1.0, (0,)), ("offered help", 0.0, ()), ("read the terms", None, ()))]
    >>> print(*analysis_lines([score, *checks]))
    courtesy: 50%: greeted (turn 0); not offered help; read the terms does not apply
    """
    for one in found:
        if one.part or (one.kind is AnalysisKind.CATEGORY and not one.holds):
            continue
        if one.kind is AnalysisKind.CATEGORY:
            yield f"{one.name}{_cited(one)}"
        elif one.kind is AnalysisKind.SCORECARD:
            score = "no check applies" if one.value is None else f"{one.value:.0%}"
            checks = [_check(check) for check in found if check.name == one.name and check.part]
            yield f"{one.name}: {score}: {'; '.join(checks)}"
        else:
            left_out = f"  [left out: {', '.join(one.faults)}]" if one.faults else ""
            yield f"{one.name}: {one.answer or 'not told'}{_cited(one)}{left_out}"


def _check(check: Analysed) -> str:
    if check.value is None:
        return f"{check.part} does not apply"
    return f"{'' if check.value else 'not '}{check.part}{_cited(check)}"


def _cited(one: Analysed) -> str:
    if not one.turns:
        return ""
    return f" (turn{'s' if len(one.turns) > 1 else ''} {', '.join(map(str, one.turns))})"


def pass_facts(done: Pass) -> dict[str, Any]:
    """A pass for machines."""
    return {
        "differences": [_facts(difference) for difference in done.differences.values()],
        "unasked": list(done.unasked),
        "undefined": list(done.undefined),
        "failed": len(done.failed),
        "why": done.why,
    }


def pass_lines(done: Pass, *, dry_run: bool) -> list[str]:
    """A pass for people: a line for each analysis that calls were brought to, and examples of what changed."""
    lines = []
    for one in done.differences.values():
        if calls := one.counts.total():
            told = ", ".join(f"{one.counts[change]} {change}" for change in Change if one.counts[change])
            lines.append(f"{one.name} ({one.kind}) {_versions(one)}, {calls} calls: {told}{_means(one)}")
            lines += [f"  {change}: {', '.join(names)}" for change, names in one.examples.items()]
    if not lines:
        lines.append("All calls are up to date.")
    elif dry_run:
        lines.append("Nothing was kept; without --dry-run it is.")
    if done.unasked:
        lines.append(f"Not asked: {', '.join(done.unasked)}. Questions need a language model: docs/summaries.md")
    if done.undefined:
        lines.append(f"Kept, though no longer defined: {', '.join(done.undefined)}.")
    for reason in dict.fromkeys(done.failed.values()):
        lines.append(f"{sum(one == reason for one in done.failed.values())} calls could not be asked about: {reason}")
    if done.why:
        lines.append(f"Ended early: {done.why}")
    return lines


def _versions(one: Difference) -> str:
    parted = len(one.before) > 1
    before = (f"{version or 'none'}{f' of {n}' if parted else ''}" for version, n in one.before.most_common())
    return f"{', '.join(before)} -> {one.version}"


def _means(one: Difference) -> str:
    if one.kind is not AnalysisKind.SCORECARD:
        return ""
    old, new = (f"{mean:.0%}" if mean is not None else "none" for mean in (one.old_scores.mean, one.new_scores.mean))
    return f"; mean score {old} -> {new}"


def _facts(one: Difference) -> dict[str, Any]:
    return {
        "name": one.name,
        "kind": one.kind,
        "version": one.version,
        "before": dict(one.before),
        "calls": one.counts.total(),
        **{change.value: one.counts[change] for change in Change},
        "examples": {change.value: names for change, names in one.examples.items()},
        "mean_before": one.old_scores.mean if one.kind is AnalysisKind.SCORECARD else None,
        "mean_after": one.new_scores.mean if one.kind is AnalysisKind.SCORECARD else None,
    }

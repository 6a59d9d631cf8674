"""How long what is kept of a call may stay: a decision that follows from rules, holds and the time alone.

Of the rules that fit, the most specific decides: the one that names most of queue, tag and jurisdiction. Among equals
the shortest does. Where no rule fits, the default decides, and without a default nothing is deleted. A hold in force
beats all of it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from compliance.errors import RetentionError
from compliance.types import CallFacts, Hold, Kind, Scope

_DURATION = re.compile(r"(\d{1,5}) (day|week|month|year)s?")
_KEYS = {"kind", "keep", "queue", "tag", "jurisdiction"}
_REMEDY = "A rule is [[rule]] with kind, keep and, if need be, queue, tag, jurisdiction; see configs/retention.toml"
_LAST_YEAR = 9_999


@dataclass(frozen=True, slots=True)
class Duration:
    """A time to keep something, in whole calendar months and days; None of both is for ever."""

    months: int | None
    days: int = 0

    @classmethod
    def parse(cls, text: str) -> Duration:
        """Read "90 days", "2 weeks", "18 months", "6 years" or "forever". Raises RetentionError for others."""
        if text == "forever":
            return cls(None)
        found = _DURATION.fullmatch(text)
        if not found:
            raise RetentionError(
                f"{text!r} is no time to keep something",
                'Write "90 days", "2 weeks", "18 months", "6 years", "forever"',
            )
        count, unit = int(found[1]), found[2]
        months, days = {"day": (0, 1), "week": (0, 7), "month": (1, 0), "year": (12, 0)}[unit]
        return cls(count * months, count * days)

    def __str__(self) -> str:
        """As it may be written in rules.

        >>> str(Duration.parse("6 years")), str(Duration.parse("2 weeks")), str(Duration(None))
        ('6 years', '14 days', 'forever')
        """
        if self.months is None:
            return "forever"
        if self.days:
            return f"{self.days} days"
        return f"{self.months // 12} years" if self.months and self.months % 12 == 0 else f"{self.months} months"

    def after(self, start: datetime) -> datetime | None:
        """When the time is over, counted from `start`; None is never. A day that a month lacks is the next month's 1st.

        >>> Duration.parse("1 year").after(datetime(2024, 2, 29))
        datetime.datetime(2025, 3, 1, 0, 0)
        """
        if self.months is None:
            return None
        years, month = divmod(start.month - 1 + self.months, 12)
        if start.year + years + self.days // 365 >= _LAST_YEAR:
            return None
        first = start.replace(year=start.year + years, month=month + 1, day=1)
        same = first + timedelta(days=start.day - 1)
        if same.month != first.month:
            same = same.replace(day=1)
        return same + timedelta(days=self.days)


@dataclass(frozen=True, slots=True)
class Rule:
    """Keep these kinds so long, of the calls that fit what is named; None fits all."""

    kinds: frozenset[Kind]
    keep: Duration
    queue: str | None = None
    tag: str | None = None
    jurisdiction: str | None = None

    @property
    def specificity(self) -> int:
        """How many of queue, tag and jurisdiction it names."""
        return sum(named is not None for named in (self.queue, self.tag, self.jurisdiction))

    def fits(self, kind: Kind, call: CallFacts) -> bool:
        """Whether it says anything of that kind of that call."""
        return (
            kind in self.kinds
            and self.queue in (None, call.queue)
            and (self.tag is None or self.tag in call.tags)
            and self.jurisdiction in (None, call.jurisdiction)
        )

    def __str__(self) -> str:
        """The rule as a reason: its kinds and what it names."""
        named = [f"{name}={value}" for name in ("queue", "tag", "jurisdiction") if (value := getattr(self, name))]
        return " ".join([f"rule {'+'.join(sorted(self.kinds))}", *named])


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules, and what is done where none fits: None deletes nothing."""

    rules: tuple[Rule, ...] = ()
    default: Duration | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Whether to delete now. `due_at` is when the rules would, None for never; `why` names what decided."""

    delete: bool
    due_at: datetime | None
    why: str


def decide(kind: Kind, call: CallFacts, policy: Policy, holds: Iterable[Hold], now: datetime) -> Decision:
    """Say whether what is kept of this kind of a call is to be deleted at `now` (aware)."""
    keep, why = _keep(kind, call, policy)
    due_at = None if keep is None else keep.after(call.began_at)
    hold = held_by(call, holds, now)
    if hold is not None:
        return Decision(delete=False, due_at=due_at, why=f"hold {hold.id}")
    return Decision(delete=due_at is not None and now >= due_at, due_at=due_at, why=why)


def held_by(call: CallFacts, holds: Iterable[Hold], now: datetime) -> Hold | None:
    """The first hold in force that covers the call, or None."""
    return next((hold for hold in holds if in_force(hold, now) and _covers(hold, call)), None)


def in_force(hold: Hold, now: datetime) -> bool:
    """Whether a hold is neither released nor over."""
    return hold.released_at is None and (hold.until is None or now < hold.until)


def audit_keep(policy: Policy) -> Duration | None:
    """How long audit events stay; None is for ever. The trail is one chain, so it is the same for all."""
    rules = [rule.keep for rule in policy.rules if Kind.AUDIT in rule.kinds]
    start = datetime(2000, 1, 1, tzinfo=UTC)
    ending = [keep for keep in rules if keep.months is not None]
    if ending:
        return min(ending, key=lambda keep: keep.after(start) or datetime.max.replace(tzinfo=UTC))
    return None if rules else policy.default


def _keep(kind: Kind, call: CallFacts, policy: Policy) -> tuple[Duration | None, str]:
    fitting = [rule for rule in policy.rules if rule.fits(kind, call)]
    if not fitting:
        return policy.default, "no rule" if policy.default is None else "default"
    most = max(rule.specificity for rule in fitting)

    def ends(rule: Rule) -> tuple[bool, datetime]:
        end = rule.keep.after(call.began_at)
        return end is None, end or call.began_at

    shortest = min((rule for rule in fitting if rule.specificity == most), key=ends)
    return shortest.keep, str(shortest)


def _covers(hold: Hold, call: CallFacts) -> bool:
    named = {Scope.CALL: call.sha256, Scope.CALLER: call.caller, Scope.AGENT: call.agent, Scope.QUEUE: call.queue}
    value = named[hold.scope]
    return value is not None and value.strip().casefold() == hold.value.strip().casefold()


def parse(text: str, origin: str) -> Policy:
    """Read rules written as TOML. Raises RetentionError, which names `origin`, for what is not understood."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RetentionError(f"{origin} is not TOML: {error}", _REMEDY) from error
    if unknown := set(tables) - {"default", "rule"}:
        raise RetentionError(f"{origin} has {', '.join(sorted(unknown))}, which is not known", _REMEDY)
    rules = tables.get("rule", [])
    if not isinstance(rules, list):
        raise RetentionError(f"{origin} has a [rule] where [[rule]] is wanted", _REMEDY)
    default = tables.get("default")
    return Policy(
        tuple(_rule(rule, f"rule {number} of {origin}") for number, rule in enumerate(rules, start=1)),
        None if default is None else _duration(default, f"default of {origin}"),
    )


def _rule(rule: Mapping[str, object], where: str) -> Rule:
    if unknown := set(rule) - _KEYS:
        raise RetentionError(f"{where} has {', '.join(sorted(unknown))}, which is not known", _REMEDY)
    named = {name: _text(rule[name], name, where) for name in ("queue", "tag", "jurisdiction") if name in rule}
    kinds = _kinds(rule.get("kind"), where)
    if Kind.AUDIT in kinds and named:
        raise RetentionError(f"{where} keeps the audit trail by {', '.join(named)}", "It is one chain: name kind alone")
    return Rule(kinds, _duration(rule.get("keep"), where), **named)


def _kinds(value: object, where: str) -> frozenset[Kind]:
    names = value if isinstance(value, list) else [value]
    known = {kind.value: kind for kind in Kind}
    kinds = frozenset(known[name] for name in names if isinstance(name, str) and name in known)
    if not names or len(kinds) < len(names):
        raise RetentionError(f"{where} names no kind that is known", f"Known kinds: {', '.join(sorted(known))}")
    return kinds


def _text(value: object, name: str, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise RetentionError(f"{where} has a {name} that is no text", _REMEDY)
    return value


def _duration(value: object, where: str) -> Duration:
    if not isinstance(value, str):
        raise RetentionError(f"{where} does not say how long to keep", _REMEDY)
    try:
        return Duration.parse(value)
    except RetentionError as error:
        raise RetentionError(f"{where}: {error.reason}", error.remedy) from None


def due(
    kinds: Sequence[Kind], call: CallFacts, policy: Policy, holds: Sequence[Hold], now: datetime
) -> dict[Kind, str]:
    """The kinds to be deleted now, each with what decided it."""
    decisions = {kind: decide(kind, call, policy, holds, now) for kind in kinds}
    return {kind: decision.why for kind, decision in decisions.items() if decision.delete}

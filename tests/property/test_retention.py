"""Relations that hold whatever the rules, the holds and the time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from compliance.retention import Duration, Policy, Rule, decide
from compliance.types import CallFacts, Hold, Kind, Scope

NAMES = st.sampled_from(["a", "b"])
TIMES = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis wants naive bounds
DURATIONS = st.builds(Duration, st.one_of(st.none(), st.integers(0, 300)), st.integers(0, 4_000))
KINDS = st.sampled_from([kind for kind in Kind if kind is not Kind.AUDIT])
RULES = st.builds(
    Rule,
    st.frozensets(KINDS, min_size=1),
    DURATIONS,
    st.one_of(st.none(), NAMES),
    st.one_of(st.none(), NAMES),
    st.one_of(st.none(), NAMES),
)
POLICIES = st.builds(Policy, st.lists(RULES, max_size=6).map(tuple), st.one_of(st.none(), DURATIONS))
CALLS = st.builds(CallFacts, st.sampled_from(["s1", "s2"]), TIMES, NAMES, NAMES, NAMES, NAMES, st.frozensets(NAMES))
HOLDS = st.builds(
    Hold,
    st.integers(1, 9),
    st.sampled_from(Scope),
    st.sampled_from(["a", "b", "s1", "s2"]),
    st.just("who"),
    st.just("why"),
    TIMES,
    st.one_of(st.none(), TIMES),
)


@given(KINDS, CALLS, POLICIES, st.lists(HOLDS, max_size=3), TIMES, st.integers(0, 40_000))
def test_what_is_deleted_stays_deleted(
    kind: Kind, call: CallFacts, policy: Policy, holds: list[Hold], now: datetime, days: int
) -> None:
    if decide(kind, call, policy, holds, now).delete:
        assert decide(kind, call, policy, holds, now + timedelta(days=days)).delete


@given(KINDS, CALLS, POLICIES, TIMES)
def test_a_hold_beats_every_rule(kind: Kind, call: CallFacts, policy: Policy, now: datetime) -> None:
    values = {Scope.CALL: call.sha256, Scope.CALLER: call.caller, Scope.AGENT: call.agent, Scope.QUEUE: call.queue}
    for scope, value in values.items():
        hold = Hold(1, scope, str(value), "who", "why", now)
        assert not decide(kind, call, policy, (hold,), now).delete


@given(KINDS, CALLS, st.lists(RULES, max_size=6), TIMES)
def test_nothing_without_a_rule_is_deleted_unless_a_default_says_so(
    kind: Kind, call: CallFacts, rules: list[Rule], now: datetime
) -> None:
    others = tuple(rule for rule in rules if not rule.fits(kind, call))
    assert not decide(kind, call, Policy(others), (), now).delete
    keep = Duration(0, 10)
    assert decide(kind, call, Policy(others, keep), (), now).due_at == call.began_at + timedelta(days=10)


@given(KINDS, CALLS, POLICIES, RULES, TIMES)
def test_a_rule_is_beaten_by_a_more_specific_one_or_by_a_shorter_equal_alone(
    kind: Kind, call: CallFacts, policy: Policy, rule: Rule, now: datetime
) -> None:
    before = decide(kind, call, policy, (), now).due_at
    after = decide(kind, call, Policy((*policy.rules, rule), policy.default), (), now).due_at
    fitting = [one for one in policy.rules if one.fits(kind, call)]
    most = max((one.specificity for one in fitting), default=-1)
    own = rule.keep.after(call.began_at)
    if not rule.fits(kind, call) or rule.specificity < most:
        assert after == before
    elif rule.specificity > most:
        assert after == own
    else:
        assert after == min((end for end in (before, own) if end is not None), default=None)


@given(DURATIONS, TIMES, TIMES)
def test_a_later_start_never_ends_earlier(keep: Duration, one: datetime, other: datetime) -> None:
    first, last = sorted([one, other])
    ends = keep.after(first), keep.after(last)
    if ends[0] is not None and ends[1] is not None:
        assert ends[0] <= ends[1]
        assert ends[0] >= first

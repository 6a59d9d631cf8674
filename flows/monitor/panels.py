"""What the dashboards show: each panel's questions to Prometheus. Series are named as in flows.metrics.Metric."""

from __future__ import annotations

import re
from dataclasses import dataclass

from flows.metrics import Metric

_NAMED = re.compile(r"\b([A-Z][A-Z_]+[A-Z])(_bucket|_sum|_count)?\b")
"""PromQL itself is written small."""

RATE = "$__rate_interval"
"""Grafana puts a time in place of it that holds four scrapes or more."""


@dataclass(frozen=True, slots=True)
class Query:
    """A question in PromQL, and what its answers are called."""

    promql: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """Some questions whose answers are drawn together; `unit` is Grafana's name of it. One `now` is a number."""

    title: str
    text: str
    unit: str
    queries: tuple[Query, ...]
    now: bool = False


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard."""

    name: str
    title: str
    panels: tuple[Panel, ...]


def promql(text: str) -> str:
    """PromQL with the full names of series in place of Metric's. Raises KeyError for one that there is not.

    >>> promql("sum(rate(STAGE_SECONDS_bucket[5m]))")
    'sum(rate(callwright_stage_seconds_bucket[5m]))'
    """
    return _NAMED.sub(lambda found: Metric[found[1]].full_name + (found[2] or ""), text)


def _line(title: str, text: str, unit: str, *queries: tuple[str, str]) -> Panel:
    return Panel(title, text, unit, tuple(Query(promql(asked), legend) for asked, legend in queries))


def _number(title: str, text: str, unit: str, asked: str) -> Panel:
    return Panel(title, text, unit, (Query(promql(asked)),), now=True)


def _quantiles(series: str) -> tuple[tuple[str, str], ...]:
    by_le = f"sum by (le) (rate({series}_bucket[{RATE}]))"
    return tuple((f"histogram_quantile(0.{share}, {by_le})", f"P{share}") for share in (50, 95, 99))


def _share(part: str, whole: str, by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({part}[{RATE}])) / sum{grouped} (rate({whole}[{RATE}]))"


_MEMORY = _line(
    "Memory in use", "Of the control group or machine.", "percentunit", ("max by (instance) (MEMORY)", "{{instance}}")
)
_QUARANTINED = _line(
    *("Quarantine", "Recordings that could not be done, by the stage that failed.", "short"),
    ("max by (stage) (QUARANTINED)", "{{stage}}"),
)

OVERVIEW = Board(
    "overview",
    "callwright: overview",
    (
        _number(
            "Audio hours per hour", "Recorded time published, over all machines.", "none", f"sum(rate(AUDIO[{RATE}]))"
        ),
        _number("Published in 24 h", "Calls.", "short", 'sum(increase(RECORDINGS_DONE{outcome="published"}[1d]))'),
        _number(
            *("Failing", "Share of recordings that were quarantined, in the last hour.", "percentunit"),
            'sum(rate(RECORDINGS_DONE{outcome="quarantined"}[1h])) '
            '/ sum(rate(RECORDINGS_DONE{outcome=~"published|quarantined"}[1h]))',
        ),
        _number("Since the last transcript", "Over all machines.", "s", "time() - max(LAST_PUBLISHED)"),
        _number("Price of an audio hour", "By [costs], over the last 50 calls.", "none", "max(COST)"),
        _number("Ledger", "1: every endpoint reads the database.", "none", "min(LEDGER_UP)"),
        _line(
            "Waiting",
            "What is seen and not settled, known and not done.",
            "short",
            ("max by (queue) (QUEUE_DEPTH)", "{{queue}}"),
        ),
        _line("Oldest that waits", "Since it was seen.", "s", ("max by (queue) (QUEUE_AGE)", "{{queue}}")),
        _line("Recordings", "By how far they have come.", "short", ("max by (state) (RECORDINGS)", "{{state}}")),
        _line("Recorded time", "By how far it has come.", "s", ("max by (state) (RECORDED)", "{{state}}")),
        _line(
            "Errors",
            "By stage and kind, tried again or not.",
            "short",
            (f"sum by (stage, kind) (increase(ERRORS[{RATE}])) > 0", "{{stage}} {{kind}}"),
        ),
        _line("Runs that ended", "By how.", "short", (f"sum by (state) (increase(RUNS[{RATE}]))", "{{state}}")),
        _MEMORY,
        _line("Free disk", "Where data folders lie.", "percentunit", ("min by (instance) (DISK)", "{{instance}}")),
    ),
)

THROUGHPUT = Board(
    "throughput",
    "callwright: throughput",
    (
        _line(
            *("Audio hours per hour", "Transcribed, as it is done, and published.", "none"),
            (f"sum(rate(TRANSCRIBED[{RATE}]))", "transcribed"),
            (f"sum(rate(AUDIO[{RATE}]))", "published"),
        ),
        _line("A call's time", "Wall time of all its stages.", "s", *_quantiles("CALL_SECONDS")),
        _line("Real-time factor", "That over its length; under 0.1 is wanted.", "none", *_quantiles("REALTIME")),
        _line(
            *("P95 by stage", "Wall time of a call's stages.", "s"),
            (f"histogram_quantile(0.95, sum by (le, stage) (rate(STAGE_SECONDS_bucket[{RATE}])))", "{{stage}}"),
        ),
        _line(
            "In hand",
            "Recordings under a lease, and processes at work.",
            "short",
            ("max(IN_HAND)", "recordings"),
            ("sum(PROCESSES)", "processes"),
        ),
        _line(
            "Batch occupancy",
            "Tokens decoded over what batches had room for.",
            "percentunit",
            (_share("TOKENS", "TOKEN_SLOTS", "stage"), "{{stage}}"),
        ),
        _line(
            "Padding waste",
            "Share of encoded audio that was padding.",
            "percentunit",
            (_share("PADDING", "ENCODED", "stage"), "{{stage}}"),
        ),
        _line(
            "Tokens per second",
            "Fed to decoders, prompts included.",
            "short",
            (f"sum by (stage) (rate(TOKENS[{RATE}]))", "{{stage}}"),
        ),
        _line(
            "Windows per second", "Heard by engines.", "short", (f"sum by (stage) (rate(WINDOWS[{RATE}]))", "{{stage}}")
        ),
        _line(
            *("Language model: tokens per second", "Of questions and of answers, by what was asked for.", "short"),
            (f"sum by (purpose) (rate(LLM_READ[{RATE}]))", "{{purpose}}: read"),
            (f"sum by (purpose) (rate(LLM_WRITTEN[{RATE}]))", "{{purpose}}: written"),
        ),
        _line(
            *("Language model: time of an answer", "With its wait in the server's queue.", "s"),
            (_share("LLM_SECONDS", "LLM_ANSWERS", "purpose"), "{{purpose}}"),
        ),
        _line("Engine", "Seconds of its threads, by part.", "s", (f"sum by (part) (rate(ENGINE[{RATE}]))", "{{part}}")),
        _line("CPU by stage", "Cores kept busy.", "none", (f"sum by (stage) (rate(CPU[{RATE}]))", "{{stage}}")),
        _line(
            "CPU time of an audio hour",
            "By stage, over the last 50 calls.",
            "s",
            ("max by (stage) (CPU_PER_HOUR)", "{{stage}}"),
        ),
        _MEMORY,
        _line(
            "Resident memory", "Of callwright's processes.", "bytes", ("sum by (instance) (RESIDENT)", "{{instance}}")
        ),
        _line(
            "GPU memory in use",
            "0 without a GPU.",
            "percentunit",
            ("sum(GPU_USED) / sum(GPU_MEMORY) or vector(0)", "used"),
            ("sum(GPUS)", "GPUs"),
        ),
        _line(
            "Out of memory",
            "Batches that were halved.",
            "short",
            (f"sum by (stage) (increase(HALVED[{RATE}]))", "{{stage}}"),
        ),
        _line(
            "Throttled",
            "Share of time that a CPU quota held work up; 0 without one.",
            "percentunit",
            (f"max by (instance) (rate(THROTTLED[{RATE}])) or vector(0)", "{{instance}}"),
        ),
    ),
)

QUALITY = Board(
    "quality",
    "callwright: quality",
    (
        _line(
            "Word error rate",
            "On corrected calls; empty until `callwright correct` has kept one.",
            "percentunit",
            ("max by (model) (WER)", "{{model}}"),
        ),
        _line(
            "Drift",
            "Over 1 is flagged; empty until weeks of calls were measured.",
            "none",
            ("max by (signal) (DRIFT)", "{{signal}}"),
        ),
        _line("Confidence", "Mean of words, over the last 50 calls.", "percentunit", ("max(CONFIDENCE)", "confidence")),
        _line("Doubtful words", "Confidence under 0.5, likewise.", "percentunit", ("max(DOUBTFUL)", "doubtful")),
        _line("Speech without words", "Share of speech, likewise.", "percentunit", ("max(WORDLESS)", "without words")),
        _line(
            "Words",
            "A minute of audio.",
            "none",
            (f"60 * sum(rate(WORDS[{RATE}])) / sum(rate(AUDIO[{RATE}]))", "words"),
        ),
        _line(
            "Guards",
            "What was done against invented words, an hour of audio.",
            "short",
            (
                f"3600 * sum by (guard) (rate(GUARDED[{RATE}])) / on() group_left() sum(rate(AUDIO[{RATE}]))",
                "{{guard}}",
            ),
        ),
        _line(
            "Redactions",
            "An hour of audio.",
            "short",
            (f"3600 * sum(rate(REDACTIONS[{RATE}])) / sum(rate(AUDIO[{RATE}]))", "redactions"),
        ),
        _line(
            *("Summaries by a model", "Made and failed.", "short"),
            (f"sum(increase(SUMMARISED[{RATE}]))", "made"),
            (f"sum(increase(UNSUMMARISED[{RATE}]))", "failed"),
        ),
        _QUARANTINED,
    ),
)

COMPLIANCE = Board(
    "compliance",
    "callwright: compliance",
    (
        _number("Audit trail", "What is wrong with it; 0 is sound.", "short", "max(AUDIT_FAULTS)"),
        _number(
            "Redactions not verified",
            "In 24 h; these calls are in quarantine.",
            "short",
            "sum(increase(UNVERIFIED[1d]))",
        ),
        _number(
            "Faults found later", "Calls in which verify-redaction last found faults.", "short", "max(RECHECK_FAULTS)"
        ),
        _number("Over its time", "Not held, and still there.", "short", "sum(max by (kind) (RETENTION_DUE))"),
        _number(
            "Since these were checked",
            "`callwright metrics` does so every metrics.check_every_s.",
            "s",
            "time() - max(CHECKED)",
        ),
        _number("Erasures begun", "And not done.", "short", "max(ERASURES_OPEN)"),
        _line(
            "Over its time, by kind",
            "Not held, and still there.",
            "short",
            ("max by (kind) (RETENTION_DUE)", "{{kind}}"),
        ),
        _line(
            *("Longest overdue", "What is over its time; and erasures that were begun.", "s"),
            ("max(RETENTION_AGE)", "over its time"),
            ("max(ERASURES_AGE)", "erasure"),
        ),
        _line(
            "Redactions not verified, by stage",
            "redact: in the text; prove: in the sound.",
            "short",
            (f"sum by (stage) (increase(UNVERIFIED[{RATE}]))", "{{stage}}"),
        ),
        _line("Audit events", "The number of the last.", "short", ("max(AUDIT_EVENTS)", "events")),
        _QUARANTINED,
        _line("Spans removed", "A second.", "short", (f"sum(rate(REDACTIONS[{RATE}]))", "redactions")),
    ),
)

BOARDS = (OVERVIEW, THROUGHPUT, QUALITY, COMPLIANCE)

"""What is measured: names, units and labels of all series, in one place. docs/metrics.md has the same as a table.

Labels take few values, all known beforehand, and none that is of a call: no id, name or text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, StrEnum

from compliance.types import Kind
from storage.types import RecordingState, RunState

PREFIX = "callwright_"


class Shape(StrEnum):
    """What a series is to Prometheus."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Unit(StrEnum):
    """What a value counts; all but `NUMBER` and `PRICE` are in the name."""

    SECONDS = "seconds"
    BYTES = "bytes"
    RATIO = "ratio"
    NUMBER = "number"
    PRICE = "costs.currency"


class Home(StrEnum):
    """Where a value comes from, and so which endpoints tell it."""

    WORK = "work"
    """What the processes of this machine and data folder have done, those that have ended included."""
    LEDGER = "ledger"
    """The database, read when somebody asks: every endpoint of every machine tells the same."""
    CHECK = "check"
    """The ledger too, but by `callwright metrics` alone, and seldom: it goes through all of it."""
    MACHINE = "machine"
    """This machine as it is now."""


class Stage(StrEnum):
    """A stage of a call, as in the names of tasks."""

    CLAIM = "claim"
    PREPARE = "prepare"
    TRANSCRIBE = "transcribe"
    ASSEMBLE = "assemble"
    REDACT = "redact"
    BLEEP = "bleep"
    PROVE = "prove"
    SUMMARISE = "summarise"
    PUBLISH = "publish"


class Outcome(StrEnum):
    """What came of a recording in a group."""

    PUBLISHED = "published"
    QUARANTINED = "quarantined"
    ELSEWHERE = "elsewhere"
    """Another worker had it in hand, or took it over."""


class ErrorKind(StrEnum):
    """What sort of error it was: asr.errors, and faults of ours."""

    SKIPPABLE = "skippable"
    UNPROVEN = "unproven"
    """A redaction that could not be verified: compliance.errors.UnprovenError."""
    RETRYABLE = "retryable"
    FATAL = "fatal"
    FAULT = "fault"
    """Anything else: a bug."""


class Part(StrEnum):
    """A part of what an engine does."""

    MEL = "mel"
    ENCODE = "encode"
    DECODE = "decode"
    ALIGN = "align"


class Queue(StrEnum):
    """What waits."""

    ARRIVALS = "arrivals"
    """Files and objects that were seen and are not settled."""
    RECORDINGS = "recordings"
    """Recordings that are known and not done."""


class Guard(StrEnum):
    """What guards against invented words count: asr.types.GuardCounts tells what each is."""

    AWAY = "away"
    LOOPS = "loops"
    RUSHED = "rushed"
    SUBTITLES = "subtitles"
    SILENCED = "silenced"
    SAMPLED = "sampled"
    RETRIED = "retried"
    RECOVERED = "recovered"
    UNHEARD = "unheard"


class Purpose(StrEnum):
    """What a language model is asked for."""

    SUMMARY = "summary"
    QUESTION = "question"
    """Of an analysis."""
    REDACTION = "redaction"
    """By the second reader."""


class Label(Enum):
    """A label's name, and the values that it takes; None where settings or hardware say which."""

    STAGE = ("stage", Stage)
    OUTCOME = ("outcome", Outcome)
    ERROR = ("kind", ErrorKind)
    PART = ("part", Part)
    GUARD = ("guard", Guard)
    PURPOSE = ("purpose", Purpose)
    RUN_STATE = ("state", RunState)
    STATE = ("state", RecordingState)
    QUEUE = ("queue", Queue)
    KEPT = ("kind", Kind)
    CURRENCY = ("currency", None)
    GPU = ("gpu", None)
    MODEL = ("model", None)
    SIGNAL = ("signal", None)
    VERSION = ("version", None)

    def __init__(self, label: str, values: type[StrEnum] | None) -> None:
        self.label = label
        self.values = values


@dataclass(frozen=True, slots=True)
class Series:
    """One series: what it is called without the prefix, what it is, and in a sentence what it says."""

    name: str
    shape: Shape
    unit: Unit
    home: Home
    labels: tuple[Label, ...]
    text: str
    buckets: tuple[float, ...] = ()


_STAGE_S = (0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""From an empty call's redaction to an hour's transcription on one core."""

_REALTIME = (0.005, 0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0, 2.0)
"""The field wants less than 0.1."""


def _work(
    name: str, unit: Unit, text: str, *labels: Label, shape: Shape = Shape.COUNTER, buckets: tuple[float, ...] = ()
) -> Series:
    return Series(name, shape, unit, Home.WORK, labels, text, buckets)


def _gauge(name: str, unit: Unit, home: Home, text: str, *labels: Label) -> Series:
    return Series(name, Shape.GAUGE, unit, home, labels, text)


def _spread(name: str, unit: Unit, text: str, buckets: tuple[float, ...], *labels: Label) -> Series:
    return _work(name, unit, text, *labels, shape=Shape.HISTOGRAM, buckets=buckets)


class Metric(Enum):
    """All that is measured."""

    STAGE_SECONDS = _spread(
        *("stage_seconds", Unit.SECONDS, "Wall time of a stage for one published call, its share of shared work."),
        *(_STAGE_S, Label.STAGE),
    )
    CALL_SECONDS = _spread("call_seconds", Unit.SECONDS, "Wall time of all stages for one published call.", _STAGE_S)
    REALTIME = _spread(
        "realtime_ratio", Unit.RATIO, "Wall time of all stages for one call over its length (RTF).", _REALTIME
    )
    AUDIO = _work("audio_seconds_total", Unit.SECONDS, "Recorded time of published calls.")
    TRANSCRIBED = _work("transcribed_seconds_total", Unit.SECONDS, "Recorded time transcribed, told as it is done.")
    RECORDINGS_DONE = _work("recordings_done_total", Unit.NUMBER, "What came of recordings in groups.", Label.OUTCOME)
    REDACTIONS = _work("redactions_total", Unit.NUMBER, "Spans that were removed from published calls.")
    WORDS = _work("words_total", Unit.NUMBER, "Words of published calls.")
    ERRORS = _work("errors_total", Unit.NUMBER, "Errors, tried again or not.", Label.STAGE, Label.ERROR)
    UNVERIFIED = _work(
        "verification_failures_total", Unit.NUMBER, "Redactions that could not be verified.", Label.STAGE
    )
    CPU = _work(
        "cpu_seconds_total", Unit.SECONDS, "CPU time of all threads while a stage worked, for all calls.", Label.STAGE
    )
    WINDOWS = _work("windows_total", Unit.NUMBER, "Windows that engines heard.", Label.STAGE)
    ENCODED = _work("encoded_seconds_total", Unit.SECONDS, "Audio that encoders took in, with padding.", Label.STAGE)
    PADDING = _work("padding_seconds_total", Unit.SECONDS, "Of that, what was only padding.", Label.STAGE)
    TOKENS = _work("tokens_total", Unit.NUMBER, "Tokens fed to decoders, prompts included.", Label.STAGE)
    TOKEN_SLOTS = _work("token_slots_total", Unit.NUMBER, "Tokens that decoders' batches had room for.", Label.STAGE)
    ENGINE = _work("engine_seconds_total", Unit.SECONDS, "Time of engines' threads, added up.", Label.STAGE, Label.PART)
    HALVED = _work("batches_halved_total", Unit.NUMBER, "Batches halved because memory ran out.", Label.STAGE)
    GUARDED = _work("guard_actions_total", Unit.NUMBER, "What guards against invented words did.", Label.GUARD)
    SUMMARISED = _work("summaries_total", Unit.NUMBER, "Calls that a language model summarised.")
    UNSUMMARISED = _work("summary_failures_total", Unit.NUMBER, "Calls that a language model failed to summarise.")
    LLM_ANSWERS = _work(
        "llm_answers_total", Unit.NUMBER, "Answers of language models, unreadable ones included.", Label.PURPOSE
    )
    LLM_SECONDS = _work(
        "llm_seconds_total", Unit.SECONDS, "Time that they took, of all at once added up.", Label.PURPOSE
    )
    LLM_READ = _work(
        "llm_prompt_tokens_total", Unit.NUMBER, "Tokens of the questions, as servers count them.", Label.PURPOSE
    )
    LLM_WRITTEN = _work(
        "llm_completion_tokens_total", Unit.NUMBER, "Tokens of the answers, as servers count them.", Label.PURPOSE
    )
    RUNS = _work("runs_total", Unit.NUMBER, "Runs that ended, by how.", Label.RUN_STATE)

    LEDGER_UP = _gauge("ledger_up", Unit.NUMBER, Home.LEDGER, "1 if the database could be read, else 0.")
    RECORDINGS = _gauge("recordings", Unit.NUMBER, Home.LEDGER, "Recordings.", Label.STATE)
    RECORDED = _gauge("recorded_seconds", Unit.SECONDS, Home.LEDGER, "Recorded time, as far as known.", Label.STATE)
    QUEUE_DEPTH = _gauge("queue_depth", Unit.NUMBER, Home.LEDGER, "What waits.", Label.QUEUE)
    QUEUE_AGE = _gauge("queue_age_seconds", Unit.SECONDS, Home.LEDGER, "How long the oldest waits.", Label.QUEUE)
    IN_HAND = _gauge("in_hand", Unit.NUMBER, Home.LEDGER, "Recordings that a worker has a lease of.")
    QUARANTINED = _gauge(
        "quarantined", Unit.NUMBER, Home.LEDGER, "Recordings in quarantine, by the stage that failed.", Label.STAGE
    )
    LAST_SEEN = _gauge(
        "last_seen_timestamp_seconds", Unit.SECONDS, Home.LEDGER, "When a recording was last seen for the first time."
    )
    LAST_PUBLISHED = _gauge(
        "last_published_timestamp_seconds", Unit.SECONDS, Home.LEDGER, "When a transcript was last published."
    )
    CONFIDENCE = _gauge(
        "confidence_ratio", Unit.RATIO, Home.LEDGER, "Mean confidence of words, over the last published calls."
    )
    DOUBTFUL = _gauge(
        "doubtful_words_ratio", Unit.RATIO, Home.LEDGER, "Share of words with confidence under 0.5, likewise."
    )
    WORDLESS = _gauge(
        "speech_without_words_ratio", Unit.RATIO, Home.LEDGER, "Share of speech in which no word was heard, likewise."
    )
    CPU_PER_HOUR = _gauge(
        *("cpu_seconds_per_audio_hour", Unit.SECONDS, Home.LEDGER, "CPU time for an hour of audio, likewise."),
        Label.STAGE,
    )
    COST = _gauge(
        *("cost_per_audio_hour", Unit.PRICE, Home.LEDGER, "Price of an hour of audio by [costs], likewise."),
        Label.CURRENCY,
    )
    ERASURES_OPEN = _gauge("erasures_open", Unit.NUMBER, Home.LEDGER, "Erasures that were begun and are not done.")
    ERASURES_AGE = _gauge("erasures_age_seconds", Unit.SECONDS, Home.LEDGER, "How long ago the oldest was begun.")
    AUDIT_EVENTS = _gauge("audit_events", Unit.NUMBER, Home.LEDGER, "Number of the last event in the audit trail.")
    WER = _gauge("wer_ratio", Unit.RATIO, Home.CHECK, "Word error rate on corrected calls.", Label.MODEL)
    DRIFT = _gauge(
        "drift_score", Unit.NUMBER, Home.CHECK, "How far a signal is from its baseline; flagged over 1.", Label.SIGNAL
    )

    RETENTION_DUE = _gauge(
        "retention_due", Unit.NUMBER, Home.CHECK, "What is over its time, not held, and still there.", Label.KEPT
    )
    RETENTION_AGE = _gauge(
        "retention_overdue_seconds", Unit.SECONDS, Home.CHECK, "How long the longest is over its time."
    )
    AUDIT_FAULTS = _gauge("audit_faults", Unit.NUMBER, Home.CHECK, "What is wrong with audit trail and anchors.")
    RECHECK_FAULTS = _gauge(
        "recheck_faulty_calls", Unit.NUMBER, Home.CHECK, "Calls in which verify-redaction last found faults."
    )
    CHECKED = _gauge("checked_timestamp_seconds", Unit.SECONDS, Home.CHECK, "When these four were last looked at.")

    BUILD = _gauge("build_info", Unit.NUMBER, Home.MACHINE, "1; which version this is.", Label.VERSION)
    PROCESSES = _gauge("processes", Unit.NUMBER, Home.MACHINE, "Processes of callwright at work.")
    RESIDENT = _gauge("resident_bytes", Unit.BYTES, Home.MACHINE, "Their resident memory.")
    MEMORY = _gauge(
        "memory_used_ratio", Unit.RATIO, Home.MACHINE, "Memory in use over what the control group or machine has."
    )
    THROTTLED = _gauge(
        "cpu_throttled_seconds", Unit.SECONDS, Home.MACHINE, "How long the control group's CPU quota held work up."
    )
    DISK = _gauge("disk_free_ratio", Unit.RATIO, Home.MACHINE, "Free space where the data folder lies.")
    GPUS = _gauge("gpus", Unit.NUMBER, Home.MACHINE, "GPUs that nvidia-smi tells of.")
    GPU_USED = _gauge("gpu_memory_used_bytes", Unit.BYTES, Home.MACHINE, "GPU memory in use.", Label.GPU)
    GPU_MEMORY = _gauge("gpu_memory_bytes", Unit.BYTES, Home.MACHINE, "GPU memory.", Label.GPU)

    @property
    def full_name(self) -> str:
        """The series' name, as queries have it."""
        return PREFIX + self.value.name


@dataclass(frozen=True, slots=True)
class Reading:
    """One value of a gauge, with the values of its labels in their order."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


def table() -> str:
    """All series as the table of docs/metrics.md."""
    lines = ["| series | is a | unit | labels | from | what it says |", "|---|---|---|---|---|---|"]
    for metric in Metric:
        one = metric.value
        labels = ", ".join(f"`{label.label}`" for label in one.labels)
        lines.append(f"| `{metric.full_name}` | {one.shape} | {one.unit} | {labels} | {one.home} | {one.text} |")
    return "\n".join(lines) + "\n"


def label_table() -> str:
    """All labels as the second table of docs/metrics.md."""
    lines = ["| label | of | values |", "|---|---|---|"]
    for label in Label:
        its = ", ".join(f"`{metric.full_name}`" for metric in Metric if label in metric.value.labels)
        values = "as settings or hardware say" if label.values is None else ", ".join(f"`{v}`" for v in label.values)
        lines.append(f"| `{label.label}` | {its} | {values} |")
    return "\n".join(lines) + "\n"

"""What can be set of the service that goes on by itself: its pool of workers, its limits and its schedules."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_SCHEDULE = r"^(|every [1-9][0-9]* ?(s|min|h)|\S+( \S+){4})$"


class ServiceOptions(BaseModel):
    """What is to be done where, and by how many at once: docs/service.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: tuple[str, ...] = Field(
        (),
        description="What is looked after: folders, s3://bucket/prefix, URLs of SQS queues. No credentials in them.",
        json_schema_extra={"source": "none"},
    )
    pool: str = Field(
        "callwright",
        min_length=1,
        description="Name of Prefect's work pool.",
        json_schema_extra={"source": "callwright"},
    )
    pool_type: Literal["process", "docker", "kubernetes"] = Field(
        "process",
        description="How workers of the pool run a flow: as a process of theirs, or each in a container.",
        json_schema_extra={"source": "callwright: a process needs nothing but an installed callwright"},
    )
    image: str = Field(
        "",
        description="Container image with callwright in it, for pool_type = docker or kubernetes.",
        json_schema_extra={"source": "none"},
    )
    volumes: tuple[str, ...] = Field(
        (),
        description="What containers mount, HOST:CONTAINER, for pool_type = docker; settings and credentials too.",
        json_schema_extra={"source": "none"},
    )
    secret: str = Field(
        "callwright",
        description="Kubernetes secret whose entries are the containers' environment, for pool_type = kubernetes.",
        json_schema_extra={"source": "callwright: credentials never pass through Prefect"},
    )
    watchers: int = Field(
        1,
        ge=1,
        description="So many runs of ingest-watch go on at once, over all machines.",
        json_schema_extra={"source": "callwright: as many as there are machines"},
    )
    cpu_asr: int = Field(
        0,
        ge=0,
        description="So many groups are transcribed on CPUs at once, over all machines; 0 sets no limit.",
        json_schema_extra={"source": "callwright: each worker does one run at a time, which is limit enough for most"},
    )
    gpu_asr: int = Field(
        0,
        ge=0,
        description="So many groups are transcribed on GPUs at once, over all machines; 0 sets no limit.",
        json_schema_extra={"source": "callwright"},
    )
    llm: int = Field(
        0,
        ge=0,
        description="So many workers ask a language model for summaries at once, over all machines; 0 sets no limit.",
        json_schema_extra={"source": "callwright: as many as its server serves"},
    )
    alert_url: str = Field(
        "",
        repr=False,
        description="Web hook that is told of runs that failed, as JSON with a text; empty tells nobody.",
        json_schema_extra={"source": "Slack's incoming web hooks take the same", "secret": True},
    )
    task_runner: Literal["threads", "processes", "dask", "ray"] = Field(
        "threads",
        description="Where the groups of a run are done: one after another in the run's process, by threads; in "
        "several processes; or by Dask or Ray (extras `dask` and `ray`).",
        json_schema_extra={"source": "callwright: an engine has the cores of a machine busy by itself"},
    )
    processes: int = Field(
        2,
        ge=1,
        description="So many groups are done at once, for every task_runner but threads; each process loads models.",
        json_schema_extra={"source": "callwright"},
    )
    cluster: str = Field(
        "",
        description="Address of a running Dask or Ray cluster; empty starts one on this machine for each run.",
        json_schema_extra={"source": "none"},
    )

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        """Refuse containers without an image before a flow is to run in one."""
        if self.pool_type != "process" and not self.image:
            raise ValueError(f"pool_type is {self.pool_type}, and image names none")
        return self


class QualityOptions(BaseModel):
    """How what was heard is watched without references: docs/quality.md."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    sample: float = Field(
        0.02,
        ge=0.0,
        le=1.0,
        description="Share of calls, chosen by their hash, of which a minute is heard by a second model too.",
        json_schema_extra={"source": "callwright: a thousandth of the time, and 20 calls of 1,000"},
    )
    second: str = Field(
        "whisper-tiny.en",
        description="Id of the second model; it is used only where it is on this machine, and never fetched for this.",
        json_schema_extra={"source": "callwright: a fifth of the cost of whisper-base"},
    )
    trunk: str = Field(
        "trunk",
        min_length=1,
        description="Field of a call's metadata that tells by which trunk it came.",
        json_schema_extra={"source": "callwright"},
    )
    baseline_days: int = Field(
        28,
        ge=7,
        le=366,
        description="So many days before are what calls are held against; whole weeks, since weekdays differ.",
        json_schema_extra={"source": "callwright: four weeks"},
    )
    false_alarms_per_month: float = Field(
        0.5,
        gt=0.0,
        le=10.0,
        description="So many days of 30 at most are to be flagged by chance, over all groups and figures together.",
        json_schema_extra={"source": "callwright: tests/benchmarks/drift.py measures fewer"},
    )


class ScheduleOptions(BaseModel):
    """When the service's flows run by themselves: five fields of cron, "every 30 s", "every 5 min", or empty: never."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: str = Field(
        "UTC",
        description="Time zone of the fields of cron, such as Europe/Berlin.",
        json_schema_extra={"source": "callwright"},
    )
    ingest_watch: str = Field(
        "*/5 * * * *",
        pattern=_SCHEDULE,
        description="When what came in to service.sources is done; `callwright up` has a watcher in its place.",
        json_schema_extra={"source": "callwright: loading the models takes seconds"},
    )
    process_calls: str = Field(
        "",
        pattern=_SCHEDULE,
        description="When what failed below the folders among service.sources is tried again.",
        json_schema_extra={"source": "callwright: what failed once does so again, until something changed"},
    )
    retention_sweep: str = Field(
        "0 3 * * *",
        pattern=_SCHEDULE,
        description="When what is over its time is erased.",
        json_schema_extra={"source": "callwright: at night"},
    )
    quality_weekly: str = Field(
        "0 6 * * 1",
        pattern=_SCHEDULE,
        description="When the report on how well calls were heard in the seven days before is written.",
        json_schema_extra={"source": "callwright: on Monday morning"},
    )
    quality_monthly: str = Field(
        "0 6 1 * *",
        pattern=_SCHEDULE,
        description="When the report on how well calls were heard in the month before is written.",
        json_schema_extra={"source": "callwright: on the first of the month"},
    )
    backfill: str = Field(
        "",
        pattern=_SCHEDULE,
        description="When calls that older settings made are made again.",
        json_schema_extra={"source": "callwright: after a change of model or settings, by hand"},
    )


class PromotionOptions(BaseModel):
    """When `callwright promote` refuses a model or a setting, by what it hears of the corrected calls."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    min_words: int = Field(
        1_000,
        ge=1,
        description="Corrected calls of fewer words, as far as they can be scored, are too few to promote anything on.",
        json_schema_extra={"source": "asr/card.py: on fewer words half a point is five words"},
    )
    max_wer_rise: float = Field(
        0.005,
        ge=0,
        le=1,
        description="Refused is what raises the word error rate by so much, as a share, or significantly by less.",
        json_schema_extra={"source": "asr/card.py: what roundings of the same weights differ by"},
    )
    max_deletion_rise: float = Field(
        0.005,
        ge=0,
        le=1,
        description="Refused is what raises the share of lost words by so much: fewer words can pass for fewer errors.",
        json_schema_extra={"source": "callwright"},
    )
    max_digit_wer_rise: float = Field(
        0.01,
        ge=0,
        le=1,
        description="Refused is what raises the error rate of digits by so much, where there are min_digits.",
        json_schema_extra={"source": "callwright: one digit of a hundred"},
    )
    min_digits: int = Field(
        100,
        ge=1,
        description="With fewer digits to be scored their error rate decides nothing; redaction takes most of them.",
        json_schema_extra={"source": "callwright: one digit is one point then"},
    )
    significance: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="Below so small a p of the matched pairs test more errors are a regression, however few.",
        json_schema_extra={"source": "NIST's usual level"},
    )


class MetricsOptions(BaseModel):
    """Where what is measured is told: docs/metrics.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    listen: str = Field(
        "",
        pattern=r"^(|[^\s:/]+:[0-9]{1,5}|\[[0-9a-fA-F:]+\]:[0-9]{1,5})$",
        description="HOST:PORT of an endpoint for Prometheus while `watch`, `run` or `up` work; empty for none.",
        json_schema_extra={"source": "none; 9464 is what OpenTelemetry's exporters for Prometheus take"},
    )
    textfile: str = Field(
        "",
        pattern=r"^(|.+\.prom)$",
        description="File for the textfile collector of Prometheus's node exporter, ending in .prom; empty for none.",
        json_schema_extra={"source": "none"},
    )
    push: str = Field(
        "",
        repr=False,
        description="URL of a pushgateway; empty for none.",
        json_schema_extra={"source": "none", "secret": True},
    )
    every_s: float = Field(
        15.0,
        ge=1.0,
        description="So often the textfile is written and the pushgateway told; the database is read no more often.",
        json_schema_extra={"source": "Prometheus scrapes every 15 s in its own example"},
    )
    check_every_s: float = Field(
        3_600.0,
        ge=1.0,
        description="So often `callwright metrics` goes through the audit trail and what is over its time.",
        json_schema_extra={"source": "callwright: it reads all of the database"},
    )


class CostOptions(BaseModel):
    """What machines cost, so that each call has a price. With both prices 0 it has none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu_hour: float = Field(
        0.0,
        ge=0.0,
        description="Price of an hour of CPU time: a machine's price per hour over its cores.",
        json_schema_extra={"source": "none"},
    )
    gpu_hour: float = Field(
        0.0,
        ge=0.0,
        description="Price of an hour of a GPU, which a call has while an engine on it hears the call.",
        json_schema_extra={"source": "none"},
    )
    currency: str = Field(
        "EUR",
        pattern=r"^[A-Z]{3}$",
        description="Currency of the prices, as in ISO 4217.",
        json_schema_extra={"source": "callwright"},
    )

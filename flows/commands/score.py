"""`callwright score`: how far transcripts are from what was said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from asr.errors import ConfigError
from asr.scoring.alignment import Step
from asr.scoring.matched_pairs import MatchedPairs
from asr.scoring.normalisation import PIPELINES, Pipeline, pipeline
from compliance.redactor import Redactor
from configs.settings import Settings
from flows import report
from flows.commands import options
from flows.commands.look import archive_of
from flows.scores.score_report import Scored, as_csv, as_html, facts_of, percent, rows, verdict, within
from flows.scores.scored_runs import Scorer
from flows.scores.scoring import DIMENSIONS, Figures, Method, compare, confusions, grouped
from flows.wiring import load_redactor, missing_redactor

_FOLDER = click.Path(path_type=Path)
_FILE = click.Path(dir_okay=False, path_type=Path)
_COUNTS = ("WER", "95 %", "sub", "del", "ins", "words", "unscored", "CER", "digits", "digit WER")
_SPEAKERS = ("cpWER", "tcpWER", "DER", "DER .25")
_COLUMNS = ("calls", *_COUNTS, *_SPEAKERS)
_CONFUSED = 10


@dataclass(frozen=True, slots=True)
class _Texts:
    """Folders of references and transcripts; None is the golden set, the database, and no other run."""

    reference: Path | None
    hypothesis: Path | None
    against: Path | None


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What to group by, and the files to write; None is not to."""

    by: tuple[str, ...]
    html: Path | None
    csv: Path | None


def _texts(command: options.Command) -> options.Command:
    """Give the command `texts`."""

    @click.option("--reference", type=_FOLDER, help="Folder of what was said; else the calls that were corrected.")
    @click.option("--hypothesis", type=_FOLDER, help="Folder of transcripts; else those that are published.")
    @click.option("--against", type=_FOLDER, help="Folder of another run's transcripts, to be compared with.")
    @wraps(command)
    def with_texts(
        *args: Any, reference: Path | None, hypothesis: Path | None, against: Path | None, **kwargs: Any
    ) -> Any:
        return command(*args, texts=_Texts(reference, hypothesis, against), **kwargs)

    return with_texts


def _method(command: options.Command) -> options.Command:
    """Give the command `method`. Raises ConfigError for phrases without a word."""

    @click.option("--normalise", type=click.Choice(list(PIPELINES)), default="whisper-english", show_default=True)
    @click.option("--keywords", type=_FILE, help="File of phrases, one a line, whose recall is told.")
    @wraps(command)
    def with_method(*args: Any, normalise: str, keywords: Path | None, **kwargs: Any) -> Any:
        how = pipeline(normalise)
        return command(*args, method=Method(how, _phrases(keywords, how) if keywords else ()), **kwargs)

    return with_method


def _wanted(command: options.Command) -> options.Command:
    """Give the command `wanted`. Raises ConfigError for what nothing is grouped by."""

    @click.option("--by", default=",".join(DIMENSIONS), show_default=True, help="What to group by, by commas.")
    @click.option("--html", type=_FILE, metavar="OUT.html", help="Write a page that shows every error in its place.")
    @click.option("--csv", type=_FILE, metavar="OUT.csv", help="Write a row for each group.")
    @wraps(command)
    def with_wanted(*args: Any, by: str, html: Path | None, csv: Path | None, **kwargs: Any) -> Any:
        wanted = tuple(name for name in by.split(",") if name)
        grouped((), wanted)
        return command(*args, wanted=_Wanted(wanted, html, csv), **kwargs)

    return with_wanted


@click.command(epilog="Example: callwright score --reference sample_audio --by channel,model --html score.html")
@_texts
@_method
@_wanted
@options.settings
@options.data_dir
@options.as_json
def score(texts: _Texts, method: Method, wanted: _Wanted, settings: Settings, data_dir: Path, *, as_json: bool) -> int:
    """Score transcripts against what was said: errors by kind, group and call.

    Words that redaction removed from either text are not scored. With --against, the matched pairs test tells whether
    two runs differ by more than chance. docs/scoring.md says what files look like and what every figure is. Exits with
    1 if a call that has a reference has no transcript.
    """
    archive = None if texts.reference and texts.hypothesis else archive_of(settings, data_dir)
    scorer = Scorer(method, lambda: _redactor(settings), archive)
    said = scorer.references(texts.reference)
    run = scorer.run(said, texts.hypothesis)
    other = scorer.run(said, texts.against) if texts.against else None
    scored = Scored(
        run,
        grouped(run.calls, wanted.by),
        method,
        compare(other.calls, run.calls) if other else None,
        str(texts.against or ""),
    )
    for path, write in ((wanted.html, as_html), (wanted.csv, as_csv)):
        if path:
            _write(path, write(scored))
    if as_json:
        report.print_json(_facts(scored))
    else:
        _print(scored, wanted)
    return 1 if run.left_out else 0


def _redactor(settings: Settings) -> Redactor:
    report.print_fetching(missing_redactor(settings))
    return load_redactor(settings)


def _phrases(path: Path, how: Pipeline) -> tuple[str, ...]:
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read as text in UTF-8", "Name a file of phrases, one a line") from error
    phrases = tuple(dict.fromkeys(line for line in lines if line))
    for number, phrase in enumerate(phrases, start=1):
        if not how.apply(phrase).split():
            raise ConfigError(f"phrase {number} of {path} has no word left when normalised", "Leave it out")
    return phrases


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}", "Name a file in a folder of yours") from error


def _facts(scored: Scored) -> dict[str, Any]:
    versus = scored.versus
    return {
        "normalisation": scored.method.pipeline.name,
        "total": facts_of(scored.total),
        "by": {by: {value: facts_of(one) for value, one in groups.items()} for by, groups in scored.groups.items()},
        "keywords": {phrase: asdict(count) for phrase, count in scored.total.keywords.items()},
        "confused": [
            {"said": step.reference, "heard": step.hypothesis, "times": times}
            for step, times in confusions(scored.run.shown, _CONFUSED)
        ],
        "versus": None if versus is None else {**asdict(versus), "against": scored.against},
        "left_out": scored.run.left_out,
    }


def _print(scored: Scored, wanted: _Wanted) -> None:
    told = [(f"{by} {value}".strip(), one) for by, value, one in rows(scored) if by != "call"]
    report.print_table(("group", *_COLUMNS), [_row(*one) for one in told], _COLUMNS)
    if "call" in scored.groups:
        click.echo("")
        calls = [_row(*one) for one in scored.groups["call"].items()]
        report.print_table(("call", *_COLUMNS), calls, _COLUMNS)
    click.echo(f"\nNormalisation {scored.method.pipeline.name}: {scored.method.pipeline.description}.")
    if confused := confusions(scored.run.shown, _CONFUSED):
        click.echo("Most frequent errors: " + ", ".join(_confusion(step, times) for step, times in confused))
    for phrase, count in scored.total.keywords.items():
        click.echo(
            f"Keyword {phrase!r}: said {count.said}, found {count.found} ({percent(count.recall)}), "
            f"heard where not said {count.invented}"
        )
    if scored.versus is not None:
        click.echo(_versus(scored.versus, scored.against))
    for name, why in scored.run.left_out.items():
        click.echo(f"Not scored: {name}: {why}", err=True)
    for path in (wanted.html, wanted.csv):
        if path:
            click.echo(f"Written: {path}")


def _row(name: str, one: Figures) -> Sequence[object]:
    return (
        name,
        one.calls,
        percent(one.wer),
        within(one.wer),
        one.words.substitutions,
        one.words.deletions,
        one.words.insertions,
        one.words.reference_length,
        one.unscored,
        percent(one.cer),
        one.digits.reference_length,
        *map(percent, (one.digit_wer, one.cp_wer, one.tcp_wer, one.der, one.der_with_collar)),
    )


def _confusion(step: Step, times: int) -> str:
    if not step.hypothesis:
        return f"{step.reference} lost ({times})"
    if not step.reference:
        return f"{step.hypothesis} put in ({times})"
    return f"{step.reference} > {step.hypothesis} ({times})"


def _versus(found: MatchedPairs, against: str) -> str:
    return (
        f"Against {against}: {found.first_errors} errors there, {found.second_errors} here, in {found.segments} "
        f"segments; matched pairs z {found.z:.2f}, p {found.p_value:.4f}: {verdict(found)}."
    )

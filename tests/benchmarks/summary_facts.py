"""How many of the named facts of the sample calls their summaries hold: of the reason, the outcome and the action.

    python -m tests.benchmarks.summary_facts [URL | GGUF] [KEY=VALUE]... [CALL]...

By quotation, and by the model of a server or of a file too, if one is named: with the tokens that it read and wrote,
and the time of its answers added up. CALL is the name of one; all if none is named. Calls are the reference texts of
sample_audio, redacted.
"""

from __future__ import annotations

import json
import os
import re
import sys
import tempfile
from pathlib import Path

from asr.errors import PipelineError
from asr.types import Channel, Provenance, Transcript, Turn, Word
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.types import RedactedTranscript
from configs.load import load
from flows.language_model import model_summariser
from flows.wiring import fetch_model
from llm.extractive import quote
from llm.types import Answer, Summary

SAMPLES = Path(__file__).parents[2] / "sample_audio"

FACTS: dict[str, dict[str, tuple[str, ...]]] = {
    "bank": {
        "reason": (r"charge", r"checking|account", r"did not|didn't|not make"),
        "outcome": (r"block", r"dispute"),
        "action": (r"new card", r"five|5", r"call you|call the"),
    },
    "car_repair": {
        "reason": (r"grinding|noise", r"brak"),
        "outcome": (r"wednesday", r"look at|inspect|check"),
        "action": (r"eight|8", r"call you|call her|price"),
    },
    "clinic": {
        "reason": (r"away|out|not be", r"appointment|move"),
        "outcome": (r"tuesday", r"half past ten|10:30"),
        "action": (r"fifteen|15", r"list", r"medication"),
    },
    "complaint": {
        "reason": (r"coffee machine", r"broken|late"),
        "outcome": (r"refund|full amount|money",),
        "action": (r"three|3", r"pick|driver", r"monday"),
    },
    "order": {
        "reason": (r"bench", r"order"),
        "outcome": (r"placed|order", r"two hundred|240"),
        "action": (r"confirm|e-?mail", r"thursday"),
    },
    "wrong_number": {"reason": (r"pizza",), "outcome": (r"wrong number",), "action": ()},
}
"""Words of each fact of the references beside the sample calls, any of which tells it."""


def said(summary: Summary) -> dict[str, str]:
    """What a summary says of each part, in lower case."""
    actions = [action.text for action in summary.actions] + [summary.follow_up.text if summary.follow_up else ""]
    return {
        "reason": (summary.reason.text if summary.reason else "").lower(),
        "outcome": (summary.outcome.text if summary.outcome else "").lower(),
        "action": " ".join(actions).lower(),
    }


def redacted(name: str, redactor: Redactor) -> RedactedTranscript:
    """A sample call as it is written beside its sound, redacted."""
    told = json.loads((SAMPLES / f"{name}.json").read_text())
    turns = tuple(
        Turn(turn["speaker"], Channel(turn["speaker"]), tuple(Word(w, at, at, 1.0) for w in turn["text"].split()))
        for at, turn in enumerate(told["turns"])
    )
    made_by = Provenance("reference", "0" * 64, "none", "none", "f" * 16, "0")
    return redactor.redact(Transcript(name, 60.0, (Channel.AGENT, Channel.CUSTOMER), turns, (), made_by))


def report(title: str, summaries: dict[str, Summary]) -> None:
    counts = {"reason": [0, 0], "outcome": [0, 0], "action": [0, 0]}
    for name, summary in summaries.items():
        texts = said(summary)
        for part, facts in FACTS[name].items():
            counts[part][0] += sum(bool(re.search(fact, texts[part])) for fact in facts)
            counts[part][1] += len(facts)
        if "--show" in sys.argv:
            print(f"  {name}: {texts}")
    total = [sum(column) for column in zip(*counts.values(), strict=True)]
    parts = ", ".join(f"{part} {found} of {of}" for part, (found, of) in counts.items())
    dropped = sum(len(summary.dropped) for summary in summaries.values())
    print(f"{title}: {total[0]} of {total[1]} facts ({parts}), {len(summaries)} calls, {dropped} fields left out")


def main() -> None:
    words = [word for word in sys.argv[1:] if not word.startswith("--")]
    names = [word for word in words if word in FACTS] or [*FACTS]
    sets = [word for word in words if "=" in word]
    models = [word for word in words if word not in (*names, *sets)]
    sets += [f"llm.{'base_url' if model.startswith('http') else 'gguf'}={model}" for model in models]
    settings = load(None, [*sets, "llm.timeout_s=3600", "llm.max_tries=2"], {}, Path(os.devnull))
    redactor = Redactor.load(fetch_model(settings, settings.redact.ner_model).folder, RedactionOptions())
    calls = {name: redacted(name, redactor) for name in names}
    report("extractive-rules/2", {name: quote(call) for name, call in calls.items()})
    if models:
        answers: list[tuple[Answer, float]] = []

        def heard(answer: Answer, took_s: float) -> None:
            answers.append((answer, took_s))

        with (
            tempfile.TemporaryDirectory() as folder,
            model_summariser(settings, Path(folder), redactor, heard) as summarise,
        ):
            made: dict[str, Summary] = {}
            for name, call in calls.items():
                try:
                    made[name] = summarise(call)
                except PipelineError as error:
                    print(f"  {name}: {error.reason}")
            report(summarise.method, made)
        read, written = (sum(getattr(one, f"{part}_tokens") for one, _ in answers) for part in ("prompt", "completion"))
        took_s = sum(took_s for _, took_s in answers)
        print(f"  {len(answers)} answers: {read:,} tokens read and {written:,} written in {took_s:.0f} s")


if __name__ == "__main__":
    main()

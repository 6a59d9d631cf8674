"""The stage: a call in short, by quotation, or in a model's words as far as the call bears them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from compliance.types import RedactedTranscript
from llm.asking import Asker
from llm.extractive import quote
from llm.form import MOST_ACTIONS, Statement, SummaryForm, summary_schema
from llm.ground import Grounds, Rewrite, Tagger
from llm.mapreduce import fitting, merged
from llm.options import SummaryOptions
from llm.prompts import load_prompt
from llm.types import MODEL, Dropped, Fault, Finding, Message, Summary

PROMPT = "summary-1"
REPAIR = "repair-1"


def summarise(
    transcript: RedactedTranscript, options: SummaryOptions, categories: tuple[str, ...] = ()
) -> Summary | None:
    """The summary that a call of these categories is published with, by quotation; None if summaries are off.

    Where a model is to summarise, its summary takes this one's place when it has answered (ModelSummariser).
    """
    return None if options.method == "off" else quote(transcript, categories)


@dataclass(frozen=True, slots=True)
class ModelSummariser:
    """Summarises by a model. `rewrite` redacts texts once more, one answer a text; `answer_tokens` is what the model
    may write at most."""

    asker: Asker
    tagger: Tagger
    rewrite: Rewrite
    categories: Sequence[str]
    preset: str
    answer_tokens: int

    @property
    def method(self) -> str:
        """What its summaries say of how they were made. Raises what asking for the model's name raises."""
        return f"{MODEL}{self.asker.chat.name}/{PROMPT}/{self.preset}"

    def __call__(self, transcript: RedactedTranscript) -> Summary:
        """The summary of a call; what it does not bear out is asked for once more, then left out and marked.

        Raises UnavailableError, AnswerError or ConfigError as llm.asking does.
        """
        grounds = Grounds.of(transcript, self.tagger)
        emptied = (self._messages(prompt, "") for prompt in (PROMPT, REPAIR))
        pieces = fitting(transcript, self.asker.chat, self.answer_tokens, *emptied)
        return merged([self._of_part(piece, grounds) for piece in pieces])

    def _of_part(self, turns: str, grounds: Grounds) -> Summary:
        first = self._checked(self._ask(PROMPT, turns), grounds)
        if not first.dropped:
            return first
        second = self._checked(self._ask(REPAIR, turns, first.dropped), grounds)
        return _mended(first, second)

    def _ask(self, prompt: str, turns: str, dropped: Sequence[Dropped] = ()) -> SummaryForm:
        messages = self._messages(prompt, turns, dropped)
        return self.asker.ask(messages, summary_schema(self.categories), SummaryForm)

    def _messages(self, prompt: str, turns: str, dropped: Sequence[Dropped] = ()) -> tuple[Message, Message]:
        faults = "; ".join(f"{one.field} ({', '.join(one.faults)})" for one in dropped)
        told = {"turns": turns, "categories": ", ".join(self.categories) or "none", "faults": faults}
        return load_prompt(prompt).fill(told)

    def _checked(self, form: SummaryForm, grounds: Grounds) -> Summary:
        """What the call bears out of an answer, and what it does not."""
        told: list[tuple[str, Statement]] = [
            (name, statement)
            for name in ("reason", "outcome", "follow_up")
            if (statement := getattr(form, name)) is not None
        ]
        told += [("actions", action) for action in form.actions[:MOST_ACTIONS]]
        kept: dict[str, list[Finding]] = {}
        dropped: dict[str, set[Fault]] = {}
        texts = self.rewrite([statement.text for _, statement in told])
        for (name, statement), text in zip(told, texts, strict=True):
            finding = Finding(text.strip(), tuple(dict.fromkeys(statement.turns)))
            if faults := grounds.faults(name, finding):
                dropped.setdefault(name, set()).update(faults)
            else:
                kept.setdefault(name, []).append(finding)
        return Summary(
            method=self.method,
            reason=_one(kept, "reason"),
            outcome=_one(kept, "outcome"),
            actions=tuple(kept.get("actions", ())),
            categories=tuple(name for name in self.categories if name in form.categories),
            follow_up=_one(kept, "follow_up"),
            sentiment=form.sentiment,
            dropped=tuple(Dropped(name, tuple(sorted(faults))) for name, faults in dropped.items()),
        )


def _one(kept: dict[str, list[Finding]], name: str) -> Finding | None:
    return kept[name][0] if name in kept else None


def _mended(first: Summary, second: Summary) -> Summary:
    """The first answer, with what the second says of the fields in which it was at fault."""
    at_fault = {dropped.field for dropped in first.dropped}
    mended = first
    for name in ("reason", "outcome", "follow_up"):
        if name in at_fault:
            mended = replace(mended, **{name: getattr(second, name)})
    if "actions" in at_fault:
        both = {action.text.lower(): action for action in (*first.actions, *second.actions)}
        mended = replace(mended, actions=tuple(both.values())[:MOST_ACTIONS])
    left = {dropped.field: dropped for dropped in second.dropped}
    still = tuple(left.get(one.field, one) for one in first.dropped if _is_open(one.field, mended, left))
    return replace(mended, dropped=still)


def _is_open(name: str, mended: Summary, left: dict[str, Dropped]) -> bool:
    """Whether something was said of a field that is not in the summary now."""
    return name in left or not getattr(mended, name)

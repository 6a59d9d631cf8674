"""Questions about a call that only a language model can answer, as far as the call bears its answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from compliance.types import RedactedTranscript
from llm.analyses import PROMPT, Analyses
from llm.asking import Asker
from llm.form import AnswerForm, answer_schema
from llm.ground import Grounds, Rewrite, Tagger
from llm.mapreduce import fitting
from llm.prompts import load_prompt
from llm.types import MODEL, Analysed, AnalysisKind, Fault, Finding, Message


@dataclass(frozen=True, slots=True)
class Questioner:
    """Asks a model the questions of `analyses`; the other fields are those of llm.summarise.ModelSummariser."""

    asker: Asker
    tagger: Tagger
    rewrite: Rewrite
    analyses: Analyses
    preset: str
    answer_tokens: int

    @property
    def method(self) -> str:
        """What its answers say of how they were made. Raises what asking for the model's name raises."""
        return f"{MODEL}{self.asker.chat.name}/{PROMPT}/{self.preset}"

    def __call__(self, transcript: RedactedTranscript, names: Sequence[str]) -> tuple[Analysed, ...]:
        """An answer to each of these questions; one that does not apply to the call is not asked, and has none.

        What the call does not bear out is asked once more, then left out and marked. Raises UnavailableError,
        AnswerError or ConfigError as llm.asking does.
        """
        grounds = Grounds.of(transcript, self.tagger)
        return tuple(self._answered(name, transcript, grounds) for name in names)

    def asks(self, transcript: RedactedTranscript, names: Sequence[str]) -> bool:
        """Whether any of these questions applies to the call, so that the model is asked."""
        return any(self.analyses.applies(self.analyses.question[name].when, transcript.turns) for name in names)

    def _answered(self, name: str, transcript: RedactedTranscript, grounds: Grounds) -> Analysed:
        question = self.analyses.question[name]
        told: Finding | None = None
        faults: tuple[Fault, ...] = ()
        if self.analyses.applies(question.when, transcript.turns):
            emptied = _messages("", question.ask, tuple(Fault))
            for piece in fitting(transcript, self.asker.chat, self.answer_tokens, emptied):
                told, failed = self._of_part(piece, question.ask, grounds)
                faults = tuple(dict.fromkeys((*faults, *failed)))
                if told is not None:
                    break
        return Analysed(
            name,
            AnalysisKind.QUESTION,
            self.analyses.version(name),
            self.method,
            turns=told.turns if told else (),
            answer=told.text if told else None,
            faults=() if told else faults,
        )

    def _of_part(self, turns: str, ask: str, grounds: Grounds) -> tuple[Finding | None, tuple[Fault, ...]]:
        """The answer that a part of the call bears out, or else what is wrong with the one that was given twice."""
        faults: tuple[Fault, ...] = ()
        for _ in range(2):
            form = self.asker.ask(_messages(turns, ask, faults), answer_schema(), AnswerForm)
            if form.answer is None:
                break
            [text] = self.rewrite([form.answer.text])
            told = Finding(text.strip(), tuple(dict.fromkeys(form.answer.turns)))
            if not (faults := grounds.faults("answer", told)):
                return told, ()
        return None, faults


def _messages(turns: str, ask: str, faults: Sequence[Fault]) -> tuple[Message, Message]:
    again = f"An answer before was not borne out by the turns that it cites: {', '.join(faults)}." if faults else ""
    return load_prompt(PROMPT).fill({"turns": turns, "question": ask, "faults": again})

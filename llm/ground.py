"""Whether a call bears a statement out: what it names must have been said in the turns that it cites.

Rules alone, no model judges another: a rule's verdict is the same tomorrow, and says which kind of word is at fault.
What it catches and what it drops by mistake is measured (docs/summaries.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from compliance.marks import is_mark
from compliance.names import lexicon
from compliance.types import RedactedTranscript, RedactedTurn
from compliance.vocabulary import word_set
from llm.form import MOST_CHARACTERS
from llm.outcomes import contradicted, invented
from llm.quantities import agrees, claimed, said
from llm.types import Fault, Finding

Tagger = Callable[[str], Sequence[tuple[str, str]]]
"""The words of a text with their tags of the Penn Treebank (compliance.tagging)."""

Rewrite = Callable[[Sequence[str]], Sequence[str]]
"""Texts with marks for what must not rest."""

_DAYS = word_set("monday tuesday wednesday thursday friday saturday sunday")
_MONTHS = word_set("january february march april may june july august september october november december")
_RELATIVE = word_set("today tonight tomorrow yesterday morning afternoon evening weekend")
_SAME_DAY = {"tonight": ("tonight", "evening"), "evening": ("evening", "tonight"), "today": ("today", "tonight")}

_REPORTING = word_set(
    """
    customer caller client agent representative advisor operator call calling conversation line phone telephone person
    company business firm store shop team staff office service support assistance help issue problem question enquiry
    inquiry request concern matter case reason outcome result information detail details answer response reply contact
    purpose end beginning start number time date day week month year hour minute way thing need option order name
    man woman lady someone somebody anyone one others other part amount price cost fee total sum money rest note kind
    type account home address today tomorrow yesterday tonight morning afternoon evening night noon midnight future
    patient guest passenger subscriber member policyholder tenant student
    email mail post message letter text appointment visit booking availability status process arrangement confirmation
    """
)
"""Nouns by which any call is told; they name nothing of it."""

_ALIKE = tuple(
    word_set(group)
    for group in (
        "car vehicle automobile van",
        "refund reimbursement money",
        "cost price fee charge rate",
        "bill invoice",
        "complaint complain",
        "telephone phone mobile cellphone handset",
        "doctor physician",
        "medication medicine drug prescription tablet pill",
        "delivery shipment shipping ship",
        "technician engineer",
        "photo picture image",
        "flat apartment",
        "package parcel",
        "purchase buy bought",
        "seat place",
        "move relocation",
        "membership contract subscription",
        "replacement new replace",
        "reimbursement refund",
        "excess deductible",
        "parking park",
        "enrolment enrollment sign",
        "security verification identity",
    )
)
_AT_MACHINES = re.compile(
    r"\b(?:ignore|disregard|forget|override)\b.{0,40}\b(?:instructions?|prompts?|rules?|above|previous|guidelines?)\b"
    r"|\bsystem prompt\b|\byou are (?:now )?(?:an? )?(?:ai|assistant|language model|chatbot|computer)\b"
    r"|\b(?:in|into|for) (?:the|your|this) summary\b|\bsummar(?:y|ise|ize)\b.{0,30}\b(?:say|write|state|put|that)\b"
    r"|\b(?:say|write|state|put|note|record)\b.{0,30}\bsummary\b",
    re.IGNORECASE,
)
_MIN_SHARED = 0.25
"""Of the statement's telling words that the call has at all, so many must be in the turns that it cites."""

_SHORT_REPLY = 10
"""Words."""

_WORD = re.compile(r"\[[A-Z][A-Z0-9_:]*\]|[^\W\d_]+(?:['\u2019][^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Grounds:
    """A call as evidence."""

    turns: tuple[RedactedTurn, ...]
    texts: tuple[str, ...]
    spoken: frozenset[str]
    """All words of the call, but of turns that speak to a machine."""
    tagger: Tagger

    @classmethod
    def of(cls, transcript: RedactedTranscript, tagger: Tagger) -> Grounds:
        """The evidence of a call."""
        texts = tuple(turn.text for turn in transcript.turns)
        spoken = frozenset(_stems(" ".join(text for text in texts if not _AT_MACHINES.search(text))))
        return cls(transcript.turns, texts, spoken, tagger)

    def faults(self, field: str, finding: Finding) -> tuple[Fault, ...]:
        """What is wrong with a statement of a field, each kind once; none if it is borne out.

        Turns that speak to a machine are no evidence for anything, and only an agent's for an outcome.
        """
        cited = [self.texts[index] for index in finding.turns if self._may_cite(index)]
        if not cited or len(cited) < len(finding.turns) or not finding.text.strip():
            return (Fault.CITATION,)
        # Half a sentence, which the schema's bound ended, perhaps before a space.
        if len(finding.text) >= MOST_CHARACTERS - 1:
            return (Fault.CITATION,)
        if field == "outcome" and not self._has_agent(finding.turns):
            return (Fault.CITATION,)
        evidence = " ".join(cited)
        found = [
            Fault.NUMBER if _wrong_numbers(finding.text, evidence) else None,
            Fault.DATE if _wrong_dates(finding.text, evidence) else None,
            Fault.NAME if _wrong_names(finding.text, evidence) else None,
            Fault.PRODUCT if self._wrong_things(finding.text, evidence) else None,
            Fault.OUTCOME if contradicted(finding.text, evidence) or invented(finding.text, evidence) else None,
            Fault.REDACTED if _marks(finding.text) - _marks(evidence) else None,
            Fault.CITATION if self._strays(finding) else None,
        ]
        return tuple(fault for fault in found if fault)

    def _may_cite(self, index: int) -> bool:
        return 0 <= index < len(self.turns) and not _AT_MACHINES.search(self.texts[index])

    def _has_agent(self, cited: Iterable[int]) -> bool:
        sides = [turn.side for turn in self.turns]
        return "agent" not in sides or any(sides[index] == "agent" for index in cited)

    def _wrong_things(self, text: str, evidence: str) -> bool:
        """Whether a noun was said nowhere: a thing may be "it" in a turn that is cited, but not in all of the call."""
        spoken = self.spoken | _stems(evidence)
        unheard = {
            word
            for word in _content_words(text)
            if not {word, _singular(word)} & _REPORTING and not _known(word, spoken)
        }
        # Only what nobody said is worth the time of asking what kind of word it is.
        return bool(unheard) and any(
            tag in {"NN", "NNS"} and word.lower() in unheard for word, tag in self.tagger(_without_marks(text))
        )

    def _strays(self, finding: Finding) -> bool:
        """Whether what the statement tells was said, but hardly any of it in the turns that it cites.

        To "I will do that" belongs the turn before it.
        """
        near = {*finding.turns} | {max(0, index - 1) for index in finding.turns if _points_back(self.texts[index])}
        cited = _stems(" ".join(self.texts[place] for place in sorted(near)))
        telling = [word for word in _content_words(finding.text) if _known(word, self.spoken)]
        return bool(telling) and sum(_known(word, cited) for word in telling) < _MIN_SHARED * len(telling)


_COMMON = word_set(
    """
    customer caller agent was were has have had been being is are will would can could should may might must do does did
    the and that this these those asked ask said say told tell wanted want needs need get gets got make made new be
    for from with without about after before between into onto over under until till than then there their they them
    who whom whose which what when where why how its his her hers him she our your you not but nor yet also only just
    because since although though while both each any all some more most other another such same very too again
    within during by out off per
    """
)
"""Words that tell nothing of a call."""


def _points_back(text: str) -> bool:
    """Whether a short reply says of what it speaks by "that" or "it" alone."""
    words = _plain_words(text)
    return len(words) <= _SHORT_REPLY and not {"do", "that", "so", "it"}.isdisjoint(words)


def _wrong_numbers(text: str, evidence: str) -> bool:
    heard = said(evidence)
    return any(not agrees(claim, heard) for claim in claimed(text))


def _wrong_dates(text: str, evidence: str) -> bool:
    spoken = {word.rstrip("s") if word.rstrip("s") in _DAYS else word for word in _plain_words(evidence)}
    for word in _WORD.findall(text):
        token = word.lower()
        day = token.rstrip("s")
        if (day in _DAYS and day not in spoken) or (token in _MONTHS and word != "may" and token not in spoken):
            return True
        if token in _RELATIVE and not {*_SAME_DAY.get(token, (token,))} & spoken:
            return True
    return False


def _wrong_names(text: str, evidence: str) -> bool:
    """Whether a name was not said in the turns. The first word of a sentence has a capital in any case."""
    spoken = _stems(evidence)
    known = lexicon()
    begins = True
    for word in _NAME_WORD.findall(_without_marks(text)):
        token = word.lower().removesuffix("'s").removesuffix("\u2019s")
        if word[:1].isupper() and word.isalpha() and token not in _DAYS | _MONTHS | _NOT_NAMES:
            is_name = known.is_name(token) or token not in known.everyday if begins else True
            if is_name and token not in _REPORTING and not _known(token, spoken):
                return True
        begins = word in {".", "!", "?", ":"}
    return False


_NOT_NAMES = word_set("i am pm a the he she they it his her their doctor dr mr mrs ms miss ok id cvv pin usd eur gbp")


_NAME_WORD = re.compile(r"[^\W\d_]+|[.!?:]")


def _content_words(text: str) -> list[str]:
    """The words of a text that tell something, in lower case, without times and marks."""
    words = [word.removesuffix("'s").removesuffix("\u2019s") for word in _plain_words(_without_marks(text))]
    return [word for word in words if len(word) > 2 and word not in _COMMON and not _is_time(word)]


def _is_time(word: str) -> bool:
    return (
        word in _MONTHS | _RELATIVE or word.rstrip("s") in _DAYS or word in {"am", "pm", "a.m", "p.m", "a.m.", "p.m."}
    )


def _plain_words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _stems(text: str) -> set[str]:
    return {word.removesuffix("'s").removesuffix("\u2019s") for word in _plain_words(text)}


def _known(word: str, spoken: Collection[str]) -> bool:
    """Whether a word, another form of it or one that means the same was said."""
    if word in spoken:
        return True
    alike = {word, _singular(word)}
    for group in _ALIKE:
        if alike & group:
            alike |= group
    begin = {one[:2] for one in alike}
    near = [other for other in spoken if other[:2] in begin]
    return any(one in spoken or any(_related(one, other) for other in near) for one in alike)


def _related(one: str, other: str) -> bool:
    """Whether two words are forms of one: "deliver" and "delivery", but not "car" and "card"."""
    short = min(len(one), len(other))
    if short < 5:
        return _singular(one) == _singular(other) or (
            short == 4 and one[:4] == other[:4] and abs(len(one) - len(other)) < 4
        )
    alike = next((place for place in range(short) if one[place] != other[place]), short)
    return alike >= max(5, 0.75 * short)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    return word[:-1] if word.endswith("s") and not word.endswith("ss") else word


def _marks(text: str) -> set[str]:
    return {word.rstrip(".,?!") for word in text.replace("'s", "").split() if is_mark(word)}


def _without_marks(text: str) -> str:
    return " ".join("somebody" if is_mark(word) else word for word in text.split())

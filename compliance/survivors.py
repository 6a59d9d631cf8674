"""What of the removed can still be heard: the text of a second hearing, held against the transcript that is kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from asr.types import Channel, SpokenWord
from compliance.marks import plain_mark
from compliance.policies import CODES, PCI
from compliance.redactor import Redactor
from compliance.spoken_numbers import bare
from compliance.types import RedactedTranscript
from compliance.utterance import Utterance

_NOT_NUMBERS = frozenset({"PERSON", "LOCATION", "EMAIL_ADDRESS", "URL", "MEDICAL_DATE", "AGE_OVER_89"})
"""What is told by words: looked for only where the policy removes it. All else is digits, and a digit is always odd
where a number was removed."""

_ALWAYS = PCI | CODES | {"US_SSN", "IBAN_CODE"}
"""Counted even where the kept transcript has the very same words."""

_NEAR_S = 1.5
_TOUCHING_S = 0.6
"""How far from a removed number two digits and more count, and a single one; beside what is always removed a single one
counts as far, since the next group of a card may be cut off by the end of what is heard."""

_LONG_RUN = 4
"""Digits that count wherever they are heard."""

_SAME_TIME_S = 0.8
"""How far apart two hearings may place one word: their times err by 0.16 s each at 95 %, and by pauses at most."""

_NEW_TURN_S = 1.0
"""A longer gap between two words heard parts what is read together."""

Heard = Mapping[Channel, Sequence[SpokenWord]]
"""The words of a second hearing by channel, in time order."""


@dataclass(frozen=True, slots=True)
class Survivor:
    """Something that may have been left in the sound: where, and of which type. "DIGITS" are digits beside a number."""

    channel: Channel
    start_s: float
    end_s: float
    entity: str


@dataclass(frozen=True, slots=True)
class _Said:
    """Words of one channel that are read together."""

    channel: Channel
    words: tuple[SpokenWord, ...] = field(repr=False)
    utterance: Utterance = field(repr=False)


def survivors(heard: Heard, redacted: RedactedTranscript, redactor: Redactor) -> list[Survivor]:
    """What the second hearing of a redacted copy still holds, by a stricter policy than that of the transcript.

    `redactor` is that of the transcript's own policy. Counted are what it finds, numbers of any policy, and digits near
    to where a number was removed. What the kept transcript says there in the same words stays, but for what is always
    removed: the same words in the sound give nothing more away.
    """
    said = _read(heard)
    utterances = [one.utterance for one in said]
    of_policy, of_any = redactor.find_strictly(utterances)
    own = {(found.turn, found.first_word, found.last_word, found.entity) for found in of_policy}
    strict = {
        (found.turn, found.first_word, found.last_word, found.entity)
        for found in of_any
        if found.entity not in _NOT_NUMBERS
    }
    kept = _Kept(redacted)
    found = []
    for turn, first, last, entity in sorted(own | strict | set(_digits(said, redacted))):
        words = said[turn].words[first:last]
        if entity in _ALWAYS or not kept.holds(said[turn].channel, words):
            found.append(Survivor(said[turn].channel, words[0].start_s, words[-1].end_s, entity))
    return found


def text_survivors(redacted: RedactedTranscript, redactor: Redactor) -> dict[str, int]:
    """How many findings of each type a second reading of the kept text gives; none, if all is as it should be.

    `redactor` is that of the transcript's own policy. What stands for a removed word, such as its last four digits, is
    read as its mark.
    """
    turns = [
        Utterance(
            turn.speaker if turn.channel is Channel.MIXED else turn.channel.value,
            tuple(plain_mark(word.entity, word.text) if word.entity else word.text for word in turn.words),
            tuple(word.confidence for word in turn.words),
        )
        for turn in redacted.turns
    ]
    return counted(finding.entity for finding in redactor.find(turns))


def counted(entities: Iterable[str]) -> dict[str, int]:
    """How often each occurs, by name."""
    counts: dict[str, int] = {}
    for entity in entities:
        counts[entity] = counts.get(entity, 0) + 1
    return dict(sorted(counts.items()))


def _read(heard: Heard) -> list[_Said]:
    """The words as turns of both sides, in time order."""
    parts: list[tuple[Channel, list[SpokenWord]]] = []
    for channel, words in heard.items():
        last_s = float("-inf")
        for word in words:
            if word.start_s - last_s > _NEW_TURN_S:
                parts.append((channel, []))
            parts[-1][1].append(word)
            last_s = word.end_s
    parts.sort(key=lambda part: part[1][0].start_s)
    return [
        _Said(channel, tuple(words), Utterance(channel.value, tuple(word.text for word in words)))
        for channel, words in parts
    ]


def _digits(said: Sequence[_Said], redacted: RedactedTranscript) -> Iterator[tuple[int, int, int, str]]:
    """Runs of digits that are long, or near to where a number was removed."""
    numbers = [
        (float(redaction.start_s), float(redaction.end_s), redaction.entity in _ALWAYS)
        for redaction in redacted.redactions
        if redaction.entity not in _NOT_NUMBERS
    ]
    for turn, one in enumerate(said):
        for run in one.utterance.runs:
            words = one.words[run.first_word : run.last_word]
            start_s, end_s = words[0].start_s, words[-1].end_s
            lone = len(run.digits) == 1
            near = any(
                max(start_s - b, a - end_s) <= (_TOUCHING_S if lone and not always else _NEAR_S)
                for a, b, always in numbers
            )
            if len(run.digits) >= _LONG_RUN or near:
                yield turn, run.first_word, run.last_word, "DIGITS"


class _Kept:
    """The words of a kept transcript, by channel and time."""

    def __init__(self, redacted: RedactedTranscript) -> None:
        self._words: dict[Channel, list[tuple[float, float, str]]] = {}
        for turn in redacted.turns:
            said = ((float(word.start_s), float(word.end_s), word.text) for word in turn.words if not word.entity)
            self._words.setdefault(turn.channel, []).extend(said)

    def holds(self, channel: Channel, words: Sequence[SpokenWord]) -> bool:
        """Whether these words, in this order and at about this time, are in it: letters and figures alone count."""
        start_s, end_s = words[0].start_s - _SAME_TIME_S, words[-1].end_s + _SAME_TIME_S
        near = [text for begin_s, stop_s, text in self._words.get(channel, ()) if begin_s < end_s and stop_s > start_s]
        wanted = _spelt(word.text for word in words)
        return bool(wanted.strip()) and wanted in _spelt(near)


def _spelt(texts: Iterable[str]) -> str:
    return f" {' '.join(filter(None, map(bare, texts)))} "

"""Taking out what must not rest: the only place where redacted transcripts are made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asr.types import Channel, SpokenWord, Transcript, Turn
from compliance.analyzer import Analyzer
from compliance.findings import Finding, Utterance, settle
from compliance.numbers import NumberRecogniser
from compliance.options import RedactionOptions
from compliance.policies import POLICIES
from compliance.recognisers import (
    find_again,
    find_dates,
    find_emails,
    find_identifiers,
    find_names,
    find_spelling,
    find_streets,
    find_urls,
)
from compliance.topics import Topic, TopicReader
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction

_MARK = re.compile(r"\[[A-Z_]+\][.,?!]?")
CARD_TURNS = 12
"""Turns that an expiry date may lie behind the card's mention; callwright's own choice."""

_KEPT_PUNCTUATION = (".", ",", "?", "!")
_IDENTIFIER_ENTITIES = {
    Topic.MEDICAL: "MEDICAL_RECORD",
    Topic.LICENSE: "US_DRIVER_LICENSE",
    Topic.PASSPORT: "US_PASSPORT",
    Topic.ACCOUNT: "ACCOUNT_NUMBER",
    Topic.SSN: "US_SSN",
}


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word that stays, or the words that a mark has taken the place of."""

    text: str = field(repr=False)
    words: tuple[SpokenWord, ...] = field(repr=False)
    entity: str | None = None


class Redactor:
    """Finds and removes what its `policy` names; holds a loaded analyzer, so build it once."""

    def __init__(self, analyzer: Analyzer, policy: str) -> None:
        self._analyzer = analyzer
        self._numbers = NumberRecogniser()
        self._topics = TopicReader()
        self.policy = policy

    @classmethod
    def load(cls, ner_model_dir: Path, options: RedactionOptions) -> Redactor:
        """Load the model that finds names from a folder; raises ModelError if it is not one."""
        return cls(Analyzer.load(ner_model_dir, options.min_score), options.policy)

    def with_policy(self, policy: str) -> Redactor:
        """A redactor of another policy that shares what is loaded."""
        return Redactor(self._analyzer, policy)

    def find(self, turns: Sequence[Utterance]) -> list[Finding]:
        """Everything in the turns that the policy removes: ordered, without overlap, in whole words.

        Turns are in the order of their start. Marks of an earlier redaction are never found again.
        """
        allowed = POLICIES[self.policy]
        in_words = list(self._in_words(turns))
        # Only names that a phrase announced: the model's slips must not spread over the call.
        announced = [finding for finding in in_words if finding.entity == "PERSON"]
        found = [
            *in_words,
            *self._numbers.find(turns),
            *self._analyzer.find(turns),
            *find_again(turns, announced),
        ]
        kept = (finding for finding in found if finding.entity in allowed)
        return settle(_without_marks(kept, turns), turns)

    def redact(self, transcript: Transcript) -> RedactedTranscript:
        """The transcript with a mark for each run of words that the policy removes.

        What is left is read again until nothing more is found, so that redacting twice changes nothing.
        """
        turns = [tuple(_Piece(word.text, (word,)) for word in turn.words) for turn in transcript.turns]
        sides = [_side(turn) for turn in transcript.turns]
        while True:
            utterances = [
                Utterance(side, tuple(piece.text for piece in pieces))
                for side, pieces in zip(sides, turns, strict=True)
            ]
            findings = self.find(utterances)
            if not findings:
                break
            turns = [_marked(pieces, index, findings) for index, pieces in enumerate(turns)]
        redacted = tuple(
            RedactedTurn(turn.speaker, turn.channel, tuple(map(_word, pieces)))
            for turn, pieces in zip(transcript.turns, turns, strict=True)
        )
        return RedactedTranscript(
            audio=transcript.audio,
            duration_s=transcript.duration_s,
            channels=transcript.channels,
            turns=redacted,
            # Keys that were pressed are never kept, whatever the policy.
            regions=tuple(replace(region, digits="") for region in transcript.regions),
            redactions=tuple(_redactions(redacted, turns)),
            policy=self.policy,
            provenance=transcript.provenance,
            findings=transcript.findings,
            guards=transcript.guards,
        )

    def _in_words(self, turns: Sequence[Utterance]) -> Iterator[Finding]:
        """What the recognisers of single turns find, with the topics of the turns just before."""
        mentions = [self._topics.read(turn.words) for turn in turns]
        asked: list[Topic] = []
        paid_at = -CARD_TURNS
        for index, turn in enumerate(turns):
            own = [mention.topic for mention in mentions[index]]
            if not {Topic.CARD, Topic.CVV}.isdisjoint(own):
                paid_at = index
            topics = [*asked, *own]
            if index - paid_at < CARD_TURNS:
                topics.insert(0, Topic.CARD)
            for first, last, entity in _spans(turn.words, topics):
                yield Finding(index, first, last, entity)
            asked = own or asked


def _spans(words: Sequence[str], topics: Sequence[Topic]) -> Iterator[tuple[int, int, str]]:
    """First word, word after the last, and entity of all in one turn; the latest topic comes last."""
    spelled = Topic.EMAIL if Topic.EMAIL in topics else Topic.NAME if Topic.NAME in topics else None
    latest = next((topic for topic in reversed(topics) if topic in _IDENTIFIER_ENTITIES), None)
    for first, last in find_emails(words, asked=Topic.EMAIL in topics):
        yield first, last, "EMAIL_ADDRESS"
    for first, last in find_urls(words):
        yield first, last, "URL"
    for first, last in find_streets(words):
        yield first, last, "LOCATION"
    for first, last in find_names(words, asked=topics[-1:] == [Topic.NAME]):
        yield first, last, "PERSON"
    if spelled:
        for first, last in find_spelling(words):
            yield first, last, "EMAIL_ADDRESS" if spelled is Topic.EMAIL else "PERSON"
    if latest:
        for first, last in find_identifiers(words):
            yield first, last, _IDENTIFIER_ENTITIES[latest]
    dated = "DATE_OF_BIRTH" if Topic.BIRTH in topics else None
    if Topic.EXPIRY in topics and Topic.CARD in topics:
        dated = "CREDIT_CARD_EXPIRATION"
    if dated:
        for first, last in find_dates(words):
            yield first, last, dated


def _side(turn: Turn) -> str:
    """Whose words these are: the channel tells, or the speaker where both share one channel."""
    return turn.speaker if turn.channel is Channel.MIXED else turn.channel.value


def _without_marks(findings: Iterable[Finding], turns: Sequence[Utterance]) -> Iterator[Finding]:
    for finding in findings:
        words = turns[finding.turn].words
        for word in range(finding.first_word, finding.last_word):
            if not _MARK.fullmatch(words[word]):
                yield Finding(finding.turn, word, word + 1, finding.entity)


def _marked(pieces: tuple[_Piece, ...], turn: int, findings: Iterable[Finding]) -> tuple[_Piece, ...]:
    marked = list(pieces)
    for finding in sorted((found for found in findings if found.turn == turn), reverse=True):
        removed = marked[finding.first_word : finding.last_word]
        words = tuple(word for piece in removed for word in piece.words)
        closing = removed[-1].text[-1:]
        text = f"[{finding.entity}]" + (closing if closing in _KEPT_PUNCTUATION else "")
        marked[finding.first_word : finding.last_word] = [_Piece(text, words, finding.entity)]
    return tuple(_joined(marked))


def _joined(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """The pieces with marks of one entity that touch made one."""
    held: _Piece | None = None
    for piece in pieces:
        if held and held.entity and held.entity == piece.entity:
            held = _Piece(piece.text, held.words + piece.words, piece.entity)
            continue
        if held:
            yield held
        held = piece
    if held:
        yield held


def _word(piece: _Piece) -> RedactedWord:
    return RedactedWord(
        text=piece.text,
        start_s=piece.words[0].start_s,
        end_s=piece.words[-1].end_s,
        confidence=min(word.confidence for word in piece.words),
        entity=piece.entity,
    )


def _redactions(redacted: Sequence[RedactedTurn], turns: Sequence[Sequence[_Piece]]) -> Iterator[Redaction]:
    for index, turn in enumerate(redacted):
        for place, (word, piece) in enumerate(zip(turn.words, turns[index], strict=True)):
            if word.entity:
                yield Redaction(
                    entity=word.entity,
                    channel=turn.channel,
                    turn=index,
                    word=place,
                    n_words=len(piece.words),
                    start_s=word.start_s,
                    end_s=word.end_s,
                )

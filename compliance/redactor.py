"""Taking out what must not rest: the only place where redacted transcripts are made."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from asr.types import Channel, Provenance, SpokenWord, Transcript, Turn, Word
from compliance.analyzer import Analyzer, Readings
from compliance.conversation import heard_as_digits, moments
from compliance.corrections import find_corrections
from compliance.echoes import find_echoes
from compliance.findings import Finding, settle
from compliance.marks import Marker, is_mark, plain_mark
from compliance.numbers import NumberRecogniser
from compliance.options import RedactionOptions, own_patterns, pairs
from compliance.policies import POLICIES
from compliance.readers.people import beginning, find_again
from compliance.readers.spans import words_of
from compliance.second_reader import SecondReader, verbatim
from compliance.turns import find_in_turns
from compliance.types import RedactedTranscript, RedactedTurn, RedactedWord, Redaction, SecondReading
from compliance.utterance import Utterance

_PARTS = frozenset({"PERSON", "ACCOUNT_NUMBER", "PHONE_NUMBER", "DATE_OF_BIRTH"})
"""Entities that parts of addresses look like; every policy that has them has addresses too."""

_NOWHERE = Provenance("", "", "", "", "", "")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A word that stays, or the words that a mark has taken the place of."""

    text: str = field(repr=False)
    words: tuple[SpokenWord, ...] = field(repr=False)
    entity: str | None = None


class Redactor:
    """Finds and removes what its options name; holds a loaded analyzer, so build it once.

    A second reader, if there is one, reads calls after the recognisers; texts that somebody wrote it does not.
    """

    def __init__(self, analyzer: Analyzer, options: RedactionOptions, second: SecondReader | None = None) -> None:
        self._analyzer = analyzer
        self._second = second
        self._options = options
        self._numbers = NumberRecogniser(options.confidence_floor)
        self._patterns = own_patterns(options.patterns)
        self._actions = pairs(options.actions)
        self._allowed = POLICIES[options.policy] | self._patterns.keys()
        self.policy: str = options.policy

    @classmethod
    def load(cls, ner_model_dir: Path, options: RedactionOptions, second: SecondReader | None = None) -> Redactor:
        """Load the model that finds names from a folder; raises ModelError if it is not one."""
        return cls(Analyzer.load(ner_model_dir, options.min_score), options, second)

    def with_policy(self, policy: str) -> Redactor:
        """A redactor of another policy, without own patterns and second reader, that shares what is loaded."""
        return Redactor(self._analyzer, self._options.model_copy(update={"policy": policy, "patterns": ()}))

    def find(self, turns: Sequence[Utterance]) -> list[Finding]:
        """Everything in the turns that the policy removes: ordered, without overlap, in whole words.

        Turns are in the order of their start. Marks of an earlier redaction are never found again.
        """
        return self._find([turns], {})[0]

    def find_strictly(self, turns: Sequence[Utterance]) -> tuple[list[Finding], list[Finding]]:
        """As find(), by its own policy and by the policy `all` without own patterns, from one reading."""
        turns, found = self._everything(turns, next(self._analyzer.find([turns], {})))
        return self._settled(turns, found, self._allowed), self._settled(turns, found, POLICIES["all"])

    def redact(self, transcript: Transcript) -> RedactedTranscript:
        """The transcript with a mark for each run of words that the policy removes.

        What is left is read again until nothing more is found, so that redacting twice changes nothing. Raises what
        the second reader raises.
        """
        return self.redact_all([transcript])[0]

    def redact_all(self, transcripts: Sequence[Transcript]) -> list[RedactedTranscript]:
        """As redact(), of several calls at once, whose turns share the batches of the model."""
        return self._redact_all(transcripts, self._second)

    def _redact_all(self, transcripts: Sequence[Transcript], second: SecondReader | None) -> list[RedactedTranscript]:
        readings: Readings = {}
        held = [_Held(transcript) for transcript in transcripts]
        self._recognise(held, readings)
        if second:
            for call in held:
                call.second_reading = self._read_again(call, second)
            # What a new mark tells of the words around it.
            self._recognise(held, readings)
        return [self._redacted(call) for call in held]

    def _recognise(self, held: Sequence[_Held], readings: Readings) -> None:
        """Mark what the recognisers find until they find nothing more."""
        open_calls = held
        while open_calls:
            found = self._find([call.utterances for call in open_calls], readings)
            for call, findings in zip(open_calls, found, strict=True):
                call.mark(findings)
            open_calls = [call for call, findings in zip(open_calls, found, strict=True) if findings]

    def _read_again(self, call: _Held, second: SecondReader) -> SecondReading:
        """Mark what the second reader proposes and the text bears out. It is shown what may rest, and no more."""
        proposals = second.propose(self._redacted(call), self._allowed)
        found, dropped = verbatim(proposals, call.utterances, self._allowed)
        added = settle(_without_marks(found, call.utterances), call.utterances)
        call.mark(added)
        return SecondReading(second.name, len(added), dropped)

    def rewrite(self, texts: Sequence[str]) -> list[str]:
        """Texts that somebody wrote, such as statements of a summary, each redacted by itself; white space is one."""
        calls = [
            Transcript("", 0.0, (Channel.MIXED,), (Turn("", Channel.MIXED, _written(text)),), (), _NOWHERE)
            for text in texts
            if text.split()
        ]
        rewritten = iter(self._redact_all(calls, None))
        return [next(rewritten).turns[0].text if text.split() else "" for text in texts]

    def _find(self, calls: Sequence[Sequence[Utterance]], readings: Readings) -> list[list[Finding]]:
        analysed = self._analyzer.find(calls, readings)
        everything = [self._everything(turns, found) for turns, found in zip(calls, analysed, strict=True)]
        return [self._settled(turns, found, self._allowed) for turns, found in everything]

    def _everything(
        self, turns: Sequence[Utterance], analysed: list[Finding]
    ) -> tuple[Sequence[Utterance], list[Finding]]:
        """The turns as their digits are heard, and what is found in them whatever the policy."""
        at = moments(turns)
        turns = heard_as_digits(turns, at)
        in_turns = list(find_in_turns(turns, at))
        # Only names that a phrase announced: the model's slips must not spread over the call.
        announced = [finding for finding in in_turns if finding.entity == "PERSON"]
        found = [
            *_outside(in_turns, in_turns),
            *_outside(analysed, in_turns),
            *_outside(self._numbers.find(turns, at), in_turns),
            *find_again(turns, announced),
            *self._own(turns),
        ]
        found += find_echoes(turns, found)
        found += find_corrections(turns, found)
        found += [_with_title(turns, finding) for finding in found if finding.entity == "PERSON"]
        return turns, found

    @staticmethod
    def _settled(turns: Sequence[Utterance], found: Iterable[Finding], allowed: Collection[str]) -> list[Finding]:
        kept = (finding for finding in found if finding.entity in allowed)
        return settle(_without_marks(kept, turns), turns)

    def _own(self, turns: Sequence[Utterance]) -> Iterator[Finding]:
        """What the configured patterns find."""
        for entity, pattern in self._patterns.items():
            for index, turn in enumerate(turns):
                text = " ".join(turn.words)
                for match in pattern.finditer(text):
                    if match[0]:
                        yield Finding(index, *words_of(text, match.start(), match.end()), entity)

    def _redacted(self, call: _Held) -> RedactedTranscript:
        marker = Marker(self._actions)
        transcript = call.transcript
        redacted = tuple(
            RedactedTurn(turn.speaker, turn.channel, tuple(_word(piece, marker) for piece in pieces))
            for turn, pieces in zip(transcript.turns, call.turns, strict=True)
        )
        return RedactedTranscript(
            audio=transcript.audio,
            duration_s=transcript.duration_s,
            channels=transcript.channels,
            turns=redacted,
            # Keys that were pressed are never kept, whatever the policy.
            regions=tuple(replace(region, digits="") for region in transcript.regions),
            redactions=tuple(_redactions(redacted, call.turns)),
            policy=self.policy,
            provenance=transcript.provenance,
            findings=transcript.findings,
            guards=transcript.guards,
            second_reading=call.second_reading,
        )


class _Held:
    """One call while it is redacted."""

    def __init__(self, transcript: Transcript) -> None:
        self.transcript = transcript
        self.second_reading: SecondReading | None = None
        self.turns = [tuple(_Piece(word.text, (word,)) for word in turn.words) for turn in transcript.turns]
        sides = map(_side, transcript.turns)
        self.utterances = [_utterance(side, pieces) for side, pieces in zip(sides, self.turns, strict=True)]

    def mark(self, findings: Sequence[Finding]) -> None:
        by_turn: dict[int, list[Finding]] = {}
        for finding in findings:
            by_turn.setdefault(finding.turn, []).append(finding)
        for turn, found in by_turn.items():
            self.turns[turn] = _marked(self.turns[turn], found)
            self.utterances[turn] = _utterance(self.utterances[turn].side, self.turns[turn])


def _written(text: str) -> tuple[Word, ...]:
    return tuple(Word(word, 0.0, 0.0, 1.0) for word in text.split())


def _with_title(turns: Sequence[Utterance], finding: Finding) -> Finding:
    first = beginning(turns[finding.turn], finding.first_word)
    return Finding(finding.turn, first, finding.last_word, finding.entity)


def _utterance(side: str, pieces: Sequence[_Piece]) -> Utterance:
    confidences = tuple(min(word.confidence for word in piece.words) for piece in pieces)
    return Utterance(side, tuple(piece.text for piece in pieces), confidences)


def _side(turn: Turn) -> str:
    """Whose words these are: the channel tells, or the speaker where both share one channel."""
    return turn.speaker if turn.channel is Channel.MIXED else turn.channel.value


def _outside(analysed: Iterable[Finding], in_turns: Iterable[Finding]) -> Iterator[Finding]:
    """Findings but for names and numbers inside an address, which are of it, and names inside an e-mail."""
    covered = {
        (finding.turn, word)
        for finding in in_turns
        if finding.entity in {"LOCATION", "EMAIL_ADDRESS"}
        for word in range(finding.first_word, finding.last_word)
    }
    for finding in analysed:
        inside = ((finding.turn, word) in covered for word in range(finding.first_word, finding.last_word))
        if finding.entity not in _PARTS or not all(inside):
            yield finding


def _without_marks(findings: Iterable[Finding], turns: Sequence[Utterance]) -> Iterator[Finding]:
    for finding in findings:
        words = turns[finding.turn].words
        for word in range(finding.first_word, finding.last_word):
            if not is_mark(words[word]):
                yield Finding(finding.turn, word, word + 1, finding.entity)


def _marked(pieces: tuple[_Piece, ...], findings: Iterable[Finding]) -> tuple[_Piece, ...]:
    marked = list(pieces)
    for finding in sorted(findings, reverse=True):
        removed = marked[finding.first_word : finding.last_word]
        words = tuple(word for piece in removed for word in piece.words)
        text = plain_mark(finding.entity, removed[-1].text)
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


def _word(piece: _Piece, marker: Marker) -> RedactedWord:
    said = [word.text for word in piece.words]
    return RedactedWord(
        text=marker.write(piece.entity, said) if piece.entity else piece.text,
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

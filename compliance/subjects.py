"""Which topics bear on a number: its own turn's, those of turns before, and a question right after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from compliance.dictation import SHORT_REPLY_WORDS, Heard, Piece
from compliance.quantities import is_quantity
from compliance.topics import Mention, Topic

TURNS_BACK = {Topic.CARD: 8, Topic.CVV: 4}
"""Turns with content that a topic outlasts; callwright's own choice, wide where PCI DSS is at stake."""

DEFAULT_TURNS_BACK = 3


def _card_last(mentions: Sequence[Mention]) -> list[Mention]:
    """Latest first, cards after all others: "the expiration date on your card" asks for a date."""
    latest = [mention for mention in reversed(mentions) if mention.topic is not Topic.CARD]
    return latest + [mention for mention in reversed(mentions) if mention.topic is Topic.CARD]


def _words_between(heard: Heard, piece: Piece, mention: Mention) -> int:
    """Words between a mention and a run that are of no code: "tracking number is one z nine nine a a one"."""
    turn = heard.turns[piece.turn]
    gap = range(mention.last_word, piece.run.first_word)
    return sum(at not in turn.numeric and len(turn.tokens[at]) > 1 for at in gap)


def _is_answered(heard: Heard, piece: Piece, mention: Mention) -> bool:
    """Whether a sum or a count stands between: "I paid forty dollars with the card ending 6618"."""
    turn = heard.turns[piece.turn]
    last, first = mention.last_word, piece.run.first_word
    counted = any(last <= run.first_word < first and is_quantity(turn.words, run) for run in turn.runs)
    return counted or any(word[:1] in "$£€" for word in turn.words[last:first])


def topics_near(heard: Heard, piece: Piece) -> Iterator[Topic]:
    """Topics that bear on a run, nearest first: its own turn, turns before, and a question right after."""
    own = heard.turns[piece.turn].mentions
    before = [mention for mention in own if mention.last_word <= piece.run.first_word]
    after = [mention for mention in own if 0 <= mention.first_word - piece.run.last_word <= SHORT_REPLY_WORDS]
    for mention in _card_last(before):
        near = piece.run.first_word - mention.last_word <= SHORT_REPLY_WORDS
        near = (near or _words_between(heard, piece, mention) <= 1) and not _is_answered(heard, piece, mention)
        if mention.topic is not Topic.HARMLESS or near:
            yield mention.topic
    yield from (mention.topic for mention in after if mention.topic is not Topic.HARMLESS)
    distance = 0
    answered = False
    for turn in range(piece.turn - 1, -1, -1):
        mentions = heard.turns[turn].mentions
        distance += any(mention.topic is not Topic.PART for mention in mentions) or not heard.is_reply(turn)
        if distance > max(TURNS_BACK.values()):
            break
        for mention in _card_last(mentions):
            # What was asked before the last question was answered already; payment alone lasts longer.
            lasting = mention.topic in TURNS_BACK or not answered
            # What was said of sums and orders a while ago says nothing of a number that is dictated now.
            lasting = lasting and (mention.topic is not Topic.HARMLESS or turn == piece.turn - 1)
            if lasting and distance <= TURNS_BACK.get(mention.topic, DEFAULT_TURNS_BACK):
                yield mention.topic
        answered = answered or any(mention.topic is not Topic.PART for mention in mentions)
    # Overlapping speech can put an answer before its question.
    if heard.is_digits(piece.turn) and piece.turn + 1 < len(heard.turns):
        yield from (
            mention.topic
            for mention in heard.turns[piece.turn + 1].mentions
            if mention.topic in {Topic.CARD, Topic.CVV, Topic.SSN}
        )

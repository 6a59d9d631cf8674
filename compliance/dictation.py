"""Numbers that one side dictates over one or several turns, put together from their runs of digits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compliance.spoken_numbers import NumberRun, bare, is_filler
from compliance.topics import Topic
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

SHORT_REPLY_WORDS = 6
"""A turn this short does not interrupt a dictated number; callwright's own choice."""

GAP_WORDS = 6
"""Hesitating words in a row that do not interrupt a dictated number; callwright's own choice."""

MISHEARD_WORDS = 2
"""Words in a row, between digits, that may be digits misheard; callwright's own choice."""

_HESITATION = word_set(
    """
    sorry no a an wait let's see okay ok yeah yes yep yup uh-huh mm-hmm it's its it is that's that i mean let me
    hold on so the number actually oh well think please correct right now again got alright ready go ahead with
    followed by ending starts begins my then after apologies pardon scratch make maybe be was hang just sec
    second bit one here there find where have that'd would you sure gosh oops i'll start um last four lastly
    finally first
    """
)
_NOT_MISHEARD = word_set("or and the a an is to of at for in on with per plus minus versus by my from until")


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of digits and the turn that holds it."""

    turn: int
    run: NumberRun


@dataclass(frozen=True, slots=True)
class Dictation:
    """The digits that one side said as one number."""

    pieces: tuple[Piece, ...]
    digits: str = field(repr=False)

    @property
    def groups(self) -> tuple[int, ...]:
        """Lengths of the groups that pauses and turns make."""
        return tuple(size for piece in self.pieces for size in piece.run.groups)

    @property
    def turns(self) -> set[int]:
        """The turns that hold it."""
        return {piece.turn for piece in self.pieces}


@dataclass(frozen=True, slots=True)
class Heard:
    """The turns of a call, and of each the runs that may be dictated."""

    turns: Sequence[Utterance]
    runs: Sequence[Sequence[NumberRun]]

    def is_reply(self, turn: int) -> bool:
        """Whether the turn is too short, or too full of digits, to change the subject."""
        return len(self.turns[turn].words) <= SHORT_REPLY_WORDS or self.is_digits(turn)

    def is_digits(self, turn: int) -> bool:
        """Whether at least half of the turn's words are digits or fillers."""
        words = self.turns[turn].words
        if not self.runs[turn]:
            return False
        said = sum(run.last_word - run.first_word for run in self.runs[turn])
        fillers = sum(map(is_filler, words))
        return bool(said) and 2 * (said + fillers) >= len(words)

    def is_nothing_else(self, turn: int) -> bool:
        """Whether a turn holds digits and hesitation alone."""
        said = self.turns[turn]
        return all(at in said.numeric or is_hesitation(token) for at, token in enumerate(said.tokens))

    def asks_nothing(self, turn: int) -> bool:
        """Whether the turn changes no subject; a card may be named again while its number is dictated."""
        return all(mention.topic is Topic.CARD for mention in self.turns[turn].mentions)


def is_hesitation(word: str) -> bool:
    """Whether a word only hesitates, agrees, corrects or goes on: it ends no number."""
    return bare(word) in _HESITATION or is_filler(word)


def dictations(heard: Heard, confidence_floor: float) -> list[Dictation]:
    """The runs of each side, joined where only replies, a few words or a misheard digit stand between them."""
    found = []
    for side in dict.fromkeys(turn.side for turn in heard.turns):
        held: list[Piece] = []
        for turn, utterance in enumerate(heard.turns):
            if utterance.side != side:
                continue
            for run in heard.runs[turn]:
                piece = Piece(turn, run)
                if held and not _continues(heard, held[-1], piece, confidence_floor):
                    found.append(_dictation(held))
                    held = []
                held.append(piece)
        if held:
            found.append(_dictation(held))
    return found


def _dictation(pieces: list[Piece]) -> Dictation:
    return Dictation(tuple(pieces), "".join(piece.run.digits for piece in pieces))


def _continues(heard: Heard, last: Piece, piece: Piece, confidence_floor: float) -> bool:
    """Whether a run carries on the number of the run before it by the same side."""
    if last.turn == piece.turn:
        return _quiet(heard, piece.turn, last.run.last_word, piece.run.first_word) or is_misheard(
            heard, last, piece, confidence_floor
        )
    end = len(heard.turns[last.turn].words)
    return (
        all(map(heard.is_reply, range(last.turn + 1, piece.turn)))
        and _quiet(heard, last.turn, last.run.last_word, end)
        and _quiet(heard, piece.turn, 0, piece.run.first_word)
        and all(heard.asks_nothing(turn) for turn in range(last.turn + 1, piece.turn))
    )


def _quiet(heard: Heard, turn: int, first_word: int, last_word: int) -> bool:
    """Whether words [first_word, last_word) only hesitate, agree or correct."""
    words = heard.turns[turn].words[first_word:last_word]
    return len(words) <= GAP_WORDS and all(map(is_hesitation, words))


def is_misheard(heard: Heard, last: Piece, piece: Piece, confidence_floor: float) -> bool:
    """Whether what stands between two runs of a turn may be digits that were misheard.

    So are one or two words between digits said one by one, and any few of which the recogniser was not sure.
    """
    gap = range(last.run.last_word, piece.run.first_word)
    utterance = heard.turns[piece.turn]
    words = [utterance.tokens[word] for word in gap]
    if not 1 <= len(words) <= GAP_WORDS:
        return False
    if utterance.confidences and all(utterance.confidences[word] < confidence_floor for word in gap):
        return True
    dictated = all(
        len(run.digits) >= 2 and len(run.digits) >= run.last_word - run.first_word for run in (last.run, piece.run)
    )
    closed = any(utterance.words[word][-1:] in ".?!" for word in (*gap, last.run.last_word - 1))
    mentioned = any(mention.first_word in gap for mention in utterance.mentions)
    plain = any(word in _NOT_MISHEARD or word in _HESITATION for word in words)
    return len(words) <= MISHEARD_WORDS and dictated and not (closed or mentioned or plain)

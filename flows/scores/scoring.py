"""Transcripts against what was said: figures by call, agent, queue, codec, channel, noise and model."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from asr.errors import ConfigError
from asr.scoring import alignment
from asr.scoring.alignment import Kind, Step, align
from asr.scoring.diarization import COLLAR_S, DiarizationErrors, diarization_errors
from asr.scoring.digits import digit_errors
from asr.scoring.errors import EditErrors, interval, pooled, ratio_interval
from asr.scoring.keywords import KeywordCount, keyword_count
from asr.scoring.marks import Mark, Token
from asr.scoring.matched_pairs import MatchedPairs, matched_pairs, segments
from asr.scoring.normalisation import PIPELINES, Pipeline
from asr.scoring.speakers import TimedTurn, cp_errors, tcp_errors
from compliance.marks import entity_of, is_mark
from flows.scores.said import Said, SaidCall

DIMENSIONS = ("call", "agent", "queue", "codec", "channel", "noise", "model")
"""What calls are grouped by; a call of which one is not known is in no group of it."""

_SEED = 20_260_101
_SIDES = {"agent", "customer"}
_WHOLE = "all"

_NAME_ROOM = 8
_ROOM = 20
"""How many words of the other text a mark may stand for: a name with its spelling, a card number with an "and then"."""

_NOISE_DB = ((6.0, "SNR under 6 dB"), (12.0, "SNR 6 to 12 dB"))
_QUIET = "SNR 12 dB or more"


@dataclass(frozen=True, slots=True)
class Method:
    """How texts are made comparable, and the phrases that are looked for, as they are written."""

    pipeline: Pipeline
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SideScore:
    """One side of a call, or the whole of one whose sides cannot be told apart: "all"."""

    side: str
    steps: tuple[Step, ...] = field(repr=False)
    words: EditErrors
    characters: EditErrors
    digits: EditErrors
    keywords: Mapping[str, KeywordCount] = field(repr=False)

    @property
    def unscored(self) -> int:
        """Words of the reference that were removed from either text."""
        return alignment.unscored(self.steps)


@dataclass(frozen=True, slots=True)
class CallScore:
    """A call's figures; None for what nothing tells of: speakers, their times, or who talks when."""

    name: str
    facts: Mapping[str, str]
    sides: tuple[SideScore, ...]
    cp: EditErrors | None = None
    tcp: EditErrors | None = None
    talk: DiarizationErrors | None = None
    talk_with_collar: DiarizationErrors | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """An error rate, in parts of the reference's length, with its 95 % interval, which one call alone does not have."""

    rate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What comes of some calls together. A rate is None where the reference has nothing that it could be a rate of:
    no word, no digit, no speech; the counts of errors are there all the same."""

    calls: int
    words: EditErrors
    unscored: int
    wer: Rate | None
    cer: Rate | None
    digits: EditErrors
    digit_wer: Rate | None
    keywords: Mapping[str, KeywordCount]
    cp_wer: Rate | None
    tcp_wer: Rate | None
    der: Rate | None
    der_with_collar: Rate | None

    @property
    def keyword(self) -> KeywordCount:
        """All phrases together."""
        return sum(self.keywords.values(), KeywordCount())


def score_call(reference: SaidCall, heard: SaidCall, method: Method) -> CallScore:
    """Score a call's transcript against its reference.

    Where both texts tell agent and customer apart each side is scored by itself, and else all turns as one text by
    their start. What was removed from either text is not scored (asr/scoring/marks.py).
    """
    sides = tuple(
        _side_score(side, own, theirs, method) for side, own, theirs in _streams(reference.turns, heard.turns)
    )
    cp = tcp = talk = with_collar = None
    if all(turn.speaker for turn in reference.turns):
        own, theirs = (_by_speaker(call.turns) for call in (reference, heard))
        cp = cp_errors(
            *({who: tokens(turns, method.pipeline) for who, turns in said.items()} for said in (own, theirs))
        )
        if all(turn.start_s is not None and turn.end_s is not None for turn in (*reference.turns, *heard.turns)):
            tcp = tcp_errors(_timed(own, method.pipeline), _timed(theirs, method.pipeline))
    if reference.talk is not None and heard.talk is not None:
        talk = diarization_errors(reference.talk, heard.talk)
        with_collar = diarization_errors(reference.talk, heard.talk, COLLAR_S)
    return CallScore(reference.name, _facts(reference, heard), sides, cp, tcp, talk, with_collar)


def tokens(turns: Iterable[Said], pipeline: Pipeline) -> list[Token]:
    """The words of turns, one after another, made comparable, and marks for what was removed.

    Text is normalised from mark to mark, over turns: a number may be said in two of them.
    """
    found: list[Token] = []
    waiting: list[str] = []
    for word in (word for turn in turns for word in turn.words):
        if is_mark(word):
            found += [*pipeline.apply(" ".join(waiting)).split(), _mark(word)]
            waiting = []
        else:
            waiting.append(word)
    return [*found, *pipeline.apply(" ".join(waiting)).split()]


def _mark(word: str) -> Mark:
    name = entity_of(word) or "REMOVED"
    return Mark(name, _NAME_ROOM if name == "PERSON" else _ROOM)


def figures(calls: Sequence[CallScore], side: str | None = None) -> Figures:
    """What comes of calls together, or of one side of each; intervals are by a bootstrap over calls.

    Of a side alone, what counts speakers is None.
    """
    own = [[one for one in call.sides if side in (None, one.side)] for call in calls]
    words = [pooled(one.words for one in sides) for sides in own]
    digits = [pooled(one.digits for one in sides) for sides in own]
    phrases = dict.fromkeys(phrase for sides in own for one in sides for phrase in one.keywords)
    whole = calls if side is None else ()
    return Figures(
        calls=len(calls),
        words=pooled(words),
        unscored=sum(one.unscored for sides in own for one in sides),
        wer=_rate(words),
        cer=_rate([pooled(one.characters for one in sides) for sides in own]),
        digits=pooled(digits),
        digit_wer=_rate(digits),
        keywords={
            phrase: sum((one.keywords[phrase] for sides in own for one in sides), KeywordCount()) for phrase in phrases
        },
        cp_wer=_rate([call.cp for call in whole if call.cp is not None]),
        tcp_wer=_rate([call.tcp for call in whole if call.tcp is not None]),
        der=_talk_rate([call.talk for call in whole if call.talk is not None]),
        der_with_collar=_talk_rate([call.talk_with_collar for call in whole if call.talk_with_collar is not None]),
    )


def grouped(calls: Sequence[CallScore], by: Sequence[str]) -> dict[str, dict[str, Figures]]:
    """Figures by dimension and value, in the order asked for; a dimension that nothing is known of is left out.

    Raises ConfigError for a dimension that there is not.
    """
    if unknown := [name for name in by if name not in DIMENSIONS]:
        raise ConfigError(f"calls are not grouped by {unknown[0]!r}", f"Known are {', '.join(DIMENSIONS)}")
    found: dict[str, dict[str, Figures]] = {}
    for name in dict.fromkeys(by):
        if name == "channel":
            sides = sorted({one.side for call in calls for one in call.sides} & _SIDES)
            groups = {side: figures([call for call in calls if _has(call, side)], side) for side in sides}
        else:
            members: dict[str, list[CallScore]] = defaultdict(list)
            for call in calls:
                value = call.name if name == "call" else call.facts.get(name)
                if value is not None:
                    members[value].append(call)
            groups = {value: figures(members[value]) for value in sorted(members)}
        if groups:
            found[name] = groups
    return found


def confusions(calls: Iterable[CallScore], most: int) -> list[tuple[Step, int]]:
    """The errors that were made most often, with how often: words taken for others, lost, and put in."""
    counted = Counter(
        step
        for call in calls
        for side in call.sides
        for step in side.steps
        if step.kind not in (Kind.EQUAL, Kind.UNSCORED)
    )
    # The same for the same texts: what is as frequent goes by its letters.
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0].reference, item[0].hypothesis))
    return ranked[:most]


def compare(first: Sequence[CallScore], second: Sequence[CallScore]) -> MatchedPairs:
    """The matched pairs test between two runs over the calls that both have, side by side."""
    other = {(call.name, side.side): side.steps for call in second for side in call.sides}
    return matched_pairs(
        pair
        for call in first
        for side in call.sides
        if (steps := other.get((call.name, side.side))) is not None
        for pair in segments(side.steps, steps)
    )


def noise_band(snr_db: float | None, *, low_only: bool = False) -> str | None:
    """The band of a signal-to-noise ratio. With `low_only` one that is not given was not low enough to be reported."""
    if snr_db is None:
        return _QUIET if low_only else None
    return next((band for below_db, band in _NOISE_DB if snr_db < below_db), _QUIET)


def _has(call: CallScore, side: str) -> bool:
    return any(one.side == side for one in call.sides)


def _streams(own: Sequence[Said], theirs: Sequence[Said]) -> list[tuple[str, Sequence[Said], Sequence[Said]]]:
    sides = {turn.side for turn in (*own, *theirs)}
    if not sides or sides - _SIDES:
        return [(_WHOLE, _by_start(own), _by_start(theirs))]
    return [(side, _of_side(own, side), _of_side(theirs, side)) for side in sorted(sides)]


def _of_side(turns: Sequence[Said], side: str) -> Sequence[Said]:
    return [turn for turn in turns if turn.side == side]


def _by_start(turns: Sequence[Said]) -> Sequence[Said]:
    if any(turn.start_s is None for turn in turns):
        return turns
    return sorted(turns, key=lambda turn: turn.start_s or 0.0)


def _side_score(side: str, own: Sequence[Said], theirs: Sequence[Said], method: Method) -> SideScore:
    def aligned(pipeline: Pipeline) -> tuple[Step, ...]:
        return tuple(align(tokens(own, pipeline), tokens(theirs, pipeline)))

    steps = aligned(method.pipeline)
    by_digits = PIPELINES["call-centre"]
    in_digits = steps if method.pipeline is by_digits else aligned(by_digits)
    return SideScore(
        side,
        steps,
        alignment.errors(steps),
        alignment.errors_in_characters(steps),
        digit_errors(in_digits),
        {phrase: keyword_count(steps, method.pipeline.apply(phrase).split()) for phrase in method.keywords},
    )


def _by_speaker(turns: Sequence[Said]) -> dict[str, list[Said]]:
    found: dict[str, list[Said]] = defaultdict(list)
    for turn in _by_start(turns):
        found[turn.speaker].append(turn)
    return found


def _timed(said: Mapping[str, Sequence[Said]], pipeline: Pipeline) -> dict[str, list[TimedTurn]]:
    return {
        who: [TimedTurn(tuple(tokens([turn], pipeline)), turn.start_s or 0.0, turn.end_s or 0.0) for turn in turns]
        for who, turns in said.items()
    }


def _facts(reference: SaidCall, heard: SaidCall) -> Mapping[str, str]:
    band = noise_band(reference.snr_db)
    return {**reference.facts, **heard.facts, **({"noise": band} if band else {})}


def _rate(parts: Sequence[EditErrors]) -> Rate | None:
    total = pooled(parts)
    if not total.reference_length:
        return None
    return Rate(total.rate, *(interval(parts, _SEED) if len(parts) > 1 else (None, None)))


def _talk_rate(parts: Sequence[DiarizationErrors]) -> Rate | None:
    total = sum(parts, DiarizationErrors())
    if not total.speech_s:
        return None
    wrong = [part.missed_s + part.false_alarm_s + part.confusion_s for part in parts]
    within = ratio_interval(wrong, [part.speech_s for part in parts], _SEED) if len(parts) > 1 else (None, None)
    return Rate(total.rate, *within)

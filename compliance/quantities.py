"""Numbers that count or measure rather than identify: sums, times, ages, years."""

from __future__ import annotations

import re
from collections.abc import Sequence

from compliance.spoken_numbers import NumberRun, bare, is_number_word
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

_UNITS_AFTER = word_set(
    """
    dollar dollars cent cents buck bucks euro euros pounds percent % minute minutes second seconds sec hour
    hours day days week weeks month months year years times time am a.m pm p.m o'clock item items piece pieces
    people persons points miles mile feet inches gigs gigabytes megabytes business digit digits numbers moment
    of more thing things percentage degrees million billion left ago old units boxes bottles tickets rooms
    nights grams ounces dollars' pound pence quid grand inch foot gig megs meg kids bedroom plus page each
    apiece per pages stars lines channels calls stops floors seats bars kilos litres metres yards bags cans
    pairs
    """
)
_MONEY_AFTER = word_set("dollar dollars cent cents buck bucks euro euros pound pounds pence percent quid grand")
_SUM_BEFORE = word_set("for of to paid owe owed raised worth than over nearly almost")
_BY = word_set("by x times")
_AMOUNT = re.compile(r"\d{1,3}(?:,\d{3})+")
_ONE_BEFORE = word_set("the that this which another new old other same right wrong each every no any only last next")
_PLACE_BEFORE = word_set("last first final next only")
_COUNTING_BEFORE = word_set("another about around roughly within page chapter step")
_YEAR_BEFORE = word_set(
    """
    in since year from until till before after by of during around january february march april may june july
    august september october november december
    """
)


def dictated_runs(turn: Utterance) -> list[NumberRun]:
    """Runs that may be part of a dictated number: no counts, ages, sums or durations."""
    return [run for run in turn.runs if not is_quantity(turn.words, run)]


def is_quantity(words: Sequence[str], run: NumberRun, *, strict: bool = False) -> bool:
    """Whether what stands beside a run of up to six digits makes it a count, a sum, an age or a duration.

    `strict` also takes numbers after "about" or before a plural for counts.
    """
    after = bare(words[run.last_word]) if run.last_word < len(words) else ""
    before = bare(words[run.first_word - 1]) if run.first_word else ""
    if run.digits == "1" and before in _ONE_BEFORE and bare(words[run.first_word]) == "one":
        return True
    if _is_dimension(words, run) or (before in _SUM_BEFORE and _is_count(words, run)):
        return True
    if len(run.digits) > 6:
        return run.spoken and len(run.digits) <= 12 and after in _MONEY_AFTER
    closed = words[run.last_word - 1][-1:] in ".,?!"
    if (after in _UNITS_AFTER and not closed) or (before in _COUNTING_BEFORE and len(run.digits) <= 4):
        return True
    if strict and (before in _PLACE_BEFORE or (len(run.digits) <= 2 and after[-1:] == "s" and not closed)):
        return True
    return len(run.digits) == 1 and before in _PLACE_BEFORE


def _is_count(words: Sequence[str], run: NumberRun) -> bool:
    """Whether a run is said as a count of thousands and hundreds: "nine thousand four hundred"."""
    return {"thousand", "hundred"}.issubset(map(bare, words[run.first_word : run.last_word]))


def _is_dimension(words: Sequence[str], run: NumberRun) -> bool:
    """Whether a run is one side of a size: "600 by 1200", "eight by ten"."""
    if len(run.digits) > 4:
        return False
    after, before = words[run.last_word : run.last_word + 2], words[max(0, run.first_word - 2) : run.first_word]
    beside = [pair[::step] for pair, step in ((after, 1), (before, -1)) if len(pair) == 2]
    return any(bare(pair[0]) in _BY and (bare(pair[1]).isdigit() or is_number_word(bare(pair[1]))) for pair in beside)


def is_amount(words: Sequence[str], run: NumberRun) -> bool:
    """Whether a run is written as a count with commas: "1,250,000"."""
    return run.last_word - run.first_word == 1 and bool(_AMOUNT.fullmatch(bare(words[run.first_word])))


def is_year(words: Sequence[str], run: NumberRun) -> bool:
    """Whether a run reads as a year: four digits from 1900 to 2099 after "in", "since" or a month."""
    if len(run.digits) != 4 or run.digits[:2] not in {"19", "20"} or not run.first_word:
        return False
    return bare(words[run.first_word - 1]) in _YEAR_BEFORE

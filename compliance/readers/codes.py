"""Codes of letters and digits: policy numbers, passports, licences, IBANs, British postcodes; and spelling."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from compliance.dictation import is_hesitation
from compliance.readers.spans import WordSpan, words_of
from compliance.spoken_numbers import is_number_word
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

NATO = word_set(
    """
    alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo lima mike november oscar
    papa quebec romeo sierra tango uniform victor whiskey whisky x-ray xray yankee zulu
    """
)
_LETTER_NAMES = word_set(
    "zed zee bee cee dee eff gee aitch jay kay ell em en pee cue queue ar ess tee vee ex wye double-u"
)
_ASIDES = {("as", "in"): 3, ("like", "in"): 3, ("is", "in"): 3, ("for",): 2, ("like",): 2}
_CALLED = NATO | word_set(
    """
    adam apple baker boy charles david dog easy edward frank george harry henry ida ink john king lincoln love
    mary nancy nora ocean orange paul peter queen robert sam sugar tom union victor william young zebra
    """
)
"""Words that stand for letters inside a code; as names they are no worse for being taken out."""

MIN_IBAN_DIGITS = 12
"""Digits of the shortest IBANs in use, Norway's and Belgium's, are 13 and 14; one may be missed."""

MIN_WRITTEN_IBAN_DIGITS = 10
"""Digits of an IBAN in figures and capitals, whose account may have letters; callwright's own choice."""

MAX_GAP_WORDS = 3
"""Fillers in a row inside a code; callwright's own choice."""

_MIXED = re.compile(r"(?=.*\d)(?=.*[a-z])[a-z0-9/-]{2,}")
_CAPITALS = re.compile(r"(?!(?:AM|PM|OK|TV|USA?|PIN|ID|USB)$)[A-Z]{2,5}")
_UNITS = word_set("gb mb tb kb")
_SPELLED = re.compile(r"[a-z](?:-[a-z])+")
_ORDINAL_FIGURES = re.compile(r"\d{1,4}(?:st|nd|rd|th|s|am|pm|k|gb|mb|g|x|kg|mm|cm|lb|lbs|hz|ghz|v|w|p|%)")
_EIRCODE = re.compile(r"(?:[ac-fhknprtv-y]\d{2}|d6w) ?(?=[a-z0-9]*\d)[a-z0-9]{4}")
_CANADIAN = re.compile(r"[a-z]\d[a-z] ?\d[a-z]\d")
_SOUNDS = word_set("ee see sea eh ay be bea you yu why are eye aye oh tea pea que kay jay ell em en ess ar ex zee zed")
_POSTCODE = re.compile(r"[a-z]{1,2}\d[a-z\d]? ?\d[a-z]{2}")
_AREAS = word_set(
    """
    ab al b ba bb bd bh bl bn br bs bt ca cb cf ch cm co cr ct cv cw da dd de dg dh dl dn dt dy e ec eh en ex fk fy g
    gl gu gy ha hd hg hp hr hs hu hx ig im ip iv je ka kt kw ky l la ld le ll ln ls lu m me mk ml n ne ng nn np nr nw
    ol ox pa pe ph pl po pr rg rh rm s sa se sg sk sl sm sn so sp sr ss st sw sy ta td tf tn tq tr ts tw ub w wa wc wd
    wf wn wr ws wv yo ze
    """
)
"""Letters that British postcodes begin with (Royal Mail's postcode areas)."""

_WRITTEN_IBAN = re.compile(r"(?<!\S)[a-z]{2} ?\d\d(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,4})?(?!\S)")
_INSURANCE = re.compile(r"(?<!\S)[a-ceghj-prstw-z][a-ceghj-nprstw-z] ?\d\d ?\d\d ?\d\d ?[a-d](?!\S)")
_SPOKEN_INSURANCE = re.compile("LLD{6}L")
_SPOKEN_POSTCODE = re.compile("L{1,2}D{1,3}L?DLL|L{1,2}D{2,4}LL")
MAX_SHAPE = 9
"""Letters and digits of the longest code that is known by its shape."""

_REPLY = word_set("yes yeah yep it's its that's is then the number letter letters so and at end front instead not")


def letter_at(tokens: Sequence[str], at: int) -> int:
    """The index after a letter said at a token, with its example ("b as in boy"), or `at` if there is none."""
    token = tokens[at]
    if token in {"double", "triple", "capital", "letter"} and at + 1 < len(tokens):
        after = letter_at(tokens, at + 1) if tokens[at + 1] != token else at + 1
        return after if after > at + 1 else at
    if not (re.fullmatch(r"[a-z]", token) or token in _LETTER_NAMES):
        return at
    for phrase, size in _ASIDES.items():
        if tuple(tokens[at + 1 : at + 1 + len(phrase)]) == phrase and at + size < len(tokens):
            return at + size + 1
    return at + 1


def find_codes(turn: Utterance) -> Iterator[WordSpan]:
    """Letters and at least two digits in a row: "A B 1 2 3 4", "PX-4471", "h d as in delta nought six five"."""
    at = 0
    while at < len(turn.words):
        last, digits, letters = _code(turn, at)
        if last > at and digits >= 2 and letters:
            yield at, last
        at = max(last, at + 1)


def find_ibans(turn: Utterance) -> Iterator[WordSpan]:
    """Two letters and at least twelve digits after them, which only IBANs have (ISO 13616): "B E ninety one"."""
    tokens = turn.tokens
    for run in turn.runs:
        first = run.first_word - 2
        if (
            len(run.digits) >= MIN_IBAN_DIGITS
            and first >= 0
            and all(len(token) == 1 for token in tokens[first : first + 2])
        ):
            yield first, run.last_word
    for match in _WRITTEN_IBAN.finditer(turn.text):
        if sum(map(str.isdigit, match[0])) >= MIN_WRITTEN_IBAN_DIGITS:
            yield words_of(turn.text, *match.span())


def find_insurance(turn: Utterance) -> Iterator[WordSpan]:
    """National insurance numbers, which nothing else looks like: "AB 12 34 56 C", "a b one two ... five six c"."""
    for match in _INSURANCE.finditer(turn.text):
        yield words_of(turn.text, *match.span())
    at = 0
    while at < len(turn.tokens):
        last = _shaped(turn.tokens, at, _SPOKEN_INSURANCE)
        if last > at and not _is_inside(turn.tokens, at, last):
            yield at, last
        at = max(last, at + 1)


def find_code_pieces(turn: Utterance, *, digits: bool) -> Iterator[WordSpan]:
    """The letters and `digits` that a turn has no other words beside: a piece of the code that was asked for."""
    tokens, pieces, at = turn.tokens, [], 0
    while at < len(tokens):
        after = at if _is_word(tokens, at, at + 1, turn.numeric, begins=at + 1 < len(tokens)) else letter_at(tokens, at)
        figures = digits and (at in turn.numeric or _MIXED.fullmatch(tokens[at]))
        written = turn.is_cased and _CAPITALS.fullmatch(turn.words[at].strip(".,?!"))
        if figures or written or tokens[at] in NATO or _SPELLED.fullmatch(tokens[at]):
            after = at + 1
        if after > at:
            pieces.append((at, after))
        elif not (tokens[at] in _REPLY or is_hesitation(tokens[at])):
            return
        at = max(after, at + 1)
    yield from pieces


def _code(turn: Utterance, at: int) -> tuple[int, int, bool]:
    """Where a code that begins at a word ends, how many digits it has, and whether it has letters."""
    words, tokens, numeric = turn.words, turn.tokens, turn.numeric
    place, last, digits, letters = at, at, 0, False
    while place < len(tokens):
        token = tokens[place]
        after = letter_at(tokens, place)
        if place in numeric:
            digits += max(1, sum(map(str.isdigit, token)))
            place = last = place + 1
        elif after > place and not _is_word(tokens, place, after, numeric, begins=last == at):
            letters = True
            place = last = after
        elif _MIXED.fullmatch(token) and not _ORDINAL_FIGURES.fullmatch(token):
            digits += sum(map(str.isdigit, token))
            letters = True
            place = last = place + 1
        elif last > at and token in _UNITS and not letters:
            break
        elif token in _CALLED or _CAPITALS.fullmatch(words[place].strip(".,?!")) or _SPELLED.fullmatch(token):
            letters = True
            place = last = place + 1
        elif last > at and place - last < MAX_GAP_WORDS and is_hesitation(token):
            place += 1
        else:
            break
    return last, digits, letters


def _is_word(tokens: Sequence[str], at: int, after: int, numeric: frozenset[int], *, begins: bool) -> bool:
    """Whether an "a" or "i" is a word: no code goes on after it, and it begins, or is an "i"."""
    apart = tokens[at] == "i" and after == at + 1 < len(tokens)
    return tokens[at] in {"a", "i"} and (begins or apart) and not _goes_on(tokens, after, numeric)


def _goes_on(tokens: Sequence[str], at: int, numeric: frozenset[int]) -> bool:
    while at < len(tokens) and is_hesitation(tokens[at]) and at not in numeric:
        at += 1
    return at < len(tokens) and (at in numeric or letter_at(tokens, at) > at)


def find_postcodes(turn: Utterance, *, asked: bool) -> Iterator[WordSpan]:
    """British postcodes (BS 7666): "SW1A 1AA", and spoken "s w one a one a a" where one was `asked` for."""
    tokens = turn.tokens
    for at, token in enumerate(tokens):
        pair = " ".join(tokens[at : at + 2])
        if _POSTCODE.fullmatch(token) or _EIRCODE.fullmatch(token) or _CANADIAN.fullmatch(token):
            yield at, at + 1
        elif any(map(str.isdigit, token)) and any(kind.fullmatch(pair) for kind in (_POSTCODE, _EIRCODE, _CANADIAN)):
            yield at, at + 2
    if asked:
        yield from find_codes(turn)
        yield from _sounded(turn)
        return
    # Unasked, its shape must be whole: one or two letters, a number, a digit, two letters.
    if sum(len(token) == 1 for token in tokens) < 3:
        return
    at = 0
    while at < len(tokens):
        last = _shaped(tokens, at, _SPOKEN_POSTCODE)
        if last > at and not _is_inside(tokens, at, last) and _area(tokens, at) in _AREAS:
            yield at, last
        at = max(last, at + 1)


def _sounded(turn: Utterance) -> Iterator[WordSpan]:
    """Letters written as they sound, beside letters or digits: "ee see one vee"."""
    tokens, numeric = turn.tokens, turn.numeric
    at = 0
    while at < len(tokens):
        last = at
        while last < len(tokens) and (last in numeric or tokens[last] in _SOUNDS or letter_at(tokens, last) > last):
            last = max(last + 1, letter_at(tokens, last) if last not in numeric else 0)
        if last - at >= 3 and not numeric.isdisjoint(range(at, last)):
            yield at, last
        at = max(last, at + 1)


def _shaped(tokens: Sequence[str], at: int, shape: re.Pattern[str]) -> int:
    """The word after letters (L) and digits (D) from a word on that have a shape; that word if they have not."""
    place, said = at, ""
    while place < len(tokens) and len(said) < MAX_SHAPE:
        after = letter_at(tokens, place)
        if after > place and (tokens[place] == "o" or not is_number_word(tokens[place])):
            said += "L"
        elif is_number_word(tokens[place]) or tokens[place].isdigit():
            said += "D" * (len(tokens[place]) if tokens[place].isdigit() else 1)
            after = place + 1
        else:
            break
        place = after
        if shape.fullmatch(said):
            return place
    return at


def _is_inside(tokens: Sequence[str], first: int, last: int) -> bool:
    """Whether letters or digits stand beside words [first, last): a longer code holds them."""
    near = [*tokens[max(0, first - 1) : first], *tokens[last : last + 1]]
    return any(
        (len(token) == 1 and token not in {"a", "i"}) or token.isdigit() or is_number_word(token) for token in near
    )


def _area(tokens: Sequence[str], at: int) -> str:
    """The letters that a postcode at a word begins with."""
    second = letter_at(tokens, at)
    return tokens[at] + (tokens[second] if letter_at(tokens, second) > second else "")


def spelt(turn: Utterance, first: int, last: int) -> str:
    """The letters that words [first, last) spell, without their examples."""
    letters, place = "", first
    while place < last:
        token = turn.tokens[place]
        after = letter_at(turn.tokens, place)
        if after > place:
            letters += token if len(token) == 1 else "?"
        elif _SPELLED.fullmatch(token):
            letters += token.replace("-", "")
        elif token in NATO:
            letters += token[0]
        place = max(after, place + 1)
    return letters


def compressed(turn: Utterance, first: int, last: int) -> str:
    """The letters and digits that words [first, last) say, in one: "n for november g seven" is "ng7"."""
    digits = {run.first_word: run for run in turn.runs}
    said, place = "", first
    while place < last:
        token, after = turn.tokens[place], letter_at(turn.tokens, place)
        if place in digits:
            said, after = said + digits[place].digits, digits[place].last_word
        elif after > place or token in NATO or _SPELLED.fullmatch(token):
            after = max(after, place + 1)
            said += spelt(turn, place, after)
        elif _MIXED.fullmatch(token):
            said += re.sub(r"\W", "", token)
        place = max(after, place + 1)
    return said


def find_spelling(turn: Utterance) -> Iterator[WordSpan]:
    """Words spelled in three letters or more: "L O P E Z", "L-O-P-E-Z", "l as in lima o as in oscar"."""
    tokens = turn.tokens
    at = 0
    while at < len(tokens):
        place, last, letters = at, at, 0
        while place < len(tokens):
            after = letter_at(tokens, place)
            if after > place:
                letters += 1
                place = last = after
            elif _SPELLED.fullmatch(tokens[place]):
                letters += len(tokens[place].split("-"))
                place = last = place + 1
            elif tokens[place] in NATO:
                letters += 1
                place = last = place + 1
            elif (
                letters
                and place - last < MAX_GAP_WORDS
                and (is_hesitation(tokens[place]) or tokens[place] == "apostrophe")
            ):
                place += 1
            else:
                break
        # "I mean n a n": a pronoun before a gap spells nothing.
        if tokens[at] in {"i", "a"} and at + 1 < last and letter_at(tokens, at + 1) == at + 1:
            at += 1
            continue
        if letters >= 3:
            yield at, last
        at = max(last, at + 1)

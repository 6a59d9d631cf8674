"""Names of persons: those that a phrase announces, those with a title, and those that lists know."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from compliance.findings import Finding
from compliance.names import TITLES, lexicon, place_at, things
from compliance.readers.spans import WordSpan, words_of
from compliance.spoken_numbers import bare, is_number_word
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

_SURE = (
    r"(?:sur|first |last |full |middle |maiden |family |given |legal |user)?names?(?: on (?:the|my|your|it|this)"
    r"(?: (?:card|account|order|policy|booking))?)?(?: here)?(?: (?:is|was|are|would be|of))(?: (?:actually"
    r"|just|now))?"
    r"|(?:first|last|middle|maiden|family|full|given|sur) ?names?"
    r"|(?:sur|first |last |full |middle |maiden )?names?'s"
    r"|goes by|(?:is|was|she's|he's|doctor's|guy|lady|man|woman|agent|person) called|under the name(?: of)?"
    r"|calls? me|(?:speak|talk) (?:to|with)(?= [\w'-]+ (?:please|again|in|who|from|she|he|about)(?!\S))"
)
_FAIR = r"this is|ask(?:ed)? for|(?:speaking|spoke|speak|talk(?:ed|ing)?) (?:with|to)|i'm|i am|through to|dear|mister"
_RELATION = re.compile(
    r"(?<!\S)(?:my|his|her|your|our|their) (?:(?:late|older|younger|elder|eldest|youngest|oldest|little|big|ex|new|step"
    r"|grand|great|former|other) )?(?:wife|husband|son|daughter|mother|father|mum|mom|dad|partner|brother"
    r"|sister|boss|doctor"
    r"|boyfriend|girlfriend|fiance|colleague|friend|nurse|manager|neighbour|neighbor|aunt|uncle|accountant"
    r"|lawyer|cousin|niece|nephew|grandson|granddaughter|grandmother|grandfather|grandma|grandpa|stepson|stepdaughter"
    r"|mother-in-law|father-in-law|roommate|flatmate|housemate|landlord|landlady|tenant|carer|caregiver|solicitor"
    r"|attorney|assistant|secretary|teacher|dentist|supervisor|twin|kid)(?: in law)?(?!\S)"
)
GREETED_TURNS = 4
"""Turns in which somebody is greeted by the name that they gave; callwright's own choice."""

_PRESENTED = re.compile(r"(?<!\S)(?:i'm|this is|it's|i am|is|name's|called|me) (?P<name>[a-z][a-z'-]+)(?!\S)")
_GREETINGS = word_set("hi hello hey thanks morning afternoon evening mr mrs ms miss okay bye dear")
_CALLED = re.compile(
    r"(?<!\S)(?:somebody|someone|lady|man|woman|guy|girl|chap|bloke|fella|gentleman|person|agent|colleague|friend|named)"
    r" (?:called|named|by the name of) (?P<name>[\w'-]+) (?:who|in|from|at|that|and|told|said|promised|she|he)(?!\S)"
)
_ITS_CUE = re.compile(r"(?<!\S)(?:it's|here is|that's)(?!\S)")
_WEAK = (
    r"thanks|thank you|hi|hello|hey|there|morning|afternoon|evening|okay|bye|sorry|alright|that's|under|for"
    r"|ask for|with"
    r"|and|from|name|ma'am|sir|am i|well|so|yes|yeah|sure|right|great|perfect|to|by|is|great talking to you"
)
_SURE_CUE = re.compile(rf"(?<!\S)(?:{_SURE})(?!\S)")
_FAIR_CUE = re.compile(rf"(?<!\S)(?:{_FAIR})(?!\S)")
_WEAK_CUE = re.compile(rf"(?<!\S)(?:{_WEAK})(?!\S)")
_ARTICLES = word_set("the a an some any")
_THINGS_CALLED = word_set(
    "file app form game show film movie song website site program programme button tab folder plan package product shop"
    " store setting option button page report document scheme tariff service model company album book series channel"
)
_MONTH_NAMES = word_set("april june august may")
_WHEN = word_set("by in since until till from of before after during around early late last next this mid end")
_HERE = word_set("here speaking calling")
_FORMAL_TITLES = word_set("mr mrs ms mister")
_OWNERS = word_set("my his her your our their the a that this")
_DOCTORS = word_set("dr doctor professor reverend")
_NOUNS = _DOCTORS | word_set("mrs missus miss mister")
_ANSWER_GLUE = word_set(
    """
    yes yeah yep sure it's its is the my name name's that's this um uh er well okay ok so hi hello of course i'm
    i    am oh first last surname certainly it think was were that'd be would it'd believe maybe probably called
    """
)
_NOT_NAME = word_set(
    """
    goodbye bye bye-bye cheers afraid able unable happy unhappy ready looking hoping wondering curious
    interested a an the my your his her our their it its it's is was are be been and or but not no yes yeah yep
    okay ok so um uh er well just actually really very on in at to for of from with by as that this these those
    there here what who how when where why which all any some i i'm you he she we they me us him them do does
    did have has had can could will would should may might must sir ma'am maam miss please thank thanks sorry
    sure right spelled spelt correct calling speaking regarding about going gonna trying having still already
    also too now then today good great fine hi hello hey customer support service billing sales technical
    department team someone somebody anybody listed wrong different same misspelled under account card order new
    old only because if like one two three four five six seven eight nine ten agent operator representative
    supervisor manager company that's there's what's who's he's she's it'll i'll i've i'd we're they're you're
    never always another every each monday tuesday wednesday thursday friday saturday sunday january february
    march july september october november december tomorrow number email e-mail address phone date zero oh
    accounts claims returns complaints management anyone whoever reception engineering repairs collections retentions
    dispatch security operations human
    back later soon double calls call called and's than more first last middle name names surname second third let bear
    hold hang can't don't won't double-u again ending through
    """
)
_PARTICLES = word_set(
    "al el bin ibn bint abu ter ten nic ni ní ó ui uí ap de del della di da dos van von der den la le mac mc st o'"
)
MAX_NAME_WORDS = 3
"""Words of a name after a phrase that announces it; callwright's own choice."""


def find_people(turn: Utterance, *, asked: bool = False) -> Iterator[WordSpan]:
    """Persons' names that a phrase announces ("my name is", "this is", "Mrs."), or that lists know.

    If a name was `asked` for just before, what an answer begins with is one.
    """
    for first, last in _people(turn, asked=asked):
        yield first, _further(turn, last)


def beginning(turn: Utterance, first: int) -> int:
    """Where a name begins, with the title and the initials before it: "Mrs. M. T. Blankenship", "Mr. and Mrs. Hale"."""
    # "I" and "a" before a name are words.
    while (
        first and re.fullmatch(r"[A-Z]\.?|[b-hj-z]", turn.words[first - 1]) and turn.words[first - 1] not in {"I", "A"}
    ):
        first -= 1
    while first and _is_title(turn, first - 1):
        first -= 1
        first -= first > 1 and turn.tokens[first - 1] in {"and", "&"} and _is_title(turn, first - 2)
    return first


def _is_title(turn: Utterance, at: int) -> bool:
    """Whether a word is the title of the name after it, and no profession's; "I miss" in text with capitals is none."""
    written = turn.words[at]
    formal = turn.tokens[at] in TITLES - _DOCTORS and written[-1:] not in ",?!;"
    return formal and not (turn.is_cased and written[0].islower())


def _further(turn: Utterance, last: int) -> int:
    """Where a name ends, with the particles and strange words that go on with it: "Suleiman al Masri"."""
    end = last
    while end < len(turn.tokens) and end - last < MAX_NAME_WORDS and not turn.closes(end - 1):
        # "Carol T. Ostrander", "suleiman al masri".
        at = end + (turn.tokens[end] in _PARTICLES or _is_initial(turn, end))
        if at >= len(turn.tokens) or turn.closes(at - 1, ",?!;"):
            break
        capital = turn.words[at][:1].isupper() and turn.tokens[at] not in _NOT_NAME
        strange = _is_wordlike(turn.tokens[at]) and (
            _is_strange(turn.tokens[at]) or (at > end and lexicon().is_family(turn.tokens[at]))
        )
        if not (capital if turn.is_cased else strange or (at > end and turn.tokens[end] in _PARTICLES - {"la", "do"})):
            break
        end = at + 1
    return end


def _is_initial(turn: Utterance, at: int) -> bool:
    """Whether a word is one letter that goes on with a name; in lower case "a" and "i" are words."""
    word = turn.words[at].rstrip(".")
    return bool(re.fullmatch(r"[A-Z]" if turn.is_cased else r"[b-hj-z]", word))


def _people(turn: Utterance, *, asked: bool) -> Iterator[WordSpan]:
    words, tokens, text, cased = turn.words, turn.tokens, turn.text, turn.is_cased
    if asked:
        yield from _answer(turn)
    for pattern, sure in (
        (_SURE_CUE, True),
        (_FAIR_CUE, cased),
        (_RELATION, cased),
        (_ITS_CUE, False),
        (_WEAK_CUE, False),
    ):
        for match in pattern.finditer(text):
            begun, first = words_of(text, match.start(), match.end())
            # "The file is called report": a thing's name.
            if tokens[first - 1] == "called" and begun and tokens[begun - 1] in _THINGS_CALLED:
                continue
            # "The train to Leeds" goes to a place.
            if tokens[first - 1] in {"to", "from"} and first < len(tokens) and place_at(turn.tokens, first) > first:
                continue
            last = _names(turn, first, sure=sure, announced=pattern in (_FAIR_CUE, _RELATION, _ITS_CUE))
            if last > first and (pattern is not _WEAK_CUE or find_things(turn).isdisjoint(range(first, last))):
                yield first, last
    yield from _here(words, tokens)
    yield from _called(turn)
    yield from _beside_relation(turn)
    titled = list(_titled(words, tokens, cased=cased))
    # "Dr. Pepper" is a thing, its title included.
    others = find_things(turn) if titled else set()
    yield from (span for span in titled if not others.issuperset(range(span[0] - 1, span[1])))
    yield from _listed(turn)


def _answer(turn: Utterance) -> Iterator[WordSpan]:
    """The name that an answer begins with, after "yes, it's" and the like."""
    words, tokens, first = turn.words, turn.tokens, 0
    while first < len(tokens) - 1 and (tokens[first] in _ANSWER_GLUE or _is_initial(turn, first)):
        first += 1
    last = first
    while last < min(len(tokens), first + MAX_NAME_WORDS) and _may_answer(turn, last):
        last += 1
        if words[last - 1][-1:] in ".,?!;":
            break
    rest = tokens[last:]
    known = any(lexicon().is_name(token) for token in tokens[first:last])
    if last > first and (not rest or known or words[last - 1][-1:] in ".,;" or len(rest[0]) == 1 or len(tokens) <= 6):
        yield first, last


def _may_answer(turn: Utterance, index: int) -> bool:
    """Whether a word may be of a name that was asked for: no everyday word, but for names that are one too."""
    token, known = turn.tokens[index], lexicon()
    capital = turn.words[index][:1].isupper() and index > 0
    name = known.is_given(token) or known.is_family(token)
    return _is_wordlike(token) and (capital or name or token not in known.everyday)


def _names(turn: Utterance, first: int, *, sure: bool, announced: bool) -> int:
    """The word after up to three words of a name at a word; that word if there is none."""
    last = first
    while last < min(len(turn.words), first + MAX_NAME_WORDS) and _may_be_name(
        turn, last, sure=sure, announced=announced
    ):
        last += 1
        if turn.closes(last - 1):
            break
    return last


def _is_wordlike(token: str) -> bool:
    return (
        token not in _NOT_NAME
        and not is_number_word(token.partition("-")[0])
        and bool(re.fullmatch(r"[^\W\d_](?:[^\W\d_]|['-])+", token))
    )


def _may_be_name(turn: Utterance, index: int, *, sure: bool, announced: bool) -> bool:
    """Whether a word is a name: after a `sure` phrase any is that may be one, after one that `announced` a name any
    that is no everyday word, else those of the lists."""
    token, capital = turn.tokens[index], turn.words[index][:1].isupper()
    if not _is_wordlike(token) or turn.words[index][:1] == "[" or _is_acronym(turn, index):
        return False
    if sure and (not turn.is_cased or capital):
        return True
    dated = token in _MONTH_NAMES and index > 0 and turn.tokens[index - 1] in _WHEN
    if dated or (turn.is_cased and not capital):
        return False
    known = lexicon()
    beside = turn.tokens[index + 1] if index + 1 < len(turn.tokens) else ""
    if announced and (_is_strange(token) or beside in known.family):
        return True
    return known.is_name(token) or (known.is_given(token) and known.is_family(beside))


def _is_acronym(turn: Utterance, index: int) -> bool:
    """Whether a word is two or three capitals and no given name: "ID", "BBC"."""
    written = turn.words[index].strip(".,?!;")
    return turn.is_cased and bool(re.fullmatch(r"[A-Z]{2,3}", written)) and not lexicon().is_given(turn.tokens[index])


def _is_strange(token: str) -> bool:
    """Whether a word is neither an everyday word nor a form of a verb."""
    if len(token) < 3 or token in TITLES:
        return False
    return token not in lexicon().everyday and not re.search(r"'(?!s$)|ing$|ed$|ly$", token)


def find_greeted(turns: Sequence[Utterance]) -> Iterator[Finding]:
    """Everyday words that are names: "hi, I'm Rain", as the other side says "hi Rain"."""
    for index, turn in enumerate(turns[:-1]):
        for match in _PRESENTED.finditer(turn.text):
            first, last = words_of(turn.text, match.start("name"), match.end("name"))
            for later in range(index + 1, min(len(turns), index + GREETED_TURNS)):
                tokens = turns[later].tokens
                for at in range(1, len(tokens)):
                    if tokens[at] == match["name"] and tokens[at - 1] in _GREETINGS and turns[later].side != turn.side:
                        yield Finding(index, first, last, "PERSON")
                        yield Finding(later, at, at + 1, "PERSON")


def _called(turn: Utterance) -> Iterator[WordSpan]:
    """ "Somebody called Blessing who ...": what goes on as a person does."""
    for match in _CALLED.finditer(turn.text):
        first, last = words_of(turn.text, match.start("name"), match.end("name"))
        if _is_wordlike(turn.tokens[first]) and not turn.closes(first - 1):
            yield first, last


def _beside_relation(turn: Utterance) -> Iterator[WordSpan]:
    """ "Wei, my husband": a strange word, or one with a capital, that a relation explains."""
    for match in _RELATION.finditer(turn.text):
        last = words_of(turn.text, match.start(), match.end())[0]
        begins = last == 1 or (last > 1 and (turn.closes(last - 2) or turn.tokens[last - 2] in _ANSWER_GLUE | {"and"}))
        if last and begins and _is_wordlike(turn.tokens[last - 1]) and _is_strange(turn.tokens[last - 1]):
            yield last - 1, last


def _here(words: Sequence[str], tokens: Sequence[str]) -> Iterator[WordSpan]:
    """ "Robert Miller here", "Siobhan speaking"."""
    known = lexicon()
    for index, token in enumerate(tokens):
        if token not in _HERE or not index or words[index - 1][-1:] in ".?!":
            continue
        first = index
        while first and index - first < 2:
            name = tokens[first - 1]
            cued = first > 1 and tokens[first - 2] in {"it's", "is", "i'm", "hi", "hello", "hey"}
            if not (_is_wordlike(name) or (cued and first < index)):
                break
            begun = first == index and first > 1 and known.is_given(tokens[first - 2]) and known.is_family(name)
            listed = known.is_name(name) or begun or (cued and known.is_given(name))
            if not (words[first - 1][:1].isupper() or listed or _is_strange(name)):
                break
            first -= 1
        if first < index:
            yield first, index


def _titled(words: Sequence[str], tokens: Sequence[str], *, cased: bool) -> Iterator[WordSpan]:
    known = lexicon()
    for index, title in enumerate(tokens[:-1]):
        if title not in TITLES or words[index][-1:] in ",?!":
            continue
        # "My doctor said", "the missus may call": a noun, unless a name is written after it.
        noun = title in _NOUNS and index > 0 and tokens[index - 1] in _OWNERS
        if noun and (words[index + 1][:1].islower() if cased else not _is_strange(tokens[index + 1])):
            continue
        first = index + 1
        # "Mr. de Souza", "Ms Ní Bhriain".
        while first < len(tokens) - 1 and tokens[first] in _PARTICLES:
            first += 1
        last = first
        while last < min(len(tokens), first + 2) and _is_wordlike(tokens[last]):
            listed = known.is_name(tokens[last]) or (title in _FORMAL_TITLES and last == first)
            if not (
                words[last][:1].isupper()
                or listed
                or _is_strange(tokens[last])
                or (known.is_family(tokens[last]) and (last > first or title in _DOCTORS))
            ):
                break
            last += 1
            if words[last - 1][-1:] in ".,?!;":
                break
        if last > first:
            yield index + 1, last


def _listed(turn: Utterance) -> Iterator[WordSpan]:
    """Names that lists know, but for those of firms and things: "earl grey"."""
    named = list(_known(turn.words, turn.tokens, cased=turn.is_cased))
    others = find_things(turn) if named else set()
    yield from (span for span in named if others.isdisjoint(range(*span)))


def find_things(turn: Utterance) -> set[int]:
    """The words of firms and things that a person's name is part of."""
    return {word for span in things(turn.text) for word in range(*words_of(turn.text, *span))}


def _known(words: Sequence[str], tokens: Sequence[str], *, cased: bool) -> Iterator[WordSpan]:
    """Given names of the lists, with the family names after them; in text with capitals those with one."""
    known = lexicon()
    for index, token in enumerate(tokens):
        token = token.removesuffix("'s")  # noqa: PLW2901
        before = tokens[index - 1] if index else ""
        if not cased and (before in _ARTICLES or (token in _MONTH_NAMES and before in _WHEN)):
            continue
        if not known.is_given(token) or (cased and not words[index][:1].isupper()):
            continue
        after = tokens[index + 1].removesuffix("'s") if index + 1 < len(tokens) else ""
        joined = words[index][-1:] not in ".,?!;"
        capital = not cased or (words[index + 1 : index + 2] and words[index + 1][:1].isupper())
        pair = joined and capital and known.is_family(after) and after not in _NOT_NAME
        if pair and (token in known.given or known.is_name(after)):
            yield index, index + 2
        elif token in known.given and token not in known.places:
            yield index, index + 1


def find_again(turns: Sequence[Utterance], found: Iterable[Finding]) -> Iterator[Finding]:
    """Every further mention of a name found once: its parts of three letters or more, written alike."""
    names: set[str] = set()
    for finding in found:
        names.update(map(_stem, turns[finding.turn].words[finding.first_word : finding.last_word]))
    known = lexicon()
    everyday = _NOT_NAME | known.given_doubtful
    names = {name for name in names if len(name) >= 4 or (len(name) == 3 and name.isalpha() and name not in everyday)}
    names -= _NOT_NAME
    if not names:
        return
    for index, turn in enumerate(turns):
        cased = turn.is_cased
        for place, word in enumerate(turn.words):
            if (word[:1].isupper() or not cased) and _stem(word) in names:
                yield Finding(index, place, _further(turn, place + 1), "PERSON")


def _stem(word: str) -> str:
    return bare(word).removesuffix("'s")

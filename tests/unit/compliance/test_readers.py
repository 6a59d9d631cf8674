"""Readers of one turn: e-mails, sites, addresses, postcodes, dates, ages, names, spelling and codes."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from compliance.findings import Finding
from compliance.readers.addresses import find_addresses
from compliance.readers.codes import (
    compressed,
    find_codes,
    find_ibans,
    find_insurance,
    find_postcodes,
    find_spelling,
    spelt,
)
from compliance.readers.dates import (
    asks_child,
    find_ages,
    find_births,
    find_date_parts,
    find_dates,
    find_expiries,
    find_expiry_months,
    find_holidays,
    find_periods,
    find_relative_months,
)
from compliance.readers.emails import find_emails, find_urls
from compliance.readers.people import beginning, find_greeted, find_people
from compliance.readers.spans import WordSpan
from compliance.utterance import Utterance

pytestmark = pytest.mark.unit

Find = Callable[[Utterance], Iterator[WordSpan]]

emails: Find = partial(find_emails, asked=False)
asked_emails: Find = partial(find_emails, asked=True)
addresses: Find = partial(find_addresses, asked=False)
asked_addresses: Find = partial(find_addresses, asked=True)
postcodes: Find = partial(find_postcodes, asked=False)
asked_dates: Find = partial(find_dates, asked=True)
asked_people: Find = partial(find_people, asked=True)


def turn(text: str) -> Utterance:
    return Utterance("customer", tuple(text.split()))


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (emails, "my email is <maria dot lopez at example dot com> thanks"),
        (emails, "It's <Maria.Lopez at example.com>."),
        (emails, "Write to <maria.lopez@example.com>, please."),
        (emails, "it's <m l o p e z at gmail dot com>"),
        (emails, "yeah <maria underscore lopez forty two at yahoo dot co dot uk>"),
        (emails, "it's <lopez at gmail> okay"),
        (asked_emails, "it's <maria dot lopez>"),
        (asked_emails, "<at example dot com>"),
        (find_urls, "go to <www.example.com> now"),
        (find_urls, "Look at <example dot com slash help>."),
        (find_urls, "visit <www dot example dot org>"),
        (addresses, "I live at <42 Maple Street>."),
        (addresses, "it's <forty two maple street> in town"),
        (addresses, "<one two three north main street apartment four>"),
        (addresses, "Over on <Sunset Boulevard> I think."),
        (find_dates, "on <March 3rd, 1984>."),
        (find_dates, "<march third nineteen eighty four>"),
        (find_dates, "it was <the third of May 1971>"),
        (find_dates, "<04/12/1971>"),
        (find_people, "Hi, my name is <Maria Lopez> and I"),
        (find_people, "my name is <ngozi adeyemi>"),
        (find_people, "this is <jennifer> how can i help"),
        (find_people, "The name on the card is <Ngozi Adeyemi>."),
        (find_people, "Thank you, <Robert>."),
        (find_people, "Thank you for calling, this is <Oluwaseun>, how can I help?"),
        (find_people, "Is this Mrs. <Okonkwo>?"),
        (find_people, "so <maria lopez> called"),
        (asked_people, "<Okonkwo>."),
        (find_spelling, "it's <L O P E Z> okay"),
        (find_spelling, "<L-O-P-E-Z>."),
        (find_spelling, "<l as in lima o as in oscar p as in papa>"),
        (find_codes, "it is <PX-4471> yes"),
        (find_codes, "number <P X 4 4 7 1>."),
        (find_codes, "<W12345678>"),
        (find_codes, "it's <h p dash double two oh nine one>"),
        (find_codes, "<w as in whiskey one two three> thanks"),
        (find_codes, "<A um 8 6 5>"),
        (find_codes, "<g b five nought e y n k nine three>"),
        (emails, "send it to <f a t i m a dot khan at acme dot com> please"),
        (emails, "it's <k dot oyelaran at bt internet dot com>"),
        (emails, "<j as in john dot smith at gmail dot com>"),
        (emails, "email me at <bigbadwolf 32 at acme.co.uk.>"),
        (asked_emails, "<j underscore k at proton dot me>"),
        (asked_emails, "<k dot oyelaran at>"),
        (emails, "<gwendolyn dot brown seven three at acme dot co dot uk>"),
        (find_codes, "it is <zebra x-ray four four two> I think"),
        (addresses, "it's <flat five sixty one church court reading n six seven z x>"),
        (addresses, "<Flat 2, 14 Baker Street, London, NW1 6XE.>"),
        (
            addresses,
            "at <nine eighty one north wells street apartment three oh two milwaukee wisconsin five three two oh two>",
        ),
        (addresses, "<1234 Elm Street, Springfield, IL 62704>"),
        (addresses, "<PO box 1234> please"),
        (asked_addresses, "<ten willow place> thanks"),
        (asked_addresses, "it's <The Old Rectory, Church Lane, Little Snoring.>"),
        (addresses, "are you still at <thirty one magpie hollow>"),
        (addresses, "Is it still <6 Lark Bottom>?"),
        (addresses, "i'm at <twelve sycamore> it's the blue house"),
        (addresses, "send it to <p o box six sixty> in the back"),
        (addresses, "it's <rural route four box two one nine b>"),
        (addresses, "<12 Elm Street. That's in Elbow Lake.>"),
        (asked_addresses, "<two the maltings> thanks"),
        (find_ibans, "to <FR14 2004 1010 0505 0001 3M02 606>"),
        (find_ibans, "<NL91 ABNA 0417 1643 00> please"),
        (find_insurance, "<AB 12 34 56 C>"),
        (find_insurance, "it's <j k two three four five six seven b> yes"),
        (find_holidays, "<Christmas Eve nineteen sixty>"),
        (find_relative_months, "it says <may of next year> on it"),
        (find_relative_months, "<next october>"),
        (find_periods, "it says <the end of next month> i think"),
        (find_relative_months, "<august the year after next> i think"),
        (find_holidays, "<on halloween eighty four>"),
        (find_people, "the name is <carol t ostrander>"),
        (find_people, "Good morning Mr. <de Vasconcelos>, hello."),
        (find_people, "thanks ms <ní bhriain>"),
        (find_people, "my late brother <ivor prosser> had it"),
        (find_people, "It goes to <Walter T. Simmons>."),
        (find_people, "your surname's <fennimore>"),
        (asked_people, "t <okeke>"),
        (postcodes, "<SW1A 1AA> I think"),
        (postcodes, "<s w one a one a a>"),
        (postcodes, "oxford <o x four two j y>"),
        (asked_dates, "<third of the fourth eighty five>"),
        (asked_dates, "it's <12/27>"),
        (find_births, "on <the 14th of March, 1959>"),
        (find_ages, "she is <ninety four> years old"),
        (find_people, "hi i'm <kwame mensah> and it broke"),
        (find_people, "my name is <siobhan o'malley>"),
        (find_people, "it's dr <hall> from the surgery"),
        (find_people, "this is <xiaoling zhao> speaking"),
        (find_people, "my mother <wei rosenthal> lives here"),
        (asked_people, "yes it's <gareth pugh>"),
        (asked_people, "<Aled Llewellyn.>"),
    ],
)
def test_finds(find: Find, text: str) -> None:
    words = text.split()
    first = next(place for place, word in enumerate(words) if "<" in word)
    last = next(place for place, word in enumerate(words) if ">" in word) + 1
    said = turn(text.replace("<", "").replace(">", ""))
    covered = {place for start, stop in find(said) for place in range(start, stop)}
    assert covered == set(range(first, last))


@pytest.mark.parametrize(
    ("find", "text"),
    [
        (emails, "Look at example dot com"),
        (emails, "meet me at nine"),
        (asked_emails, "I am at work right now."),
        (find_urls, "is that dot net or just dot com"),
        (find_urls, "the website ends in dot co dot uk"),
        (find_relative_months, "next year we start in may"),
        (find_people, "the file is called ledger and the button is called send"),
        (addresses, "is it still two bars of signal"),
        (find_urls, "connect the dots and come back"),
        (addresses, "I waited forty five minutes on the street."),
        (addresses, "There are two ways to drive."),
        (addresses, "a five minute drive"),
        (find_dates, "You may call in two days."),
        (find_dates, "I march on."),
        (find_people, "This is about my bill."),
        (find_people, "this is ridiculous"),
        (find_people, "My name is spelled wrong."),
        (find_people, "Mr. Muscle and Dr. Oetker are on offer."),
        (find_people, "The Mrs says no."),
        (find_people, "it's the ten fifteen to denver"),
        (find_people, "I'm calling about my order. Thank you. This is it."),
        (find_people, "Thank you so much."),
        (find_people, "I'm calling because it broke."),
        (asked_people, "Sure, okay."),
        (find_spelling, "I need a USB cable."),
        (find_spelling, "A U turn"),
        (find_codes, "the 1st of all 4471 items"),
        (find_codes, "It's one of them"),
        (find_codes, "I have 2 of the 16 GB ones"),
        (find_births, "I ordered it on March third, 2021"),
        (find_births, "in nineteen eighty five"),
        (find_ages, "I have ninety four of them"),
        (find_ages, "she is thirty years old"),
        (postcodes, "a one time fee of a few"),
        (postcodes, "one z nine nine nine a a one oh"),
        (postcodes, "q x four two j y"),
        (find_insurance, "a b one two three four five six c d"),
        (find_ibans, "flight DE89 to room 3704"),
        (addresses, "a five hundred gig drive"),
        (addresses, "file number two, the green folder"),
        (addresses, "we're at ninety percent"),
        (addresses, "we can do it at nine p m or we're at ten a m"),
        (addresses, "i'm at work until six"),
        (find_people, "my doctor said to wait"),
        (find_people, "they asked for ID and it's INC0045127."),
        (find_people, "sort it out by june"),
        (addresses, "it's two green ones"),
        (find_people, "It's Tuesday. It's broken."),
        (find_people, "on the first of June"),
        (find_people, "hi i'm confused and this is unacceptable"),
        (find_people, "call me back later"),
    ],
)
def test_leaves_alone(find: Find, text: str) -> None:
    assert list(find(turn(text))) == []


def test_a_farewell_after_thanks_is_no_name() -> None:
    assert list(find_people(turn("Thank you. Goodbye."))) == []


def test_what_is_spelled_is_known() -> None:
    said = turn("it's l as in lima, o p E-Z okay")
    ((first, last),) = find_spelling(said)
    assert spelt(said, first, last) == "lopez"


def test_a_code_in_one() -> None:
    said = turn("n for november g seven two b u please")
    assert compressed(said, 0, 8) == "ng72bu"


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("seventeenth", "seventeenth"),
        ("of november", "of november"),
        ("no it's the 18th", "the 18th"),
        ("eighty eight", "eighty eight"),
        ("i may call later", ""),
    ],
)
def test_parts_of_a_date_that_was_asked_for(text: str, date: str) -> None:
    said = turn(text)
    held = sorted({word for span in find_date_parts(said) for word in range(*span)})
    assert " ".join(said.tokens[word] for word in held) == date


@pytest.mark.parametrize(
    ("text", "paid", "found"),
    [
        ("oh six twenty nine lovely", False, True),
        ("zero six slash two nine", False, True),
        ("it says twelve slash twenty nine", False, True),
        ("open twenty four slash seven", False, False),
        ("nine slash eleven", False, False),
        ("at oh six twenty nine", False, False),
        ("june twenty eight", False, False),
        ("june twenty eight", True, True),
        ("i called in june", True, False),
    ],
)
def test_an_expiry_that_nothing_announces(text: str, *, paid: bool, found: bool) -> None:
    assert bool(list(find_expiries(turn(text), paid=paid))) is found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("it'll run out <in july> is that a problem", "july"),
        ("it expires at the end of March", "the end of march"),
        ("my card expires next month", "next month"),
        ("i ran out of milk in july", ""),
        ("we run out next month", ""),
        ("it expires on a monday in july", ""),
    ],
)
def test_the_month_alone_in_which_something_ends(text: str, found: str) -> None:
    said = turn(text.replace("<", "").replace(">", ""))
    assert " ".join(said.tokens[at] for span in find_expiry_months(said) for at in range(*span)) == found


def test_a_childs_birth_may_be_of_any_year() -> None:
    said = turn("the 21st of November, 2015")
    assert list(find_births(said)) == []
    assert list(find_births(said, child=True)) == [(0, 5)]
    assert asks_child(turn("and for your daughter?"))
    assert not asks_child(turn("your daughter said that the parcel would be there by the first of may"))


def test_ordinary_words_before_a_provider() -> None:
    assert next(find_emails(turn("the dog lady at icloud dot com"), asked=False)) == (0, 7)
    assert list(find_emails(turn("be there at ten on the dot please"), asked=False)) == []


def test_a_greeting_tells_a_name() -> None:
    turns = [Utterance("C", ("hi", "i'm", "rain", "i", "called")), Utterance("A", ("hi", "rain"))]
    assert list(find_greeted(turns)) == [Finding(0, 2, 3, "PERSON"), Finding(1, 1, 2, "PERSON")]


def test_names_go_on() -> None:
    said = turn("for my father suleiman al masri")
    assert (3, 6) in list(find_people(said))
    assert (3, 4) in list(find_people(turn("was somebody called blessing who promised")))


def test_an_address_that_is_named_later_needs_a_kind_of_street() -> None:
    said = turn("the seven thirty meeting moved to the address on the left")
    assert list(find_addresses(said, asked=True, since=6)) == []
    assert list(find_addresses(said, asked=True)) != []
    assert list(find_addresses(turn("send it to twelve weaver reach"), asked=True, since=3)) == [(3, 6)]


@pytest.mark.parametrize(
    ("text", "name", "title"),
    [
        ("M. T. Blankenship", "Blankenship", "M."),
        ("thank you mister adebisi", "adebisi", "mister"),
        ("Good evening, Mrs. Rutherglen.", "Rutherglen.", "Mrs."),
        ("hello Mr. and Mrs. Castellan", "Castellan", "Mr."),
        ("Ms. T. Lomax", "Lomax", "Ms."),
        ("and doctor adebisi", "adebisi", "adebisi"),
        ("I miss Karen", "Karen", "Karen"),
        ("yes, madam, Karen", "Karen", "Karen"),
    ],
)
def test_a_name_begins_with_its_title_and_initials(text: str, name: str, title: str) -> None:
    words = text.split()
    assert words[beginning(turn(text), words.index(name))] == title

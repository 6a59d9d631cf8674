"""Names, dates of birth, expiry dates, e-mails and addresses as they are said."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.corpus import figures
from tests.corpus.figures import DIGITS, Said, cardinal, plain

_GIVEN = (
    "James Mary Robert Patricia Siobhan Nigel Priya Wei Oluwaseun Fatima Carlos Ingrid Dmitri Aoife Graham Tamika "
    "Rajesh Yuki Beth Callum Delphine Ezekiel Farida Gwendolyn Hamish Ileana Jermaine Kavita Lachlan Margaret "
    "Stephen Linda Susan Kevin Brian Donna Sharon Kyle Jessica Michelle"
).split()
_FAMILY = (
    "Smith Johnson Williams Garcia O'Brien Okafor Patel Nakamura Kowalczyk MacDonald Fitzgerald Nguyen Abernathy "
    "Blenkinsop Chaudhary Dankworth Eriksson Featherstone Goldstein Hernandez Ibrahim Jankowski Kaminski "
    "Lindqvist Mbeki Novak Oyelaran Pemberton Rosenthal Szymanski Thompson Vasquez Whitaker Yamada Zhang Lee "
    "Brown Clark Hall"
).split()
_STRANGE_GIVEN = (
    "Thandiwe Anselm Xanthe Ottoline Zebulon Kehinde Nguyet Bodhi Lowri Tarquin Marisol Dashiell Emrys Ikechukwu "
    "Saskia Zuleika Torvald Parminder Beatrix Caoimhe John Sarah David Karen Daniel Laura Anthony Nicole"
).split()
_STRANGE_FAMILY = (
    "Mkhabela Prideaux Loxley Vavasour Crabtree Afolayan Strathmore Trevithick Ostrowski Quispe Bhattacharya Llewellyn "
    "Hashemi Drummond Castellanos Vanterpool Achterberg Murphy Taylor Moore White Martinez Robinson Baker Young King"
).split()
_STREETS = (
    "Maple Oak Church Station Victoria Washington Elm Sycamore Kings Queens Mill Lakeview Sunset Highland Park "
    "Main Cedar Pine Willow Lincoln Albert Manor Chestnut Magnolia Rosewood Thornhill Kingsley Westfield"
).split()
_KINDS = ("Street Avenue Road Drive Lane Boulevard Court Close Way Place Terrace Crescent Circle").split()
_CITIES = [
    "Denver, Colorado",
    "Austin, Texas",
    "Springfield, Illinois",
    "Portland, Oregon",
    "Columbus, Ohio",
    "Albany, New York",
    "San Diego, California",
    "Baton Rouge, Louisiana",
    "Fort Worth, Texas",
    "Des Moines, Iowa",
    "Tampa, Florida",
    "Boise, Idaho",
]
_TOWNS = ("Manchester", "Leeds", "Bristol", "Sheffield", "London", "Norwich", "Swansea", "Glasgow", "Reading", "York")
_MONTHS = ("January February March April May June July August September October November December").split()
_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_DOMAINS = ("gmail", "yahoo", "hotmail", "outlook", "icloud", "bt internet", "blueskymail", "acme", "virgin media")


def _ordinal(day: int) -> str:
    if day <= 20:
        return _ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{cardinal(day // 10 * 10)} {_ORDINALS[day % 10 - 1]}"


def _suffixed(day: int) -> str:
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def _oh(number: int) -> str:
    return cardinal(number) if number > 9 else f"oh {DIGITS[number]}"


def born(rng: random.Random, whisper: bool) -> dict[str, Said]:  # noqa: FBT001
    """A date of birth."""
    year, month, day = rng.randint(1935, 2006), rng.randint(1, 12), rng.randint(1, 30 if rng.random() < 0.9 else 28)
    name = _MONTHS[month - 1]
    if whisper and rng.random() < 0.75:
        text = rng.choice(
            (
                f"{name} {_suffixed(day)}, {year}",
                f"{name} {day}, {year}",
                f"the {_suffixed(day)} of {name}, {year}",
                f"{month}/{day}/{year}",
                f"{month:02}/{day:02}/{year % 100:02}",
                f"{day} {name} {year}",
                f"{month}-{day}-{year}",
            )
        )
    else:
        short = f"{cardinal(year % 100)}" if year % 100 > 9 else figures.year(year)
        text = rng.choice(
            (
                f"{name} {_ordinal(day)} {figures.year(year)}",
                f"the {_ordinal(day)} of {name} {figures.year(year)}",
                f"{_ordinal(day)} of the {_ordinal(month)} {figures.year(year)}",
                f"{_oh(month)} {_oh(day)} {short}",
                f"{name} the {_ordinal(day)} {short}",
                f"{cardinal(month)} {cardinal(day)} {short}",
                f"the {_ordinal(day)} {name} {short}",
                f"{cardinal(day)} {name} {figures.year(year)}",
            )
        )
    glue = {"the", "of"}
    return {"": [(word, word not in glue) for word in text.split()]}


def expiry(rng: random.Random, whisper: bool) -> dict[str, Said]:  # noqa: FBT001
    """An expiry date of a card."""
    year, month = rng.randint(25, 32), rng.randint(1, 12)
    name = _MONTHS[month - 1]
    if whisper and rng.random() < 0.7:
        text = rng.choice((f"{month:02}/{year}", f"{month}/{year}", f"{month:02} {year}", f"{name} 20{year}"))
    else:
        text = rng.choice(
            (
                f"{_oh(month)} {cardinal(year)}",
                f"{cardinal(month)} {cardinal(year)}",
                f"{name} twenty {cardinal(year)}",
                f"{_oh(month)} slash {cardinal(year)}",
                f"{name} of {cardinal(year)}",
                f"{cardinal(month)} twenty {cardinal(year)}",
            )
        )
    return {"": [(word, word not in {"of", "slash"}) for word in text.split()]}


def name(rng: random.Random, whisper: bool) -> dict[str, Said]:  # noqa: FBT001
    """A full name and its parts; the family name also spelled."""
    return _named(rng.choice(_GIVEN), rng.choice(_FAMILY), rng, whisper=whisper)


def stranger(rng: random.Random, whisper: bool) -> dict[str, Said]:  # noqa: FBT001
    """As name(), of names that nobody looked at while the lists of redaction were made."""
    return _named(rng.choice(_STRANGE_GIVEN), rng.choice(_STRANGE_FAMILY), rng, whisper=whisper)


def _named(given: str, family: str, rng: random.Random, *, whisper: bool) -> dict[str, Said]:
    letters = [char for char in family if char.isalpha()]
    if whisper and rng.random() < 0.5:
        spelled = "-".join(char.upper() for char in letters)
    else:
        spelled = " ".join(figures.letter(char, rng, whisper=whisper) for char in letters)
    return {
        "": plain(f"{given} {family}"),
        "first": plain(given),
        "last": plain(family),
        "spelled": [(word, word not in {"as", "in", "for"}) for word in spelled.split()],
    }


def email(rng: random.Random, whisper: bool) -> dict[str, Said]:  # noqa: FBT001
    """An e-mail address, written or spoken."""
    given, family = rng.choice(_GIVEN).lower(), rng.choice(_FAMILY).lower().replace("'", "")
    number = rng.choice(("", "", str(rng.randint(1, 99)), str(rng.randint(1960, 2005))))
    domain, ending = rng.choice(_DOMAINS), rng.choice(("com", "com", "net", "org", "co.uk"))
    joint = rng.choice((".", ".", "_", "-", ""))
    if whisper and rng.random() < 0.5:
        return {"": plain(f"{given}{joint}{family}{number}@{domain.replace(' ', '')}.{ending}")}
    spoken = {".": " dot ", "_": " underscore ", "-": rng.choice((" dash ", " hyphen ")), "": rng.choice(("", " "))}[
        joint
    ]
    local = f"{given}{spoken}{family}"
    form = rng.random()
    if form < 0.2:
        local = f"{given[0]}{spoken}{family}"
    elif form < 0.35:
        local = " ".join(given) + spoken + " " + " ".join(family)
    elif form < 0.45:
        local = f"{given[0]} as in {given} {family}"
    if number:
        local += " " + (number if whisper else " ".join(DIGITS[int(digit)] for digit in number))
    if whisper and rng.random() < 0.5:
        return {"": plain(f"{local} at {domain.replace(' ', '')}.{ending}")}
    return {"": plain(f"{local} at {domain} dot {ending.replace('.', ' dot ')}")}


def _house(rng: random.Random, whisper: bool) -> str:  # noqa: FBT001
    number = rng.choice((rng.randint(1, 99), rng.randint(100, 9999)))
    if whisper and rng.random() < 0.8:
        return str(number)
    if number < 100:
        return cardinal(number)
    text = str(number)
    pairs = f"{cardinal(int(text[:-2]))} {_oh(int(text[-2:]))}" if not text.endswith("00") else cardinal(number)
    return rng.choice((pairs, pairs, " ".join(DIGITS[int(digit)] for digit in text)))


def _postcode(rng: random.Random, whisper: bool) -> str:  # noqa: FBT001
    area, inward = (
        rng.choice(("SW", "LS", "M", "BS", "EC", "N", "B", "NR")),
        "".join(rng.choices("ABDEFGHJLNPQRSTUWXYZ", k=2)),
    )
    district, sector = rng.randint(1, 19), rng.randint(1, 9)
    if whisper and rng.random() < 0.7:
        return f"{area}{district} {sector}{inward}"
    return " ".join([*area.lower(), cardinal(district), DIGITS[sector], *inward.lower()])


def _address(rng: random.Random, whisper: bool, *, full: bool) -> str:  # noqa: FBT001
    side = rng.choice(("", "", "", "North ", "West "))
    street = f"{_house(rng, whisper)} {side}{rng.choice(_STREETS)} {rng.choice(_KINDS)}"
    unit = rng.choice(("apartment", "unit", "suite", "apt")) + " " + rng.choice((str(rng.randint(1, 40)), "B", "4C"))
    if not whisper:
        unit = unit.rpartition(" ")[0] + " " + rng.choice((cardinal(rng.randint(1, 40)), "b", "four c"))
    if rng.random() < 0.25:
        street += f", {unit}"
    elif rng.random() < 0.1:
        street = f"Flat {rng.randint(1, 20) if whisper else cardinal(rng.randint(1, 20))}, {street}"
    if not full:
        return street
    if rng.random() < 0.35:
        return f"{street}, {rng.choice(_TOWNS)}" + (f", {_postcode(rng, whisper)}" if rng.random() < 0.5 else "")
    code = "".join(rng.choices("0123456789", k=5))
    code = code if whisper and rng.random() < 0.8 else " ".join(DIGITS[int(digit)] for digit in code)
    return f"{street}, {rng.choice(_CITIES)}" + (f", {code}" if rng.random() < 0.6 else "")


MAKERS: dict[str, Callable[[random.Random, bool], dict[str, Said]]] = {
    "dob": born,
    "expiry": expiry,
    "name": name,
    "stranger": stranger,
    "email": email,
    "street": lambda rng, whisper: {"": plain(_address(rng, whisper, full=False))},
    "address": lambda rng, whisper: {"": plain(_address(rng, whisper, full=True))},
    "postcode": lambda rng, whisper: {"": plain(_postcode(rng, whisper))},
}

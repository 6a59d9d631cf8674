"""What slots hold: made-up secrets and harmless figures, each as the words that somebody says.

A word is a pair of its text and whether it belongs to the secret; hesitations and corrections do not. Slots:
card, amex, ssn, phone (each also in groups, "card.1"), ukphone, cvv, cvv4, expiry, account (halves), account8, policy,
sortcode, routing, iban, passport, licence, mrn, email, dob, name and stranger (.first, .last, .spelled), street,
address, zip, postcode; and money, count, time, year, ext, part, order, percent, flight, which are no secrets.
"""

from __future__ import annotations

import random
import string

from tests.corpus import figures, people
from tests.corpus.figures import Said, plain

Parts = dict[str, Said]


def value(slot: str, rng: random.Random, *, whisper: bool) -> Parts:
    """A slot's whole value under "" and its parts under their names, said in one style."""
    if slot in _NUMBERS:
        return _number(slot, rng, whisper=whisper)
    if slot in people.MAKERS:
        return people.MAKERS[slot](rng, whisper)
    return {"": plain(_harmless(slot, rng, whisper=whisper), secret=False)}


_NUMBERS = (
    "card",
    "amex",
    "ssn",
    "phone",
    "ukphone",
    "cvv",
    "cvv4",
    "account",
    "account8",
    "sortcode",
    "routing",
    "policy",
    "passport",
    "licence",
    "mrn",
    "iban",
    "zip",
)


def _digits(rng: random.Random, count: int, first: str = string.digits) -> str:
    return rng.choice(first) + "".join(rng.choices(string.digits, k=count - 1))


def _luhn(body: str) -> str:
    total = 0
    for place, digit in enumerate(reversed(body)):
        doubled = int(digit) * (2 - place % 2)
        total += doubled - 9 if doubled > 9 else doubled
    return body + str(-total % 10)


def _groups(slot: str, rng: random.Random) -> list[str]:
    """The value in the groups that people make."""
    letters = "".join(rng.choices("ABCDEFGHJKLMNPRSTUVWXYZ", k=4))
    if slot == "card":
        number = _luhn(_digits(rng, 15, "3456" if rng.random() < 0.1 else "45"))
        return [number[at : at + 4] for at in range(0, 16, 4)]
    if slot == "amex":
        number = _luhn("3" + rng.choice("47") + _digits(rng, 12))
        return [number[:4], number[4:10], number[10:]]
    if slot == "phone":
        exchange = _digits(rng, 3, "23456789")
        return [_digits(rng, 3, "23456789"), exchange, _digits(rng, 4)]
    if slot == "ukphone":
        return ["0" + _digits(rng, 4, "127"), _digits(rng, 3), _digits(rng, 3)]
    if slot == "ssn":
        return [_digits(rng, 3, "12345678"), _digits(rng, 2), _digits(rng, 4)]
    if slot == "account":
        length = rng.randint(6, 12)
        number = _digits(rng, length)
        return [number[: length // 2], number[length // 2 :]]
    if slot == "policy":
        return [letters[: rng.randint(1, 3)], _digits(rng, rng.randint(5, 9))]
    if slot == "passport":
        return [_digits(rng, 9)] if rng.random() < 0.5 else [letters[0], _digits(rng, 8)]
    if slot == "licence":
        return [letters[0], _digits(rng, rng.choice((7, 8, 12)))]
    if slot == "mrn":
        return [_digits(rng, rng.randint(6, 9))] if rng.random() < 0.7 else [letters[:1], _digits(rng, 7)]
    if slot == "iban":
        return ["GB" + _digits(rng, 2), letters, _digits(rng, 4), _digits(rng, 4), _digits(rng, 4), _digits(rng, 2)]
    lengths = {"cvv": 3, "cvv4": 4, "account8": 8, "routing": 9, "zip": 5}
    return [_digits(rng, 2) for _ in range(3)] if slot == "sortcode" else [_digits(rng, lengths[slot])]


def _number(slot: str, rng: random.Random, *, whisper: bool) -> Parts:
    groups = _groups(slot, rng)
    style = rng.choice(figures.STYLES)
    parts = {str(at + 1): figures.say([group], style, rng, whisper=whisper) for at, group in enumerate(groups)}
    return {"": figures.say(groups, style, rng, whisper=whisper), **parts}


def _harmless(slot: str, rng: random.Random, *, whisper: bool) -> str:
    number = rng.randint(2, 60)
    if slot == "count":
        return str(number) if whisper and rng.random() < 0.6 else figures.cardinal(number)
    if slot == "money":
        dollars, cents = rng.randint(3, 2400), rng.randint(1, 99)
        if whisper:
            return rng.choice(
                (f"${dollars}.{cents:02}", f"${dollars}", f"£{dollars}.{cents:02}", f"${dollars:,}.{cents:02}")
            )
        return rng.choice(
            (
                f"{figures.cardinal(dollars)} dollars",
                f"{figures.cardinal(dollars)} dollars and {figures.cardinal(cents)} cents",
                f"{figures.cardinal(dollars % 100 + 2)} pounds {figures.cardinal(cents)}",
                f"{figures.cardinal(dollars % 100 + 2)} fifty",
            )
        )
    if slot == "time":
        hour, minute = rng.randint(1, 12), rng.choice((0, 5, 15, 20, 30, 45))
        if whisper:
            return rng.choice((f"{hour}:{minute:02}", f"{hour} a.m.", f"{hour}:{minute:02} p.m.", f"{hour} o'clock"))
        said = figures.cardinal(hour)
        return rng.choice(
            (f"{said} o'clock", f"half past {said}", f"{said} thirty", f"{said} p m", f"quarter to {said}")
        )
    if slot == "year":
        year = rng.randint(1975, 2025)
        return str(year) if whisper and rng.random() < 0.7 else figures.year(year)
    if slot == "percent":
        return f"{number}%" if whisper else f"{figures.cardinal(number)} percent"
    if slot == "flight":
        return (
            f"{rng.choice(('BA', 'AA', 'UA'))} {rng.randint(10, 2400)}"
            if whisper
            else f"b a {figures.cardinal(number)}"
        )
    digits = _digits(
        rng, {"ext": rng.randint(3, 4), "part": rng.randint(4, 8), "order": rng.randint(5, 9)}[slot], "123456789"
    )
    if whisper and slot == "part" and rng.random() < 0.5:
        return rng.choice("ABXKPT") + rng.choice("ABXKPT") + rng.choice(("-", "")) + digits
    return digits if whisper and rng.random() < 0.7 else " ".join(figures.DIGITS[int(digit)] for digit in digits)

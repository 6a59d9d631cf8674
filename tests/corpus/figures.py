"""Numbers as they are said: digit by digit, in pairs, doubled, in hundreds, mixed with figures, corrected."""

from __future__ import annotations

import random
import string

Said = list[tuple[str, bool]]
"""Words, each with whether it belongs to the secret."""

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = (
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
STYLES = (
    "digits", "digits", "digits", "oh", "doubled", "pairs", "hundreds", "figures", "figures", "joined", "spaced",
    "dashed", "mixed", "hesitant", "corrected",
)  # fmt: skip
_NATO = (
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar papa quebec "
    "romeo sierra tango uniform victor whiskey x-ray yankee zulu"
).split()
_LIKE = (
    "apple boy cat dog edward frank george harry ink john king love mary nancy orange peter queen robert sugar "
    "tom uncle victor william x-ray yellow zebra"
).split()
_PAUSES = ("um", "uh", "and then", "let's see", "then", "er", "okay", "and", "dash", "space", "hyphen")
_CORRECTIONS = ("no sorry", "sorry", "no wait", "I mean", "scratch that", "oops sorry", "no")


def plain(text: str, *, secret: bool = True) -> Said:
    """The words of a text, all of them of the secret or none."""
    return [(word, secret) for word in text.split()]


def cardinal(number: int) -> str:
    """A count below 10,000 as words.

    >>> cardinal(45), cardinal(1204)
    ('forty five', 'one thousand two hundred four')
    """
    if number < 10:
        return DIGITS[number]
    if number < 20:
        return _TEENS[number - 10]
    if number < 100:
        return _TENS[number // 10] + (f" {DIGITS[number % 10]}" if number % 10 else "")
    scale, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    rest = f" {cardinal(number % scale)}" if number % scale else ""
    return f"{cardinal(number // scale)} {name}{rest}"


def year(number: int) -> str:
    """A year as words: "nineteen eighty five", "two thousand four", "twenty fifteen"."""
    if 2000 <= number < 2010:
        return cardinal(number)
    rest = number % 100
    return f"{cardinal(number // 100)} {'oh ' if rest < 10 else ''}{cardinal(rest) if rest else 'hundred'}"


def letter(char: str, rng: random.Random, *, whisper: bool) -> str:
    """A letter as spelled on telephones."""
    at = string.ascii_lowercase.index(char.lower())
    said = char.upper() if whisper else char.lower()
    form = rng.random()
    if form < 0.7:
        return said
    return f"{said} {rng.choice(('as in', 'for'))} {(_NATO if form < 0.85 else _LIKE)[at]}"


def say(groups: list[str], style: str, rng: random.Random, *, whisper: bool) -> Said:
    """Groups of digits and letters as words, in a style of STYLES; Whisper's text has figures in most of them."""
    if whisper and style in ("digits", "oh", "doubled") and rng.random() < 0.5:
        style = rng.choice(("figures", "dashed", "spaced", "joined"))
    written = [group.isdigit() for group in groups]
    if style in ("joined", "dashed") and len(groups) > 1:
        return [(("" if style == "joined" else "-").join(groups), True)]
    said: Said = []
    for at, group in enumerate(groups):
        if at and style == "hesitant":
            said += plain(rng.choice(_PAUSES), secret=False)
        if style == "corrected" and at == len(groups) // 2 and group.isdigit() and len(group) > 1:
            wrong = "".join(rng.choices(string.digits, k=min(2, len(group))))
            said += plain(_group(wrong, "digits", rng, whisper=whisper)) + plain(rng.choice(_CORRECTIONS), secret=False)
        said += plain(_group(group, style, rng, whisper=whisper))
        if whisper and written[at] and at + 1 < len(groups) and rng.random() < 0.3:
            said[-1] = (said[-1][0] + ",", True)
    return said


def _group(group: str, style: str, rng: random.Random, *, whisper: bool) -> str:
    if not group.isdigit():
        if not group.isalpha():
            return " ".join(_group(part, style, rng, whisper=whisper) for part in (group[:2], group[2:]))
        return group if whisper and rng.random() < 0.4 else " ".join(letter(c, rng, whisper=whisper) for c in group)
    if style in ("figures", "joined", "dashed"):
        return group
    if style == "spaced":
        return " ".join(group)
    if style == "mixed":
        return " ".join(digit if rng.random() < 0.4 else DIGITS[int(digit)] for digit in group)
    if style == "pairs":
        return _in_pairs(group)
    if style == "hundreds":
        return _in_hundreds(group, rng)
    zero = "oh" if style == "oh" else rng.choice(("zero", "oh", "nought"))
    words = [zero if digit == "0" else DIGITS[int(digit)] for digit in group]
    return " ".join(_doubled(words, rng) if style == "doubled" else words)


def _in_pairs(group: str) -> str:
    """ "forty one eleven"; a pair that begins with 0 is "oh seven"."""
    said = [DIGITS[int(group[0])]] if len(group) % 2 else []
    for at in range(len(group) % 2, len(group), 2):
        pair = group[at : at + 2]
        said.append(cardinal(int(pair)) if pair[0] != "0" else f"oh {'oh' if pair[1] == '0' else DIGITS[int(pair[1])]}")
    return " ".join(said)


def _in_hundreds(group: str, rng: random.Random) -> str:
    """ "eight hundred", "four thousand one hundred eleven", where a group is said as a number at all."""
    if len(group) in (3, 4) and group[0] != "0" and (group.endswith("00") or (len(group) == 4 and rng.random() < 0.4)):
        return cardinal(int(group))
    return " ".join(DIGITS[int(digit)] for digit in group)


def _doubled(words: list[str], rng: random.Random) -> list[str]:
    said: list[str] = []
    at = 0
    while at < len(words):
        run = 1
        while at + run < len(words) and words[at + run] == words[at] and run < 3:
            run += 1
        said += [{2: "double", 3: rng.choice(("triple", "treble"))}[run], words[at]] if run > 1 else [words[at]]
        at += run
    return said

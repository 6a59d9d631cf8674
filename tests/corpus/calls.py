"""Calls with known secrets, made from templates: what is said, and which words must go."""

from __future__ import annotations

import random
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.corpus import values

FOLDER = Path(__file__).parent
_PART = re.compile(r"\{(?P<slot>\w+)(?:\.(?P<part>\w+))?\}|[^\s{}]+")
_MISHEARD = {"two": "to", "four": "for", "one": "won", "eight": "ate", "oh": "o", "three": "tree"}


@dataclass(frozen=True, slots=True)
class Secret:
    """One saying of a secret: the words of a turn that hold it."""

    turn: int
    words: tuple[int, ...]
    entity: str


@dataclass(frozen=True, slots=True)
class Call:
    """Turns as (side, words) and the secrets in them; `entity` is the template's."""

    entity: str
    turns: tuple[tuple[str, tuple[str, ...]], ...]
    secrets: tuple[Secret, ...]


_ENTITIES = {
    "card": "CREDIT_CARD", "amex": "CREDIT_CARD", "cvv": "CREDIT_CARD_CVV", "cvv4": "CREDIT_CARD_CVV",
    "expiry": "CREDIT_CARD_EXPIRATION", "ssn": "US_SSN", "phone": "PHONE_NUMBER", "ukphone": "PHONE_NUMBER",
    "account": "ACCOUNT_NUMBER", "account8": "ACCOUNT_NUMBER", "policy": "ACCOUNT_NUMBER", "sortcode": "ACCOUNT_NUMBER",
    "routing": "ACCOUNT_NUMBER", "iban": "IBAN_CODE", "passport": "US_PASSPORT", "licence": "US_DRIVER_LICENSE",
    "mrn": "MEDICAL_RECORD", "email": "EMAIL_ADDRESS", "dob": "DATE_OF_BIRTH", "name": "PERSON", "stranger": "PERSON",
    "street": "LOCATION",
    "address": "LOCATION", "zip": "LOCATION", "postcode": "LOCATION",
}  # fmt: skip


def templates(folder: str) -> dict[str, list[str]]:
    """Templates by entity of all files in a folder of this one; HARMLESS are those without secrets."""
    found: dict[str, list[str]] = {}
    for path in sorted((FOLDER / folder).glob("*.toml")):
        for entity, texts in tomllib.loads(path.read_text()).items():
            found.setdefault(entity, []).extend(texts)
    return found


def corpus(folder: str, count: int, seed: int, *, harmless: bool) -> Iterator[Call]:
    """`count` calls, every entity and each of its templates in turn, half as Whisper writes and half bare."""
    known = templates(folder)
    entities = ["HARMLESS"] if harmless else sorted(known.keys() - {"HARMLESS"})
    rng = random.Random(seed)  # noqa: S311
    for at in range(count):
        entity = entities[at % len(entities)]
        texts = known[entity]
        yield make(entity, texts[at // len(entities) % len(texts)], rng)


def make(entity: str, template: str, rng: random.Random) -> Call:
    """A call of a template, in one of two writings: Whisper's, or lower case without punctuation and with slips."""
    whisper = rng.random() < 0.5
    held: dict[str, values.Parts] = {}
    turns: list[tuple[str, tuple[str, ...]]] = []
    secrets: list[Secret] = []
    for number, line in enumerate(template.split("|")):
        side, _, text = line.strip().partition(": ")
        words: list[str] = []
        for match in _PART.finditer(text):
            slot = match["slot"]
            if not slot:
                _append(words, match[0])
                continue
            # A read-back is the same value, and the groups of one value are said in one style.
            if slot not in held or slot not in _ENTITIES:
                held[slot] = values.value(slot, rng, whisper=whisper)
            said = held[slot][match["part"] or ""]
            first = len(words)
            words += [word for word, _ in said]
            at = tuple(first + place for place, (_, secret) in enumerate(said) if secret)
            if at and slot in _ENTITIES:
                secrets.append(Secret(number, at, _ENTITIES[slot]))
        turns.append(("agent" if side == "A" else "customer", tuple(words)))
    if not whisper:
        turns = [(side, tuple(map(_bare, words))) for side, words in turns]
        if entity != "HARMLESS" and rng.random() < 0.15:
            turns, secrets = _misheard(turns, secrets, rng)
    return Call(entity, tuple(turns), tuple(secrets))


def _append(words: list[str], token: str) -> None:
    if words and not any(map(str.isalnum, token)):
        words[-1] += token
    else:
        words.append(token)


def _bare(word: str) -> str:
    if any(map(str.isdigit, word)) or "@" in word:
        return word.rstrip(".,?!").lower()
    return re.sub(r"[.,?!]", "", word).lower()


def _misheard(
    turns: list[tuple[str, tuple[str, ...]]], secrets: list[Secret], rng: random.Random
) -> tuple[list[tuple[str, tuple[str, ...]]], list[Secret]]:
    """One digit inside a long number heard as a word that sounds like it."""
    long = [one for one in secrets if len(one.words) > 7 and one.entity in ("CREDIT_CARD", "US_SSN", "PHONE_NUMBER")]
    if not long:
        return turns, secrets
    secret = rng.choice(long)
    side, words = turns[secret.turn]
    fitting = [at for at in secret.words[1:-1] if words[at] in _MISHEARD]
    if fitting:
        at = rng.choice(fitting)
        changed = (*words[:at], _MISHEARD[words[at]], *words[at + 1 :])
        turns = [(side, changed) if number == secret.turn else turn for number, turn in enumerate(turns)]
    return turns, secrets

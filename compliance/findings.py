"""What redaction finds, in words rather than in times."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from compliance.utterance import Utterance


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Words [first_word, last_word) of a turn are an entity."""

    turn: int
    first_word: int
    last_word: int
    entity: str


PRECEDENCE = (
    "CREDIT_CARD_CVV",
    "CREDIT_CARD",
    "CREDIT_CARD_EXPIRATION",
    "US_SSN",
    "EMAIL_ADDRESS",
    "IBAN_CODE",
    "MEDICAL_RECORD",
    "US_PASSPORT",
    "US_DRIVER_LICENSE",
    "VEHICLE_ID",
    "DEVICE_ID",
    "ACCOUNT_NUMBER",
    "DATE_OF_BIRTH",
    "PHONE_NUMBER",
    "IP_ADDRESS",
    "URL",
    "PERSON",
    "LOCATION",
    "MEDICAL_DATE",
    "AGE_OVER_89",
)
"""Every entity type but configured ones, which come last.

The first of them names a word that several claim: the graver, then the surer.
"""


def settle(findings: Iterable[Finding], turns: Sequence[Utterance]) -> list[Finding]:
    """Findings that neither overlap nor touch with the same entity, ordered; they cover the same words."""
    rank = {entity: place for place, entity in enumerate(PRECEDENCE)}
    unranked = len(rank)
    claims: list[dict[int, str]] = [{} for _ in turns]
    for finding in findings:
        claim = claims[finding.turn]
        for word in range(finding.first_word, finding.last_word):
            if word not in claim or rank.get(finding.entity, unranked) < rank.get(claim[word], unranked):
                claim[word] = finding.entity
    settled: list[Finding] = []
    for turn, claim in enumerate(claims):
        for word in sorted(claim):
            last = settled[-1] if settled else None
            if last and last.turn == turn and last.last_word == word and last.entity == claim[word]:
                settled[-1] = Finding(turn, last.first_word, word + 1, last.entity)
            else:
                settled.append(Finding(turn, word, word + 1, claim[word]))
    return settled

"""What a stretch of talk is about, from the phrases that announce a number or a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from compliance.spoken_numbers import bare


class Topic(StrEnum):
    """What the next number or name is likely to be."""

    CARD = "card"
    CVV = "cvv"
    EXPIRY = "expiry"
    SSN = "ssn"
    PHONE = "phone"
    ACCOUNT = "account"
    MEDICAL = "medical"
    BIRTH = "birth"
    LICENSE = "license"
    PASSPORT = "passport"
    POSTCODE = "postcode"
    EMAIL = "email"
    NAME = "name"
    ADDRESS = "address"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Mention:
    """Words [first_word, last_word) of a turn name a topic."""

    topic: Topic
    first_word: int
    last_word: int


_ID = "(?: (?:number|numbers|id|i d|no|code|#))"
PHRASES: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.CVV: r"(?<!social )security (?:code|number|digits|pin)|c ?[vb] ?v ?2?|c v c|cvc2?|(?:card"
        r"|the|my) code(?: is)?"
        r"|(?:verification|card verification) (?:code|value|number)"
        r"|(?:three|four|3|4|last three|last 3)[- ]?(?:digit|digits|numbers)(?: [\w']+){0,4}? (?:back"
        r"|front|reverse)"
        r"|(?:three|four|3|4)[- ]digit (?:code|security|number)"
        r"|(?:code|number|numbers|digits) (?:on|at|from) the (?:back|front|reverse)"
        r"|(?:on|at) the (?:back|front|reverse)(?: side)? of (?:the|your|my|that) card",
        Topic.EXPIRY: r"expir\w+(?: date)?|exp(?: date)?|(?:good|valid) (?:through|thru|until|till)",
        Topic.SSN: r"social(?: security)?(?: number)?(?! (?:media|network))|s ?s ?n|tax ?payer id"
        r"|tax id|itin",
        Topic.MEDICAL: rf"medical record{_ID}?|m ?r ?n|(?:patient|chart|hospital|prescription|rx"
        rf"|medicare|medicaid){_ID}"
        rf"|health (?:plan|record|card|insurance){_ID}|patient account{_ID}?",
        Topic.LICENSE: rf"driver'?s?'? licen[sc]e{_ID}?|driving licen[sc]e{_ID}?|licen[sc]e{_ID}",
        Topic.PASSPORT: rf"passport{_ID}?",
        Topic.BIRTH: r"date of birth|birth ?da(?:te|y)|born|d ?o ?b|birth",
        Topic.POSTCODE: r"zip(?: ?code)?|post(?:al)? ?code",
        Topic.ACCOUNT: rf"(?:bank |savings |checking )?account{_ID}?|acct|i ?ban|sort code|(?:my "
        rf"|your )?pin(?: number)?"
        rf"|(?:policy|member|membership|customer|client|subscriber|employee|group|loan|claim|case"
        rf"|ticket|invoice"
        rf"|booking|reservation|confirmation|order|reference|tracking|routing|file|certificate|user){_ID}"
        r"|confirmation|(?:policy|claim) (?:is|was)|passcode|insurance card|member ?ship card|routing",
        Topic.PHONE: r"(?:tele)?phone(?: number)?|cell(?: ?phone)?(?: number)?|mobile(?: number)?"
        r"|call ?back(?: number)?"
        r"|(?:call|reach|text|ring|contact) (?:me|you|us|him|her|them)(?: back)?|(?:best|contact|home"
        r"|work|fax|daytime"
        r"|alternate|another) number|fax|area code|dial",
        Topic.CARD: r"(?:credit|debit|payment|bank|charge|gift|new|other|the|my|your|this|that"
        r"|a) card(?: number)?"
        r"|card(?:'?s)?(?: number| ending| on file)?|visa|master ?card|american express|amex|discover card"
        r"|(?:sixteen|fifteen|16|15)[- ]digits?(?: number)?|long number|pan",
        Topic.EMAIL: r"e[- ]?mails?(?: address)?",
        Topic.ADDRESS: r"(?:street |mailing |home |billing |shipping )?address|(?:live|lives|living"
        r"|located) (?:at|on|in)",
        Topic.NAME: r"(?:first |last |full |middle |maiden |sur|family )?name|spell(?:ed|ing|s)?",
        Topic.HARMLESS: r"(?:sub)?totals?|balance|price|costs?|amount|quantity|version|channel|flight"
        r"|room|gate|extension"
        rf"|(?:product|model|item|part|catalog|catalogue|article|serial|version|stock){_ID}?|sku"
        rf"|error(?: code)?",
    }
)
"""The phrases by topic; where two overlap the earlier topic has the word."""


def normal(words: Sequence[str]) -> str:
    """The words bare and with single spaces, each word kept as exactly one token."""
    return " ".join(bare(word).replace(" ", "") or "_" for word in words)


class TopicReader:
    """Finds topics; holds the compiled phrases."""

    def __init__(self) -> None:
        self._patterns = [(topic, re.compile(rf"(?<!\S)(?:{phrase})(?!\S)")) for topic, phrase in PHRASES.items()]

    def read(self, words: Sequence[str]) -> list[Mention]:
        """Every mention in a turn's words, in order and without overlap."""
        text = normal(words)
        taken: set[int] = set()
        mentions = []
        for topic, pattern in self._patterns:
            for match in pattern.finditer(text):
                first = text.count(" ", 0, match.start())
                last = text.count(" ", 0, match.end()) + 1
                if taken.isdisjoint(range(first, last)):
                    taken.update(range(first, last))
                    mentions.append(Mention(topic, first, last))
        return sorted(mentions, key=lambda mention: mention.first_word)

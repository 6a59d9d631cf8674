"""What a stretch of talk is about, from the phrases that announce a number or a name."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from compliance.spoken_numbers import bare


class Topic(StrEnum):
    """What the next number or name is likely to be."""

    CARD = "card"
    PART = "part"
    HOUSE = "house"
    CVV = "cvv"
    EXPIRY = "expiry"
    IBAN = "iban"
    SSN = "ssn"
    PHONE = "phone"
    ACCOUNT = "account"
    MEDICAL = "medical"
    BIRTH = "birth"
    LICENSE = "license"
    PASSPORT = "passport"
    POSTCODE = "postcode"
    EMAIL = "email"
    EVENT = "event"
    DEVICE = "device"
    IP = "ip"
    VEHICLE = "vehicle"
    NAME = "name"
    ADDRESS = "address"
    IDENTITY = "identity"
    HARMLESS = "harmless"


@dataclass(frozen=True, slots=True)
class Mention:
    """Words [first_word, last_word) of a turn name a topic."""

    topic: Topic
    first_word: int
    last_word: int


_COUNTED = (
    "days?|weeks?|months?|years?|hours?|minutes?|times|orders|of them|bills|payments|visits|calls|people"
    "|seasons|games"
    "|or|to|items|things|letters|nights"
)
_ID = "(?: (?:number|numbers|number's|id|i d|id's|no|code|code's|#|reference(?: number)?))"
_OF_THINGS = "".join(
    f"(?<!{noun} number )(?<!{noun} code )" for noun in ("model", "serial", "part", "product", "batch")
)
""""The model number on the back" is no card's."""

_OTHER_CARDS = "".join(
    f"(?<!{kind} )"
    for kind in (
        *("sim", "memory", "sd", "birthday", "greeting", "business", "library", "graphics", "sound", "network"),
        *("left a", "leave a"),
    )
)
"""Cards that nobody pays with, a courier's among them."""

_NO_HOLDER = (
    "the|that|this|which|what|same|right|wrong|your|his|her|its|our|their|second|first|last|next|whole|full|any|another"
    "|and|other|for|with|have|has|get|give|large|small|great|good|lucky|random|high|low|certain|huge|yes|there|was|were"
    "|said|say|oh|okay|well|because|just|but|not|sure|new|old|long|one|two|three|four|five|six|seven|eight|nine"
    "|take|need|see|read|type|hear|press|dial|bus|train|platform|house|quite|only|then|got|are|you|they|can|will|how"
)
_THINGS = (
    "product|model|item|part|catalog|catalogue|article|serial|version|stock|order|ticket|tracking|confirmation|reference"
    "|invoice|booking|reservation|case|purchase|job|batch|lot|bin|shipment|delivery|build|page|promo|coupon|discount"
    "|incident|work order|complaint|outage|fault|enquiry|query|quote|quotation|estimate|return|request|transaction"
    "|consignment|parcel|report|appointment|application|receipt|voucher|store|shop|site|warehouse"
    "|depot|locker|seat|bay|platform|train|bus|coach|route|table|pump|lane|row|form|clause|section|paragraph|question|option"
    "|step|rule|track|song|episode|chapter|verse|hymn|lottery|lotto|bonus|race|round|level|zone|paint|filter"
    "|firmware|release|patch|docket|manifest|survey|recall|meeting|conference|webinar"
    "|alarm|status|fuse|breaker|switch|port|slot|desk|counter|window|caller|volume|issue|edition"
)
"""What has numbers that tell of a thing or of what happened, and not of who somebody is."""

PHRASES: Mapping[Topic, str] = MappingProxyType(
    {
        Topic.CVV: r"(?<!social )security (?:code|numbers?|digits|pin)(?:'s)?|c ?[vb] ?v ?2?|c v c"
        r"|c ?[vs] ?c ?2?|c ?i ?d"
        r"|(?:card|the|my|that) code(?: is)?"
        r"|(?:verification|card verification|signature) (?:code|value|number|strip|panel|digits)"
        r"|(?:three|four|3|4|last three|last 3)[- ]?(?:little )?(?:digit|digits|numbers"
        r"|number)(?: [\w']+){0,5}? (?:back"
        r"|front|reverse|strip)"
        r"|(?:last |final |little )?(?:three|3) (?:small |little |tiny |short |other )?(?:digits|numbers)"
        r"|(?:three|four|3|4)[- ]digit (?:code|security|number|pin)"
        r"|(?=[cnd])(?<!model )(?<!serial )(?<!part )(?<!product )(?<!batch )(?:code|number|numbers|digits)"
        r" (?:on|at|from) the"
        r" (?:back|front|reverse|other side|signature)"
        rf"|(?=(?:on|at|from) the ){_OF_THINGS}(?:on|at|from) the (?:back|front|reverse|rear)(?: side)?"
        r"(?: of (?:the|your|my|that) card)?"
        r"|(?=code's)(?<!coupon )(?<!promo )(?<!discount )(?<!voucher )code's"
        r"|the three (?:are|is|were)(?= (?:\d|zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple))"
        r"|(?:front|back) code|(?:back|front) of (?:the|my|your|it|that)(?: card)?"
        r"|(?:after|beside|by|behind|near|next to|above|under|below|over|on) (?:the|your|my) (?:signature|hologram"
        r"|white|signed)(?: (?:strip|panel|box|bit|line))?|(?:flip|turn)(?:ed)? (?:it|that|the card|your card) (?:over"
        r"|round|around)|(?:three|four|3|4) (?:on|at|from) the (?:back|front|reverse|rear|other side)"
        r"|back (?:of it )?says|(?:other|flip|reverse|signature) side",
        Topic.EXPIRY: r"expir\w+(?: date)?|exp(?: date)?|(?:good|valid|ok|okay) (?:through|thru"
        r"|until|till|to|from|dates?)(?: date)?|still valid"
        r"|(?:card|it|that|she|he) (?:is )?(?:ends(?! with)|goes|lasts|runs|dies)"
        r"(?: (?:to|till|until|through|out))?|run(?:s|ning)? out|(?:through|thru|end|validity|valid) date"
        r"|(?:went|gone|goes|going) out of date"
        r"|(?:month|mm)(?: (?:and|slash|then|stroke|over))?(?: the)? (?:year|yy)(?: on| it| of| please|$)",
        Topic.SSN: r"soc(?: sec)?|social(?: security)?(?: number)?(?! (?:media|network|club|distanc\w+|worker"
        r"|life))|s ?s ?n"
        r"|s s n|tax ?payer id"
        r"|tax (?:id|payer number|number)|itin|i t i n|national insurance(?: number)?|n ?i number",
        Topic.MEDICAL: rf"medical record{_ID}?|m ?r ?n|(?:patient|chart|hospital|record|records"
        rf"|medicare|medicaid|n h s|nhs){_ID}?"
        rf"|(?:prescription|script|r ?x){_ID}|health (?:plan|record|card|insurance){_ID}"
        rf"|patient account{_ID}?|beneficiary{_ID}?",
        Topic.LICENSE: rf"driver'?s?'? licen[sc]e{_ID}?|driving licen[sc]e{_ID}?|licen[sc]e{_ID}"
        rf"|d l(?: number)?|dl(?: number)?|driver{_ID}"
        r"|(?<!software )(?<!tv )(?<!windows )(?<!office )(?<!user )licen[sc]e(?! plate)",
        Topic.PASSPORT: rf"passport{_ID}?|travel (?:document|doc){_ID}?",
        Topic.VEHICLE: r"vehicle identification(?: number)?|v ?i ?n(?: number)?|(?:(?:licen[sc]e|number"
        r"|registration) )?plates?(?: number)?"
        r"|(?:car |vehicle )?registration(?: number)?|reg number|(?:car|vehicle|van|your|the|my) reg",
        Topic.DEVICE: r"i ?m ?e ?i(?: number)?|device (?:id|identifier|serial)(?: number)?|mac address"
        r"|implant (?:number|serial)",
        Topic.IP: r"i ?p address(?:es)?|ip",
        Topic.BIRTH: r"date of birth|birth ?da(?:te|y)s?|b ?-?days?|born|d[ .]?o[ .]?b|dee oh bee|birth"
        r"|dates? of birth|birthday's|birth's|birth (?:year|month)|year of birth"
        r"|(?:month|day|date)(?: of)?(?: and)?(?: the)? (?:day|month)(?:(?: and)?(?: the)?(?: then)? year)?"
        r"|turn(?:s|ed|ing)? (?:\w+teen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|\d\d)(?: \w+)? (?:on|in)",
        Topic.EVENT: r"admitted|admission|discharged?|passed away|died|death|surgery|operation|diagnosed"
        r"|date of service"
        r"|procedure|hospitali[sz]ed",
        Topic.POSTCODE: r"zip(?: ?code)?|post(?:al)? ?code",
        Topic.IBAN: rf"i[ -]?b ?a ?n{_ID}?|swift(?: code)?|b ?i ?c(?: code)?",
        Topic.ACCOUNT: rf"(?:bank |savings |checking |current )?account(?![ -]holder){_ID}?|acct{_ID}?|a ?c(?: number)"
        rf"|sort code|(?:my "
        rf"|your )?pin(?: number)?"
        rf"|(?:policy|policy ?holder|member|membership|customer|client|subscriber|employee|group|loan|claim"
        rf"|customer reference|national"
        rf"|routing|certificate|user|mortgage|insurance|plan|loyalty|student|tax(?! code)|meter|sim|aba|transit){_ID}"
        r"|(?:policy|claim(?! form))(?: is| was)?|passcode|insurance card|member ?ship card|routing|policy's|account's"
        r"|insured",
        Topic.PHONE: r"(?:tele)?phone(?: number)?|cell(?: ?phone)?(?: number)?|mobile(?: number)?"
        r"|call ?back(?: number)?"
        r"|(?:call|reach|text|ring|contact|phone) (?:me|you|us|him|her|them|my)(?: back)?|call back(?: on)?"
        r"|(?:best|contact|home"
        r"|work|fax|daytime|good|office|evening|landline"
        r"|alternate|another) number|fax|area code|dial|my number|landline|whatsapp|(?:calling|ringing) from"
        r"|my office|my work(?! (?:one|e-?mail|address))|(?:ring|call|phone|text|try|dial)(?= (?:(?:on|at|it|plus) )*"
        r"(?:\d|zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)(?:\S| (?:zero|oh|one|two|three|four"
        r"|five|six|seven|eight|nine|double|triple)))",
        Topic.CARD: r"(?:credit|debit|payment|bank|charge|gift|new|other|the|my|your|this|that|which|what"
        r"|(?<!left )(?<!leave )(?<!leaving )a) card(?: number)?"
        rf"|(?=card){_OTHER_CARDS}card(?:'?s)?(?: number| ending| on file)?|visa"
        r"|master ?card|american express|amex|discover card"
        r"|barclaycard|maestro"
        r"|(?:sixteen|fifteen|16|15)[- ]digits?(?: number)?|long (?:card )?number|pan|cardholder(?= \S)",
        Topic.PART: rf"(?:first|last|next|final|middle|other) (?:four|4|eight|six|five)(?: digits"
        rf"| numbers)?(?! (?:{_COUNTED}))"
        r"|(?:first|second|third|fourth|next|last|that) (?:group|set|block|lot)(?: of (?:four|digits|numbers))?"
        r"|(?:first|second|middle|next|last) (?:part|half|bit)"
        r"|missed the \w+ (?:group|set|block|part|bit|four)|(?:repeat|say|read) (?:me )?the (?:first|last|next"
        r"|middle|end) (?:part|bit|half|group)"
        r"|(?:what's|what comes|what is|and|goes) after|what's next|what comes next",
        Topic.EMAIL: r"e[- ]?mails?(?: address)?|e mail",
        Topic.HOUSE: r"(?:house|flat|apartment|(?<=the )(?:door|unit)|(?<=your )(?:door|unit)) (?:number|no)"
        r"|(?:you're|you are|live) at number",
        Topic.ADDRESS: r"(?:street |mailing |home |billing |shipping |delivery |postal )?address(?:es)?(?:'s)?"
        r"|(?:live|lives|living|located|reside) (?:at|on|in)|first line|moved to|move to|(?:ship|send|deliver"
        r"|post|mail|bring|dispatch|forward|come) (?:(?:it|that|them|this|someone|somebody|(?:the|an?|my) \w+) )?"
        r"(?:out |over |round )?to",
        Topic.NAME: r"(?<!of the )(?<!for the )(?:account|policy|lease|plan|licen[sc]e)[ -]?holder"
        r"(?= (?:please|for|on|is)(?!\S)|$)|cardholder(?=$)"
        r"|(?:lead|main|named|additional|second|other|first|next) (?:passenger|guest|driver|traveller|applicant)(?=$)"
        r"|who's (?:the|that) (?:[\w']+ ){0,2}?(?:tenant|payee|patient|passenger|beneficiary|owner|guest|driver|caller)"
        r"|(?:first |last |full |middle |maiden |sur|family )?names?(?:'s)?|spell(?:ed|ing|s|t)?"
        r"|(?:and )?you are$|who(?:'ve|'m|'re|'d)?(?: [\w']+){1,5}? (?:line|speaking|speak|talking|calling|say|phone)"
        r"|who (?:am i|is this|i'm|is|i am|do i have)(?: (?:speaking|talking))?(?: (?:to|with))?"
        r"|who's (?:calling|speaking|this)",
        Topic.HARMLESS: r"(?:sub)?totals?|deductible|premium|excess|fees?|charged|limit|payment of|balance"
        r"|price|prices|costs?|amount|quantity|version|channel|flight"
        r"|room|gate|extension|ext|comes to|charge of|paid|refund(?:ed)?(?: of)?|press|temperature"
        r"|error(?: code)?|sku|queue|tracking|chapter|verse|psalm|lottery|lotto|winning numbers|tax code|bar ?code"
        r"|form(?= [a-z]{1,2} )"
        rf"|(?:{_THINGS}){_ID}|part|order|ticket",
        # Whatever else has a number that tells who somebody is.
        Topic.IDENTITY: rf"(?!(?:{_NO_HOLDER}) )[a-z][a-z'-]{{2,}} (?:number|numbers|id|i d|no)(?= |$)",
    }
)
"""The phrases by topic; where two overlap the earlier topic has the word."""


_WITH_S = frozenset({"what's", "who's", "code's", "driver's", "it's"})


def normal(words: Sequence[str]) -> str:
    """The words bare and with single spaces, each word kept as exactly one token."""
    return " ".join(_token(word) for word in words)


def _token(word: str) -> str:
    """The word without "'s", but in what is a phrase only with it."""
    token = bare(word).replace(" ", "") or "_"
    return token if token in _WITH_S else token.removesuffix("'s") or "_"


def _hyphened(phrase: str) -> str:
    """The pattern with a hyphen wherever it has a space: "valid-through", "date-of-birth"."""
    return re.sub(r"\[[^]]*\]| ", lambda found: "[ -]" if found[0] == " " else found[0], phrase)


class TopicReader:
    """Finds topics; holds the compiled phrases."""

    def __init__(self) -> None:
        self._patterns = [
            (topic, re.compile(rf"(?<!\S)(?:{_hyphened(phrase)})(?!\S)")) for topic, phrase in PHRASES.items()
        ]

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


@cache
def topic_reader() -> TopicReader:
    """The one reader, its phrases compiled once."""
    return TopicReader()

"""Presidio over whole turns: names and places by spaCy, its own patterns for what is in figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from asr.errors import ModelError
from compliance.findings import PRECEDENCE, Finding
from compliance.names import lexicon
from compliance.readers.people import find_things
from compliance.readers.spans import words_of
from compliance.spoken_numbers import bare
from compliance.utterance import Utterance
from compliance.vocabulary import word_set

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpArtifacts, NlpEngine
    from spacy.tokens import Doc

BATCH_TURNS = 64
"""Turns in one call of spaCy's pipe."""

CONTEXT_TURNS = 2
"""Turns before whose words count as context of a pattern; callwright's own choice."""

_LABELS = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
_PATTERNED = re.compile(r"\d|://|www\.|\.(?:com|net|org|io|edu|gov)\b")
"""Texts without figures or addresses hold nothing that presidio's patterns could find."""

_COMMON_BEFORE = word_set("the a an by")
"""Words after which nothing in lower case is given a capital: "the daisy pattern", "by june"."""

_NEEDED_PIPES = ("tok2vec", "ner")
_NOT_ENTITY = word_set(
    """
    uh um okay ok yeah yes yep no nope hi hello hey bye goodbye thanks thank you alright right sure sorry great
    perfect please wow oh well sir ma'am maam mhm hmm mm mm-hmm uh-huh mhmm huh ha haha visa mastercard amex
    discover gmail yahoo account card email number social zip wi-fi wifi bluetooth router modem app online
    internet netflix alexa siri google amazon dot at cvv ssn i i'm i'll i've absolutely awesome cool gotcha
    monday tuesday wednesday thursday friday saturday sunday and the a an my your is it it's that this me to for
    customer agent representative manager billing correct double triple zero one two three four five six seven
    eight nine ten dash slash medicare medicaid iban routing policy
    """
)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the model made of one text: names and places as characters, and the parts that presidio asks for."""

    entities: tuple[tuple[int, int, str], ...]
    artifacts: NlpArtifacts | None


Readings = dict[str, Reading]
"""By text; lives as long as the redaction of one batch of calls, so that no turn is read twice."""


class Analyzer:
    """A loaded presidio engine that answers in words of turns."""

    def __init__(self, engine: AnalyzerEngine, min_score: float) -> None:
        self._engine = engine
        self._min_score = min_score

    @classmethod
    def load(cls, ner_model_dir: Path, min_score: float) -> Analyzer:
        """Load spaCy's pipeline from a folder and presidio around it; takes seconds and never uses a network.

        Raises ModelError if the folder holds no English spaCy pipeline with named entities.
        """
        if not (ner_model_dir / "config.cfg").is_file():
            raise ModelError(
                f"{ner_model_dir} holds no spaCy pipeline: config.cfg is missing",
                "Give the folder that holds config.cfg, as `callwright models list` prints it.",
            )
        return cls(_engine(ner_model_dir), min_score)

    def find(self, calls: Sequence[Sequence[Utterance]], readings: Readings) -> Iterator[list[Finding]]:
        """Findings over whole turns' words, a list a call; texts that `readings` lacks are read and added to it."""
        texts = [[" ".join(cased(turn)) for turn in turns] for turns in calls]
        self._read(list(dict.fromkeys(text for held in texts for text in held if text not in readings)), readings)
        for turns, held in zip(calls, texts, strict=True):
            found: list[Finding] = []
            for index, (turn, text) in enumerate(zip(turns, held, strict=True)):
                reading = readings[text]
                others = find_things(turn) if reading.entities else set()
                for first, last, entity in reading.entities:
                    span = words_of(text, first, last)
                    words = set(range(*span))
                    if others.isdisjoint(words) if entity == "PERSON" else not others.issuperset(words):
                        found += _trimmed(index, turn, span, entity)
                if reading.artifacts:
                    found += self._patterns(index, turns, text, reading.artifacts)
            yield found

    def _read(self, texts: list[str], readings: Readings) -> None:
        nlp_engine: Any = self._engine.nlp_engine
        wordy = [text for text in texts if _PATTERNED.search(text) or _may_name(text)]
        readings.update({text: Reading((), None) for text in texts})
        for text, doc in zip(wordy, nlp_engine.get_nlp("en").pipe(wordy, batch_size=BATCH_TURNS), strict=True):
            entities = tuple(
                (entity.start_char, entity.end_char, _LABELS[entity.label_])
                for entity in doc.ents
                if entity.label_ in _LABELS
            )
            readings[text] = Reading(entities, _artifacts(doc, nlp_engine) if _PATTERNED.search(text) else None)

    def _patterns(
        self, index: int, turns: Sequence[Utterance], text: str, artifacts: NlpArtifacts
    ) -> Iterator[Finding]:
        """What presidio's patterns find in a turn with figures or addresses, with the words before as context."""
        context = [word for turn in turns[max(0, index - CONTEXT_TURNS) : index + 1] for word in turn.tokens]
        results = self._engine.analyze(
            text, "en", nlp_artifacts=artifacts, score_threshold=self._min_score, context=context
        )
        for result in results:
            if result.entity_type in PRECEDENCE:
                first, last = words_of(text, result.start, result.end)
                yield Finding(index, first, last, result.entity_type)


def _artifacts(doc: Doc, nlp_engine: NlpEngine) -> NlpArtifacts:
    from presidio_analyzer.nlp_engine import NlpArtifacts

    return NlpArtifacts(
        entities=[],
        tokens=doc,
        tokens_indices=[token.idx for token in doc],
        lemmas=[token.lower_ for token in doc],
        nlp_engine=nlp_engine,
        language="en",
    )


def _trimmed(index: int, turn: Utterance, span: tuple[int, int], entity: str) -> Iterator[Finding]:
    """A name or place without everyday words at its edges."""
    first, last = span
    while first < last and _is_plain(turn.words[first]):
        first += 1
    while first < last and _is_plain(turn.words[last - 1]):
        last -= 1
    called = turn.tokens[max(0, first - 2) : first] in (["for", "calling"], ["welcome", "to"])
    if first < last and not called:
        yield Finding(index, first, last, entity)


def _engine(ner_model_dir: Path) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        IbanRecognizer,
        IpRecognizer,
        PhoneRecognizer,
        UrlRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
        UsSsnRecognizer,
    )

    nlp_engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": str(ner_model_dir)}],
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping=_LABELS,
            labels_to_ignore=[],
            low_score_entity_names=[],
        ),
    )
    try:
        nlp_engine.load()
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{ner_model_dir} does not load as a spaCy pipeline",
            "Fetch it again with `callwright models get spacy-en-core-web-sm`.",
        ) from error
    pipeline = nlp_engine.get_nlp("en")
    if "ner" not in pipeline.pipe_names:
        raise ModelError(
            f"{ner_model_dir} has no component that names entities, only {', '.join(pipeline.pipe_names)}",
            "Give a pipeline with an `ner` component.",
        )
    pipeline.select_pipes(enable=[name for name in _NEEDED_PIPES if name in pipeline.pipe_names])
    # Presidio's e-mail recogniser is left out: it asks the network for the list of top-level domains.
    recognizers = [
        CreditCardRecognizer(),
        IbanRecognizer(),
        IpRecognizer(),
        PhoneRecognizer(supported_regions=("US",)),
        UrlRecognizer(),
        # Its second pattern takes any long number for a licence.
        UsLicenseRecognizer(patterns=UsLicenseRecognizer.PATTERNS[:1]),
        UsPassportRecognizer(),
        UsSsnRecognizer(),
    ]
    registry = RecognizerRegistry(recognizers=recognizers, supported_languages=["en"])
    return AnalyzerEngine(registry=registry, nlp_engine=nlp_engine, supported_languages=["en"])


def cased(turn: Utterance) -> list[str]:
    """The words as the model expects them: known names and places with a capital, lengths unchanged."""
    known = lexicon()
    return [
        word[:1].upper() + word[1:]
        if word[:1].islower()
        and before not in _COMMON_BEFORE
        and (token in known.given or token in known.family or token in known.places)
        else word
        for word, token, before in zip(turn.words, turn.tokens, ["", *turn.tokens], strict=False)
    ]


def _may_name(text: str) -> bool:
    """Whether a text has a capital that its place or an everyday word does not explain: the model costs most."""
    everyday = lexicon().everyday
    begins = True
    for word in text.split(" "):
        if word[:1].isupper():
            token = bare(word)
            if len(token) > 1 and token not in _NOT_ENTITY and (not begins or token not in everyday):
                return True
        begins = word[-1:] in ".?!"
    return False


def _is_plain(word: str) -> bool:
    """Whether a word is never the edge of a name: an everyday word, a mark, or no letters at all."""
    token = bare(word)
    if any(map(str.isdigit, word)):
        return True
    everyday = word[:1].islower() and token in lexicon().everyday
    return everyday or token in _NOT_ENTITY or word[:1] == "[" or not re.search(r"[^\W\d_]{2}", token)

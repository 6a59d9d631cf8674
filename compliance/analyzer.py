"""Presidio over whole turns: names and places by spaCy, its own patterns for what is in figures."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from asr.errors import ModelError
from compliance.findings import PRECEDENCE, Finding, Utterance
from compliance.names import FAMILY_NAMES, GIVEN_NAMES, PLACES
from compliance.recognisers import words_of
from compliance.spoken_numbers import bare
from compliance.vocabulary import word_set

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine, RecognizerResult

BATCH_TURNS = 64
"""Turns in one call of spaCy's pipe."""

CONTEXT_TURNS = 2
"""Turns before whose words count as context of a pattern; callwright's own choice."""

_NEEDED_PIPES = ("tok2vec", "ner")
_NOT_ENTITY = word_set(
    """
    uh um okay ok yeah yes yep no nope hi hello hey bye goodbye thanks thank you alright right sure
    sorry great perfect please wow oh well sir ma'am maam mhm hmm mm mm-hmm uh-huh mhmm huh ha haha visa
    mastercard amex discover gmail yahoo account card email number social zip wi-fi wifi bluetooth
    router modem app online internet netflix alexa siri google amazon dot at cvv ssn i i'm i'll i've
    absolutely awesome cool gotcha monday tuesday wednesday thursday friday saturday sunday and the a an
    my your is it it's that this me to for customer agent representative manager billing correct double
    triple zero one two three four five six seven eight nine ten dash slash medicare medicaid iban
    routing policy
    """
)


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

    def find(self, turns: Sequence[Utterance]) -> Iterator[Finding]:
        """Presidio's findings over whole turns' words, with a score of at least `min_score`."""
        texts = [" ".join(map(_cased, turn.words)) for turn in turns]
        artifacts = self._engine.nlp_engine.process_batch(texts, language="en", batch_size=BATCH_TURNS)
        for index, (text, artifact) in enumerate(artifacts):
            context = [bare(word) for turn in turns[max(0, index - CONTEXT_TURNS) : index + 1] for word in turn.words]
            results = self._engine.analyze(
                text, "en", nlp_artifacts=artifact, score_threshold=self._min_score, context=context
            )
            for result in results:
                yield from self._finding(index, turns[index], text, result)

    @staticmethod
    def _finding(index: int, turn: Utterance, text: str, result: RecognizerResult) -> Iterator[Finding]:
        first, last = words_of(text, result.start, result.end)
        if result.entity_type not in PRECEDENCE:
            return
        if result.entity_type in {"PERSON", "LOCATION"}:
            while first < last and _is_plain(turn.words[first]):
                first += 1
            while first < last and _is_plain(turn.words[last - 1]):
                last -= 1
        if first < last:
            yield Finding(index, first, last, result.entity_type)


def _engine(ner_model_dir: Path) -> AnalyzerEngine:
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
    from presidio_analyzer.predefined_recognizers import (
        CreditCardRecognizer,
        IbanRecognizer,
        IpRecognizer,
        PhoneRecognizer,
        SpacyRecognizer,
        UrlRecognizer,
        UsLicenseRecognizer,
        UsPassportRecognizer,
        UsSsnRecognizer,
    )

    mapping = {"PERSON": "PERSON", "GPE": "LOCATION", "LOC": "LOCATION", "FAC": "LOCATION"}
    ignored = (
        "CARDINAL", "DATE", "EVENT", "LANGUAGE", "LAW", "MONEY", "NORP", "ORDINAL", "ORG", "PERCENT",
        "PRODUCT", "QUANTITY", "TIME", "WORK_OF_ART",
    )  # fmt: skip
    nlp_engine = SpacyNlpEngine(
        models=[{"lang_code": "en", "model_name": str(ner_model_dir)}],
        ner_model_configuration=NerModelConfiguration(
            model_to_presidio_entity_mapping=mapping,
            labels_to_ignore=list(ignored),
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
        SpacyRecognizer(supported_entities=["PERSON", "LOCATION"]),
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


def _cased(word: str) -> str:
    """The word as the model expects it: common names and places with a capital, the length unchanged."""
    token = bare(word)
    if not word[:1].islower() or not (token in GIVEN_NAMES or token in FAMILY_NAMES or token in PLACES):
        return word
    return word[:1].upper() + word[1:]


def _is_plain(word: str) -> bool:
    """Whether a word is never the edge of a name: an everyday word, a mark, or no letters at all."""
    token = bare(word)
    return token in _NOT_ENTITY or word[:1] == "[" or not re.search(r"[^\W\d_]{2}", token)

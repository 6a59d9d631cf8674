"""Which words of a text are nouns, names and verbs, by spaCy's pipeline that redaction loads too."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from asr.errors import ModelError

if TYPE_CHECKING:
    from spacy.language import Language


class Tagger:
    """A loaded tagger. Texts are read one at a time; a sentence takes under a millisecond."""

    def __init__(self, pipeline: Language) -> None:
        self._pipeline = pipeline

    @classmethod
    def load(cls, folder: Path) -> Tagger:
        """Load from the folder of an English spaCy pipeline. Raises ModelError if it has none that tags."""
        import spacy

        try:
            pipeline = spacy.load(folder, enable=["tok2vec", "tagger"])
        except (OSError, ValueError) as error:
            raise ModelError(
                f"{folder} does not load as a spaCy pipeline",
                "Fetch it again with `callwright models get spacy-en-core-web-sm`.",
            ) from error
        if "tagger" not in pipeline.pipe_names:
            raise ModelError(f"{folder} has no component that tags words", "Use spacy-en-core-web-sm")
        return cls(pipeline)

    def __call__(self, text: str) -> tuple[tuple[str, str], ...]:
        """Each word with its tag of the Penn Treebank: NN and NNS are nouns, NNP and NNPS names, VB... verbs."""
        return tuple((token.text, token.tag_) for token in self._pipeline(text) if not token.is_space)

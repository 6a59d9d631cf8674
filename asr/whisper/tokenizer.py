"""Whisper's tokens: the prompt, what is never said, and words out of tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from asr.errors import ConfigError, ModelError
from asr.whisper.timestamps import STEP_S

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_MAX_CONTEXT = 223
_MAX_STEPS = 1_500
_SYMBOLS = [*'"#()*+/:;<=>@[\\]^_`{|}~「」『』', "<<", ">>", "<<<", ">>>", "--", "---", "-(", "-[", "('", '("']
_SYMBOLS += ["((", "))", "(((", ")))", "[[", "]]", "{{", "}}", "♪♪", "♪♪♪"]
_NOTES = "♩♪♫♬♭♮♯"
_OPENING = "\"'“¿([{-"
_CLOSING = "\"'.。,，!！?？:：”)]}、%"  # noqa: RUF001  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class TokenWord:
    """A word and the half-open range [first, stop) of text tokens that spell it."""

    text: str
    first: int
    stop: int


class WhisperTokenizer:
    """The tokenizer of one Whisper model for one language."""

    def __init__(self, tokenizer: Tokenizer, language: str) -> None:
        self._tokenizer = tokenizer
        self.language = language
        self.end_of_text = self._id("<|endoftext|>")
        self.no_timestamps = self._id("<|notimestamps|>")
        self.timestamp_begin = self.no_timestamps + 1
        start = self._id("<|startoftranscript|>")
        if language != "en" and not self._is_multilingual():
            raise ConfigError(
                f"transcribe.language is {language!r}, and this model knows English alone",
                "Use a multilingual model, such as whisper-base",
            )
        self.prompt = [start] if not self._is_multilingual() else [start, *self._language_and_task(language)]

    @classmethod
    def load(cls, path: Path, language: str) -> WhisperTokenizer:
        """Read a model's tokenizer.json. Raises ModelError if it is unreadable, ConfigError for the language."""
        from tokenizers import Tokenizer

        try:
            tokenizer = Tokenizer.from_file(str(path))
        except Exception as error:
            raise ModelError(f"{path} is not a tokenizer", "Fetch the model again: callwright models get ID") from error
        return cls(tokenizer, language)

    def _id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise ModelError(f"The tokenizer has no {token}", "Use the tokenizer.json of a Whisper model")
        return int(found)

    def _is_multilingual(self) -> bool:
        # The English-only models keep the language tokens' names, but their vocabulary is one smaller.
        return self.end_of_text == 50257

    def _language_and_task(self, language: str) -> list[int]:
        found = self._tokenizer.token_to_id(f"<|{language}|>")
        if found is None:
            raise ConfigError(
                f"transcribe.language is {language!r}, which this model does not know",
                "Use a code of Whisper's, such as en, de, es or fr",
            )
        return [int(found), self._id("<|transcribe|>")]

    def suppressed(self) -> list[int]:
        """Tokens that are never sampled: control tokens and openai/whisper's non-speech symbols, sorted."""
        tokens = {self._first(" -"), self._first(" '")}
        for symbol in [*_SYMBOLS, *_NOTES]:
            for spelled in (symbol, " " + symbol):
                ids = self._tokenizer.encode(spelled, add_special_tokens=False).ids
                if len(ids) == 1 or symbol in _NOTES:
                    tokens.add(ids[0])
        control = ["<|transcribe|>", "<|translate|>", "<|startoftranscript|>", "<|startofprev|>", "<|startoflm|>"]
        return sorted(tokens | {self._id(token) for token in control} | {self.no_speech})

    def context(self, text: str, before: str = "") -> list[int]:
        """What a prompt begins with so that the model has "read" a text, and then what was said before: nothing for
        none of both.

        The last tokens of each are kept, up to openai/whisper's limit of half of the context less one for both
        together, in which the text goes first.
        """
        read = self._spelled(text)[-_MAX_CONTEXT:]
        said = self._spelled(before)
        tokens = [*read, *said[max(0, len(said) + len(read) - _MAX_CONTEXT) :]]
        return [self._id("<|startofprev|>"), *tokens] if tokens else []

    def _spelled(self, text: str) -> list[int]:
        """The tokens of a text that goes on from another."""
        stripped = text.strip()
        return list(self._tokenizer.encode(" " + stripped, add_special_tokens=False).ids) if stripped else []

    def timestamps(self, duration_s: float) -> range:
        """The tokens of the times from 0 s to the end of what is so long, at most 30 s."""
        return range(self.timestamp_begin, self.timestamp_begin + min(_MAX_STEPS, int(duration_s / STEP_S)) + 1)

    @property
    def no_speech(self) -> int:
        """The token whose probability after the start of transcript says that nobody speaks."""
        older = self._tokenizer.token_to_id("<|nocaptions|>")
        return self._id("<|nospeech|>") if older is None else int(older)

    def never_first(self) -> tuple[int, int]:
        """Tokens that no text begins with: a space, and the end (openai/whisper's suppress_blank)."""
        return self._first(" "), self.end_of_text

    def _first(self, text: str) -> int:
        return int(self._tokenizer.encode(text, add_special_tokens=False).ids[0])

    def text_tokens(self, tokens: list[int]) -> list[int]:
        """The tokens without control tokens and timestamps."""
        return [token for token in tokens if token < self.end_of_text]

    def decode(self, tokens: list[int]) -> str:
        """The text that the tokens spell."""
        return str(self._tokenizer.decode(self.text_tokens(tokens)))

    def words(self, tokens: list[int]) -> list[TokenWord]:
        """Text tokens as words, each with the punctuation that belongs to it.

        The token range of a word leaves out the punctuation after it: Whisper lets a full stop take the pause
        that follows, and a word must not seem to last through it (openai/whisper, timing.py).
        """
        words: list[TokenWord] = []
        opening, parted = "", True
        for text, first, stop in self._spellings(tokens):
            mark = text.strip()
            # A space may be a token of its own: then the next one begins a word.
            begins, parted = parted or text.startswith(" "), not mark
            if not mark:
                continue
            if begins and stop < len(tokens) and all(letter in _OPENING for letter in mark):
                opening += mark
            elif words and all(letter in _CLOSING for letter in mark):
                words[-1] = TokenWord(words[-1].text + mark, words[-1].first, words[-1].stop)
            elif words and not opening and not begins:
                words[-1] = TokenWord(words[-1].text + mark, words[-1].first, stop)
            else:
                words.append(TokenWord(opening + mark, first, stop))
                opening = ""
        return words

    def _spellings(self, tokens: list[int]) -> list[tuple[str, int, int]]:
        """Runs of tokens that decode to whole characters: a character may be spelled by several tokens."""
        runs: list[tuple[str, int, int]] = []
        first = 0
        for stop in range(1, len(tokens) + 1):
            text = str(self._tokenizer.decode(tokens[first:stop]))
            if "\ufffd" not in text or stop == len(tokens):
                runs.append((text.replace("\ufffd", ""), first, stop))
                first = stop
        return runs

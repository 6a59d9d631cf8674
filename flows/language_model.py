"""The language model that the settings name, ready to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from asr.cores import cores
from asr.errors import ConfigError
from compliance.redactor import Redactor
from compliance.tagging import Tagger
from configs.settings import Settings
from flows.analyses import read_analyses
from flows.wiring import fetch_model, load_redactor, registry
from llm.analyses import Analyses
from llm.asking import Asker, OnAnswer, unheard
from llm.client import HttpChat
from llm.dialects import DialectMemory
from llm.embedded import EmbeddedChat
from llm.options import Sampling
from llm.questions import Questioner
from llm.second_reader import ModelReader
from llm.summarise import ModelSummariser
from llm.types import Chat

DIALECTS_FILE = "dialects.json"


@contextmanager
def model_summariser(
    settings: Settings, data_dir: Path, redactor: Redactor, on_answer: OnAnswer = unheard
) -> Iterator[ModelSummariser]:
    """What summarises by the model of [llm]; connections end with the block.

    Raises ConfigError if the settings name no model, or a preset that there is not.
    """
    sampling, categories = preset(settings), tuple(read_analyses(settings).category)
    with chat_of(settings, data_dir, sampling) as chat:
        asker = _asker(chat, settings, on_answer)
        yield ModelSummariser(
            asker, _tagger(settings), redactor.rewrite, categories, settings.summarise.preset, sampling.max_tokens
        )


@contextmanager
def model_questioner(
    settings: Settings, data_dir: Path, analyses: Analyses, on_answer: OnAnswer = unheard
) -> Iterator[Questioner]:
    """What asks the model of [llm] the questions of these analyses; connections end with the block.

    Raises ConfigError as model_summariser does.
    """
    sampling, redactor = preset(settings), load_redactor(settings)
    with chat_of(settings, data_dir, sampling) as chat:
        asker = _asker(chat, settings, on_answer)
        yield Questioner(
            asker, _tagger(settings), redactor.rewrite, analyses, settings.summarise.preset, sampling.max_tokens
        )


def _asker(chat: Chat, settings: Settings, on_answer: OnAnswer) -> Asker:
    return Asker(chat, settings.llm.max_tries, settings.llm.max_wait_s, on_answer=on_answer)


def _tagger(settings: Settings) -> Tagger:
    return Tagger.load(fetch_model(settings, settings.redact.ner_model).folder)


@contextmanager
def chat_of(settings: Settings, data_dir: Path, sampling: Sampling) -> Iterator[Chat]:
    """The model at the server that is named, or else of the file. Raises ConfigError if neither is."""
    with closing(_open_chat(settings, DialectMemory(data_dir / DIALECTS_FILE), sampling)) as chat:
        yield chat


def second_reader(settings: Settings, on_answer: OnAnswer = unheard) -> ModelReader | None:
    """Who reads redacted calls once more, None if nobody is to. Its connections last as long as the process.

    Raises ConfigError if the settings name no model.
    """
    if not settings.redact.second_reader:
        return None
    # At its likeliest: a second reading should find what the first one found.
    sampling = settings.llm.presets["greedy"]
    chat = _open_chat(settings, DialectMemory(None), sampling)
    return ModelReader(_asker(chat, settings, on_answer), sampling.max_tokens)


def _open_chat(settings: Settings, memory: DialectMemory, sampling: Sampling) -> HttpChat | EmbeddedChat:
    if settings.llm.base_url:
        return HttpChat(settings.llm, sampling, memory)
    if settings.llm.gguf:
        options = settings.llm.model_copy(update={"gguf": str(_gguf(settings))})
        return EmbeddedChat.load(options, sampling, options.threads or cores(settings.transcribe))
    raise _no_model()


def _gguf(settings: Settings) -> Path:
    """The file that llm.gguf names: by its path, or by the id of a model of kind llm, fetched if it is not here yet."""
    named = settings.llm.gguf
    if any(model.id == named and model.kind == "llm" for model in registry(settings).models):
        return next(fetch_model(settings, named).folder.glob("*.gguf"))
    return Path(named)


def check_model(settings: Settings) -> None:
    """Raise ConfigError if a model is to summarise or to read and none is named, or no such preset: before any work is
    done."""
    summarises = settings.summarise.method == "model"
    if summarises:
        preset(settings)
    if (summarises or settings.redact.second_reader) and not names_model(settings):
        raise _no_model()


def names_model(settings: Settings) -> bool:
    """Whether the settings name a language model."""
    return bool(settings.llm.base_url or settings.llm.gguf)


def _no_model() -> ConfigError:
    return ConfigError("no language model is named", "Set llm.base_url to a server's, or llm.gguf to a file")


def preset(settings: Settings) -> Sampling:
    """The preset that summaries are asked with. Raises ConfigError that lists the known ones."""
    presets = settings.llm.presets
    if settings.summarise.preset not in presets:
        raise ConfigError(
            f"summarise.preset is '{settings.summarise.preset}'", f"Known presets: {', '.join(sorted(presets))}"
        )
    return presets[settings.summarise.preset]

"""What models are told: a text file for each prompt and version, in two parts, for the system and for the user.

A version that was used is never changed, since summaries are known by it; a better wording is a new version.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from string import Template

from llm.errors import PromptError
from llm.types import Message

_PARTING = "\n=== user ===\n"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt with its places still open."""

    name: str
    system: Template = field(repr=False)
    user: Template = field(repr=False)

    def fill(self, values: Mapping[str, str]) -> tuple[Message, Message]:
        """The two messages. Raises PromptError unless every place is given a value."""
        try:
            return Message("system", self.system.substitute(values)), Message("user", self.user.substitute(values))
        except KeyError as error:
            raise PromptError(f"the prompt {self.name} has a place for {error.args[0]}", "Give it a value") from None


@cache
def load_prompt(name: str) -> Prompt:
    """The prompt of a name with its version, as "summary-1". Raises PromptError that lists the known ones."""
    known = sorted(path.name.removesuffix(".txt") for path in files(__name__).iterdir() if path.name.endswith(".txt"))
    if name not in known:
        raise PromptError(f"unknown prompt '{name}'", f"Known prompts: {', '.join(known)}")
    system, parted, user = (files(__name__) / f"{name}.txt").read_text(encoding="utf-8").partition(_PARTING)
    if not parted:
        raise PromptError(f"the prompt {name} has no line '{_PARTING.strip()}'", "Part it in system and user")
    return Prompt(name, Template(system.strip()), Template(user.strip()))

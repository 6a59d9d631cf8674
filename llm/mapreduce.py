"""Long calls: asked about in parts that fit the model's context, and put together by rule.

Parts are cut between turns. Putting together is a rule and not another question: it can invent nothing, and each
statement keeps the turns that it was checked against.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from compliance.types import RedactedTranscript
from llm.form import MOST_ACTIONS
from llm.turns import numbered_turns
from llm.types import Chat, Finding, Message, Summary

MOST_DEPTH = 12
"""Halvings: a call in 4,096 parts."""

_MARGIN = 64
"""Tokens that a chat's template puts around its messages."""

_LEAST = 128
"""Tokens that a call's turns have in any case: a context that is too small is refused by the server."""


def fitting(transcript: RedactedTranscript, chat: Chat, answer_tokens: int, *prompts: Sequence[Message]) -> list[str]:
    """A call's numbered turns in as many parts as it takes for each to fit into the model's context.

    Beside a part there is room for the answer and the longest of the prompts, whose messages are without any turns.
    """
    around = max(chat.count_tokens("".join(message.content for message in prompt)) for prompt in prompts)
    budget = max(_LEAST, chat.context_tokens - around - answer_tokens - _MARGIN)
    return parts(numbered_turns(transcript), budget, chat.count_tokens)


def parts(lines: Sequence[str], budget: int, count: Callable[[str], int], depth: int = MOST_DEPTH) -> list[str]:
    """The lines, joined, as few texts as halving gives of which each has at most `budget` tokens.

    A single line over the budget is halved between its words. `count` gives the tokens of a text.
    """
    text = "\n".join(lines)
    if count(text) <= budget or not depth:
        return [text]
    if len(lines) == 1:
        words = text.split(" ")
        if len(words) < 2:
            return [text]
        middle = len(words) // 2
        # The second half begins with the turn's number and speaker again, lest it be nobody's.
        head = text.split(": ", 1)[0] + ": " if ": " in text else ""
        halves = [" ".join(words[:middle])], [head + " ".join(words[middle:])]
    else:
        halves = list(lines[: len(lines) // 2]), list(lines[len(lines) // 2 :])
    return [piece for half in halves for piece in parts(half, budget, count, depth - 1)]


def merged(summaries: Sequence[Summary]) -> Summary:
    """One summary of a call from those of its parts, in the order of the call; there is one at least.

    The reason is told early and the outcome late: the first reason counts, the last outcome and follow-up, all actions
    as far as they fit, and the sentiment of the end.
    """
    actions: dict[str, Finding] = {}
    for summary in summaries:
        actions.update({action.text.lower(): action for action in summary.actions})
    return Summary(
        method=summaries[0].method,
        reason=next((one.reason for one in summaries if one.reason), None),
        outcome=next((one.outcome for one in reversed(summaries) if one.outcome), None),
        actions=tuple(actions.values())[-MOST_ACTIONS:],
        categories=tuple(dict.fromkeys(name for one in summaries for name in one.categories)),
        follow_up=next((one.follow_up for one in reversed(summaries) if one.follow_up), None),
        sentiment=next((one.sentiment for one in reversed(summaries) if one.sentiment), None),
        dropped=tuple(dict.fromkeys(dropped for one in summaries for dropped in one.dropped)),
    )

"""Waiting for an answer, but not for ever."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def within(limit_s: float, call: Callable[[], T]) -> T:
    """What a call gives, or raises. Raises TimeoutError if that takes longer: it then goes on by itself, in a thread
    that ends with the process, since Python has no way to stop it."""
    answer: list[T] = []
    raised: list[BaseException] = []

    def ask() -> None:
        try:
            answer.append(call())
        except BaseException as error:  # noqa: BLE001
            raised.append(error)

    thread = threading.Thread(target=ask, name="doctor", daemon=True)
    thread.start()
    thread.join(limit_s)
    if raised:
        raise raised[0]
    if not answer:
        raise TimeoutError
    return answer[0]

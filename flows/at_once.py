"""Calls that somebody is asked about several at once, such as a language model's server."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

DOWN_AFTER = 3
"""Calls in a row for which the server could not be reached, each as often as llm.max_tries says: it is down then."""

_AHEAD = 2
"""Calls in memory for each that is asked about: the next one is there when an answer comes."""


def answered(
    ask: Callable[[T], R], calls: Iterator[T], concurrency: int, is_over: Callable[[], bool]
) -> Generator[list[tuple[T, Future[R]]], None, None]:
    """Ask about calls, `concurrency` at once, and give those that are done, as soon as one is: a future has the answer,
    or what `ask` raised.

    Goes on until all calls are done or it `is_over`, which is looked at after each and once a second. Close it, with
    contextlib.closing: that waits for those who are being asked, and drops the rest.
    """
    pool = ThreadPoolExecutor(concurrency, "ask")
    asked: dict[Future[R], T] = {}
    try:
        while not is_over():
            for call in islice(calls, _AHEAD * concurrency - len(asked)):
                asked[pool.submit(ask, call)] = call
            if not asked:
                return
            done = wait(asked, timeout=1.0, return_when=FIRST_COMPLETED).done
            yield [(asked.pop(future), future) for future in done]
    finally:
        pool.shutdown(wait=True, cancel_futures=True)

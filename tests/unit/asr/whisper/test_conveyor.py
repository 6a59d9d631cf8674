"""Batches pass through stages the same way, whichever thread is quicker."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Lock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.whisper.conveyor import Conveyor, Stage


def _run(
    items: int, sizes: Sequence[int], leave: Sequence[set[int]], pauses: Sequence[float], workers: int
) -> list[set[tuple[int, ...]]]:
    """The batches of each stage. `leave` are the items that each stage passes on, `pauses` how long a batch takes."""
    seen: list[set[tuple[int, ...]]] = [set() for _ in sizes]
    lock, count = Lock(), iter(range(10_000))

    def stage(number: int) -> Stage[int]:
        def work(batch: Sequence[int]) -> list[int]:
            with lock:
                pause = pauses[next(count) % len(pauses)]
            time.sleep(pause)
            with lock:
                assert tuple(batch) not in seen[number]
                seen[number].add(tuple(batch))
            return [item for item in batch if item in leave[number]]

        return Stage(sizes[number], work)

    with ThreadPoolExecutor(workers) as pool:
        Conveyor(list(range(items)), [stage(number) for number in range(len(sizes))]).run(pool, workers)
    return seen


@settings(max_examples=40)
@given(
    items=st.integers(0, 20),
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
    leave=st.lists(st.sets(st.integers(0, 19)), min_size=4, max_size=4),
    pauses=st.lists(st.sampled_from([0.0, 0.001, 0.003]), min_size=1, max_size=5),
    workers=st.integers(1, 4),
)
def test_batches_depend_on_no_thread_and_hold_what_was_left_in_order(
    items: int, sizes: list[int], leave: list[set[int]], pauses: list[float], workers: int
) -> None:
    found = _run(items, sizes, leave, pauses, workers)
    wanted = list(range(items))
    for number, batches in enumerate(found):
        size = sizes[number]
        assert batches == {tuple(wanted[at : at + size]) for at in range(0, len(wanted), size)}
        wanted = [item for item in wanted if item in leave[number]]


def test_a_late_stage_does_not_wait_for_the_whole_of_an_early_one() -> None:
    order: list[str] = []

    def first(batch: Sequence[int]) -> Sequence[int]:
        order.append(f"first {batch[0]}")
        return batch

    def second(batch: Sequence[int]) -> Sequence[int]:
        order.append(f"second {batch[0]}")
        return ()

    with ThreadPoolExecutor(1) as pool:
        Conveyor([0, 1, 2], [Stage(1, first), Stage(1, second)]).run(pool, 1)
    assert order == ["first 0", "second 0", "first 1", "second 1", "first 2", "second 2"]


def test_a_part_filled_batch_goes_when_it_has_waited_long_enough() -> None:
    """The second item of the first stage takes until the second stage has had the first one; else this hangs."""
    came = Event()
    seen: list[tuple[int, ...]] = []

    def first(batch: Sequence[int]) -> Sequence[int]:
        assert batch[0] == 0 or came.wait(30)
        return batch

    def second(batch: Sequence[int]) -> Sequence[int]:
        seen.append(tuple(batch))
        came.set()
        return ()

    with ThreadPoolExecutor(2) as pool:
        Conveyor([0, 1], [Stage(1, first), Stage(2, second, most_wait_s=0.01)]).run(pool, 2)
    assert seen == [(0,), (1,)]


def test_what_a_stage_raises_ends_the_work() -> None:
    def work(batch: Sequence[int]) -> Sequence[int]:
        raise ValueError(str(batch[0]))

    with ThreadPoolExecutor(2) as pool, pytest.raises(ValueError, match=r"0|1"):
        Conveyor([0, 1], [Stage(1, work)]).run(pool, 2)

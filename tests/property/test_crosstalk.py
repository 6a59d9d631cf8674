"""What holds for any leak: blocks do not matter, and no word is lost that the other side did not say."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.channels.crosstalk import LEAD, TAPS, Leak
from asr.channels.suppression import LeakFilter, is_leak, without_echoes
from asr.merge import spelling
from asr.types import Channel, Word


@st.composite
def leaks(draw: st.DrawFn) -> Leak:
    response = np.zeros(TAPS, np.float32)
    delay = draw(st.integers(-LEAD, TAPS - LEAD - 1))
    level_db = draw(st.floats(-40, -1))
    response[LEAD + delay] = 10 ** (level_db / 20)
    return Leak(level_db, delay / 8, response)


@st.composite
def words(draw: st.DrawFn) -> list[Word]:
    starts = sorted(draw(st.lists(st.integers(0, 400), max_size=12)))
    texts = st.sampled_from(["yes", "Yes,", "no", "hello", "one"])
    return [Word(draw(texts), at / 40, at / 40 + draw(st.integers(0, 40)) / 40, 0.9) for at in starts]


def powers() -> st.SearchStrategy[np.ndarray]:
    level = st.sampled_from([0.0, 1e-6, 1e-4, 1e-2])
    return st.lists(level, min_size=1, max_size=350).map(lambda found: np.array(found, np.float32))


@settings(deadline=None)
@given(agent=words(), customer=words(), first=powers(), second=powers(), leak=leaks(), both=st.booleans())
def test_only_words_with_a_twin_on_the_other_side_are_dropped(
    agent: list[Word], customer: list[Word], first: np.ndarray, second: np.ndarray, leak: Leak, *, both: bool
) -> None:
    said = {Channel.AGENT: agent, Channel.CUSTOMER: customer}
    kept = without_echoes(
        said,
        {Channel.AGENT: first, Channel.CUSTOMER: second},
        {Channel.AGENT: leak if both else None, Channel.CUSTOMER: leak},
    )
    assert both or kept[Channel.AGENT] == tuple(agent)
    for channel, other in ((Channel.AGENT, customer), (Channel.CUSTOMER, agent)):
        left = iter(said[channel])
        assert all(any(word is one for one in left) for word in kept[channel])  # in order, and none is new
        for word in said[channel]:
            if not any(word is one for one in kept[channel]):
                near_s = 0.3 + abs(leak.delay_ms) / 1_000 + 1e-9
                twins = [twin for twin in other if spelling(twin) == spelling(word)]
                assert any(abs(twin.start_s - word.start_s) <= near_s for twin in twins)


@settings(deadline=None)
@given(
    leak=leaks(),
    cuts=st.lists(st.integers(0, 20_000), max_size=6),
    n=st.integers(0, 20_000),
    seed=st.integers(0, 9),
)
def test_the_filter_takes_off_the_response_whatever_the_blocks(leak: Leak, cuts: list[int], n: int, seed: int) -> None:
    own, source = np.random.default_rng(seed).standard_normal((2, n)).astype(np.float32)
    leaky = LeakFilter(leak)
    edges = [0, *sorted(min(cut, n) for cut in cuts), n]
    parts = [leaky.hear(own[a:b], source[a:b]) for a, b in pairwise(edges)]
    found = np.concatenate([*parts, leaky.end()])
    late = 2 * (int(np.argmax(leak.response)) - LEAD)
    moved = np.zeros(n, np.float32)
    if late >= 0:
        moved[late:] = source[: max(n - late, 0)]
    else:
        moved[:late] = source[-late:]
    assert found.shape == (n,)
    assert np.allclose(found, own - leak.response.max() * moved, atol=1e-4)


@settings(deadline=None)
@given(power=powers(), leak=leaks(), seed=st.integers(0, 9))
def test_a_louder_other_side_never_makes_more_speech(power: np.ndarray, leak: Leak, seed: int) -> None:
    other = np.random.default_rng(seed).random(len(power)).astype(np.float32)
    quiet, loud = (is_leak(power, gain * other, leak) for gain in (0.01, 1.0))
    assert np.all(loud | ~quiet)

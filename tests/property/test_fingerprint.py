"""The order in which settings are written never matters to them or to their fingerprint."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from configs.load import Layer, settle
from configs.settings import Settings, fingerprint

SOME = st.fixed_dictionaries(
    {},
    optional={
        "vad.threshold": st.floats(0.01, 0.99),
        "vad.hysteresis": st.sampled_from([-0.0, 0.0, 0.1]),
        "vad.pad_ms": st.integers(0, 1_000),
        "chunk.overlap_s": st.sampled_from([2, 2.0, 3, 3.0]),
        "transcribe.temperatures": st.lists(st.sampled_from([0, 0.0, 0.5]), min_size=1, max_size=3),
        "transcribe.model": st.text(max_size=8),
        "batch.group_recordings": st.integers(1, 9),
    },
)


@given(values=SOME, random=st.randoms(use_true_random=False))
def test_order_and_splitting_into_layers_do_not_matter(values: dict[str, object], random: object) -> None:
    shuffled = list(values.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    together = settle([Layer("one", values)])
    apart = settle([Layer(path, {path: value}) for path, value in shuffled])
    assert together == apart
    assert fingerprint(together) == fingerprint(apart)


@given(one=SOME, other=SOME)
def test_fingerprints_are_equal_exactly_when_the_text_settings_are(
    one: dict[str, object], other: dict[str, object]
) -> None:
    def without_batch(values: dict[str, object]) -> Settings:
        return settle([Layer("x", {path: value for path, value in values.items() if "batch." not in path})])

    prints = [fingerprint(settle([Layer("x", values)])) for values in (one, other)]
    assert (prints[0] == prints[1]) == (without_batch(one) == without_batch(other))

"""Whatever sounds there are, regions tile the channel, no tone is sent to an engine, and no key's digit is kept."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from asr.chunking import chunk
from asr.options import ChunkOptions, VadOptions
from asr.regions import find_speech, typed_regions
from asr.sounds.dtmf import KeyListener
from asr.sounds.sound import Sound
from asr.timebase import to_seconds
from asr.types import Channel, Provenance, Region, RegionKind, Span, Transcript
from asr.vad import WINDOW
from compliance.options import RedactionOptions
from compliance.redactor import Redactor
from compliance.render import as_json, as_json_line, as_srt, as_txt, as_vtt, documents
from tests.benchmarks.noises import keys

pytestmark = pytest.mark.property

TONES = [kind for kind in RegionKind if kind not in (RegionKind.SPEECH, RegionKind.SILENCE, RegionKind.MUSIC)]


@st.composite
def channels(draw: st.DrawFn) -> tuple[np.ndarray, int, list[Sound]]:
    """Runs of speech and silence in windows, and tones, keys and music anywhere; tones do not overlap one another."""
    runs = draw(
        st.lists(st.tuples(st.integers(1, 120), st.sampled_from((0.0, 0.3, 0.6, 1.0))), min_size=1, max_size=12)
    )
    probabilities = np.concatenate([np.full(size, value, np.float32) for size, value in runs])
    n_samples = len(probabilities) * WINDOW - draw(st.integers(0, WINDOW - 1))
    sounds, at = [], 0
    for gap, size in draw(st.lists(st.tuples(st.integers(0, 60_000), st.integers(600, 60_000)), max_size=5)):
        kind = draw(st.sampled_from(TONES))
        sounds.append(Sound(Span(at + gap, at + gap + size), kind, "7" if kind is RegionKind.DTMF else ""))
        at += gap + size
    for start, size in draw(st.lists(st.tuples(st.integers(0, 200_000), st.integers(48_000, 200_000)), max_size=2)):
        sounds.append(Sound(Span(start, start + size), RegionKind.MUSIC))
    return probabilities, n_samples, [sound for sound in sounds if sound.span.start < n_samples]


@given(channels(), st.sampled_from((0, 250, 500)))
def test_regions_tile_the_channel_and_no_tone_is_sent(
    channel: tuple[np.ndarray, int, list[Sound]], pad_ms: int
) -> None:
    probabilities, n_samples, sounds = channel
    options = ChunkOptions()
    speech = find_speech(probabilities, n_samples, VadOptions(pad_ms=pad_ms), options, sounds)
    regions = typed_regions(speech, Channel.AGENT, sounds)
    bounds = [region.start_s for region in regions] + [to_seconds(n_samples)]
    assert bounds[0] == 0.0
    assert [region.end_s for region in regions] == bounds[1:]
    assert all(region.start_s < region.end_s for region in regions)
    sent = [span for part in chunk(speech, Channel.AGENT, options) for span in part.spans]
    for sound in sounds:
        if sound.kind is not RegionKind.MUSIC:
            assert not any(span.start < sound.span.stop and sound.span.start < span.stop for span in sent)
    for region in regions:
        if region.kind is not RegionKind.SPEECH:
            ends = (region.start_s * 16_000, region.end_s * 16_000)
            assert not any(span.start < ends[1] - 0.5 and ends[0] + 0.5 < span.stop for span in sent)
    for burst in speech.bursts:
        assert any(region.start <= burst.start and burst.stop <= region.stop for region in speech.regions)


@given(channels())
def test_sure_speech_over_music_stays(channel: tuple[np.ndarray, int, list[Sound]]) -> None:
    probabilities, n_samples, sounds = channel
    music = [sound for sound in sounds if sound.kind is RegionKind.MUSIC]
    sure = np.where(probabilities >= 0.9, probabilities, np.float32(0.0))
    options = (VadOptions(), ChunkOptions())
    assert find_speech(sure, n_samples, *options, music) == find_speech(sure, n_samples, *options)


@settings(max_examples=40)
@given(st.text("0123456789ABCD*#", min_size=1, max_size=8), st.integers(0, 500), st.sampled_from((0.05, 0.08, 0.12)))
def test_what_is_pressed_is_heard(digits: str, before: int, lasts_s: float) -> None:
    listener = KeyListener()
    listener.hear(np.concatenate([np.zeros(before), keys(digits, -22.0, lasts_s, 0.06)]).astype(np.float32))
    assert "".join(press.digits for press in listener.end()) == digits


@pytest.fixture(scope="module")
def redactor(ner_model_dir: Path) -> Redactor:
    return Redactor.load(ner_model_dir, RedactionOptions())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("0123456789*#", min_size=3, max_size=19), st.floats(0, 9), st.floats(0.1, 5))
def test_no_rendering_and_no_repr_has_keyed_digits(
    redactor: Redactor, digits: str, start_s: float, lasts_s: float
) -> None:
    region = Region(start_s, start_s + lasts_s, Channel.CUSTOMER, RegionKind.DTMF, digits)
    bare = Region(start_s, start_s + lasts_s, Channel.CUSTOMER, RegionKind.DTMF)
    made_by = Provenance("m", "s", "e", "p", "c", "v")
    call, without = (Transcript("call.wav", 20.0, (Channel.CUSTOMER,), (), (one,), made_by) for one in (region, bare))
    redacted = redactor.redact(call)
    assert redacted.regions == (bare,)
    assert repr(call) == repr(without)
    assert repr(redacted) == repr(redactor.redact(without))
    for render in (as_json, as_json_line, as_txt, as_vtt, as_srt):
        assert render(redacted) == render(call) == render(without)
    assert documents(redacted) == documents(redactor.redact(without))

"""What every engine does, on real speech: one suite for all of them."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from asr.decode import decode, identify
from asr.engines.base import Engine
from asr.engines.registry import ENGINES, load_engine
from asr.engines.scripted import ScriptedEngine
from asr.errors import ConfigError
from asr.files.options import DecodeOptions
from asr.models import LocalModel
from asr.options import TranscribeOptions
from asr.resample import resample
from asr.scoring.errors import word_errors
from asr.scoring.normalisation import whisper_english
from asr.timebase import to_samples
from asr.types import Hypothesis, Samples, Word

SAMPLE_AUDIO = Path(__file__).parents[2] / "sample_audio"
SECOND = 16_000
Load = Callable[..., Engine]
"""Loads the engine under test with options of TranscribeOptions set."""


NEEDS = {"onnxruntime": "onnx", "torch": "torch"}
"""Engines whose runtime is in an extra, and the package to look for."""

UNTIMED = {"ctranslate2"}
"""Engines that cannot write timestamps."""

INSTALLED = sorted(name for name in ENGINES if find_spec(NEEDS.get(name, name)))


@pytest.fixture(scope="session", params=INSTALLED)
def load(request: pytest.FixtureRequest, whisper_model: LocalModel) -> Load:
    def loaded(**options: object) -> Engine:
        chosen = {"engine": request.param, "device": "cpu", "model": "whisper-tiny.en", **options}
        return load_engine(whisper_model, TranscribeOptions.model_validate(chosen))

    return loaded


@pytest.fixture(scope="session")
def engine(load: Load) -> Engine:
    return load(threads=2)


@pytest.fixture(scope="session")
def call() -> tuple[list[Samples], list[dict[str, object]]]:
    """Both channels of a sample call at 16 kHz, and its turns."""
    audio = decode(identify(SAMPLE_AUDIO / "wrong_number.wav"), DecodeOptions())
    turns = json.loads((SAMPLE_AUDIO / "wrong_number.json").read_text())["turns"]
    return [resample(channel, audio.sample_rate_hz) for channel in audio.samples], turns


@pytest.fixture(scope="session")
def spoken(call: tuple[list[Samples], list[dict[str, object]]]) -> list[tuple[Samples, str]]:
    """The turns of the call: what is heard, and what was said."""
    channels, turns = call
    return [
        (channels[turn["channel"]][to_samples(turn["start_s"]) : to_samples(turn["end_s"])], turn["text"])  # type: ignore[index,arg-type]
        for turn in turns
    ]


@pytest.fixture(scope="session")
def window(call: tuple[list[Samples], list[dict[str, object]]]) -> Samples:
    """Exactly 30 s of the agent's channel."""
    return call[0][0][: 30 * SECOND]


def _text(heard: Hypothesis) -> str:
    return " ".join(word.text for word in heard.words)


def _sound(heard: Hypothesis, samples: Samples) -> bool:
    """Whether words are whole, in order and inside what was heard, and figures in their ranges."""
    times = [time for word in heard.words for time in (word.start_s, word.end_s)]
    return (
        times == sorted(times)
        and all(0.0 <= time <= len(samples) / SECOND for time in times)
        and all(0.0 <= word.confidence <= 1.0 for word in heard.words)
        and all(word.text and " " not in word.text for word in heard.words)
        and heard.mean_logprob <= 0.0
        and 0.0 <= heard.no_speech_prob <= 1.0
        and heard.compression_ratio > 0.0
    )


def _noise(level: float, seconds: float) -> Samples:
    rng = np.random.default_rng(5)
    return (level * rng.standard_normal(int(seconds * SECOND))).astype(np.float32)


def test_it_says_what_it_is(engine: Engine, whisper_model: LocalModel) -> None:
    assert engine.info.name in ENGINES
    assert (engine.info.model_id, engine.info.model_sha256) == ("whisper-tiny.en", whisper_model.sha256)
    assert engine.info.precision
    # From int8, which is half of what is published, to float32, with what both of an engine's graphs need.
    published = (whisper_model.folder / "model.bin").stat().st_size
    assert 0.5 * published < engine.weight_bytes < 2.5 * published


def test_it_counts_what_each_window_costs(load: Load, window: Samples) -> None:
    engine = load(threads=1)
    engine.transcribe([window, window[: 5 * SECOND]])
    counted = engine.statistics  # type: ignore[attr-defined]
    assert counted.windows == len(counted.window_s) == 2
    assert min(counted.window_s) > 0.0
    assert sum(counted.searches) >= 2
    assert 0 < counted.padding < counted.positions <= 3000
    assert min(counted.mel_s, counted.align_s, counted.effort.encode_s, counted.effort.decode_s) > 0.0


def test_the_text_is_right_and_every_word_is_sound(engine: Engine, spoken: list[tuple[Samples, str]]) -> None:
    heard = engine.transcribe([samples for samples, _ in spoken])
    assert len(heard) == len(spoken)
    for found, (samples, _) in zip(heard, spoken, strict=True):
        assert found.words
        assert _sound(found, samples)
        assert found.language == "en"
        assert found.no_speech_prob < 0.6
    reference = whisper_english(" ".join(text for _, text in spoken))
    assert word_errors(reference, whisper_english(" ".join(map(_text, heard)))).rate < 0.1


def test_word_times_follow_the_speech(engine: Engine, spoken: list[tuple[Samples, str]]) -> None:
    """A second of silence put before a turn moves all of its words by a second."""
    samples = spoken[0][0]
    later = np.concatenate([np.zeros(SECOND, np.float32), samples])
    (found,), (moved,) = engine.transcribe([samples]), engine.transcribe([later])
    assert whisper_english(_text(found)) == whisper_english(_text(moved))
    shifts = [after.start_s - before.start_s for before, after in zip(found.words, moved.words, strict=True)]
    assert np.median(shifts) == pytest.approx(1.0, abs=0.1)
    # The first word may reach into silence; all others move with the sound.
    assert max(abs(shift - 1.0) for shift in shifts[1:]) < 0.3


def test_nothing_to_do_and_nothing_to_hear(engine: Engine) -> None:
    assert engine.transcribe([]) == []
    for samples in (np.zeros(0, np.float32), np.zeros(100, np.float32), np.zeros(30 * SECOND, np.float32)):
        (found,) = engine.transcribe([samples])
        assert found.words == ()
        assert found.no_speech_prob > 0.6
        assert _sound(found, samples)


@pytest.mark.parametrize("n_samples", [1, 100, 399, 1_599, 1_600, 1_700, 2_400])
def test_a_moment_of_sound_does_no_harm(engine: Engine, n_samples: int) -> None:
    samples = _noise(0.1, 1.0)[:n_samples]
    (found,) = engine.transcribe([samples])
    assert _sound(found, samples)


@pytest.mark.parametrize("level", [1e-4, 0.02])
def test_noise_says_next_to_nothing(engine: Engine, level: float) -> None:
    """Whisper may invent a word or two in noise; the figures must give it away."""
    samples = _noise(level, 10.0)
    (found,) = engine.transcribe([samples])
    assert _sound(found, samples)
    assert len(found.words) <= 3
    assert not found.words or found.no_speech_prob > 0.3 or found.mean_logprob < -0.5


def test_a_full_window_is_heard_to_its_end(
    engine: Engine, window: Samples, call: tuple[list[Samples], list[dict[str, object]]]
) -> None:
    (found,) = engine.transcribe([window])
    assert _sound(found, window)
    said = " ".join(str(t["text"]) for t in call[1] if t["channel"] == 0 and float(str(t["end_s"])) <= 30.0)
    errors = word_errors(whisper_english(said), whisper_english(_text(found)))
    assert errors.reference_length >= 30
    assert errors.deletions / errors.reference_length < 0.05


def test_a_batch_of_mixed_lengths_says_what_each_says_alone(
    engine: Engine, spoken: list[tuple[Samples, str]], window: Samples
) -> None:
    batch = [spoken[1][0], np.zeros(0, np.float32), window, spoken[0][0], _noise(0.02, 3.0), spoken[2][0]]
    together = engine.transcribe(batch)
    alone = [engine.transcribe([samples])[0] for samples in batch]
    assert list(map(_text, together)) == list(map(_text, alone))
    for one, other in zip(together, alone, strict=True):
        assert one.mean_logprob == pytest.approx(other.mean_logprob, abs=0.05)
        # Where a word begins in the silence before it may hang on the last bits of floats.
        apart = [abs(word.start_s - again.start_s) for word, again in zip(one.words, other.words, strict=True)]
        assert sum(apart_s > 0.1 for apart_s in apart) <= len(apart) / 10


def test_a_second_call_says_the_same(engine: Engine, spoken: list[tuple[Samples, str]]) -> None:
    batch = [samples for samples, _ in spoken[:3]]
    assert engine.transcribe(batch) == engine.transcribe(batch)


def test_sampling_says_the_same_again_alone_in_a_batch_and_in_another_engine(
    load: Load, spoken: list[tuple[Samples, str]]
) -> None:
    """At a temperature at which two draws would hardly ever agree."""
    hot = load(threads=2, temperatures=(2.0,), min_mean_logprob=-100.0, max_compression_ratio=100.0)
    batch = [samples for samples, _ in spoken[3:5]]
    first = hot.transcribe(batch)
    assert first[0].temperature == 2.0
    assert hot.transcribe(batch) == first
    again = load(threads=1, temperatures=(2.0,), min_mean_logprob=-100.0, max_compression_ratio=100.0)
    assert _text(again.transcribe(batch[1:])[0]) == _text(first[1])
    seeded = load(threads=1, temperatures=(2.0,), min_mean_logprob=-100.0, max_compression_ratio=100.0, seed=1)
    assert _text(seeded.transcribe(batch[1:])[0]) != _text(first[1])


def test_a_text_that_fails_its_checks_is_tried_hotter_and_a_stray_one_is_not_taken(
    load: Load, spoken: list[tuple[Samples, str]]
) -> None:
    """With limits that nothing passes, what is kept is still a reading of the sound."""
    strict = load(threads=1, max_compression_ratio=1.01, temperatures=(0.0, 0.2, 1.0))
    samples, said = spoken[0]
    (found,) = strict.transcribe([samples])
    assert found.compression_ratio > 0
    assert word_errors(whisper_english(said), whisper_english(_text(found))).rate < 0.2


def test_hotwords_change_a_spelling_and_invent_nothing_where_nobody_speaks(
    load: Load, engine: Engine, spoken: list[tuple[Samples, str]]
) -> None:
    hotwords = ("Northsyde Furniture", "Grayce")
    primed = load(threads=1, hotwords=hotwords)
    (plain,), (heard,) = engine.transcribe([spoken[0][0]]), primed.transcribe([spoken[0][0]])
    assert not any(name in _text(plain) for name in ("Northsyde", "Grayce"))
    assert any(name in _text(heard) for name in ("Northsyde", "Grayce"))
    assert heard.no_speech_prob < 0.6
    for silent in (np.zeros(5 * SECOND, np.float32), _noise(1e-4, 5.0)):
        (found,) = primed.transcribe([silent])
        assert not any(name in _text(found) for name in ("Northsyde", "Grayce"))


def test_a_length_penalty_takes_another_text_only_where_several_are_complete(
    load: Load, engine: Engine, spoken: list[tuple[Samples, str]]
) -> None:
    """What is said clearly is the likeliest by any measure; a penalty of none at all still reads the sound."""
    batch = [samples for samples, _ in spoken[:4]]
    reference = whisper_english(" ".join(said for _, said in spoken[:4]))
    for penalty in (0.0, 1.0):
        ranked = load(threads=2, search="beam", length_penalty=penalty)
        heard = ranked.transcribe(batch)
        assert all(_sound(found, samples) for found, samples in zip(heard, batch, strict=True))
        assert word_errors(reference, whisper_english(" ".join(map(_text, heard)))).rate < 0.1
        assert list(map(_text, heard)) == [_text(ranked.transcribe([samples])[0]) for samples in batch]
    greedy = [load(threads=1, beam_size=1, length_penalty=penalty) for penalty in (None, 2.0)]
    assert greedy[0].transcribe(batch) == greedy[1].transcribe(batch)


@pytest.fixture(scope="session")
def load_timed(load: Load, engine: Engine) -> Load:
    if engine.info.name in UNTIMED:
        pytest.skip(f"{engine.info.name} has no timestamps")
    return lambda **options: load(timestamps=True, **options)


def test_an_engine_without_timestamps_says_so(load: Load, engine: Engine) -> None:
    if engine.info.name in UNTIMED:
        with pytest.raises(ConfigError, match="does not write timestamps"):
            load(timestamps=True)


@pytest.mark.parametrize("search", ["greedy", "beam", "adaptive"])
def test_with_timestamps_the_text_is_right_and_bears_no_mark_of_them(
    load_timed: Load, engine: Engine, spoken: list[tuple[Samples, str]], search: str
) -> None:
    timed = load_timed(threads=2, search=search)
    batch = [samples for samples, _ in spoken]
    heard = timed.transcribe(batch)
    assert heard == timed.transcribe(batch)
    assert all(_sound(found, samples) for found, samples in zip(heard, batch, strict=True))
    assert not any("<|" in word.text for found in heard for word in found.words)
    reference = whisper_english(" ".join(text for _, text in spoken))
    assert word_errors(reference, whisper_english(" ".join(map(_text, heard)))).rate < 0.1
    # Figures mean what they mean without, and where the words agree, so do their times.
    same = [
        (found, plain)
        for found, plain in zip(heard, engine.transcribe(batch), strict=True)
        if _text(found) == _text(plain)
    ]
    assert len(same) >= len(spoken) // 2
    for found, plain in same:
        assert found.mean_logprob == pytest.approx(plain.mean_logprob, abs=0.15)
        shifts = [word.start_s - other.start_s for word, other in zip(found.words, plain.words, strict=True)]
        assert np.median(np.abs(shifts)) < 0.1


def test_with_timestamps_a_batch_says_what_each_says_alone_greedy_and_sampled(
    load_timed: Load, spoken: list[tuple[Samples, str]], window: Samples
) -> None:
    batch = [spoken[1][0], np.zeros(0, np.float32), window, spoken[0][0], _noise(0.02, 3.0)]
    for options in ({"search": "beam"}, {"temperatures": (0.8,), "min_mean_logprob": -100.0}):
        timed = load_timed(threads=2, **options)
        together = timed.transcribe(batch)
        alone = [timed.transcribe([samples])[0] for samples in batch]
        assert list(map(_text, together)) == list(map(_text, alone))
        assert all(_sound(found, samples) for found, samples in zip(together, batch, strict=True))
        assert not together[1].words


@pytest.fixture(scope="session")
def conditioned(load: Load) -> Engine:
    return load(threads=2, condition_on_previous=True)


def test_a_chunk_is_told_the_text_of_the_one_before_it_as_if_it_were_hotwords(
    load: Load, engine: Engine, conditioned: Engine, spoken: list[tuple[Samples, str]]
) -> None:
    """Two channels of three and two chunks, in one batch, in an order of its own."""
    batch = [samples for samples, _ in spoken[:5]]
    after = [None, 2, 0, None, 3]
    plain, heard = engine.transcribe(batch), conditioned.transcribe(batch, after=after)
    assert [_text(heard[first]) for first in (0, 3)] == [_text(plain[first]) for first in (0, 3)]
    for at, before in enumerate(after):
        if before is not None:
            told = load(threads=1, hotwords=(_text(heard[before]),))
            assert _text(told.transcribe([batch[at]])[0]) == _text(heard[at])
    assert all(_sound(found, samples) for found, samples in zip(heard, batch, strict=True))
    assert conditioned.transcribe(batch, after=after) == heard


def test_what_follows_nothing_is_told_nothing_and_the_option_decides(
    engine: Engine, conditioned: Engine, spoken: list[tuple[Samples, str]]
) -> None:
    batch = [samples for samples, _ in spoken[:4]]
    plain = engine.transcribe(batch)
    assert conditioned.transcribe(batch) == conditioned.transcribe(batch, after=[None] * 4) == plain
    assert engine.transcribe(batch, after=[None, 0, 1, 2]) == plain
    assert conditioned.transcribe([]) == []


def test_silence_and_hot_samples_are_not_passed_on(
    load: Load, engine: Engine, conditioned: Engine, spoken: list[tuple[Samples, str]]
) -> None:
    silence, turn = np.zeros(5 * SECOND, np.float32), spoken[0][0]
    told: list[float] = []
    (_, heard) = conditioned.transcribe([silence, turn], told.append, [None, 0])
    assert heard == engine.transcribe([turn])[0]
    assert sum(told) == pytest.approx((len(silence) + len(turn)) / SECOND)
    hot = {"temperatures": (0.6,), "min_mean_logprob": -100.0, "max_compression_ratio": 100.0}
    batch = [spoken[1][0], turn]
    (_, sampled) = load(threads=1, condition_on_previous=True, **hot).transcribe(batch, after=[None, 0])
    assert _text(sampled) == _text(load(threads=1, **hot).transcribe([turn])[0])


def test_a_context_as_long_as_may_be_leaves_room_for_the_text(
    load: Load, spoken: list[tuple[Samples, str]], window: Samples
) -> None:
    """Half of the model's positions are read, and the longest text does not run beyond the last of them."""
    wild = {"temperatures": (5.0,), "min_mean_logprob": -100.0, "max_compression_ratio": 100.0}
    full = load(threads=1, hotwords=("furniture",) * 300, condition_on_previous=True, **wild)
    for found in full.transcribe([spoken[0][0], window], after=[None, 0]):
        assert 0 < len(found.words) <= 224
        assert all(0.0 <= word.start_s <= word.end_s <= 30.0 for word in found.words)


def test_no_text_is_longer_than_anybody_talks(load: Load, spoken: list[tuple[Samples, str]]) -> None:
    """Sampling without any check rambles: the cap of tokens ends it, alone and beside a longer item."""
    wild = load(threads=1, temperatures=(5.0,), min_mean_logprob=-100.0, max_compression_ratio=100.0)
    short = spoken[0][0][:SECOND]
    (alone,) = wild.transcribe([short])
    beside = wild.transcribe([short, spoken[1][0]])
    assert len(alone.words) <= 16
    assert len(beside[0].words) <= 16
    assert _sound(alone, short)


def test_a_loop_is_cut(engine: Engine) -> None:
    """A tone that warbles makes Whisper stutter; no engine may pass on hundreds of words."""
    at_s = np.arange(30 * SECOND) / SECOND
    warble = (0.3 * np.sin(2 * np.pi * 300 * at_s) * (np.sin(2 * np.pi * 4 * at_s) > 0)).astype(np.float32)
    (found,) = engine.transcribe([warble])
    assert _sound(found, warble)
    repeated = sum(a.text == b.text for a, b in pairwise(found.words))
    assert repeated < 30


def test_a_scripted_engine_keeps_the_contract() -> None:
    """The fake that other tests use: one answer for each item, in order, and what it is."""
    scripted: Engine = ScriptedEngine(
        lambda samples: Hypothesis((Word(str(len(samples)), 0.0, 0.1, 1.0),), "en", 0.0, 0.0, 1.0, 0.0)
    )
    heard = scripted.transcribe([np.zeros(n, np.float32) for n in (3, 1, 2)])
    assert list(map(_text, heard)) == ["3", "1", "2"]
    assert scripted.transcribe([]) == []
    assert scripted.info.name == "scripted"

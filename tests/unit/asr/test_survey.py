"""The first pass over a recording: the same as looking at all of it at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from asr.channels.checks import ChannelChecks
from asr.decode import decode, identify
from asr.errors import SkippableError
from asr.files.options import DecodeOptions
from asr.options import LoudnessOptions
from asr.resample import resample
from asr.sounds.sound import SoundListener
from asr.survey import survey
from asr.timings import FrontEndStage, Timings
from asr.types import Channel, FindingKind, RegionKind
from asr.vad import WINDOW, Listening, SileroVad
from tests.deaf import DeafDetector

CALL = Path(__file__).parents[3] / "sample_audio" / "bank.wav"


@pytest.fixture(scope="module")
def detector(vad_model_path: Path) -> SileroVad:
    return SileroVad(vad_model_path)


def test_block_by_block_is_what_the_whole_call_is(detector: SileroVad, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("asr.files.readers._BLOCK_S", 1.7)
    found = survey(identify(CALL), detector, DecodeOptions())
    audio = decode(identify(CALL), DecodeOptions())
    assert (found.duration_s, found.sample_rate_hz, found.container) == (audio.duration_s, 8_000, "WAV")
    assert [channel.channel for channel in found.channels] == [Channel.AGENT, Channel.CUSTOMER]
    for channel, native in zip(found.channels, audio.samples, strict=True):
        samples = resample(native, audio.sample_rate_hz)
        assert channel.n_samples == len(samples)
        assert np.abs(channel.probabilities - detector.probabilities(samples)).max() < 1e-4
        windows = np.pad(samples, (0, -len(samples) % WINDOW)).reshape(-1, WINDOW)
        assert np.allclose(channel.power, np.mean(windows**2, axis=1), rtol=1e-4, atol=1e-12)


def test_noise_is_what_is_heard_while_nobody_speaks(detector: SileroVad) -> None:
    (agent, _) = survey(identify(CALL), detector, DecodeOptions()).channels
    assert 0 < len(agent.noise) <= 16 * 16_000
    speech = float(np.mean(agent.power[agent.probabilities > 0.9]))
    assert np.mean(agent.noise**2) < speech / 30  # the call has line noise, and rings before it is taken


def test_a_long_call_keeps_no_more_noise_than_a_short_one(detector: SileroVad, tmp_path: Path) -> None:
    noise = 0.01 * np.random.default_rng(3).standard_normal(120 * 8_000)
    soundfile.write(tmp_path / "noise.wav", noise, 8_000)
    (mixed,) = survey(identify(tmp_path / "noise.wav"), detector, DecodeOptions()).channels
    assert 8 * 16_000 <= len(mixed.noise) <= 17 * 16_000


@pytest.mark.parametrize("n_samples", [800, 1_023, 1_024, 1_025, 8_000, 8_191])
def test_a_recording_may_end_anywhere_in_a_window(detector: SileroVad, tmp_path: Path, n_samples: int) -> None:
    noise = 0.1 * np.random.default_rng(n_samples).standard_normal(n_samples)
    soundfile.write(tmp_path / "noise.wav", noise, 8_000)
    (mixed,) = survey(identify(tmp_path / "noise.wav"), detector, DecodeOptions()).channels
    assert mixed.n_samples == 2 * n_samples
    assert len(mixed.probabilities) == len(mixed.power) == -(-2 * n_samples // WINDOW)


def test_what_decoding_refuses_is_refused(detector: SileroVad, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000), 8_000)
    with pytest.raises(SkippableError, match=r"silent\.wav is silent"):
        survey(identify(tmp_path / "silent.wav"), detector, DecodeOptions())


class _Counting(DeafDetector):
    """Counts the channels that it is to listen to."""

    def __init__(self) -> None:
        self.asked = 0

    def listen(self) -> Listening:
        self.asked += 1
        return super().listen()


def test_ignored_channels_are_not_listened_to(tmp_path: Path) -> None:
    both, rate_hz = soundfile.read(CALL, stop=40_000, dtype="float32")
    broken = np.full(len(both), np.nan, np.float32)
    path = tmp_path / "three.wav"
    soundfile.write(path, np.stack([broken, both[:, 1], both[:, 0]], axis=1), rate_hz, subtype="FLOAT")
    detector, options = _Counting(), DecodeOptions(channel_maps=(("ignored", "customer", "agent"),))
    found = survey(identify(path), detector, options)
    assert [(channel.index, channel.channel) for channel in found.channels] == [
        (1, Channel.CUSTOMER),
        (2, Channel.AGENT),
    ]
    assert detector.asked == 2
    (alone,) = survey(identify(path), detector, options, (None, None, Channel.MIXED)).channels
    assert (alone.index, alone.channel, detector.asked) == (2, Channel.MIXED, 3)
    assert np.array_equal(alone.power, found.channels[1].power)
    with pytest.raises(SkippableError, match=r"3 channels, and decode\.channel_maps has no list of that length"):
        survey(identify(path), detector, DecodeOptions())


def test_a_channel_too_faint_for_the_detector_is_listened_to_again(detector: SileroVad, tmp_path: Path) -> None:
    samples, rate_hz = soundfile.read(CALL)
    fainter = samples * np.array([1 / 150, 1.0])
    soundfile.write(tmp_path / "faint.wav", fainter, rate_hz, subtype="PCM_24")
    usual, *_ = survey(identify(CALL), detector, DecodeOptions()).channels
    unheard, loud = survey(identify(tmp_path / "faint.wav"), detector, DecodeOptions()).channels
    heard, untouched = survey(
        identify(tmp_path / "faint.wav"), detector, DecodeOptions(), None, LoudnessOptions()
    ).channels
    windows = [int((channel.probabilities > 0.5).sum()) for channel in (usual, unheard, heard)]
    assert windows[1] < 0.6 * windows[0]
    assert windows[2] == pytest.approx(windows[0], rel=0.03)
    assert np.array_equal(untouched.probabilities, loud.probabilities)
    # What is told of the channel is as received.
    assert heard.peak == pytest.approx(usual.peak / 150, rel=1e-3)
    assert np.array_equal(heard.power, unheard.power)


def test_the_second_listening_is_for_speech_alone(
    detector: SileroVad, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tones, keys and what the channels show beside each other are looked for once, and stay."""
    begun: list[str] = []

    def counted(name: str, made: type) -> None:
        monkeypatch.setattr(f"asr.survey.{name}", lambda *given: (begun.append(name), made(*given))[1])

    counted("SoundListener", SoundListener)
    counted("ChannelChecks", ChannelChecks)
    samples, rate_hz = soundfile.read(CALL)
    samples[:, 1] /= 30
    at_s = np.arange(2 * rate_hz) / rate_hz
    samples[: len(at_s), 1] += 0.1 * (np.sin(2 * np.pi * 440 * at_s) + np.sin(2 * np.pi * 480 * at_s))
    soundfile.write(tmp_path / "faint.wav", samples, rate_hz, subtype="PCM_24")
    first = survey(identify(tmp_path / "faint.wav"), detector, DecodeOptions())
    begun.clear()
    again = survey(identify(tmp_path / "faint.wav"), detector, DecodeOptions(), None, LoudnessOptions())
    assert sorted(begun) == ["ChannelChecks", "SoundListener", "SoundListener"]
    assert [channel.sounds for channel in again.channels] == [channel.sounds for channel in first.channels]
    assert [sound.kind for sound in first.channels[1].sounds] == [RegionKind.RINGBACK]
    assert not np.array_equal(again.channels[1].probabilities, first.channels[1].probabilities)


def test_a_dead_channel_is_not_listened_to_again(tmp_path: Path) -> None:
    """Clicks make it louder than an idle line and give no window of speech."""
    samples, rate_hz = soundfile.read(CALL, stop=80_000)
    samples[:, 1] = 0.0
    samples[::8_000, 1] = 0.004
    soundfile.write(tmp_path / "dead.wav", samples, rate_hz, subtype="PCM_16")
    counting = _Counting()
    found = survey(identify(tmp_path / "dead.wav"), counting, DecodeOptions(), None, LoudnessOptions())
    assert [finding.kind for finding in found.findings] == [FindingKind.DEAD_CHANNEL]
    assert counting.asked == 2


def test_a_call_of_the_usual_level_is_listened_to_once(detector: SileroVad) -> None:
    class Counting:
        begun = 0

        def listen(self) -> Listening:
            self.begun += 1
            return detector.listen()

    counting, timings = Counting(), Timings()
    survey(identify(CALL), counting, DecodeOptions(), None, LoudnessOptions(), timings)
    assert counting.begun == 2
    heard = (FrontEndStage.DECODE, FrontEndStage.LEVELS, FrontEndStage.RESAMPLE, FrontEndStage.VAD)
    assert all(timings.cpu_s[stage] > 0.0 for stage in heard)


def test_the_peak_is_the_largest_magnitude(detector: SileroVad, tmp_path: Path) -> None:
    noise = 0.01 * np.random.default_rng(5).standard_normal(3 * 16_000)
    noise[20_000] = -0.75
    soundfile.write(tmp_path / "click.wav", noise, 16_000, subtype="FLOAT")
    (mixed,) = survey(identify(tmp_path / "click.wav"), detector, DecodeOptions()).channels
    assert mixed.peak == pytest.approx(0.75)

"""Every finding on a call that was spoilt for it, and none on calls that are sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from asr.channels.findings import is_dead
from asr.decode import identify
from asr.files.options import DecodeOptions
from asr.survey import Survey, survey
from asr.types import Channel, Finding, FindingEffect, FindingKind
from asr.vad import SileroVad

SAMPLES = Path(__file__).parents[4] / "sample_audio"
Both = NDArray[np.float32]


@pytest.fixture(scope="module")
def detector(vad_model_path: Path) -> SileroVad:
    return SileroVad(vad_model_path)


@pytest.fixture
def call() -> Both:
    """45 s of a call, (n, 2)."""
    samples, _ = soundfile.read(SAMPLES / "wrong_number.wav", dtype="float32")
    return samples.astype(np.float32)


class Listen:
    """Writes samples as a file and surveys it."""

    def __init__(self, folder: Path, detector: SileroVad) -> None:
        self._path = folder / "call.wav"
        self._detector = detector

    def __call__(self, samples: NDArray[np.floating], rate_hz: int = 8_000, **options: bool) -> Survey:
        soundfile.write(self._path, samples, rate_hz, subtype="PCM_16")
        return survey(identify(self._path), self._detector, DecodeOptions(**options))


@pytest.fixture
def listen(tmp_path: Path, detector: SileroVad) -> Listen:
    return Listen(tmp_path, detector)


def only(found: Survey) -> Finding:
    (finding,) = found.findings
    return finding


def later(samples: Both, n: int) -> Both:
    return np.pad(samples, (n, 0))[: len(samples)]


@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.wav")), ids=lambda path: path.stem)
def test_nothing_is_amiss_with_a_sound_call(path: Path, detector: SileroVad) -> None:
    found = survey(identify(path), detector, DecodeOptions())
    assert found.findings == ()
    assert [(channel.index, channel.leak) for channel in found.channels] == [(0, None), (1, None)]


@pytest.mark.parametrize(("gain", "late", "kept"), [(1.0, 0, 0), (0.4, 80, 0), (2.0, 3, 1)])
def test_two_copies_are_one_mixed_channel(call: Both, listen: Listen, gain: float, late: int, kept: int) -> None:
    one = 0.4 * call.sum(axis=1)
    found = listen(np.stack([one, gain * later(one, late)], axis=1))
    finding = only(found)
    assert (finding.kind, finding.channel, finding.effect) == (FindingKind.SAME_CHANNELS, None, FindingEffect.MERGED)
    assert finding.value > 0.9
    assert finding.delay_ms == pytest.approx(late / 8, abs=0.1)
    assert [(channel.channel, channel.index) for channel in found.channels] == [(Channel.MIXED, kept)]


def test_a_dead_channel_holds_no_speech_and_the_other_one_keeps_its_role(call: Both, listen: Listen) -> None:
    call[:, 0] = 0.0002 * np.random.default_rng(1).standard_normal(len(call))
    found = listen(call)
    finding = only(found)
    assert (finding.kind, finding.channel) == (FindingKind.DEAD_CHANNEL, Channel.AGENT)
    assert finding.effect is FindingEffect.IGNORED
    agent, customer = found.channels
    assert agent.probabilities.max() == 0
    assert (customer.channel, customer.probabilities.max() > 0.9) == (Channel.CUSTOMER, True)


def test_one_word_is_no_dead_channel() -> None:
    power = np.full(10_000, 1e-9, np.float32)
    power[500:510] = 1e-3
    assert not is_dead(power)
    power[503:] = 1e-9
    assert is_dead(power)


@pytest.mark.parametrize("suppressed", [True, False])
def test_crosstalk_is_no_speech_of_the_channel_that_it_is_in(call: Both, listen: Listen, *, suppressed: bool) -> None:
    clean = listen(call).channels[1].probabilities > 0.5
    call[:, 1] += 0.1 * later(call[:, 0], 160)
    found = listen(call, suppress_crosstalk=suppressed)
    finding = only(found)
    assert (finding.kind, finding.channel, finding.unit) == (FindingKind.CROSSTALK, Channel.CUSTOMER, "dB")
    assert finding.effect is (FindingEffect.SUPPRESSED if suppressed else FindingEffect.REPORTED)
    assert finding.value == pytest.approx(-20, abs=0.5)
    assert finding.delay_ms == pytest.approx(20, abs=0.2)
    speech = found.channels[1].probabilities > 0.5
    invented = np.count_nonzero(speech & ~clean) / np.count_nonzero(clean)
    assert (invented < 0.1) == suppressed
    assert np.count_nonzero(clean & ~speech) < 0.1 * np.count_nonzero(clean)


def test_an_upsampled_file_is_told_from_a_wide_one(call: Both, listen: Listen) -> None:
    wide = soxr.resample(call, 8_000, 16_000)
    found = listen(wide, 16_000)
    assert [(f.kind, f.effect) for f in found.findings] == [(FindingKind.UPSAMPLED, FindingEffect.REPORTED)] * 2
    hiss = 0.002 * np.random.default_rng(2).standard_normal(wide.shape)
    assert listen(wide + hiss, 16_000).findings == ()


def test_clipping_is_reported(call: Both, listen: Listen) -> None:
    call[:, 1] = np.clip(call[:, 1], -0.12, 0.12)
    finding = only(listen(call))
    assert (finding.kind, finding.channel, finding.unit) == (FindingKind.CLIPPING, Channel.CUSTOMER, "share")
    assert 0.001 < finding.value < 0.1


def test_an_offset_is_removed_before_anything_else(call: Both, listen: Listen) -> None:
    sound = listen(call).channels[0]
    call[:, 0] = 0.8 * call[:, 0] + 0.05
    found = listen(call)
    finding = only(found)
    assert (finding.kind, finding.channel) == (FindingKind.DC_OFFSET, Channel.AGENT)
    assert finding.effect is FindingEffect.REMOVED
    assert finding.value == pytest.approx(0.05, abs=1e-3)
    assert np.allclose(found.channels[0].power, 0.64 * sound.power, atol=1e-5)


@pytest.mark.parametrize(("gain", "kind"), [(0.05, FindingKind.TOO_QUIET), (4.0, FindingKind.TOO_LOUD)])
def test_speech_is_too_quiet_or_too_loud(call: Both, listen: Listen, gain: float, kind: FindingKind) -> None:
    call[:, 0] = np.tanh(gain * call[:, 0] * 1.2) / 1.05  # as a limiter does it, without an edge
    kinds = {(finding.kind, finding.channel) for finding in listen(call).findings}
    assert (kind, Channel.AGENT) in kinds
    assert not kinds & {(other, Channel.CUSTOMER) for other in FindingKind}


def test_noise_is_reported(call: Both, listen: Listen) -> None:
    call[:, 1] += 0.025 * np.random.default_rng(3).standard_normal(len(call)).astype(np.float32)
    finding = only(listen(call))
    assert (finding.kind, finding.channel, finding.unit) == (FindingKind.LOW_SNR, Channel.CUSTOMER, "dB")
    assert 0 < finding.value < 10


@pytest.mark.parametrize("repeated", [True, False])
def test_dropped_packets_are_reported(call: Both, listen: Listen, *, repeated: bool) -> None:
    """Every twentieth packet of 20 ms."""
    packets = call[: len(call) // 160 * 160, 0].reshape(-1, 160)
    packets[20::20] = packets[19:-1:20] if repeated else 0
    finding = only(listen(call))
    assert (finding.kind, finding.channel, finding.unit) == (FindingKind.DROPPED_PACKETS, Channel.AGENT, "share")
    assert 0.01 < finding.value < 0.08


def test_a_mixed_recording_is_checked_too(call: Both, listen: Listen) -> None:
    finding = only(listen(0.5 * call.sum(axis=1) + 0.05))
    assert (finding.kind, finding.channel) == (FindingKind.DC_OFFSET, Channel.MIXED)

"""Files as received, sound and broken."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from pydantic import ValidationError

from asr.decode import channels_of, check_unchanged, decode, identify
from asr.errors import SkippableError
from asr.files.options import DecodeOptions
from asr.types import Audio, Channel

RATE_HZ = 8_000
BROKEN = Path(__file__).parents[2] / "broken_audio"


def _tone(hz: float = 440.0, duration_s: float = 1.0, rate_hz: int = RATE_HZ) -> NDArray[np.float32]:
    return (0.5 * np.sin(2 * np.pi * hz * np.arange(int(duration_s * rate_hz)) / rate_hz)).astype(np.float32)


def _decoded(path: Path, options: DecodeOptions | None = None) -> Audio:
    return decode(identify(path), options or DecodeOptions())


def _refusal(path: Path, options: DecodeOptions | None = None) -> str:
    with pytest.raises(SkippableError) as raised:
        _decoded(path, options)
    assert raised.value.remedy
    assert path.name in raised.value.reason
    assert str(path.parent) not in str(raised.value)
    return str(raised.value)


def _loudest_hz(samples: NDArray[np.float32], rate_hz: int) -> float:
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum) * rate_hz / len(samples))


@pytest.mark.parametrize(
    ("name", "container", "subtype", "within"),
    [
        ("a.wav", "WAV", "PCM_U8", 1 / 100),
        ("a.wav", "WAV", "PCM_16", 1 / 30_000),
        ("a.wav", "WAV", "PCM_24", 1e-6),
        ("a.wav", "WAV", "PCM_32", 1e-6),
        ("a.wav", "WAV", "FLOAT", 1e-7),
        ("a.wav", "WAV", "ULAW", 0.02),
        ("a.wav", "WAV", "ALAW", 0.02),
        ("a.wav", "WAVEX", "PCM_16", 1 / 30_000),
        ("a.flac", "FLAC", "PCM_16", 1 / 30_000),
        ("a.aiff", "AIFF", "PCM_16", 1 / 30_000),
        ("a.au", "AU", "ULAW", 0.02),
    ],
)
def test_what_was_written_is_read_back_sample_by_sample(
    tmp_path: Path, name: str, container: str, subtype: str, within: float
) -> None:
    both = np.stack([_tone(440), 0.3 * _tone(700)], axis=1)
    soundfile.write(tmp_path / name, both, RATE_HZ, format=container, subtype=subtype)
    audio = _decoded(tmp_path / name)
    assert (audio.container, audio.codec, audio.sample_rate_hz) == (container, subtype, RATE_HZ)
    assert audio.samples.dtype == np.float32
    assert audio.samples.shape == (2, RATE_HZ)
    assert np.abs(audio.samples - both.T).max() <= within
    assert audio.channels == (Channel.AGENT, Channel.CUSTOMER)
    assert audio.duration_s == 1.0


@pytest.mark.parametrize(
    ("name", "container", "subtype"),
    [("a.mp3", "MP3", "MPEG_LAYER_III"), ("a.ogg", "OGG", "VORBIS"), ("a.opus", "OGG", "OPUS")],
)
def test_lossy_files_keep_their_tone(tmp_path: Path, name: str, container: str, subtype: str) -> None:
    soundfile.write(tmp_path / name, _tone(440), RATE_HZ, format=container, subtype=subtype)
    audio = _decoded(tmp_path / name)
    assert (audio.container, audio.channels) == (container, (Channel.MIXED,))
    assert abs(audio.duration_s - 1.0) < 0.1
    assert abs(_loudest_hz(audio.samples[0], audio.sample_rate_hz) - 440) < 3


def _encode(path: Path, codec: str, rate_hz: int, layout: str = "mono") -> None:
    tones = [_tone(440, rate_hz=rate_hz), _tone(900, rate_hz=rate_hz)][: 2 if layout == "stereo" else 1]
    with av.open(str(path), "w") as file:
        stream = file.add_stream(codec, rate=rate_hz, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.stack(tones), format="fltp", layout=layout)
        frame.sample_rate = rate_hz
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)


@pytest.mark.parametrize(
    ("name", "codec", "rate_hz", "container"),
    [("a.m4a", "aac", 16_000, "MOV"), ("a.webm", "libopus", 48_000, "MATROSKA")],
)
def test_what_soundfile_cannot_read_pyav_does(
    tmp_path: Path, name: str, codec: str, rate_hz: int, container: str
) -> None:
    _encode(tmp_path / name, codec, rate_hz, "stereo")
    audio = _decoded(tmp_path / name)
    assert (audio.container, audio.sample_rate_hz) == (container, rate_hz)
    assert abs(audio.duration_s - 1.0) < 0.1
    for channel, hz in zip(audio.samples, (440, 900), strict=True):
        assert abs(_loudest_hz(channel, rate_hz) - hz) < 3


@pytest.mark.parametrize("name", ["9:30 call (2).m4a", "quarterly review.wav", "résumé 電話.wav"])
def test_names_may_hold_spaces_colons_and_any_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    if name.endswith(".m4a"):
        _encode(Path("plain.m4a"), "aac", 16_000)
        Path("plain.m4a").rename(name)
    else:
        soundfile.write(name, _tone(), RATE_HZ)
    assert _decoded(Path(name)).channels == (Channel.MIXED,)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("empty.wav", "is empty: 0 bytes"),
        ("truncated_header.wav", "is not audio that can be read"),
        ("zero_length.wav", "has a header but no samples"),
        ("one_sample.wav", "is too short: 1 samples"),
        ("nan.wav", "holds 800 samples of 8000 that are not numbers"),
        ("seven_channels.wav", "has 7 channels, and decode.channel_maps has no list of that length"),
        ("silent.wav", "is silent"),
        ("clipped.wav", "is clipped: 96% of a channel's samples"),
        ("text.wav", "it is text"),
        ("wrong_extension.mp3", "is named .mp3 but holds FLAC"),
        ("three_khz.wav", "is sampled at 3000 Hz, below 4000 Hz"),
        ("truncated_data.wav", "is cut short: its header promises 160044 bytes, the file has 16044"),
        ("picture.wav", "it is a PNG picture"),
    ],
)
def test_a_broken_file_is_refused_for_what_is_wrong_with_it(name: str, said: str) -> None:
    assert said in _refusal(BROKEN / name)


def test_every_broken_file_is_tried() -> None:
    (mark,) = (m for m in test_a_broken_file_is_refused_for_what_is_wrong_with_it.pytestmark if m.name == "parametrize")
    there = {path.name for path in BROKEN.iterdir() if path.suffix in {".wav", ".mp3"}}
    assert there == {name for name, _ in mark.args[1]}


@pytest.mark.parametrize("name", ["a.flac", "a.m4a", "a.ogg"])
def test_a_file_that_lost_its_second_half_is_refused(tmp_path: Path, name: str) -> None:
    whole = tmp_path / name
    if name == "a.m4a":
        _encode(whole, "aac", 16_000)
    else:
        soundfile.write(whole, _tone(), RATE_HZ)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert ("is cut short" if name == "a.ogg" else "is not audio that can be read") in _refusal(whole)


def test_a_video_without_sound_is_refused(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mp4"), "w") as file:
        stream = file.add_stream("mpeg4", rate=5)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="rgb24")
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            file.mux(packet)
    assert "it is an MP4 or QuickTime file with no audio track" in _refusal(tmp_path / "a.mp4")


def test_a_playlist_makes_no_connection(tmp_path: Path) -> None:
    """A file that names a host is not a recording, and nobody outside hears that it was opened."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.2)
        port = server.getsockname()[1]
        playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/a.ts\n#EXT-X-ENDLIST\n"
        for name in ("a.wav", "a.m3u8"):
            (tmp_path / name).write_text(playlist)
            _refusal(tmp_path / name)
        with pytest.raises(TimeoutError):
            server.accept()


def test_a_file_that_goes_away_is_refused_and_so_is_a_folder(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(), RATE_HZ)
    recording = identify(tmp_path / "a.wav")
    recording.path.unlink()
    with pytest.raises(SkippableError, match=r"a\.wav cannot be read: No such file"):
        decode(recording, DecodeOptions())
    with pytest.raises(SkippableError, match=r"a\.wav cannot be read: No such file"):
        identify(recording.path)
    with pytest.raises(SkippableError, match="Is a directory"):
        identify(tmp_path)


def test_a_recording_is_known_by_its_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"some bytes")
    found = identify(tmp_path / "a.wav")
    assert found.sha256 == hashlib.sha256(b"some bytes").hexdigest()
    assert (found.name, found.size_bytes) == ("a.wav", 10)
    (tmp_path / "b.wav").write_bytes(b"some bytes")
    assert identify(tmp_path / "b.wav").sha256 == found.sha256


def test_a_file_that_grew_since_is_told_and_one_that_went_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"some bytes")
    found = identify(path)
    check_unchanged(found)
    path.write_bytes(b"some bytes more")
    with pytest.raises(SkippableError, match="it had 10 bytes, and now 15"):
        check_unchanged(found)
    path.unlink()
    check_unchanged(found)


def test_a_header_that_a_streaming_recorder_left_open_is_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, _tone(), RATE_HZ)
    data = bytearray(path.read_bytes())
    assert data[36:40] == b"data"
    for size in (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\xf0\xff\x7f"):
        data[4:8] = data[40:44] = size
        path.write_bytes(data)
        assert _decoded(path).n_samples == RATE_HZ


def test_one_dead_channel_does_not_make_a_call_silent(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([_tone(), np.zeros(RATE_HZ, np.float32)], axis=1), RATE_HZ)
    assert not _decoded(tmp_path / "a.wav").samples[1].any()


def test_an_idle_channel_of_few_steps_is_not_taken_for_clipped(tmp_path: Path) -> None:
    """In 8-bit PCM the least noise is 1/128, and half of the samples of an idle line sit on it."""
    idle = np.random.default_rng(1).integers(0, 2, RATE_HZ) / -128
    soundfile.write(tmp_path / "a.wav", np.stack([_tone(), idle], axis=1), RATE_HZ, subtype="PCM_U8")
    assert _decoded(tmp_path / "a.wav").n_samples == RATE_HZ


def test_clipping_is_found_below_full_scale_on_one_channel(tmp_path: Path) -> None:
    hot = 0.4 * np.clip(20 * _tone(200), -1, 1)
    soundfile.write(tmp_path / "a.wav", np.stack([_tone(), hot], axis=1), RATE_HZ, subtype="ULAW")
    assert "is clipped" in _refusal(tmp_path / "a.wav")
    assert _decoded(tmp_path / "a.wav", DecodeOptions(max_clipped_share=1.0)).n_samples == RATE_HZ


def test_options_widen_what_is_accepted() -> None:
    low = DecodeOptions(min_sample_rate_hz=3_000)
    assert _decoded(BROKEN / "three_khz.wav", low).sample_rate_hz == 3_000
    named = DecodeOptions(check_extension=False)
    assert _decoded(BROKEN / "wrong_extension.mp3", named).container == "FLAC"


def test_the_channel_map_says_whose_side_is_first(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([_tone(), _tone(700)], axis=1), RATE_HZ)
    swapped = DecodeOptions(channel_maps=(("customer", "agent"),))
    assert _decoded(tmp_path / "a.wav", swapped).channels == (Channel.CUSTOMER, Channel.AGENT)
    soundfile.write(tmp_path / "b.wav", _tone(), RATE_HZ)
    assert _decoded(tmp_path / "b.wav", swapped).channels == (Channel.MIXED,)


@pytest.mark.parametrize("n_channels", range(1, 9))
def test_up_to_eight_channels_are_read_and_those_ignored_are_not(tmp_path: Path, n_channels: int) -> None:
    tones = [_tone(311.0 + 97 * at) for at in range(n_channels)]
    # The last but one is clipped beyond use: nobody looks.
    if n_channels > 2:
        tones[-2] = np.sign(tones[-2])
    soundfile.write(tmp_path / "a.wav", np.stack(tones, axis=1), RATE_HZ)
    roles = ("customer", *["ignored"] * (n_channels - 2), "agent")[-n_channels:]
    audio = _decoded(tmp_path / "a.wav", DecodeOptions(channel_maps=(roles,)))
    assert audio.channels == (Channel.CUSTOMER, Channel.AGENT)[-n_channels:]
    heard = [_loudest_hz(samples, RATE_HZ) for samples in audio.samples]
    assert heard == pytest.approx([311.0, 214.0 + 97 * n_channels][-n_channels:], abs=2)


def test_more_channels_than_there_are_maps_for_are_refused(tmp_path: Path) -> None:
    for n_channels in (3, 9):
        soundfile.write(tmp_path / f"{n_channels}.wav", np.stack([_tone()] * n_channels, axis=1), RATE_HZ)
    assert 'such as ["agent", "customer", "ignored"]' in _refusal(tmp_path / "3.wav")
    assert "At most 8 channels are read" in _refusal(tmp_path / "9.wav")


@pytest.mark.parametrize(
    ("maps", "said"),
    [
        ([["agent", "agent"]], "a channel map names agent twice"),
        ([["ignored", "ignored"]], "ignores every channel"),
        ([[]], "ignores every channel"),
        ([["agent"], ["customer"]], "two lists of length 1"),
        ([["agent", *["ignored"] * 8]], "at most 8 channels"),
    ],
)
def test_a_channel_map_says_one_thing(maps: list[list[str]], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        DecodeOptions.model_validate({"channel_maps": maps})


def test_a_recordings_own_map_goes_before_the_options() -> None:
    given = (None, Channel.CUSTOMER, Channel.AGENT)
    assert channels_of("a.wav", 3, DecodeOptions(), given) == given
    for wrong, said in (
        ((Channel.AGENT, Channel.CUSTOMER), "the channel map that comes with it has 2"),
        ((Channel.AGENT, None, Channel.AGENT), "names agent twice"),
        ((None, None, None), "ignores every channel"),
    ):
        with pytest.raises(SkippableError, match=rf"^a\.wav .*{said}"):
            channels_of("a.wav", 3, DecodeOptions(), wrong)


def test_samples_never_show_in_a_repr(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", _tone(), RATE_HZ)
    assert "array" not in repr(_decoded(tmp_path / "a.wav"))

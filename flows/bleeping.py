"""A redacted copy of a recording, made block by block, and whether a copy holds what it should."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from asr.bleeping import Bleeper, Cover, merged
from asr.decode import channels_of, open_recording
from asr.errors import SkippableError
from asr.files.readers import Reader, open_reader
from asr.files.writers import Format, flac_for, format_like, open_writer
from asr.timebase import covering, to_seconds
from asr.types import Channel, FindingEffect, FindingKind, Recording, Span
from compliance.bleep import SHORTEST_SOUND_S, Removal, Speech, bare_s
from compliance.types import RedactedTranscript, Redaction
from configs.settings import Settings
from flows.preparation import Prepared

_LOSSLESS_RESIDUE = 1e-2
_LOSSY_RESIDUE = 0.3
"""What a codec may make of a tone, as a share of its power: 8-bit PCM 0.002, GSM and Opus at telephone rates 0.1.
Speech 20 dB fainter than it should be is as much as the first."""

_OTHER = {Channel.AGENT: Channel.CUSTOMER, Channel.CUSTOMER: Channel.AGENT, Channel.MIXED: Channel.MIXED}


@dataclass(frozen=True, slots=True)
class Copy:
    """A redacted copy of a recording: its file, its format, and what was replaced of each channel of the file, in
    samples at its rate; `muted` are channels of which nobody knows what they hold."""

    path: Path
    form: Format
    sample_rate_hz: int
    n_samples: int
    cover: Cover
    spans: tuple[tuple[Span, ...], ...]
    muted: tuple[int, ...] = ()


def sides(prepared: Prepared, redacted: RedactedTranscript) -> dict[Channel, int]:
    """The place in the file of each side, by the names that the transcript has for them."""
    exchanged = any(finding.effect is FindingEffect.EXCHANGED for finding in redacted.findings)
    return {_OTHER[one.channel] if exchanged else one.channel: one.index for one in prepared.channels}


def speech_of(prepared: Prepared, redacted: RedactedTranscript) -> Speech:
    """Where somebody speaks on each side, in seconds, by the names that the transcript has for them."""
    bursts = {one.index: one.bursts for one in prepared.channels}
    return {
        side: tuple((to_seconds(burst.start), to_seconds(burst.stop)) for burst in bursts[index])
        for side, index in sides(prepared, redacted).items()
    }


def bleep(
    prepared: Prepared, redacted: RedactedTranscript, removals: Sequence[Removal], stem: Path, settings: Settings
) -> Copy:
    """Write the redacted copy of a recording to `stem` with the suffix of its format.

    It has the source's channels and as many samples. What the other side's channel is known to hear too is removed from
    both, the recorder's own pauses from all; channels that are ignored are silent. Where the source's codec does not
    give back as many samples as it was given, FLAC takes its place. Raises what reading and writing raise.
    """
    options = settings.redact
    with open_recording(prepared.recording, settings.decode) as reader:
        wanted = format_like(reader.container, reader.codec, reader.sample_rate_hz, options.audio_format)
    copy = _written(prepared, redacted, removals, stem.with_suffix(f".{wanted.kind}"), wanted, settings)
    if _frames(copy.path) == copy.n_samples:
        return copy
    copy.path.unlink()
    return _written(prepared, redacted, removals, stem.with_suffix(".flac"), flac_for(wanted.codec), settings)


def covers(copy: Copy, at: int, redaction: Redaction, speech: Sequence[tuple[float, float]]) -> bool:
    """Whether a copy's channel `at` holds a tone or silence from the beginning to the end of a redaction, but where
    nobody speaks: less than a sound of it may be left, as two detections differ by a little."""
    rate_hz = copy.sample_rate_hz
    start_s, end_s = float(redaction.start_s), min(float(redaction.end_s), to_seconds(copy.n_samples, rate_hz))
    spans = [(to_seconds(span.start, rate_hz), to_seconds(span.stop, rate_hz)) for span in copy.spans[at]]
    return start_s >= end_s or bare_s(start_s, end_s, spans, speech) < SHORTEST_SOUND_S


def places_left(copy: Copy) -> int:
    """In how many places a copy holds something else than the tone or the silence that it should.

    Raises SkippableError if it is no audio, or not as long as it should be.
    """
    bleeper = Bleeper(copy.spans, copy.sample_rate_hz, copy.cover, copy.muted)
    tolerance = _LOSSLESS_RESIDUE if copy.form.lossless else _LOSSY_RESIDUE
    left = n_samples = 0
    with open_reader(as_recording(copy.path)) as reader:
        shape = (reader.n_channels, reader.sample_rate_hz)
        if shape != (len(copy.spans), copy.sample_rate_hz):
            raise SkippableError(f"{copy.path.name} has another shape than its source", "Process the recording again")
        for block in reader.blocks:
            left += bleeper.left(block, tolerance)
            n_samples += block.shape[1]
    if n_samples != copy.n_samples:
        raise SkippableError(f"{copy.path.name} has another length than its source", "Process the recording again")
    return left


def as_recording(path: Path) -> Recording:
    """A file that is read like a recording and is none: it has no identity."""
    return Recording("", path, path.stat().st_size)


def _written(
    prepared: Prepared,
    redacted: RedactedTranscript,
    removals: Sequence[Removal],
    path: Path,
    form: Format,
    settings: Settings,
) -> Copy:
    n_samples = 0
    with open_recording(prepared.recording, settings.decode) as reader:
        spans, muted = _in_samples(prepared, redacted, removals, reader, settings)
        bleeper = Bleeper(spans, reader.sample_rate_hz, _cover(settings), muted)
        with open_writer(path, form, reader.sample_rate_hz, reader.n_channels) as write:
            for block in reader.blocks:
                write(bleeper.hear(block))
                n_samples += block.shape[1]
    held = tuple(merged(Span(span.start, min(span.stop, n_samples)) for span in channel) for channel in spans)
    return Copy(path, form, reader.sample_rate_hz, n_samples, _cover(settings), held, muted)


def _cover(settings: Settings) -> Cover:
    return "silence" if settings.redact.audio == "silence" else "beep"


def _in_samples(
    prepared: Prepared, redacted: RedactedTranscript, removals: Sequence[Removal], reader: Reader, settings: Settings
) -> tuple[list[list[Span]], tuple[int, ...]]:
    """What goes from each channel of the file, and which channels are silent throughout."""
    named = channels_of(prepared.recording.name, reader.n_channels, settings.decode, prepared.call.channel_map)
    places = sides(prepared, redacted)
    leaky = {one.channel for one in redacted.findings if one.kind is FindingKind.CROSSTALK and one.channel in places}
    heard = set(places.values())
    # Of two channels that are the same one was listened to: what goes from it goes from the other.
    twins = [at for at, channel in enumerate(named) if channel and at not in heard]
    spans: list[list[Span]] = [[] for _ in named]
    for removal in removals:
        where = covering(removal.start_s, removal.end_s, reader.sample_rate_hz)
        for at in {places[removal.channel], *(places[channel] for channel in leaky), *twins}:
            spans[at].append(where)
    for start_s, end_s in prepared.call.pauses:
        for channel_spans in spans:
            channel_spans.append(covering(start_s, end_s, reader.sample_rate_hz))
    return spans, tuple(at for at, channel in enumerate(named) if channel is None)


def _frames(path: Path) -> int:
    import soundfile

    try:
        return int(soundfile.info(path).frames)
    except soundfile.SoundFileError:
        return -1

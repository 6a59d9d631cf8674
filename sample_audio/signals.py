"""Signals of a telephone line: band limit, levels, noise, tones, hold music, speech spans.

Arrays are one-dimensional float64 at `SAMPLE_RATE_HZ`, full scale 1.0, unless said otherwise.
Time is integer samples here; make.py converts to seconds when it writes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float64]
Span = tuple[int, int]

SAMPLE_RATE_HZ = 8000
BAND_HZ = (300.0, 3400.0)
# Raised-cosine flanks of the telephone band; narrow enough to keep 300 and 3400 Hz honest.
FLANK_HZ = 60.0

FRAME = SAMPLE_RATE_HZ // 100
"""Samples in one 10 ms energy frame."""

ACTIVE_BELOW_PEAK_DB = 42.0
"""A frame counts as speech when it is at most this far below the loudest frame."""

DTMF_ROWS_HZ = (697.0, 770.0, 852.0, 941.0)
DTMF_COLUMNS_HZ = (1209.0, 1336.0, 1477.0)
DTMF_KEYPAD = ("123", "456", "789", "*0#")

RINGBACK_HZ = (440.0, 480.0)
RINGBACK_ON_S = 2.0
RINGBACK_OFF_S = 4.0


def samples(duration_s: float) -> int:
    """The number of samples in a duration in seconds, rounded to the nearest."""
    return round(duration_s * SAMPLE_RATE_HZ)


def amplitude(level_db: float) -> float:
    """The linear amplitude of a level in dB relative to full scale."""
    return float(10.0 ** (level_db / 20.0))


def band_limit(signal: Samples) -> Samples:
    """Keep the telephone band of a signal that already has 8 kHz."""
    return telephone_band(signal, SAMPLE_RATE_HZ)


def telephone_band(signal: Samples, source_rate_hz: int) -> Samples:
    """Band-limit and resample a signal of any rate above 8 kHz to 8 kHz, in one Fourier transform.

    signal: float, shape (n,), at source_rate_hz. Returns float64, shape (about n * 8000 / rate,).
    """
    # Pad to whole tenths of a second (so that both rates give whole samples), plus one of silence,
    # because a Fourier filter is circular and would wrap the end round to the start.
    tenth = source_rate_hz // 10
    tenths = -(-len(signal) // tenth) + 1
    padded = np.zeros(tenths * tenth)
    padded[: len(signal)] = signal
    out_length = tenths * (SAMPLE_RATE_HZ // 10)
    spectrum = np.fft.rfft(padded)[: out_length // 2 + 1]
    frequency_hz = np.arange(len(spectrum)) * (10.0 / tenths)
    low = np.clip((frequency_hz - BAND_HZ[0]) / FLANK_HZ + 0.5, 0.0, 1.0)
    high = np.clip((BAND_HZ[1] - frequency_hz) / FLANK_HZ + 0.5, 0.0, 1.0)
    gain = np.sin(0.5 * np.pi * low) * np.sin(0.5 * np.pi * high)
    limited = np.fft.irfft(spectrum * gain, out_length) * (SAMPLE_RATE_HZ / source_rate_hz)
    return np.asarray(limited[: round(len(signal) * SAMPLE_RATE_HZ / source_rate_hz)])


def frame_rms(signal: Samples) -> Samples:
    """Root mean square of each whole 10 ms frame, shape (len(signal) // FRAME,)."""
    frames = signal[: len(signal) // FRAME * FRAME].reshape(-1, FRAME)
    return np.asarray(np.sqrt(np.mean(frames**2, axis=1)))


def active_frames(signal: Samples) -> NDArray[np.bool_]:
    """Which 10 ms frames hold speech, judged against the loudest frame of the signal."""
    rms = frame_rms(signal)
    return np.asarray(rms > rms.max(initial=0.0) * amplitude(-ACTIVE_BELOW_PEAK_DB))


def set_active_level(signal: Samples, level_dbfs: float) -> Samples:
    """Scale a clean signal so that its active frames have this root mean square level."""
    active = frame_rms(signal)[active_frames(signal)]
    return signal * (amplitude(level_dbfs) / float(np.sqrt(np.mean(active**2))))


def trim(signal: Samples, margin: int) -> Samples:
    """Cut silence from both ends of a clean signal, leaving up to `margin` samples of it."""
    active = np.flatnonzero(active_frames(signal))
    start = max(0, int(active[0]) * FRAME - margin)
    end = min(len(signal), (int(active[-1]) + 1) * FRAME + margin)
    return signal[start:end]


def speech_spans(signal: Samples, max_pause: int) -> tuple[Span, ...]:
    """Spans of speech in a clean signal; a pause longer than `max_pause` samples splits."""
    spans: list[Span] = []
    for index in np.flatnonzero(active_frames(signal)):
        start, end = int(index) * FRAME, (int(index) + 1) * FRAME
        if spans and start - spans[-1][1] <= max_pause:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    return tuple(spans)


def line_noise(length: int, tilt_db_per_octave: float, rng: np.random.Generator) -> Samples:
    """Band-limited noise with a root mean square of 1.0; a negative tilt makes it darker."""
    spectrum = np.fft.rfft(rng.standard_normal(length))
    frequency_hz = np.fft.rfftfreq(length, 1.0 / SAMPLE_RATE_HZ)
    octaves = np.log2(np.maximum(frequency_hz, BAND_HZ[0]) / 1000.0)
    coloured = np.fft.irfft(spectrum * 10.0 ** (octaves * tilt_db_per_octave / 20.0), length)
    limited = band_limit(coloured)
    return np.asarray(limited / np.sqrt(np.mean(limited**2)))


def two_tones(frequencies_hz: Sequence[float], length: int) -> Samples:
    """Sines of equal strength with 5 ms flanks, together at a peak of 1.0."""
    time_s = np.arange(length) / SAMPLE_RATE_HZ
    total = sum(np.sin(2.0 * np.pi * f * time_s) for f in frequencies_hz) / len(frequencies_hz)
    ramp = np.minimum(1.0, np.arange(length) / samples(0.005))
    return np.asarray(total * ramp * ramp[::-1])


def ringback(bursts: int) -> tuple[Samples, tuple[Span, ...]]:
    """The tone that a United States caller hears, and the span of each burst in it."""
    on, period = samples(RINGBACK_ON_S), samples(RINGBACK_ON_S + RINGBACK_OFF_S)
    spans = tuple((n * period, n * period + on) for n in range(bursts))
    signal = np.zeros(spans[-1][1])
    for start, end in spans:
        signal[start:end] = two_tones(RINGBACK_HZ, on)
    return signal, spans


def dtmf(keys: str, rng: np.random.Generator) -> tuple[Samples, tuple[Span, ...]]:
    """Key tones as a person presses them, and one span from the first tone to the last."""
    parts: list[Samples] = []
    for key in keys:
        row = next(n for n, letters in enumerate(DTMF_KEYPAD) if key in letters)
        pair_hz = (DTMF_ROWS_HZ[row], DTMF_COLUMNS_HZ[DTMF_KEYPAD[row].index(key)])
        parts.append(two_tones(pair_hz, samples(rng.uniform(0.11, 0.17))))
        parts.append(np.zeros(samples(rng.uniform(0.16, 0.34))))
    signal = np.concatenate(parts[:-1])
    return signal, ((0, len(signal)),)


def hold_music(length: int, rng: np.random.Generator) -> tuple[Samples, tuple[Span, ...]]:
    """A small tune: a seeded pentatonic melody over a bass that walks through four chords."""
    beat = samples(0.36)
    minor_root, melody_density = 9, 0.85
    scale = (0, 2, 4, 7, 9, 12, 14, 16)
    roots = (0, 9, 5, 7)
    signal = np.zeros(length)
    position = int(rng.integers(2, 6))
    for number, start in enumerate(range(0, length, beat)):
        root = roots[number // 4 % len(roots)]
        chord = (root, root + 4, root + 7) if root != minor_root else (root, root + 3, root + 7)
        if number % 2 == 0:
            for tone in chord:
                _add_note(signal, start, 48 + tone, 2 * beat, 0.22)
        position = int(np.clip(position + rng.integers(-2, 3), 0, len(scale) - 1))
        if rng.random() < melody_density:
            _add_note(signal, start, 72 + scale[position], 2 * beat, 0.5)
    fade = np.minimum(1.0, np.arange(length) / samples(0.3))
    return band_limit(signal * fade * fade[::-1]), ((0, length),)


def _add_note(signal: Samples, start: int, midi: int, length: int, strength: float) -> None:
    """Add a plucked note (four harmonics, decaying) to `signal` in place."""
    time_s = np.arange(min(length, len(signal) - start)) / SAMPLE_RATE_HZ
    frequency_hz = 440.0 * 2.0 ** ((midi - 69) / 12.0)
    note = np.zeros(len(time_s))
    for harmonic in range(1, 5):
        decay = np.exp(-time_s * (3.0 + 2.0 * harmonic))
        note += decay * np.sin(2.0 * np.pi * harmonic * frequency_hz * time_s) / harmonic**1.5
    attack = np.minimum(1.0, np.arange(len(time_s)) / samples(0.008))
    signal[start : start + len(time_s)] += strength * attack * note

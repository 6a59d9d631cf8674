"""From a script to two channels of samples and the exact times of what is in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sample_audio.script import Piece, Script, Sound, Spoken
from sample_audio.signals import (
    Samples,
    Span,
    amplitude,
    dtmf,
    hold_music,
    line_noise,
    ringback,
    samples,
    set_active_level,
    speech_spans,
    trim,
)
from sample_audio.voices import Voice

MARGIN = samples(0.05)
JOIN = samples(0.06)
DIGIT_GROUP_PAUSE = samples(0.32)
SENTENCE_PAUSE = samples(0.30)
MAX_PAUSE = samples(0.3)
TAIL = samples(0.5)
MAX_PEAK = 0.95
EXACT_SPEED = 0.92
LEVEL_SPREAD_DB = 1.0
GAP_RANGE_S = (0.2, 0.6)
SOUND_DBFS = {"ringback": -19.0, "dtmf": -14.0, "music": -18.0}
"""Peak level of each sound in dB relative to full scale."""


@dataclass(frozen=True, slots=True)
class PlacedEntity:
    """An entity and the samples within which it is said (the turn's, unless exact)."""

    entity: str
    text: str
    span: Span
    exact: bool


@dataclass(frozen=True, slots=True)
class PlacedTurn:
    """A turn on the time line, in samples from the start of the call."""

    channel: int
    text: str
    span: Span
    speech: tuple[Span, ...]
    entities: tuple[PlacedEntity, ...]


@dataclass(frozen=True, slots=True)
class PlacedRegion:
    """A sound that is not speech, in samples from the start of the call."""

    channel: int
    kind: str
    span: Span


@dataclass(frozen=True, slots=True)
class RenderedCall:
    """audio: float64, shape (samples, 2), full scale 1.0; turns are ordered by their starts."""

    audio: Samples
    turns: tuple[PlacedTurn, ...]
    regions: tuple[PlacedRegion, ...]


@dataclass(frozen=True, slots=True)
class SaidTurn:
    """A turn before it is placed: clean samples and spans relative to their start."""

    audio: Samples
    speech: tuple[Span, ...]
    entities: tuple[PlacedEntity, ...]


@dataclass(frozen=True, slots=True)
class _Utterance:
    """What a voice says in one go, the pause before it, and the exact entity it belongs to."""

    text: str
    pause: int
    entity_index: int | None


def _utterances(pieces: tuple[Piece, ...]) -> list[_Utterance]:
    """Split a turn where an exact entity starts or ends, and such an entity at its commas."""
    found: list[_Utterance] = []
    words = ""
    for index, piece in enumerate(pieces):
        if not piece.exact:
            words += piece.text
            continue
        _add_words(found, words)
        words = ""
        for number, group in enumerate(piece.text.split(", ")):
            found.append(_Utterance(f"{group},", DIGIT_GROUP_PAUSE if number else JOIN, index))
    _add_words(found, words)
    return found


def _add_words(found: list[_Utterance], words: str) -> None:
    """Append plain words, unless they are only the punctuation that closes an exact entity."""
    text = words.lstrip(" .,?!")
    if not text:
        return
    # Words that lead to a piece of their own end in a comma, for the voice to stay up.
    closed = text.rstrip()
    text = closed if closed[-1] in ".,?!" else f"{closed},"
    starts_sentence = words.startswith((".", "?", "!"))
    found.append(_Utterance(text, SENTENCE_PAUSE if starts_sentence else JOIN, None))


def say_turn(turn: Spoken, voice: Voice, level_dbfs: float) -> SaidTurn:
    """Speak a turn and find where its speech and its entities lie."""
    parts: list[Samples] = []
    exact: dict[int, Span] = {}
    position = 0
    for utterance in _utterances(turn.pieces):
        in_entity = utterance.entity_index is not None
        clean = trim(voice.say(utterance.text, EXACT_SPEED if in_entity else 1.0), MARGIN)
        if parts:
            parts.append(np.zeros(utterance.pause))
            position += utterance.pause
        parts.append(set_active_level(clean, level_dbfs))
        end = position + len(clean)
        if utterance.entity_index is not None:
            start = exact.get(utterance.entity_index, (position, end))[0]
            exact[utterance.entity_index] = (start, end)
        position = end
    audio = np.concatenate(parts)
    entities = tuple(
        PlacedEntity(p.entity, p.text, exact.get(index, (0, len(audio))), index in exact)
        for index, p in enumerate(turn.pieces)
        if p.entity is not None
    )
    return SaidTurn(audio, speech_spans(audio, MAX_PAUSE), entities)


def _shift(span: Span, offset: int) -> Span:
    return span[0] + offset, span[1] + offset


def place_turn(turn: Spoken, said: SaidTurn, start: int) -> PlacedTurn:
    """Move a turn's spans to where it lies in the call."""
    return PlacedTurn(
        channel=turn.channel,
        text=turn.text,
        span=(start, start + len(said.audio)),
        speech=tuple(_shift(span, start) for span in said.speech),
        entities=tuple(PlacedEntity(e.entity, e.text, _shift(e.span, start), e.exact) for e in said.entities),
    )


def make_sound(sound: Sound, rng: np.random.Generator) -> tuple[Samples, tuple[Span, ...]]:
    """The samples of a sound, at its level, and the spans that are regions."""
    if sound.kind == "ringback":
        signal, spans = ringback(sound.bursts)
    elif sound.kind == "dtmf":
        signal, spans = dtmf(sound.keys, rng)
    else:
        signal, spans = hold_music(samples(sound.duration_s), rng)
    peak = amplitude(SOUND_DBFS[sound.kind])
    return signal * (peak / float(np.max(np.abs(signal)))), spans


def render_call(script: Script, voices: tuple[Voice, Voice], rng: np.random.Generator) -> RenderedCall:
    """Lay a script's steps one after another and put them on a noisy telephone line."""
    placed: list[tuple[int, int, Samples]] = []
    turns: list[PlacedTurn] = []
    regions: list[PlacedRegion] = []
    cursor = 0
    for step in script.steps:
        gap_s = rng.uniform(*GAP_RANGE_S) if step.gap_s is None else step.gap_s
        start = max(0, cursor + samples(gap_s))
        if isinstance(step, Spoken):
            level_dbfs = script.levels_dbfs[step.channel] + rng.uniform(-1.0, 1.0) * LEVEL_SPREAD_DB
            said = say_turn(step, voices[step.channel], level_dbfs)
            turns.append(place_turn(step, said, start))
            audio = said.audio
        else:
            audio, spans = make_sound(step, rng)
            regions += [PlacedRegion(step.channel, step.kind, _shift(s, start)) for s in spans]
        placed.append((step.channel, start, audio))
        cursor = max(cursor, start + len(audio))
    mixed = np.zeros((cursor + TAIL, 2))
    for channel, start, audio in placed:
        mixed[start : start + len(audio), channel] += audio
    for channel, level_dbfs in enumerate(script.levels_dbfs):
        noise = line_noise(len(mixed), script.noise_tilt_db_per_octave, rng)
        mixed[:, channel] += noise * amplitude(level_dbfs - script.snr_db)
    # The whole call is turned down rather than clipped, so levels keep their differences.
    mixed *= min(1.0, MAX_PEAK / float(np.max(np.abs(mixed))))
    turns.sort(key=lambda turn: turn.span)
    return RenderedCall(mixed, tuple(turns), tuple(regions))

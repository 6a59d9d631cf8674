"""What is amiss with a recording's channels, and what is done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from asr.channels.checks import ChannelSigns, Signs
from asr.channels.crosstalk import Likeness
from asr.levels import Levels
from asr.listener import ChannelSurvey
from asr.timebase import to_seconds
from asr.types import Finding, FindingEffect, FindingKind
from asr.vad import WINDOW

_SAME_SHARE = 0.8
_SAME_GAIN_DB = 12.0
"""Channels are one if one gain and one delay explain this share of either. Copies with noise of -60 dBFS and 12.5 ms
between them: at least 0.91. Two speakers who leak into each other with -6 dB: at most 0.64. With a greater gain the
weaker one is a leak, whose source keeps its role."""

_DEAD_POWER = 1e-6
"""-60 dBFS: what decode takes for silence."""

_SPEECH_WINDOWS = 8
"""0.25 s, `vad.min_speech_ms`: a channel with fewer windows over _DEAD_POWER holds no speech."""

_NARROW_DB = -40.0
_CLIPPED_SHARE = 0.001
_QUIET_DBFS, _LOUD_DBFS = -45.0, -12.0
_LOW_SNR_DB = 12.0
_LOST_SHARE = 0.01


def are_same(likeness: Likeness) -> bool:
    """Whether two channels are copies of one."""
    return likeness.share >= _SAME_SHARE and abs(likeness.gain_db) <= _SAME_GAIN_DB


def is_dead(power: NDArray[np.float32]) -> bool:
    """Whether a channel with these mean squares of its windows, (n_windows,), holds nothing that could be speech."""
    return int(np.count_nonzero(power > _DEAD_POWER)) < _SPEECH_WINDOWS


def findings(
    channels: Sequence[ChannelSurvey], levels: Mapping[int, Levels], signs: Signs, *, suppressed: bool
) -> tuple[Finding, ...]:
    """What is amiss with the channels that are kept of a recording, in the order of FindingKind's members.

    `levels` and `signs` are of all channels that were listened to. `suppressed` says that leaks are taken out.
    """
    found: list[Finding] = []
    if (same := signs.likeness) is not None and are_same(same):
        found.append(
            Finding(FindingKind.SAME_CHANNELS, None, same.share, "share", FindingEffect.MERGED, abs(same.delay_ms))
        )
    for channel in channels:
        found.extend(_of_channel(channel, levels[channel.index], signs.channels[channel.index], suppressed=suppressed))
    kinds = list(FindingKind)
    return tuple(sorted(found, key=lambda finding: kinds.index(finding.kind)))


def _of_channel(channel: ChannelSurvey, levels: Levels, signs: ChannelSigns, *, suppressed: bool) -> Iterator[Finding]:
    def report(kind: FindingKind, value: float, unit: str, effect: FindingEffect = FindingEffect.REPORTED) -> Finding:
        return Finding(kind, channel.channel, value, unit, effect)

    if signs.offset:
        yield report(FindingKind.DC_OFFSET, signs.offset, "full scale", FindingEffect.REMOVED)
    if is_dead(channel.power):
        yield report(FindingKind.DEAD_CHANNEL, levels.peak_dbfs, "dBFS", FindingEffect.IGNORED)
        return
    if channel.leak is not None:
        effect = FindingEffect.SUPPRESSED if suppressed else FindingEffect.REPORTED
        leak = channel.leak
        yield Finding(FindingKind.CROSSTALK, channel.channel, leak.level_db, "dB", effect, leak.delay_ms)
    if signs.high_db is not None and signs.high_db < _NARROW_DB:
        yield report(FindingKind.UPSAMPLED, signs.high_db, "dB")
    if levels.clipped_share >= _CLIPPED_SHARE:
        yield report(FindingKind.CLIPPING, levels.clipped_share, "share")
    n_spoken = int(np.count_nonzero(channel.is_spoken))
    if n_spoken < _SPEECH_WINDOWS:
        return
    if channel.level_dbov < _QUIET_DBFS:
        yield report(FindingKind.TOO_QUIET, channel.level_dbov, "dBFS")
    if channel.level_dbov > _LOUD_DBFS:
        yield report(FindingKind.TOO_LOUD, channel.level_dbov, "dBFS")
    if channel.snr_db < _LOW_SNR_DB:
        yield report(FindingKind.LOW_SNR, channel.snr_db, "dB")
    lost = signs.lost_s / to_seconds(n_spoken * WINDOW)
    if lost >= _LOST_SHARE:
        yield report(FindingKind.DROPPED_PACKETS, min(1.0, lost), "share")

"""In which groups recordings are done: long calls first, and those with which a worker died by fewer and fewer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from asr.options import BatchOptions
from flows.ingest import Source, group


def plan(sources: Sequence[Source], suspects: Mapping[str, int], options: BatchOptions) -> list[tuple[Source, ...]]:
    """Cut recordings into groups, the longest first, so that no long call is left for one worker at the end.

    `suspects` says by SHA-256 with how many at most a recording may be in hand, which is half of those that it was in
    hand with when a worker died: they come last, in groups of their own, so that the others are done by then.
    """
    longest_first = sorted(sources, key=lambda source: -source.length_s)
    sound = [source for source in longest_first if source.recording.sha256 not in suspects]
    groups = group(sound, options)
    for most in sorted(set(suspects.values()), reverse=True):
        these = [source for source in longest_first if suspects.get(source.recording.sha256) == most]
        limited = options.model_copy(update={"group_recordings": min(most, options.group_recordings)})
        groups += group(these, limited)
    return groups

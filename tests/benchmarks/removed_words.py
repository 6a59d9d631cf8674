"""What marks do to word errors: `python -m tests.benchmarks.removed_words REFERENCES TRANSCRIPTS`.

Both are folders as `callwright score` reads them, unredacted (`callwright transcribe --raw`). Each text is scored as it
is and redacted. "left" are the errors on those words of the reference alone that redaction leaves, counted in the
alignment of the unredacted texts; what scoring with marks makes of them is "reference redacted".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from asr.scoring.alignment import Kind, align
from asr.scoring.normalisation import PIPELINES
from configs.load import load
from flows.scores.said import Said, redacted, said_in
from flows.scores.scoring import Method, _streams, figures, score_call, tokens
from flows.wiring import load_redactor

METHOD = Method(PIPELINES["whisper-english"])


def main(references: Path, transcripts: Path) -> None:
    """Print the table."""
    redactor = load_redactor(load(None, [], {}, Path(os.devnull)))
    said, heard = said_in(references), said_in(transcripts)
    own, theirs = [said[name] for name in said], [heard[name] for name in said]
    own_left, theirs_left = redacted(own, redactor), redacted(theirs, redactor)
    print("| texts | errors | words scored | WER | unscored |")
    print("|---" * 5 + "|")
    for name, first, second in (
        ("nothing redacted", own, theirs),
        ("reference redacted", own_left, theirs),
        ("transcript redacted", own, theirs_left),
        ("both redacted", own_left, theirs_left),
    ):
        found = figures([score_call(*pair, METHOD) for pair in zip(first, second, strict=True)])
        words = found.words
        wrong = words.count
        print(f"| {name} | {wrong} | {words.reference_length} | {words.rate:.2%} | {found.unscored} |")
    pairs = zip(own, own_left, theirs, strict=True)
    wrong, words = map(sum, zip(*(left(*(call.turns for call in calls)) for calls in pairs), strict=True))
    print(f"| left | {wrong} | {words} | {wrong / words:.2%} | |")


def left(own: Sequence[Said], own_left: Sequence[Said], theirs: Sequence[Said]) -> tuple[int, int]:
    """Errors on the words that redaction leaves of a reference, and these words. A word that was put in counts if both
    its neighbours are left."""
    wrong = words = 0
    for (_, whole, heard), (_, part, _) in zip(_streams(own, theirs), _streams(own_left, theirs), strict=True):
        stays: list[bool] = []
        for step in align(tokens(whole, METHOD.pipeline), tokens(part, METHOD.pipeline)):
            stays += [step.kind is Kind.EQUAL] * step.n_reference
        at = 0
        for step in align(tokens(whole, METHOD.pipeline), tokens(heard, METHOD.pipeline)):
            if step.kind is Kind.INSERTED:
                wrong += all(stays[max(0, at - 1) : at + 1])
                continue
            wrong += stays[at] and step.kind is not Kind.EQUAL
            words += stays[at]
            at += 1
    return wrong, words


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

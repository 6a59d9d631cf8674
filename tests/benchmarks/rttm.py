"""Speakers as others found them, scored: `python -m tests.benchmarks.rttm REFERENCES FOUND`.

Both are folders of RTTM files; each of FOUND is held against the one of that name in REFERENCES. DER and JER are as in
tests.benchmarks.speakers, and so are the parts: "chosen on" is every other one of REFERENCES by name, from the first.
"""

from __future__ import annotations

import sys
from pathlib import Path

from asr.diarize.rttm import Talk, read_rttm
from tests.benchmarks.speakers import errors, one_speaker, shown


def main(references: Path, found: Path) -> None:
    """Print the table."""
    names = [path.name for path in sorted(references.glob("*.rttm"))]
    print("| part | recordings | speakers by | DER | DER, collar | JER |")
    print("|---" * 6 + "|")
    for part, own in (("chosen on", names[::2]), ("held out", names[1::2]), ("all", names)):
        there = [name for name in own if (found / name).exists()]
        pairs = [(_talk(references / name), _talk(found / name)) for name in there]
        alone = [(truth, one_speaker(guess)) for truth, guess in pairs]
        for by, answers in ((found.name, pairs), ("the same, one speaker", alone)):
            print(f"| {part} | {len(there)} | {by} | {shown(errors(answers))} |")


def _talk(path: Path) -> list[Talk]:
    return read_rttm(path.read_text())


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

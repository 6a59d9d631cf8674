"""How many planted inventions grounding catches, and how many true statements it drops.

python -m tests.benchmarks.grounding.measure [tuned_on|held_out] [--show]
"""

from __future__ import annotations

import os
import sys
from collections import Counter
from pathlib import Path

from asr.fetch import Access, fetch
from asr.models import Registry, cache_folder
from compliance.tagging import Tagger
from configs.load import load
from llm.ground import Grounds
from tests.benchmarks.grounding.samples import samples


def main() -> None:
    halves = [name for name in sys.argv[1:] if not name.startswith("--")] or ["tuned_on", "held_out"]
    options = load(None, [], os.environ, Path(os.devnull)).models
    tagger = Tagger.load(
        fetch(Registry.load(None).get("spacy-en-core-web-sm"), cache_folder(options), Access(options.offline)).folder
    )
    for half in halves:
        caught, planted, dropped, true = Counter[str](), Counter[str](), 0, 0
        for sample in samples(half):
            grounds = Grounds.of(sample.transcript, tagger)
            for one in sample.statements:
                faults = grounds.faults(one.field, one.finding)
                if one.planted:
                    planted[one.planted] += 1
                    caught[one.planted] += bool(faults)
                else:
                    true += 1
                    dropped += bool(faults)
                if "--show" in sys.argv and bool(faults) != bool(one.planted):
                    print(f"  {sample.call}: {one.planted or 'true'} {[*faults]} {one.finding.text}")
        print(
            f"{half}: {caught.total()} of {planted.total()} inventions caught "
            f"({caught.total() / planted.total():.1%}), "
            f"{dropped} of {true} true statements dropped ({dropped / true:.1%})"
        )
        print("  " + ", ".join(f"{kind} {caught[kind]}/{n}" for kind, n in sorted(planted.items())))


if __name__ == "__main__":
    main()

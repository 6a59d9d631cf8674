"""What redaction finds and what it takes too much: `python -m tests.benchmarks.redaction`.

Made-up calls from the templates of tests/corpus: those that the recognisers were tuned on, and others that were set
aside; and calls that other hands wrote (tests/corpus/blind.py, which tells what the rules were tuned on).
A secret is found if every word of it is inside a span, whatever the span's entity; "false" is the share of words
redacted in calls that hold none. Beside ours: presidio as it comes, and presidio after text2digits (dev
extra), each turn by itself; a word is theirs if it touches a span. `--speed` measures one core in words a second.
"""

from __future__ import annotations

import argparse
import difflib
import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from asr.fetch import Access, fetch
from asr.models import Registry, cache_folder
from asr.types import Channel, Provenance, Transcript, Turn, Word
from compliance.options import RedactionOptions
from compliance.readers.spans import words_of
from compliance.redactor import Redactor
from configs.load import load
from tests.corpus import blind
from tests.corpus.calls import Call, corpus

Covered = set[tuple[int, int]]
"""Turn and word of all that was redacted."""

System = Callable[[Sequence[Call]], Iterable[Covered]]
SEED = 20
BATCH_CALLS = 64
CALL_WORDS = 1500
"""Words of ten minutes of talk."""


@dataclass
class Tally:
    """Secrets by entity, those wholly covered, and words of harmless calls with those redacted."""

    secrets: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    words: int = 0
    false_words: int = 0

    def add(self, call: Call, covered: Covered) -> None:
        """Count one call."""
        if call.entity == "HARMLESS":
            self.words += sum(len(words) for _, words in call.turns)
            self.false_words += len(covered)
        for secret in call.secrets:
            self.secrets[secret.entity] += 1
            self.found[secret.entity] += all((secret.turn, word) in covered for word in secret.words)

    def recall(self, entity: str) -> str:
        """Found of an entity's secrets."""
        return f"{self.found[entity] / self.secrets[entity]:.1%}" if self.secrets[entity] else "-"


def transcript(turns: Sequence[tuple[str, tuple[str, ...]]]) -> Transcript:
    """A transcript without times."""
    said = tuple(Turn(side, Channel.MIXED, tuple(Word(word, 0.0, 0.0, 1.0) for word in words)) for side, words in turns)
    return Transcript("", 0.0, (Channel.MIXED,), said, (), Provenance("", "", "", "", "", ""))


def ours(redactor: Redactor) -> System:
    """callwright's redactor, a batch of calls at a time."""

    def run(calls: Sequence[Call]) -> Iterable[Covered]:
        for at in range(0, len(calls), BATCH_CALLS):
            for redacted in redactor.redact_all([transcript(call.turns) for call in calls[at : at + BATCH_CALLS]]):
                covered: Covered = set()
                for index, turn in enumerate(redacted.turns):
                    sizes = {mark.word: mark.n_words for mark in redacted.redactions if mark.turn == index}
                    word = 0
                    for place in range(len(turn.words)):
                        if place in sizes:
                            covered |= {(index, word + more) for more in range(sizes[place])}
                        word += sizes.get(place, 1)
                yield covered

    return run


def presidio(*, with_digits: bool) -> System:
    """Presidio's engine as `AnalyzerEngine()` makes it, but for its model, which is the same as ours."""
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider
    from tldextract import TLDExtract, tldextract

    # Its e-mail recogniser would ask the network for a list that the package carries too.
    tldextract.TLD_EXTRACTOR = TLDExtract(suffix_list_urls=())
    models = [{"lang_code": "en", "model_name": str(ner_folder())}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    engine = AnalyzerEngine(nlp_engine=provider.create_engine())
    entities = [name for name in engine.get_supported_entities() if name != "NRP"]
    rewrite = None
    if with_digits:
        from text2digits.text2digits import Text2Digits

        rewrite = Text2Digits().convert

    def run(calls: Sequence[Call]) -> Iterable[Covered]:
        for call in calls:
            covered: Covered = set()
            for index, (_, words) in enumerate(call.turns):
                text = " ".join(words)
                changed = " ".join((rewrite(text) if rewrite else text).split())
                hit: set[int] = set()
                for result in engine.analyze(changed, "en", entities=entities, score_threshold=0.35):
                    hit.update(range(*words_of(changed, result.start, result.end)))
                covered |= {(index, word) for word in aligned(words, changed.split(" "), hit)}
            yield covered

    return run


def aligned(words: Sequence[str], changed: Sequence[str], hit: set[int]) -> Iterable[int]:
    """The words that became those which were hit."""
    matcher = difflib.SequenceMatcher(a=words, b=changed, autojunk=False)
    for kind, start, end, start_b, end_b in matcher.get_opcodes():
        if kind == "equal":
            yield from (start + place for place in range(end - start) if start_b + place in hit)
        elif hit.intersection(range(start_b, end_b)):
            yield from range(start, end)


def ner_folder() -> Path:
    """The model that redaction has by default."""
    options = load(None, [], os.environ, Path(os.devnull)).models
    model = Registry.load(None).get(RedactionOptions().ner_model)
    return fetch(model, cache_folder(options), Access(offline=options.offline)).folder


def speed(redactor: Redactor, n_calls: int) -> None:
    """Words a second of CPU time, over calls of ten minutes of which a sixth of the turns hold secrets."""
    rng = random.Random(SEED)  # noqa: S311
    plain = [turn for call in corpus("templates", 1500, SEED, harmless=True) for turn in call.turns]
    secret = [call.turns for call in corpus("templates", 1500, SEED, harmless=False)]
    calls = []
    for _ in range(n_calls):
        turns: list[tuple[str, tuple[str, ...]]] = []
        while sum(len(words) for _, words in turns) < CALL_WORDS:
            turns += [rng.choice(plain)] if rng.random() < 5 / 6 else rng.choice(secret)
        calls.append(transcript(turns))
    words = sum(len(turn.words) for call in calls for turn in call.turns)
    redactor.redact(calls[0])
    began_s, began_cpu_s = time.perf_counter(), time.process_time()
    for call in calls:
        redactor.redact(call)
    wall_s, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    per_minute = 60 * len(calls) / cpu_s
    print(f"{len(calls)} calls, {words} words: {words / cpu_s:,.0f} words/s, {per_minute:.0f} calls/min of one core")
    print(f"{wall_s:.1f} s wall, {cpu_s:.1f} s CPU")


def corpora(count: int) -> dict[str, list[Call]]:
    """The calls of each column."""
    sets = {
        name: [call for harmless in (False, True) for call in corpus(folder, count, SEED, harmless=harmless)]
        for name, folder in (("tuned", "templates"), ("held out", "held_out"))
    }
    for name, files in blind.FILES.items():
        sets[name] = [call for file in files for call in blind.blind(blind.FOLDER / file)]
    return sets


def main() -> None:
    """Print the table, or the speed."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.redaction", description=__doc__)
    parser.add_argument("--calls", type=int, default=1500, help="with secrets, and as many without, of each folder")
    parser.add_argument("--ner-model", type=Path, help="folder of another spaCy pipeline, for ours")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument(
        "--speed", type=int, metavar="CALLS", nargs="?", const=20, help="measure speed on so many calls"
    )
    asked = parser.parse_args()
    redactor = Redactor.load(asked.ner_model or ner_folder(), RedactionOptions())
    if asked.speed:
        speed(redactor, asked.speed)
        return
    systems: dict[str, System] = {"callwright": ours(redactor)}
    if not asked.no_peers:
        systems["presidio"] = presidio(with_digits=False)
        systems["t2d+presidio"] = presidio(with_digits=True)
    tallies: dict[tuple[str, str], Tally] = {}
    sets = corpora(asked.calls)
    for folder, calls in sets.items():
        for name, system in systems.items():
            tally = tallies[folder, name] = Tally()
            for call, covered in zip(calls, system(calls), strict=True):
                tally.add(call, covered)
    columns = [(folder, name) for folder in sets for name in systems]
    head = [f"{folder} {name}" for folder, name in columns]
    print("| entity | " + " | ".join(f"{folder}, n" for folder in sets) + " | " + " | ".join(head) + " |")
    print("|---|" + "---:|" * (len(head) + len(sets)))
    first = {folder: tallies[folder, "callwright"] for folder in sets}
    for entity in sorted(first["tuned"].secrets):
        counts = [str(first[folder].secrets[entity]) for folder in first]
        print(f"| {entity} | {' | '.join(counts)} | {' | '.join(tallies[at].recall(entity) for at in columns)} |")
    shares = [f"{tallies[at].false_words / tallies[at].words:.2%}" for at in columns]
    print(f"| false, of words | {' | '.join(str(tally.words) for tally in first.values())} | {' | '.join(shares)} |")


if __name__ == "__main__":
    main()

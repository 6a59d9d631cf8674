"""Make the sample calls: `python sample_audio/make.py [--out DIR]`.

Each script in scripts/ becomes NAME.wav (two channels, 8 kHz, mu-law), NAME.json (what is said,
when and by whom) and NAME.rttm (who speaks when). The same packages on the same kind of processor
give the same bytes. The voices' packages are in requirements.txt beside this file.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

HERE = Path(__file__).resolve().parent
if __package__ in (None, ""):
    # Run as a file, Python looks for modules in this folder and not in the one above it.
    sys.path.insert(0, str(HERE.parent))

from sample_audio.render import PlacedTurn, RenderedCall, render_call  # noqa: E402
from sample_audio.script import CHANNELS, Script, load_script  # noqa: E402
from sample_audio.signals import SAMPLE_RATE_HZ, Span  # noqa: E402
from sample_audio.voices import VOICES  # noqa: E402

SEED = 20250


def call_seed(name: str, seed: int) -> int:
    """A seed for one call, so that calls do not depend on each other or on their order."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def seconds(position: int) -> float:
    """Samples to seconds; three decimals hold any whole number of 1 ms (8 samples)."""
    return round(position / SAMPLE_RATE_HZ, 3)


def _bounds(span: Span) -> dict[str, float]:
    return {"start_s": seconds(span[0]), "end_s": seconds(span[1])}


def _turn_row(turn: PlacedTurn) -> dict[str, Any]:
    return {
        "speaker": CHANNELS[turn.channel],
        "channel": turn.channel,
        **_bounds(turn.span),
        "text": turn.text,
        "speech": [[seconds(start), seconds(end)] for start, end in turn.speech],
    }


def describe(script: Script, call: RenderedCall) -> dict[str, Any]:
    """The reference of a call in the form in which it is written as JSON."""
    return {
        "audio": f"{script.name}.wav",
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "channels": list(CHANNELS),
        "duration_s": seconds(len(call.audio)),
        "voices": dict(zip(CHANNELS, script.voices, strict=True)),
        "snr_db": script.snr_db,
        "reason": script.reason,
        "outcome": script.outcome,
        "action": script.action,
        "turns": [_turn_row(turn) for turn in call.turns],
        "regions": [
            {"channel": region.channel, "kind": region.kind, **_bounds(region.span)} for region in call.regions
        ],
        "entities": [
            {"entity": e.entity, "turn": index, "text": e.text, **_bounds(e.span), "exact": e.exact}
            for index, turn in enumerate(call.turns)
            for e in turn.entities
        ],
    }


def rttm_lines(name: str, call: RenderedCall) -> list[str]:
    """One SPEAKER line for each span of speech, by start; both speakers are in channel field 1."""
    spans = sorted((span, turn.channel) for turn in call.turns for span in turn.speech)
    return [
        f"SPEAKER {name} 1 {seconds(start):.3f} {seconds(end - start):.3f} <NA> <NA> {CHANNELS[channel]} <NA> <NA>"
        for (start, end), channel in spans
    ]


def make_call(script: Script, out: Path, seed: int) -> RenderedCall:
    """Render one call and write its three files into `out`."""
    own_seed = call_seed(script.name, seed)
    agent, customer = (VOICES[voice](own_seed) for voice in script.voices)
    call = render_call(script, (agent, customer), np.random.default_rng(own_seed))
    soundfile.write(out / f"{script.name}.wav", call.audio, SAMPLE_RATE_HZ, format="WAV", subtype="ULAW")
    reference = json.dumps(describe(script, call), indent=1, ensure_ascii=False)
    (out / f"{script.name}.json").write_text(reference + "\n", encoding="utf-8")
    lines = rttm_lines(script.name, call)
    (out / f"{script.name}.rttm").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return call


def main(arguments: list[str] | None = None) -> None:
    """Make every call and print what was written."""
    parser = argparse.ArgumentParser(description="Make the synthetic sample calls.")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED, help="another seed, other noise and gaps")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    total_bytes = 0
    for path in sorted((HERE / "scripts").glob("*.toml")):
        script = load_script(path)
        call = make_call(script, options.out, options.seed)
        size = (options.out / f"{script.name}.wav").stat().st_size
        total_bytes += size
        duration_s = seconds(len(call.audio))
        print(f"{script.name:14} {duration_s:7.2f} s {len(call.turns):4} turns {size:9} bytes")
    print(f"{total_bytes} bytes of audio in {options.out}")


if __name__ == "__main__":
    main()

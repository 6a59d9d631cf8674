"""What `callwright bench asr` prints and draws of what was measured, and what it refuses before it measures."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from asr.scoring.errors import EditErrors
from flows.benches import benchmark
from flows.benches.benchmark import Latency, Measured, Score
from flows.cli import call

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "bench.txt"
DATA = ROOT / "sample_audio"

WORDS = Score((EditErrors(30, 6, 9, 268), EditErrors(10, 2, 4, 120)))
CHARACTERS = Score((EditErrors(60, 40, 30, 1340), EditErrors(20, 9, 8, 600)))
FACTS = {
    "prepare_s": 5.0,
    "mel_s": 1.4,
    "align_s": 2.5,
    "merge_s": 0.06,
    "windows": 61,
    "searches": [61, 21],
    "positions": 1000,
    "padding": 70,
    "effort": {"encode_s": 13.1, "decode_s": 29.4, "useful": 940, "total": 1000},
}


def measured() -> list[Measured]:
    own = Measured(
        "openvino:beam",
        WORDS,
        CHARACTERS,
        2738,
        7.5,
        48.2,
        1151.4,
        144.8,
        Latency(61, 910.4, 1804.0, 2101.9, 2200.0),
        FACTS,
    )
    # CTranslate2 does not say how full its batches are.
    unknown = {**FACTS, "effort": {**FACTS["effort"], "useful": 0, "total": 0}}  # type: ignore[dict-item]
    other = Measured("ctranslate2", WORDS, CHARACTERS, 2752, 21.4, 129.0, 2020.0, 145.2, own.latency, unknown)
    peer = Measured("faster-whisper-batched:16", WORDS, CHARACTERS, 2571, 27.9, 128.0, 710.0, 145.2, own.latency, {})
    folder = Measured(
        "openvino-genai:/srv/models/base-int8", WORDS, CHARACTERS, 2640, 95.0, 301.0, 468.0, 75.5, None, {}
    )
    return [own, other, peer, folder]


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The command's beginning; it measures what `measured` says."""
    monkeypatch.setattr(benchmark, "compare", lambda *_: measured())
    peers = "faster-whisper-batched:16,openvino-genai:/srv/models/base-int8"
    return ["bench", "asr", "--data", str(DATA), "--engines", "openvino:beam,ctranslate2", "--against", peers]


def test_the_tables_are_those_of_the_golden(bench: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Rewritten by UPDATE_GOLDENS=1."""
    assert call(bench) == 0
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    printed = "\n".join(lines) + "\n"
    if os.environ.get("UPDATE_GOLDENS"):
        GOLDEN.write_text(printed)
    assert printed == GOLDEN.read_text()
    assert all(len(line) < 120 for line in lines if not line.startswith(("openvino:beam: ", "ctranslate2: ")))


def test_json_has_the_same_facts(bench: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert call([*bench, "--json"]) == 0
    own, other, peer, folder = json.loads(capsys.readouterr().out)["systems"]
    assert own["wer"] == pytest.approx(61 / 388)
    assert own["wer_95"][0] <= own["wer"] <= own["wer_95"][1]
    assert own["cer"] == pytest.approx(167 / 1940)
    assert own["cer_95"][0] <= own["cer"] <= own["cer_95"][1]
    assert (own["reference_words"], own["reference_characters"]) == (388, 1940)
    assert own["latency"] == {"windows": 61, "p50_ms": 910.4, "p95_ms": 1804.0, "p99_ms": 2101.9, "max_ms": 2200.0}
    assert own["stage_s"]["merge"] == 0.06
    assert own["weights_mb"] == 144.8
    assert (peer["speed"], peer["stage_s"]) == (1.0, {})
    assert folder["system"] == "openvino-genai:/srv/models/base-int8"
    assert folder["latency"] is None
    assert set(own) == set(other) == set(peer) == set(folder)


def test_the_picture_is_drawn_in_the_systems_colours(
    bench: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plot = tmp_path / "bench.png"
    assert call([*bench, "--plot", str(plot)]) == 0
    assert f"Drawn in {plot}" in capsys.readouterr().out
    from matplotlib.image import imread

    assert plot.read_bytes().startswith(b"\x89PNG")
    pixels = (imread(plot)[..., :3] * 255).round().astype(int).reshape(-1, 3)
    colours, counts = np.unique(pixels, axis=0, return_counts=True)
    vivid = (np.ptp(colours, axis=1) > 60) & (counts > 100)
    assert vivid.sum() >= 4 + 5  # of systems, and of stages that last long enough to be seen


def test_names_in_the_picture_touch_neither_each_other_nor_an_interval() -> None:
    """Even of systems that are as good and as fast."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.text import Annotation, Text

    from flows.benches import chart

    figure = Figure((9, 5), dpi=144)
    canvas = FigureCanvasAgg(figure)
    axes = figure.subplots()
    alike = [*measured(), *measured()]
    chart._draw_errors(axes, alike, 450.0)
    figure.draw_without_rendering()
    chart._label(axes, alike, 450.0, canvas.get_renderer())
    names = [child for child in axes.get_children() if isinstance(child, Annotation)]
    boxes = [Text.get_window_extent(name) for name in names]
    boxes += [chart._interval_box(axes, 450.0 / one.wall_s, one) for one in measured()]
    assert len(names) == 8
    assert not any(box.overlaps(other) for i, box in enumerate(boxes[:8]) for other in boxes[i + 1 :])


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--plot", "picture.jpg"], r"picture\.jpg does not end in \.png"),
        (["--plot", "nowhere/picture.png"], r"nowhere/picture\.png lies in no folder"),
        (["--engines", ""], "no system is named"),
        (["--against", "openvino-genai"], "unknown system 'openvino-genai'"),
        (["--against", "openvino-genai:nowhere"], r"There is no nowhere/openvino_encoder_model\.xml"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_measured(
    options: list[str], sentence: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "_run", lambda *_: pytest.fail("something ran"))
    assert call(["bench", "asr", "--data", str(DATA), *options]) == 2
    assert re.search(sentence, capsys.readouterr().err)


def test_a_picture_needs_matplotlib(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("flows.benches.chart.find_spec", lambda _: None)
    assert call(["bench", "asr", "--data", str(DATA), "--plot", "picture.png"]) == 2
    assert "Install the extra 'dev'" in capsys.readouterr().err

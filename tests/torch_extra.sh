#!/bin/sh
# Builds the environment of the extra `torch` in .venv-torch (7 GB with the CUDA libraries that PyPI's wheels bring) and
# runs what needs it. TORCH_INDEX names another index for torch and torchaudio, as PyTorch's own of CPU builds.
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-python3}
TORCH=.venv-torch/bin
test -x "$TORCH/uv" || { "$PYTHON" -m venv .venv-torch; "$TORCH/pip" install --quiet --disable-pip-version-check uv; }
"$TORCH/uv" pip install --quiet --python "$TORCH/python" ${TORCH_INDEX:+--index "$TORCH_INDEX"} \
  --constraint constraints.txt --constraint constraints-torch.txt --editable '.[torch]' pytest pytest-timeout hypothesis
for module in torch torchaudio silero_vad pyannote.audio whisper; do
  "$TORCH/python" -W ignore -c "import $module, sys; print('$module', sys.modules['$module'].__version__)" 2>/dev/null \
    || { echo "$module does not import" >&2; exit 1; }
done
"$TORCH/python" -m pytest -p no:cacheprovider tests/conformance/test_detector.py tests/conformance/test_resampler.py \
  tests/external/test_logits.py tests/external/test_pyannote.py "$@"

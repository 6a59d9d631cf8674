# `make run` turns the sample calls into transcripts; `make test` and `make check` are what CI runs.

PYTHON ?= python3
BIN := .venv/bin

.PHONY: run test test-long test-torch check install samples bench clean

run: install
	@$(BIN)/callwright models get
	@$(BIN)/callwright run sample_audio

test: .venv/installed-dev
	@$(BIN)/callwright models get whisper-base whisper-tiny.en silero-vad spacy-en-core-web-sm \
	  pyannote-segmentation-3.0 campplus-zh-en smollm2-135m-instruct
	$(BIN)/pytest --numprocesses 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test-long: .venv/installed-dev
	$(BIN)/pytest -m long tests/external

# 8 GB: the extra `torch` in an environment of its own (docs/torch-extra.md).
test-torch:
	PYTHON=$(PYTHON) tests/torch_extra.sh

check: .venv/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/size_report.py

install: .venv/installed

# constraints.txt pins what was tested together; a stamp makes the second `make` quick and needs no network. Compiled
# once, every command starts in half the time, also where Python is told to keep no bytecode.
.venv/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "callwright needs Python 3.11 or newer")'
	@test -x $(BIN)/uv || ($(PYTHON) -m venv .venv && $(BIN)/pip install --quiet --disable-pip-version-check uv)
	@echo "Installing into .venv"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable . \
	  || $(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

# The tests start hundreds of processes of our own code.
.venv/installed-dev: .venv/installed
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --constraint constraints.txt --editable '.[dev]'
	@$(BIN)/python -m compileall -q asr compliance configs flows llm storage
	@touch $@

samples:
	$(PYTHON) -m venv .venv-samples && .venv-samples/bin/pip install --quiet -r sample_audio/requirements.txt
	.venv-samples/bin/python sample_audio/make.py

bench: .venv/installed-dev
	$(BIN)/callwright bench asr --data $(or $(DATA),sample_audio) --rounds $(or $(ROUNDS),3) \
	  --engines openvino,openvino:beam,ctranslate2 --against faster-whisper-batched,faster-whisper

clean:
	rm -rf .venv .venv-samples .venv-torch var

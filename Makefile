# make run    installs the runtime into .venv and listens to a bundled recording
# make test   installs what the tests need and runs them
# make test-gpu   the tests that need a GPU, on a machine that has one
# make pictures   the pictures of the window in docs/images
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test test-gpu check fix pictures clean

run: $(VENV)/.runtime
	@$(BIN)/python -m kws_app --headless --input assets/demo.flac

test: $(VENV)/.dev
	$(BIN)/python -m pytest

test-gpu: $(VENV)/.dev
	$(BIN)/python -m pytest -m gpu tests/gpu

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

pictures: $(VENV)/.dev
	PYTHONPATH=. $(BIN)/python tests/helpers/window_pictures.py docs/images

clean:
	rm -rf $(VENV)

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) -e '.[train,dev]'
	@touch $@ $(VENV)/.runtime

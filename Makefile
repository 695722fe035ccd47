# make run    installs the runtime into .venv and listens to a bundled recording
# make test   installs what the tests need and runs them
# make test-gpu   the tests that need a GPU, on a machine that has one
# make audit  looks pins and installed packages up among known vulnerabilities; needs network
# make pictures   the pictures of the window in docs/images
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip-audit brings twenty packages of its own, so it has a place of its own.
AUDIT := $(VENV)/audit
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run test test-gpu check fix audit pictures clean

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

audit: $(VENV)/.dev $(AUDIT)/.done
	@$(BIN)/python tests/helpers/audit.py constraints.txt $(AUDIT)/bin/python -m pip_audit

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

$(AUDIT)/.done: Makefile | $(VENV)/bin/python
	$(BIN)/python -m venv $(AUDIT)
	$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	@touch $@

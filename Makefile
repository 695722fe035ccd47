# make run    installs the runtime into .venv and listens to a bundled recording
# make test   installs what the tests need and runs them
# make test-gpu   the tests that need a GPU, on a machine that has one
# make audit  looks pins and installed packages up among known vulnerabilities; needs network
# make fuzz   damaged input for every reader, FUZZ_S seconds each
# make pictures   the pictures of the window in docs/images
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# pip-audit brings twenty packages of its own, so it has a place of its own.
AUDIT := $(VENV)/audit
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

FUZZ := checkpoint labels ledger manifest sound stdin toml
FUZZ_S ?= 600

.PHONY: run test test-gpu check fix audit fuzz $(FUZZ:%=fuzz-%) pictures clean

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

fuzz: $(FUZZ:%=fuzz-%)

# What is new goes to build/fuzz, which later runs go on from; what fails is written there, too.
$(FUZZ:%=fuzz-%): fuzz-%: $(VENV)/.fuzz
	mkdir -p build/fuzz/$*
	OMP_NUM_THREADS=1 PYTHONPATH=.:tests/helpers $(BIN)/python tests/fuzz $* \
	  build/fuzz/$* tests/fuzz/corpus/$* -max_total_time=$(FUZZ_S) \
	  -timeout=10 -rss_limit_mb=1024 -artifact_prefix=build/fuzz/$*-

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

$(VENV)/.fuzz: $(VENV)/.dev
	$(PIP) -e '.[train,fuzz]'
	@touch $@ $(VENV)/.runtime $(VENV)/.dev

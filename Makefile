# Needs Python >= 3.11 (with its venv module) and make, nothing else. `make help` lists the targets.

VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --no-input
JOBS   ?= 3
ARGS   ?=
PYTEST := $(BIN)/python -m pytest

# Each of the many processes that tests and drills start would compile the whole program anew.
unexport PYTHONDONTWRITEBYTECODE

# Where the sample shop's published data is kept once it is fetched, for the demo and the tests.
export REGULARS_SAMPLE ?= $(CURDIR)/$(VENV)/sample

# PYTHON=/path/to/python3.12 make demo   chooses another than the first good one found here.
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14 python; do \
	if $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$p; break; fi; done)

.DEFAULT_GOAL := help
.PHONY: help demo up sample sample-if-possible test sample check lint types imports templates messages-check deps drill bench migration messages \
	constraints wheel audit clean

help:
	@echo "make demo        a sample shop with real retail data, ready to walk through (ARGS=\"--no-serve --json\")"
	@echo "make up          your own shop, in \$$REGULARS_INSTANCE (default ./var)"
	@echo "make test        static checks, then the fast tests"
	@echo "make drill       the tests that take long: kills, the whole demo, the wheel"
	@echo "make check       static checks alone (-k runs all of them past the first failure)"
	@echo "make sample      fetch the sample shop's published data (31 MB), once"
	@echo "make bench       the figures we hold ourselves to (ARGS=\"import --json\")"
	@echo "make migration   write the newest core revision anew from the models"
	@echo "make messages    bring the translation catalogues up to date and compile them"
	@echo "make wheel       build dist/*.whl"
	@echo "make audit       look for known holes in what we depend on"

# ------------------------------------------------------------------------------------------------------------ set-up

$(BIN)/python:
	@if [ -z "$(PYTHON)" ]; then \
		echo "Regulars needs Python 3.11 or newer, and found none. Install it (Debian: apt-get install python3 python3-venv;"; \
		echo "macOS: brew install python) or name one: PYTHON=/path/to/python3.12 make demo"; exit 1; fi
	@"$(PYTHON)" -m venv $(VENV) || { rm -rf $(VENV); \
		echo "$(PYTHON) could not make a virtual environment. Debian and Ubuntu: apt-get install python3-venv"; exit 1; }

# A stamp for each of the two sets of packages; both are made again when what is asked for changes.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV) (a minute, the first time) ..."
	@$(PIP) install -qq --editable . --constraint constraints.txt
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/python
	@echo "Installing into $(VENV), tools for the tests included ..."
	@$(PIP) install -qq --editable '.[dev]' --constraint constraints.txt
	@touch $(VENV)/.installed $@

# The published data of the sample shop, kept where tests and the demo look for it. Tests never fetch: without a network
# those that need it are left out and say so (REGULARS_STRICT=1 fails them).
export REGULARS_SAMPLE ?= $(CURDIR)/$(VENV)/sample

sample: $(VENV)/.installed
	@$(BIN)/python -m webapp.cli.sample >/dev/null

sample-if-possible: $(VENV)/.installed-dev
	-@$(BIN)/python -m webapp.cli.sample >/dev/null

# --------------------------------------------------------------------------------------------------------------- run

demo: $(VENV)/.installed
	@$(BIN)/regulars demo $(ARGS)

up: $(VENV)/.installed
	@$(BIN)/regulars up $(ARGS)

# ------------------------------------------------------------------------------------------------------------- tests

test: sample-if-possible
	@$(MAKE) --no-print-directory -j2 check
	$(PYTEST) -m "not drill" -n $(JOBS) $(ARGS)

# Several files of drills at a time: they wait for half of their time, and assert what holds, never how fast.
drill: sample-if-possible
	$(PYTEST) -m drill --hypothesis-profile=drill -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

bench: $(VENV)/.installed-dev
	@$(BIN)/regulars bench $(ARGS)

check: lint types imports templates messages-check deps

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-logo

templates: $(VENV)/.installed-dev
	$(BIN)/djlint --lint --quiet templates plugins

messages-check: $(VENV)/.installed-dev
	$(BIN)/python tools/messages.py check

deps: $(VENV)/.installed-dev
	$(BIN)/deptry . --no-ansi
	$(BIN)/python tools/constraints.py --check

# ------------------------------------------------------------------------------------------------------------- write

migration: $(VENV)/.installed-dev
	$(BIN)/python tools/revision.py

messages: $(VENV)/.installed-dev
	$(BIN)/python tools/messages.py update

constraints: $(VENV)/.installed-dev
	$(BIN)/python tools/constraints.py

wheel: $(BIN)/python
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .

audit: $(BIN)/python
	$(PIP) install -qq '.[audit]' --constraint constraints.txt
	$(BIN)/pip-audit --requirement constraints.txt --no-deps

clean:
	rm -rf dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# Two commands on a bare machine with Python >= 3.11: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
# Options for pip, for example the CPU-only package index of PyTorch on a Linux machine without a GPU.
PIP_FLAGS ?=
# How many pytest workers; each uses one torch thread.
WORKERS ?= 2

BIN := $(VENV)/bin
# Compiled when longhand is installed; a change installs it anew.
KERNELS := hatch_build.py src/longhand/native/build.py $(wildcard src/longhand/native/cpp/*)
SEED ?= 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo bench test check format clean

help:  ## what can be made
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.installed  ## train from nothing, check all 1,500,500 problems, draw the pictures
	$(BIN)/longhand demo --seed $(SEED)

bench: $(VENV)/.installed-dev  ## measure this code and its peers side by side, into runs/bench
	$(BIN)/longhand bench all

test: check  ## format, lint, types, layers and the whole test suite
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(WORKERS) -m "not slow and not gpu"

check: $(VENV)/.installed-dev  ## format, lint, types and layers only
	$(BIN)/ruff format --check src tests benchmarks deploy
	$(BIN)/ruff check src tests benchmarks deploy
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.installed-dev  ## rewrite the code in the house format
	$(BIN)/ruff format src tests benchmarks deploy
	$(BIN)/ruff check --fix src tests benchmarks deploy

clean:  ## remove the environment and every cache, keep runs/ and data/
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "longhand needs Python >= 3.11, this is %d.%d; name another: make demo PYTHON=python3.11" % sys.version_info[:2])'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --constraint constraints.txt --upgrade pip

$(VENV)/.installed: pyproject.toml constraints.txt $(KERNELS) | $(VENV)/bin/pip
	$(BIN)/pip install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt $(KERNELS) | $(VENV)/bin/pip
	$(BIN)/pip install --quiet $(PIP_FLAGS) --constraint constraints.txt --editable . --group dev
	@touch $@ $(VENV)/.installed

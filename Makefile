# Each target makes the virtual environment that it needs. PYTHON may be any from 3.10 to 3.13.
PYTHON ?= python3
DEMO := .venv-demo
DEV := .venv
PIP := -m pip install --quiet --disable-pip-version-check

.PHONY: help demo test lint bench picture plugin gpu-check clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(DEMO)/ready ## find phrases in the pictures of assets/demo, with the shipped bundle
	$(DEMO)/bin/python samples/demo.py

test: $(DEV)/ready ## run all tests that this machine can run
	OMP_NUM_THREADS=1 $(DEV)/bin/python -m pytest -q -n 2 --dist loadfile

lint: $(DEV)/ready ## ruff and mypy
	$(DEV)/bin/ruff check .
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/mypy

bench: $(DEV)/ready ## latency of the SDK against PyTorch eager, stage by stage, interleaved
	$(DEV)/bin/python samples/benchmark.py models/edge.isfp models/edge.pt

picture: $(DEMO)/ready ## the picture in the README
	$(DEMO)/bin/python samples/demo.py --out assets/readme --only-sheet

clean: ## remove environments and builds
	rm -rf $(DEMO) $(DEV) build demo/out

$(DEMO)/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP) -e .
	@touch $@

$(DEV)/ready: pyproject.toml constraints-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "Python 3.10 or later is needed: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	$(PYTHON) -m venv $(DEV)
	$(DEV)/bin/python $(PIP) -c constraints-dev.txt -e ".[dev]"
	@touch $@

# Everything a newcomer or CI runs. `make demo` and `make test` set up all they need on a machine that has
# Python 3.11+, git and make; uv is used where it is present, venv and pip elsewhere, from one lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA ?=
UV := $(shell command -v uv 2>/dev/null)
PIP_FLAGS := --require-hashes
HOUSE := ../shared/tools/house.py

.PHONY: demo test thorough check bench docs clean lock integration

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit("tallow needs Python 3.11 or newer, this is " + sys.version.split()[0] + "; try: make demo PYTHON=python3.12") if sys.version_info < (3, 11) else None'
ifdef UV
	@uv venv -q --allow-existing --python $(PYTHON) $(VENV)
else
	@$(PYTHON) -m venv $(VENV)
endif

$(VENV)/.core: $(BIN)/python requirements/core.txt pyproject.toml
	@echo "installing tallow and what it needs into $(VENV)" >&2
ifdef UV
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install -q --compile-bytecode --require-hashes -r requirements/core.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install -q --no-deps -e .
else
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/core.txt
	@$(BIN)/python -m pip install -q --no-deps -e .
	@$(BIN)/python -m compileall -q $(VENV)/lib >/dev/null 2>&1 || true
endif
	@$(BIN)/python -m compileall -q src
	@touch $@

$(VENV)/.dev: $(VENV)/.core requirements/dev.txt
	@echo "installing what the tests and checks need into $(VENV)" >&2
ifdef UV
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) uv pip install -q --compile-bytecode --require-hashes -r requirements/dev.txt
else
	@$(BIN)/python -m pip install -q --require-hashes -r requirements/dev.txt
endif
	@touch $@

demo: $(VENV)/.core  ## simulated market (or DATA=folder of recordings) -> lake -> strategies -> certificate -> report
	@$(BIN)/tallow demo $(if $(DATA),--data $(DATA))

test: $(VENV)/.dev  ## the tests, two at a time
	$(BIN)/python -m pytest -n 2 -q -rs -m "not thorough"

thorough: $(VENV)/.dev  ## what neither of the two runs: tutorial, README and pages block by block, kills, long properties
	$(BIN)/python -m pytest -n 2 -q -rs -m "thorough and slow"

check: $(VENV)/.dev  ## lint, format, types, layers, coverage floors, docs, the house
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -n 2 -q -m "not slow" --cov --cov-report=json:.coverage.json --cov-report=
	$(BIN)/python tests/coverage_floors.py .coverage.json
	@if [ -f $(HOUSE) ]; then $(BIN)/python $(HOUSE) src/tallow --tests tests; else echo "house tool not present: structure not measured"; fi

bench: $(VENV)/.core  ## ours beside the peers, each in its own environment, in one run
	$(BIN)/python benchmarks/run.py

docs: $(VENV)/.dev  ## rebuild the generated pages
	$(BIN)/python docs/generate.py

lock:  ## resolve the versions anew (needs uv)
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -U -o requirements/core.txt
	uv pip compile pyproject.toml --extra archive --extra arrow --extra search --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url -q -c requirements/core.txt -U -o requirements/dev.txt

clean:  ## remove everything that can be made again
	rm -rf $(VENV) .venv-peers .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* tallow-demo build dist
	find src tests benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# Everything runs in .venv, made from the hash-pinned requirements.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: help demo serve test check docs setup milvus-servers kms-server clean

help: ## Show the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:.*## /\t/'

setup: $(INSTALLED) ## Make .venv and install everything into it

$(INSTALLED): requirements/dev.txt pyproject.toml hatch_build.py $(wildcard src/countenance/adapters/exact/*.[ch])
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: $(INSTALLED) ## Enrol sample portraits, search them, write a report
	@$(BIN)/python examples/demo.py

serve: $(INSTALLED) ## Start the web page on 127.0.0.1:8000 over the demo's gallery
	@$(BIN)/countenance serve --home demo/home

test: $(INSTALLED) ## Run all tests
	$(BIN)/python -m pytest

check: $(INSTALLED) ## The gate: format, lint, types, layers, documentation up to date
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate_reference.py --check

docs: $(INSTALLED) ## Write docs/reference/ anew from the code
	$(BIN)/python docs/generate_reference.py

milvus-servers: .venv-milvus/.installed ## Install the Milvus servers that tests start, into an environment of their own

.venv-milvus/.installed: requirements/milvus-servers.txt
	$(PYTHON) -m venv .venv-milvus
	.venv-milvus/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/milvus-servers.txt
	@touch $@

kms-server: .venv-kms/.installed ## Install the key service that tests start, into an environment of its own

.venv-kms/.installed: requirements/kms-server.txt
	$(PYTHON) -m venv .venv-kms
	.venv-kms/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/kms-server.txt
	@touch $@

clean: ## Remove what was made here; the cache of samples stays
	rm -rf $(VENV) .venv-milvus .venv-kms demo build dist

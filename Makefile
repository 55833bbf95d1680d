# Two commands for a newcomer: `make run` and `make test`. Everything else builds on them.
SHELL := /bin/bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	$$p -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
UV := uv==0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup run demo test unit lint bench faults api lock clean

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

$(VENV)/.synced: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "concern-relay needs Python 3.11 or newer on PATH as python3"; exit 1; }
	@echo "setting up $(VENV) (the first time downloads about 300 MB)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "$(UV)"
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --require-hashes --requirement requirements.lock
	@mkdir -p build/proto
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

setup: $(VENV)/.synced ## make .venv with everything in it, and the code generated from proto/
	@$(BIN)/python scripts/build_proto.py

run: setup ## start all of it here; sample concerns flow; Ctrl-C stops it
	@$(BIN)/concern-relay run

demo: setup ## the same, feed the sample, wait for each concern to run its course, print the books
	@$(BIN)/concern-relay demo

test: setup ## every test, against the real broker and the real database
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

unit: setup ## the pure tests only, but for the exhaustive ones: no server
	@$(BIN)/python -m pytest tests/unit -m "not exhaustive" -n 2 --dist worksteal

lint: setup ## format, lint, types, schema, imports
	@$(BIN)/ruff format --check . && $(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/lint-imports && $(BIN)/buf lint

bench: setup ## measure against the targets; writes bench/results/latest.json
	@$(BIN)/python -m bench

faults: setup ## kill -9, a stopped broker, taken ports, racing workers: what must not lose or repeat anything
	@$(BIN)/python -m pytest tests/chassis tests/servers tests/vault tests/audit tests/system/test_kill.py tests/system/test_agencies.py

api: setup ## hold every running service to its own OpenAPI, with thousands of requests
	@$(BIN)/python scripts/check_api.py --examples 50

lock: ## resolve the dependencies anew into requirements.lock
	@$(BIN)/uv lock --upgrade && $(BIN)/uv export --quiet --all-groups --no-emit-project --no-emit-index-url \
		--no-header --format requirements.txt --output-file requirements.lock

clean: ## remove what was built and the local state (.relay)
	rm -rf build .relay .relay-test $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The verbs of this project. `make` alone lists them. Each sets up what it needs first.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup model test lint types check-defs check-profiles format dev demo bench-gates clean

help: ## List the verbs
	@awk -F ':|## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$NF }' $(MAKEFILE_LIST)

setup: ## Make .venv (Python 3.12, exact versions); nothing to do when it is up to date
	@bash tools/bootstrap.sh
	@$(BIN)/python -m tools.sandbox_setup

model: ## Set up the local model server in the user's cache folder (once, about 3 minutes, 4 GB)
	@$(PYTHON) tools/local_model.py setup

test: setup ## All tests; those that need the local model skip, with the reason, where it cannot be set up
	@[ -n "$${OMNICLAUDE_MODEL_BASE_URL:-}" ] || $(PYTHON) tools/local_model.py setup \
	  || echo "test: no local model (see above); the tests that need one are skipped" >&2
	@$(BIN)/pytest -n 2 --dist loadgroup $(PYTEST_ARGS)

lint: setup ## Lint and check the format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

check-defs: setup ## Both of Dagster's own checks of the definitions
	@env -u DAGSTER_HOME VIRTUAL_ENV=$(CURDIR)/.venv DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dg check defs
	@env -u DAGSTER_HOME DAGSTER_DISABLE_TELEMETRY=1 $(BIN)/dagster definitions validate -w workspace.yaml

types: setup ## Type-check strictly
	@$(BIN)/mypy

format: setup ## Format, and fix what can be fixed safely
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

dev: setup ## Dagster UI, daemon and sensor on localhost
	@$(BIN)/python -m tools.dev

demo: setup ## Four requests become four nodes, with a real local model
	@$(BIN)/python -m tools.demo

bench-gates: setup ## Time the gates and judge them by mutants
	@$(BIN)/python -m bench.gates

check-profiles: setup ## Prove the table of core versions, each against the core it names
	@$(BIN)/python -m tools.check_profiles

clean: ## Remove environments and caches; .omniclaude (your state) and the local model stay
	@rm -rf .venv .bootstrap .mypy_cache .ruff_cache .pytest_cache .hypothesis dist
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

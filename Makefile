# netstack-emulator: "make run" and "make test" do all set-up themselves, in a fresh clone as in a used one.
PYTHON ?= python3
VENV ?= .venv

# Tests with a TAP have a network namespace each, so they run beside one another; a third waits while two compute.
PYTEST_WORKERS ?= 3

SETUP = PYTHON='$(PYTHON)' VENV='$(VENV)' sh scripts/setup.sh

.DEFAULT_GOAL := help
.PHONY: help run test lint bench clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-6s %s\n", $$1, $$2 }' Makefile
	@echo 'PYTHON=python3.12 chooses another interpreter (3.11 or newer), VENV=folder another place for the environment.'

run: ## set up, then run the main job: an emulated device answers this machine's ping and curl
	@$(SETUP) run
	@$(VENV)/bin/netstack demo

test: ## set up, then ruff, mypy --strict and all tests
	@$(SETUP) test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/pytest -n $(PYTEST_WORKERS) --dist worksteal

lint: ## set up, then ruff and mypy --strict only
	@$(SETUP) test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy

bench: ## set up, then what a segment costs in the stack, in a virtual network and on an impaired wire
	@$(SETUP) run
	$(VENV)/bin/python benchmarks/packet_path.py
	$(VENV)/bin/python benchmarks/virtual.py
	$(VENV)/bin/python benchmarks/impair.py

clean: ## remove the environment, caches, builds and captures
	rm -rf $(VENV) build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	rm -f *.pcapng
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

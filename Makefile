# Every target has a `## help` text; bare `make` prints them. CI calls the same targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
DEV := $(VENV)/.ready-dev

.DEFAULT_GOAL := help
.PHONY: help setup run test lint types format docs bench lab clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "loopdiag needs Python 3.11 or later; name one with PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m compileall -q loopdiag  # an editable install is not compiled, and start-up is a budget
	@touch $@

# pip knows dependency groups from 25.1 on; older Pythons bring an older pip.
$(DEV): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --group dev
	@touch $@

setup: $(DEV) ## make the environment with everything that development needs

run: $(READY) ## set up and run the main job; ARGS="why localhost:3000" runs anything else
ifdef ARGS
	@$(BIN)/loopdiag $(ARGS)
else
	@$(BIN)/loopdiag ping -c 3 -i 0.2 127.0.0.1
	@echo
	@$(BIN)/loopdiag resolve localhost
	@echo
	@$(BIN)/loopdiag bind-test 0.0.0.0
endif

test: $(DEV) ## set up and run all tests; ARGS="-k ping" picks some
	$(BIN)/python -m pytest $(ARGS)

lint: $(DEV) ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(DEV) ## mypy, strict
	$(BIN)/mypy

docs: $(READY) ## write the documents that are made of the program's own texts
	$(BIN)/loopdiag explain --markdown >docs/causes.md.tmp
	mv docs/causes.md.tmp docs/causes.md
	$(BIN)/python -c 'from loopdiag.diagnose.clients import document; print(document(), end="")' >docs/clients.md.tmp
	mv docs/clients.md.tmp docs/clients.md

lab: $(READY) ## run the lab as root: every broken host diagnosed and graded
	$(BIN)/loopdiag lab score $(ARGS)

clean: ## remove the environment and what the tools left
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache dist build

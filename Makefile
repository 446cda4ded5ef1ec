# Everything a reader or a contributor runs. Needs git, make and Python 3.11 or newer; `make demo` is the place to begin.

find = $(shell command -v $(1))
PYTHON ?= $(or $(call find,python3),$(call find,python3.13),$(call find,python3.12),$(call find,python3.11),$(call find,python))
VENV := .venv/bin
RUN := $(VENV)/python

# Parallel test processes; `make test JOBS=0` runs them in one, which suits a debugger.
JOBS ?= auto
# Of tests that mostly wait for real processes.
WAITING ?= $(if $(filter auto,$(JOBS)),3,$(JOBS))
# pytest's status 5: a part that has none of the tests in ARGS. Somewhere there must be one.
or_is_empty = { status=$$?; [ $$status -eq 5 ] || exit $$status; empty=$$empty.; }
# More words for pytest: `make test ARGS="-k lease -x"`.
ARGS ?=

templates = $(shell test -d templates && find templates -name '*.html')
# `check --deploy` judges the settings of a production machine, with keys made for the occasion.
production = env $(shell $(RUN) -m config.keys 2>/dev/null) ENV_FILE=/dev/null DEBUG=0 ALLOW_CUSTOM_CRM_HOSTS=0 PUBLIC_URL=https://hub.example.com \
	SECURE_PROXY_SSL_HEADER=HTTP_X_FORWARDED_PROTO,https

.DEFAULT_GOAL := help
.PHONY: help demo up test test-pg test-faults bench check format lock clean runtime dev

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

demo: runtime  ## Show the hub with made-up data and four simulated CRMs; ONCE=1 checks it and ends, PORT=n chooses the port
	@exec $(RUN) manage.py demo $(if $(filter-out 0,$(ONCE)),--once) $(if $(PORT),--port $(PORT))

up: runtime  ## Run the hub for real accounts; PORT=n chooses the port
	@exec $(RUN) manage.py up $(if $(PORT),--port $(PORT))

test: dev  ## Run all tests but the long ones: on SQLite; the engine's at two CRMs on PostgreSQL; those of faults on PostgreSQL
	@empty=; \
	$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not long and (sqlite or not faults)" $(ARGS) || $(or_is_empty); \
	TEST_DATABASE=postgres $(RUN) -m pytest -n $(JOBS) --dist worksteal -m "(engine or postgres) and not (long or faults)" \
		-k "not leadsquared and not leadlex" $(ARGS) || $(or_is_empty); \
	TEST_DATABASE=postgres $(RUN) -m pytest -n $(WAITING) --dist worksteal -m "faults and not long" $(ARGS) || $(or_is_empty); \
	[ "$$empty" != ... ] || exit 5

test-pg: dev  ## Run all tests but the long ones on PostgreSQL
	@TEST_DATABASE=postgres $(RUN) -m pytest -n $(JOBS) --dist worksteal -m "not long" $(ARGS)

test-faults: dev  ## Run the tests of faults, the long ones too
	@empty=; \
	$(RUN) -m pytest -n $(JOBS) --dist worksteal -m "faults and sqlite" $(ARGS) || $(or_is_empty); \
	TEST_DATABASE=postgres $(RUN) -m pytest -n $(WAITING) --dist worksteal -m faults $(ARGS) || $(or_is_empty); \
	[ "$$empty" != .. ] || exit 5

bench: dev  ## Measure the hub and its peers in some sixteen minutes; QUICK=1 measures less
	@exec $(RUN) -m bench $(if $(filter-out 0,$(QUICK)),--quick) $(ARGS)

check: dev  ## Check format, lint, types, layers, migrations and production settings
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(if $(templates),$(VENV)/djade --check $(templates))
	$(production) $(RUN) -m mypy
	$(VENV)/lint-imports --no-logo
	$(production) $(RUN) manage.py makemigrations --check --dry-run
	$(production) $(RUN) manage.py check --deploy --fail-level WARNING

format: dev  ## Format the code and repair what can be repaired
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .
	$(if $(templates),$(VENV)/djade $(templates))

lock:  ## Choose package versions anew, from requirements.in and requirements-dev.in
	@$(PYTHON) tools/lock.py

clean:  ## Remove the virtual environment and caches; var/ with its data and keys stays
	rm -rf .venv .venv.lock .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis staticfiles
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

runtime:
	@$(if $(PYTHON),,echo "error: no Python was found on the PATH; Python 3.11 or newer is needed" >&2; exit 1)
	@$(PYTHON) tools/bootstrap.py requirements.txt

dev:
	@$(if $(PYTHON),,echo "error: no Python was found on the PATH; Python 3.11 or newer is needed" >&2; exit 1)
	@$(PYTHON) tools/bootstrap.py requirements-dev.txt

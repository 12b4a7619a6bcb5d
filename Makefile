# make run    a gateway, a registry and two instances of a sample service on this machine; Ctrl-C stops them
# make test   every test
# make lint   what ruff and mypy say
# make sanitize, fuzz, valgrind   the native pump under each of them; see tests/fuzz/Makefile
# make bench  the gateway beside nginx, HAProxy and Caddy; see benchmarks/README.md
# make clean  as after git clone
#
# Each sets up what it needs in .venv first. Python 3.11 or newer is all that has to be there.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# How many processes share the tests.
JOBS ?= 2
# Which tests, for instance TESTS=tests.core
TESTS ?= tests

.PHONY: run test lint sanitize fuzz valgrind bench clean

run: .venv/installed
	@$(BIN)/python tools/foreground.py $(BIN)/python -m apiml_ws.quickstart --state .state

test: .venv/equipped
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m twisted.trial --jobs $(JOBS) $(TESTS)

lint: .venv/equipped
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

bench: .venv/installed
	@$(PIP) install matplotlib
	@benchmarks/run.sh latest --among 100,1000,10000
	@$(BIN)/python benchmarks/plots.py benchmarks/results/latest.json

sanitize fuzz valgrind: .venv/equipped
	@$(MAKE) --directory tests/fuzz PYTHON=$(CURDIR)/$(BIN)/python $@

clean:
	rm -rf .venv .venv-oldest .state build *.egg-info _trial_temp* .coverage* htmlcov .mypy_cache .ruff_cache .hypothesis
	find apiml_ws -name '*.so' -delete
	find apiml_ws tests twisted -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

.venv/created:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; set PYTHON to its path" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON to its path")'
	@echo "Making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/installed: .venv/created setup.py setup.cfg pyproject.toml $(wildcard apiml_ws/proxy/pump/*.c apiml_ws/proxy/pump/build_pump.py)
	@echo "Installing the project into .venv"
	@$(PIP) install --editable .
	@touch $@

.venv/equipped: .venv/installed
	@echo "Installing what the tests need into .venv"
	@$(PIP) install --editable '.[test,lint]'
	@touch $@

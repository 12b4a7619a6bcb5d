# make run    a gateway, a registry and two instances of a sample service on this machine; Ctrl-C stops them
# make test   every test
# make integration   the tests with Netflix's registry (wants a JDK and Maven) and clients of others (some want Node.js)
# make ha     instances and gateways killed and restarted under sessions (wants HAProxy); see docs/high-availability.md
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

REGISTRY := tests/integration/eureka-server
FOREIGN := tests/integration/foreign

.PHONY: run test integration ha lint sanitize fuzz valgrind bench clean

run: .venv/installed
	@$(BIN)/python tools/foreground.py $(BIN)/python -m apiml_ws.quickstart --state .state

test: .venv/equipped
	@$(BIN)/coverage erase
	@$(BIN)/coverage run -m twisted.trial --jobs $(JOBS) $(TESTS)

integration: .venv/befriended $(REGISTRY)/target/eureka-server.jar $(FOREIGN)/node_modules
	@APIML_WS_INTEGRATION=1 $(BIN)/trial --temp-directory=_trial_temp_integration --jobs $(JOBS) tests.integration

ha: .venv/equipped
	@$(BIN)/trial --temp-directory=_trial_temp_ha tests.e2e.test_high_availability tests.e2e.test_many_gateways

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
	rm -rf $(REGISTRY)/target $(FOREIGN)/node_modules
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

.venv/befriended: .venv/equipped
	@echo "Installing clients of others into .venv"
	@$(PIP) install --editable '.[test,integration]'
	@touch $@

# What cannot be had here is missing below, and the tests say so.
$(REGISTRY)/target/eureka-server.jar: $(REGISTRY)/pom.xml $(shell find $(REGISTRY)/src -type f)
	@command -v mvn >/dev/null || { echo "mvn is not there: no registry is built"; exit 0; }; \
	echo "Building a registry in $(REGISTRY)"; \
	mvn --quiet --batch-mode --file $(REGISTRY)/pom.xml package -DskipTests

$(FOREIGN)/node_modules: $(FOREIGN)/package.json
	@command -v npm >/dev/null || { echo "npm is not there: no clients for Node.js are fetched"; exit 0; }; \
	echo "Fetching clients for Node.js into $(FOREIGN)"; \
	npm install --prefix $(FOREIGN) --no-package-lock --no-audit --no-fund --loglevel=error && touch $@

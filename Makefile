# Setting up needs only Python (3.11 or newer) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.ready
SERVER := tests/integration/server
# It asks for pre-releases of AMPEL that ours is not tested on, and works without them: docs/ampel.md.
AMPEL_LSST := 0.10.1a28

.DEFAULT_GOAL := help
.PHONY: help venv venv-train demo test mongo-server test-integration check format lint types contracts bundle docs benchmark clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  \1: /p' Makefile

venv: $(STAMP) ## set up .venv with all that developing needs

$(STAMP): pyproject.toml
	$(PYTHON) -c "import sys; sys.exit(0 if sys.version_info >= (3, 11) else f'Python 3.11 or newer is needed, {sys.executable} is {sys.version.split()[0]}: make PYTHON=python3.12')"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps "ampel-lsst==$(AMPEL_LSST)"
	touch $(STAMP)

venv-train: $(STAMP) ## add TensorFlow, for the tests that train networks
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[train-cpu]"

demo: $(STAMP) ## simulate a night, rank it, open the terminal app
	$(BIN)/ampel-followup demo

# One process more than two cores: many tests wait for a server, a browser or a terminal.
test: $(STAMP) ## run the tests
	$(BIN)/python -m pytest -n 3 --dist worksteal -q

mongo-server: $(SERVER)/lib/.ready ## set up a server that speaks MongoDB's protocol, for tests; needs a JDK and Maven

$(SERVER)/lib/.ready: $(SERVER)/pom.xml $(wildcard $(SERVER)/*.java)
	@for program in javac mvn; do command -v $$program >/dev/null || { \
		echo "$$program is needed for the server of the tests: install a JDK (17 or newer) and Maven, on Debian" \
			"default-jdk-headless and maven; or let MONGO_URI name a MongoDB server" >&2; exit 1; }; done
	mvn -q -B -f $(SERVER)/pom.xml dependency:copy-dependencies -DoutputDirectory=lib
	javac -cp '$(SERVER)/lib/*' -d $(SERVER)/lib $(wildcard $(SERVER)/*.java)
	touch $@

# With MONGO_URI, the tests use that server, each in a database of its own that is dropped afterwards.
test-integration: $(STAMP) $(if $(MONGO_URI),,mongo-server) ## run AMPEL on a database server
	$(BIN)/python -m pytest tests/integration -q

check: format lint types contracts test ## the whole loop before a change is submitted

format: $(STAMP)
	$(BIN)/ruff format --check .

lint: $(STAMP)
	$(BIN)/ruff check .

types: $(STAMP)
	$(BIN)/mypy
	MYPYPATH=units:tui $(BIN)/mypy --namespace-packages --explicit-package-bases units/ampel

contracts: $(STAMP)
	$(BIN)/lint-imports --config pyproject.toml

bundle: $(STAMP) ## train the packaged model bundle again, from simulation
	$(BIN)/python scripts/build_default_bundle.py

benchmark: $(STAMP) ## measure start-up, throughput, visibility, gain and features
	$(BIN)/python benchmarks/start_up.py --json
	$(BIN)/python benchmarks/tui_latency.py --json
	$(BIN)/python benchmarks/throughput.py --json
	$(BIN)/python benchmarks/observing_speed.py --quick --json
	$(BIN)/python benchmarks/gain_speed.py --json
	$(BIN)/python benchmarks/features_speed.py --json

clean: ## remove what can be made again
	rm -rf $(VENV) $(SERVER)/lib .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis demo

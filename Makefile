# Everything that this project needs, from a machine with Python, make and root.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NEXUSCTL := $(BIN)/nexusctl
DEMO := stacks/microservices/nexus.yaml
# Most of a test's time is spent waiting for the engine.
WORKERS ?= 6
# What depends on the engine's version.
NEWER ?= tests/engine tests/e2e tests/drift

.PHONY: help demo test lint docs properties oracles fuzz bench faults rivals daemon-kills executions instances probes quiet newer clean compiled asserts engine tools keyring podman

help:
	@echo "make demo         set everything up and run the whole scenario of stacks/microservices"
	@echo "make test         set everything up and run every test, on a real engine"
	@echo "make lint         ruff, mypy and the map of the house"
	@echo "make docs         the site of docs/, in site/: every warning is an error"
	@echo "make properties   what holds for every plan, with 100,000 examples of each property"
	@echo "make oracles      texts as docker compose, bash and others read them, with 2,000 examples of each property"
	@echo "make fuzz         any bytes and documents as stack files, engines that say anything, forged objects (SECONDS=900)"
	@echo "make bench        nexusctl, docker compose and the bare engine side by side (BENCH='--rows chain,upload')"
	@echo "make door         fifty agents at once, a hundred kills, clients of others, and the scenario of the tools for agents"
	@echo "make door-kills   the kills of it alone: a server killed at KILLS=100 points, in parts beside each other"
	@echo "make faults       spoil every engine call of every kind of change, beside docker compose (FAULTS='--sample 100 replace')"
	@echo "make rivals       a hundred rounds of several nexusctl on one stack at once"
	@echo "make daemon-kills an engine killed in mid-apply, twenty times"
	@echo "make executions   a follower, a watcher, a server, a sandbox or an engine killed while a command runs, 200 times"
	@echo "make instances    many stacks at once, each healthy and at ports of its own, and nothing left (STACKS='hello regions*9')"
	@echo "make probes       the attacks that were played on nexusctl, played again"
	@echo "make templates    every built-in template made, started, given a package and used; many minutes the first time"
	@echo "make quiet        a thousand plans of a stack with every field, where nothing has changed"
	@echo "make newer        the tests that depend on the engine's version, on Docker 26 in namespaces of its own"
	@echo "make clean        remove the virtual environment and what tools left here"

demo: $(VENV)/ready engine
	$(NEXUSCTL) apply -f $(DEMO) --yes
	@echo
	$(NEXUSCTL) status -f $(DEMO)
	@echo
	$(NEXUSCTL) logs -f $(DEMO) integration-tests
	@echo
	$(NEXUSCTL) logs -f $(DEMO) benchmark
	@echo
	@$(NEXUSCTL) status -f $(DEMO) --json | $(BIN)/python -c 'import json, sys; \
	  rows = json.load(sys.stdin)["sandboxes"]; \
	  print("Open it:"); \
	  [print("  " + row["name"].ljust(12), row["endpoint"]) for row in rows if row.get("endpoint")]'
	@echo "Remove it: $(NEXUSCTL) destroy -f $(DEMO) --volumes"

test: $(VENV)/dev engine keyring podman compiled asserts
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder --hypothesis-profile default $(TESTS)

lint: $(VENV)/dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

docs: $(VENV)/dev
	$(BIN)/zensical build --strict --clean

properties: $(VENV)/dev
	$(BIN)/pytest --numprocesses $(WORKERS) --hypothesis-profile nightly tests/plan/test_properties.py

oracles: $(VENV)/dev
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --hypothesis-profile oracles -m "not engine" \
	  tests/importers tests/config/edit/test_property.py tests/mcp/test_arguments.py

fuzz: $(VENV)/dev
	$(BIN)/python -m pip install --quiet --editable '.[fuzz]'
	$(BIN)/python -m tests.fuzz $(SECONDS)

# As users have it: an editable install looks for its modules elsewhere, and takes longer.
bench: $(VENV)/ready engine
	$(BIN)/python -m venv --clear $(VENV)/wheel
	$(VENV)/wheel/bin/python -m pip install --quiet '.[watch]'
	$(VENV)/wheel/bin/python bench/run.py $(BENCH)

faults: $(VENV)/dev engine compiled
	$(BIN)/python -m tests.faults $(FAULTS)

.PHONY: door
door: $(VENV)/dev engine compiled
	DOOR_CLIENTS=1 DOOR_CROWD=50x20 DOOR_MANY=100 DOOR_KILLS=100 $(BIN)/pytest tests/mcp

.PHONY: door-kills
door-kills: $(VENV)/dev engine compiled
	DOOR_KILLS=$(or $(KILLS),100) $(BIN)/pytest --numprocesses $(WORKERS) --dist load tests/mcp/test_killed.py

rivals: $(VENV)/dev engine compiled
	$(BIN)/python -m tests.e2e.rivals $(RIVALS)

daemon-kills: $(VENV)/dev engine compiled
	$(BIN)/python -m tests.daemon.kills $(KILLS)

executions: $(VENV)/dev engine compiled
	$(BIN)/python -m tests.daemon.execution_kills $(KILLS)

instances: $(VENV)/dev engine compiled
	$(BIN)/python -m tests.stacks.instances $(foreach stack,$(STACKS),'$(stack)')

probes: $(VENV)/dev engine compiled
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile tests/attacks

.PHONY: templates
templates: $(VENV)/dev engine compiled
	$(BIN)/pytest --durations 0 tests/templates/every_template.py tests/templates

quiet: $(VENV)/dev engine compiled
	QUIET_PLANS=1000 $(BIN)/pytest tests/drift/test_no_false_alarm.py

newer: $(VENV)/dev engine compiled
	.ci/newer-engine start
	.ci/newer-engine run $(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile $(NEWER); \
	  code=$$?; .ci/newer-engine stop; exit $$code

clean:
	rm -rf $(VENV) dist build site .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# pip compiles what it installs, but not what is installed as editable: without this every command would do it anew
# where PYTHONDONTWRITEBYTECODE is set, and that is two thirds of a plan's time.
compiled: $(VENV)/ready
	@$(BIN)/python -m compileall -q nexusctl tests

# What pytest makes of the assertions of every test, written down once, not made by each of its processes where
# PYTHONDONTWRITEBYTECODE is set: that is more than half of what each takes to collect the tests.
asserts: $(VENV)/dev
	@ls -d tests/*/ | PYTHONDONTWRITEBYTECODE= xargs -P 2 -n 20 \
	  $(BIN)/pytest --collect-only --quiet -p no:cacheprovider >/dev/null || true

# The engine, and what makes a base image where no registry is reached.
engine: $(VENV)/ready tools
	$(NEXUSCTL) engine start --yes

tools:
	@command -v mmdebstrap >/dev/null || .ci/install mmdebstrap

# What a desktop brings, for one test, which is skipped where it cannot be had.
keyring:
	@command -v gnome-keyring-daemon >/dev/null && command -v dbus-run-session >/dev/null || \
	  .ci/install gnome-keyring dbus-daemon || true

# For the tests that it is refused, which are skipped where it cannot be had.
podman:
	@command -v podman >/dev/null || .ci/install podman || true

$(VENV)/ready: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable .
	@touch $@

$(VENV)/dev: pyproject.toml $(VENV)/ready
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

# Debian's python3 comes without the module that puts pip into a virtual environment.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: nexusctl needs Python 3.11 or newer; name one with: make PYTHON=/path/to/python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || .ci/install python3-venv
	$(PYTHON) -m venv $(VENV)

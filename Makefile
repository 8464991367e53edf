# On a fresh machine each target first makes what it needs: git 2.38, Python 3.11 and make are enough.
PYTHON ?= python3
BIN := .venv/bin
DIR ?=
ARGS ?=
# Containers set it. Each of the thousands of processes of the tests would then compile every module that it loads.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help venv demo test long soak lint format bench clean

help:
	@echo 'make demo    five plans, four agents, real commits, refusals and proofs, in a throw-away repository'
	@echo 'make test    the tests             (ARGS="tests/test_report.py -k width")'
	@echo 'make long    the tests that take minutes by themselves'
	@echo 'make soak    thousands of random steps of a team, against a second reader (docs/SECURITY.md)'
	@echo 'make lint    ruff and mypy'
	@echo 'make format  let ruff mend what it can'
	@echo 'make bench   the benchmarks        (benchmarks/RESULTS.md)'
	@echo 'make venv    .venv with everything that development needs'

PIP := -m pip --quiet --disable-pip-version-check

# The product alone, for the demo: a good deal faster to install than what its development needs. A pip of its own
# would take the environment as long again, so that of $(PYTHON) is used where there is one (pip 22.3).
$(BIN)/conductor-git: pyproject.toml
	$(PYTHON) -m venv --without-pip .venv
	$(PYTHON) $(PIP) --python $(BIN)/python install --editable . 2>/dev/null \
		|| { $(BIN)/python -m ensurepip >/dev/null && $(BIN)/python $(PIP) install --editable .; }
	@touch $@

# Dependency groups need pip 25.1.
.venv/developing: $(BIN)/conductor-git
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(BIN)/python $(PIP) install 'pip>=25.1'
	$(BIN)/python $(PIP) install --group dev
	@touch $@

venv: .venv/developing

demo: $(BIN)/conductor-git
	$(BIN)/conductor-git demo $(DIR)

test: venv
	$(BIN)/pytest $(ARGS)

long: venv
	$(BIN)/pytest -m long $(ARGS)

soak: venv
	$(BIN)/pytest -q -s -n 0 --timeout 0 --hypothesis-profile soak tests/test_team_model.py $(ARGS)

lint: venv
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

format: venv
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

bench: venv
	$(BIN)/python benchmarks/run.py $(ARGS)

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis

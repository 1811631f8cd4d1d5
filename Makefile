# `make fetch` runs the main job, `make test` proves the code; each makes the virtual environment it needs.
PYTHON ?= python3
VENV ?= .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet

.PHONY: fetch test lint types unit clean

fetch: $(VENV)/installed
	$(VENV)/bin/aggregator fetch

test: lint types unit

lint: $(VENV)/installed-test
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .

types: $(VENV)/installed-test
	$(VENV)/bin/mypy

unit: $(VENV)/installed-test
	$(VENV)/bin/pytest -n auto --dist worksteal -rs

$(VENV)/installed: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable .
	touch $@

$(VENV)/installed-test: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable '.[test]'
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

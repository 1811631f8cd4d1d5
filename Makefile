# `make fetch` runs the main job, `make test` proves the code; each makes the virtual environment it needs.
PYTHON ?= python3
VENV ?= .venv
PIP := $(VENV)/bin/python -m pip --disable-pip-version-check --quiet
# `make test-lowest` needs uv to choose the lowest versions; where there is none, pip installs it beside.
LOWEST := .venv-lowest
UV := $(or $(shell command -v uv),.venv-uv/bin/uv)

NEWEST := .venv-newest
QUICK := 'not (processes or browser or corpus or hypothesis or long)'

.PHONY: fetch test lint types unit quick test-lowest test-newest bench docs release clean

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

# While working: a minute. Left out is what starts processes or a browser, reads the corpus, tries generated cases, or
# waits and renders for long; tests/conftest.py marks it.
quick: lint types
	$(VENV)/bin/pytest -n logical --dist worksteal -m $(QUICK)

# The tests once more, with the lowest versions of the dependencies that pyproject.toml allows. Left out are those of the
# mark `system`, which show the same with any version of a library (tests/conftest.py names them), and those with a
# browser or the corpus, whose hundreds of documents are for our own code; generated cases are fewer.
test-lowest: $(LOWEST)/installed-test
	AGGREGATOR_LOWEST=1 AGGREGATOR_EXAMPLES=0.5 \
	$(LOWEST)/bin/pytest -n auto --dist worksteal -rs -m 'not (browser or corpus or system)'

# The tests of `make quick` once more, with the newest supported Python in PATH: each version warns of more.
test-newest: $(NEWEST)/installed-test
	$(NEWEST)/bin/pytest -n auto --dist worksteal -rs -m $(QUICK)

# Whole processes against other programs (benchmarks/README.md): 20 minutes at most; what was measured is kept, and
# ARGUMENTS=--everything goes on with the rest. ARGUMENTS='--report --publish' puts it into README.md and docs.
bench: $(VENV)/installed-test
	$(VENV)/bin/python benchmarks/bulk $(ARGUMENTS)

# dist/*.tar.gz and dist/*.whl, each installed into a clean environment, where it runs the main job without network; the
# wheel with every Python 3.11 to 3.14 in PATH (PYTHONS=…).
release:
	.ci/release

# docs/ as a site in site/, which is read in a browser, without a network too. A link that leads nowhere is an error.
docs: $(VENV)/installed-docs
	$(VENV)/bin/python -m docs.building.rooms
	NO_MKDOCS_2_WARNING=1 $(VENV)/bin/python -m mkdocs build --strict
	@echo "open site/index.html"

$(VENV)/installed: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable .
	$(VENV)/bin/python -m compileall -q aggregator  # pip does so for all but what is editable: a start takes half the time
	touch $@

$(VENV)/installed-test: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable '.[test]'
	touch $@ $(VENV)/installed

$(VENV)/installed-docs: pyproject.toml
	test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --editable '.[docs]'
	touch $@ $(VENV)/installed

$(LOWEST)/installed-test: pyproject.toml | $(UV)
	rm -rf $(LOWEST)
	$(PYTHON) -m venv --without-pip $(LOWEST)
	$(UV) pip install --quiet --python $(LOWEST)/bin/python --resolution lowest-direct --editable '.[test,fast]'
	touch $@

$(NEWEST)/installed-test: pyproject.toml
	rm -rf $(NEWEST)
	for each in 3.14 3.13 3.12 3.11; do \
	  python$$each -m venv --clear $(NEWEST) 2>/dev/null && exit; \
	done; echo "no python3.11 to python3.14 is in PATH"; exit 1
	$(NEWEST)/bin/python -m pip --disable-pip-version-check --quiet install --editable '.[test]'
	touch $@

.venv-uv/bin/uv:
	$(PYTHON) -m venv .venv-uv
	.venv-uv/bin/python -m pip --disable-pip-version-check --quiet install uv

clean:
	rm -rf $(VENV) .venv-lowest .venv-newest .venv-uv build dist site *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

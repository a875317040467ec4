# Everything a newcomer needs: `make demo` shows the main job on a real game, `make test` checks all of it.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PEERS := .venv-peers
TRAINERS := .venv-trainers

.PHONY: install demo lab notebooks docs docs-serve test lint format bench peers trainers clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit("Staghunt needs Python 3.11 to 3.13, and found " + sys.version.split()[0] + "; set PYTHON=/path/to/python3.11") if not (3, 11) <= sys.version_info < (3, 14) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,envs,ray,ratings]'
	$(BIN)/python -m experiments.warm
	@touch $@

demo: install
	@$(BIN)/python -m experiments.demo

# Jupyter with the notebooks, in the same environment (LAB="--no-browser --port 9999" are options of its own); `make notebooks` runs them all in full and stores what they show.
lab: install
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[notebook]'
	$(BIN)/jupyter lab --notebook-dir notebooks $(if $(filter 0,$(shell id -u)),--allow-root) $(LAB)

notebooks: install
	$(BIN)/python -m experiments.notebook.run

# The documentation as a web site in site/; nothing in it is loaded from elsewhere. `make docs-serve` shows it while it is written.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

docs-serve: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs serve

test: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist loadscope --no-loadscope-reorder

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# The peers of the benchmarks, in an environment of their own (one of them compiles for about five minutes).
peers: $(PEERS)/.installed

$(PEERS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,envs,peers,ray]'
	@touch $@

# BenchMARL and VMAS, which fix versions of their own; its torchvision does not fit a CPU torch and is not needed.
trainers: $(TRAINERS)/.installed

$(TRAINERS)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(TRAINERS)
	$(TRAINERS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,envs,trainers]'
	$(TRAINERS)/bin/python -m pip uninstall --quiet --yes torchvision
	@touch $@

bench: peers trainers
	$(PEERS)/bin/staghunt bench solvers
	$(PEERS)/bin/staghunt bench trees
	$(PEERS)/bin/staghunt bench envs
	$(PEERS)/bin/staghunt bench tournament
	$(TRAINERS)/bin/staghunt bench train

clean:
	rm -rf $(VENV) $(PEERS) $(TRAINERS) demo site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

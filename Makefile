# Everything this project can do, by name. `make` alone lists it.
#   VENV=DIR      use another virtual environment (it is created when it is not there)
#   PYTHON=FILE   the Python that creates it (3.11 or newer)
#   DATA=DIR      the study folder for `reproduce`, `paper-report` and `bench`

PYTHON ?= python3
VENV ?= .venv
DATA ?=
UV ?= uv
WORKERS ?= 2

BIN = $(VENV)/bin
LOCK = requirements/lock.txt
DATA_OPTION = $(if $(DATA),--data "$(DATA)")

.DEFAULT_GOAL = help
.PHONY: help install demo reproduce paper-report reports test lint format bench lock

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' \
	  | awk -F'|' '{printf "make %-13s %s\n", $$1, $$2}'

install: ## a virtual environment with the locked versions and this package in it
	@test -x "$(BIN)/python" || "$(PYTHON)" -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed; name one with: make install PYTHON=FILE")'
	test -x "$(BIN)/python" || "$(PYTHON)" -m venv "$(VENV)"
	@echo "Installing into $(VENV): a minute or two, 1.5 GB"
	"$(BIN)/python" -m pip install --quiet --require-hashes -r $(LOCK)
	"$(BIN)/python" -m pip install --quiet --no-deps --no-build-isolation --editable .
	@"$(BIN)/selfinterp" --version

# Only where nothing is installed yet: an environment that someone prepared is used as it is.
$(BIN)/selfinterp $(BIN)/pytest:
	$(MAKE) install

demo: | $(BIN)/selfinterp ## a simulated study, refitted and reported, offline: demo/index.html
	"$(BIN)/selfinterp" demo --out demo

reproduce: | $(BIN)/selfinterp ## refit the paper (or DATA=DIR): results/index.html
	"$(BIN)/selfinterp" reproduce $(DATA_OPTION) --out results

paper-report: | $(BIN)/selfinterp ## the committed report of the paper's data: reports/paper/, without draws
	"$(BIN)/selfinterp" reproduce $(DATA_OPTION) --out reports/paper
	rm -rf reports/paper/posterior

reports: | $(BIN)/selfinterp ## every committed page of the paper's data (needs DATA=DIR; a quarter of an hour)
	@test -n "$(DATA)" || { echo "make reports needs the paper's data: DATA=DIR" >&2; exit 1; }
	$(MAKE) paper-report
	"$(BIN)/selfinterp" priors $(DATA_OPTION) --out reports/priors
	cd reports/priors/tables && rm prior_scenarios.csv prior_weights.csv
	"$(BIN)/selfinterp" propagate $(DATA_OPTION) --out reports/propagation
	"$(BIN)/selfinterp" calibrate $(DATA_OPTION) --out reports/calibration
	"$(BIN)/selfinterp" plan --pilot "$(DATA)" --out reports/plan

test: | $(BIN)/pytest ## every test this machine can run
	"$(BIN)/pytest" -n $(WORKERS) --dist loadfile

lint: | $(BIN)/pytest ## style, types and the import rules
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/lint-imports"

format: | $(BIN)/pytest ## put the code into the house style
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

bench: | $(BIN)/selfinterp ## time and memory of the refit: reports/benchmarks/
	"$(BIN)/python" benchmarks/reproduce.py $(DATA_OPTION)

# One file for Python 3.11 and for 3.12 and newer. UPGRADE=1 moves every pin to the newest
# version that pyproject.toml allows; without it only what has to change does.
lock: ## write requirements/lock.txt anew (needs uv)
	@command -v "$(UV)" > /dev/null || { echo "make lock needs uv (pip install uv), or UV=FILE" >&2; exit 1; }
	"$(UV)" pip compile pyproject.toml --extra dev --extra parquet --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) -o $(LOCK)

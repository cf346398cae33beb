# Everything this project can do, by name. `make` alone lists it.
#   VENV=DIR      use another virtual environment (it is created when it is not there)
#   PYTHON=FILE   the Python that creates it (3.11 or newer)
#   MINUTES=N     how long `fuzz` takes
#   DATA=DIR      the study folder for `reproduce`, `paper-report`, `notebooks` and `bench`

PYTHON ?= python3
VENV ?= .venv
DATA ?=
UV ?= uv
WORKERS ?= 2
MINUTES ?= 10
FUZZ_VENV ?= .venv-fuzz

BIN = $(VENV)/bin
LOCK = requirements/lock.txt
DATA_OPTION = $(if $(DATA),--data "$(DATA)")

.DEFAULT_GOAL = help
.PHONY: help install demo reproduce paper-report test lint format docs bench lock check-install fuzz notebooks reports

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
$(BIN)/selfinterp $(BIN)/pytest $(BIN)/mkdocs:
	$(MAKE) install

demo: | $(BIN)/selfinterp ## a simulated study, refitted and reported, offline: demo/index.html
	"$(BIN)/selfinterp" demo --out demo

reproduce: | $(BIN)/selfinterp ## refit the paper (or DATA=DIR): results/index.html
	"$(BIN)/selfinterp" reproduce $(DATA_OPTION) --out results

paper-report: | $(BIN)/selfinterp ## the committed report of the paper's data: reports/paper/, without draws
	"$(BIN)/selfinterp" reproduce $(DATA_OPTION) --out reports/paper
	rm -rf reports/paper/posterior

notebooks: | $(BIN)/selfinterp ## run the notebooks with the paper's data and keep their outputs
	$(if $(DATA),SELFINTERP_DATA="$(abspath $(DATA))" )"$(BIN)/python" notebooks/run.py

reports: | $(BIN)/selfinterp ## every committed page of the paper's data (needs DATA=DIR; a quarter of an hour)
	@test -n "$(DATA)" || { echo "make reports needs the paper's data: DATA=DIR" >&2; exit 1; }
	$(MAKE) paper-report
	"$(BIN)/selfinterp" priors $(DATA_OPTION) --out reports/priors
	cd reports/priors/tables && rm prior_scenarios.csv prior_weights.csv
	"$(BIN)/selfinterp" sensitivity $(DATA_OPTION) --out reports/sensitivity
	"$(BIN)/selfinterp" propagate $(DATA_OPTION) --out reports/propagation
	"$(BIN)/selfinterp" calibrate $(DATA_OPTION) --out reports/calibration
	"$(BIN)/selfinterp" plan --pilot "$(DATA)" --out reports/plan

# Long files come first (tests/conftest.py); by itself xdist would begin with those of many tests.
test: | $(BIN)/pytest ## every test this machine can run
	"$(BIN)/pytest" -n $(WORKERS) --dist loadfile --no-loadscope-reorder

check-install: ## install the wheel alone in a fresh environment and use it: reports/install.md
	"$(PYTHON)" benchmarks/install.py

lint: | $(BIN)/pytest ## style, types and the import rules
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/lint-imports"

format: | $(BIN)/pytest ## put the code into the house style
	"$(BIN)/ruff" check --fix .
	"$(BIN)/ruff" format .

docs: | $(BIN)/mkdocs ## the reference pages: site/index.html
	"$(BIN)/python" -m mkdocs build --strict --quiet

bench: | $(BIN)/selfinterp ## time and memory of the refit: reports/benchmarks/
	"$(BIN)/python" benchmarks/reproduce.py $(DATA_OPTION)

# atheris is not in the lock: it has wheels for few systems, and nothing else here needs it.
fuzz: | $(BIN)/selfinterp ## fuzz the parser and the reader for MINUTES each: reports/fuzzing.md
	test -x "$(FUZZ_VENV)/bin/python" || "$(BIN)/python" -m venv "$(FUZZ_VENV)"
	"$(BIN)/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
	  > "$$("$(FUZZ_VENV)/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/locked.pth"
	"$(FUZZ_VENV)/bin/python" -m pip install --quiet "atheris==3.0.0"
	"$(FUZZ_VENV)/bin/python" tests/fuzz/run.py --minutes $(MINUTES)

# One file for Python 3.11 and for 3.12 and newer. UPGRADE=1 moves every pin to the newest
# version that pyproject.toml allows; without it only what has to change does.
lock: ## write requirements/lock.txt anew (needs uv)
	@command -v "$(UV)" > /dev/null || { echo "make lock needs uv (pip install uv), or UV=FILE" >&2; exit 1; }
	"$(UV)" pip compile pyproject.toml --extra dev --extra parquet --universal \
	  --python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
	  --custom-compile-command "make lock" $(if $(UPGRADE),--upgrade) -o $(LOCK)

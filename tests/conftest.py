"""What tests of every room share: the paper's data where they are, and small studies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from studies import write_study

REPOSITORY = Path(__file__).resolve().parents[1]

# What JAX compiles is forgotten after a test run: the user's own folder of compiled code is neither
# read nor written. One folder serves all processes of the run, so that a program is compiled once,
# if that takes as long as it has to take for a user's folder. JAX looks when it is imported. It
# locks a folder whose size is bounded; without the lock it would warn of a file that another
# process is just writing, so each worker then has a folder of its own.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    COMPILED = tempfile.TemporaryDirectory(prefix="compiled-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED.name
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0.3"
    os.environ["JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES"] = "0"
    if find_spec("filelock") is not None:
        os.environ["JAX_COMPILATION_CACHE_MAX_SIZE"] = str(2**32)
if "PYTEST_XDIST_WORKER" in os.environ and find_spec("filelock") is None:
    OF_ALL = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(OF_ALL / os.environ["PYTEST_XDIST_WORKER"])

# Files that take long come first: one that is handed out last is waited for.
LONG = (
    "test_notebooks.py",
    "inference/test_conformance_moments.py",
    "estimates/test_calibration.py",
    "cli/test_cli_designs.py",
    "inference/test_conformance.py",
    "inference/test_running_devices.py",
    "inference/test_engines.py",
    "estimates/test_compare_priors.py",
    "explainers/test_explainer_models.py",
    "cli/test_cli_contract.py",
    "cli/test_cli_demo.py",
    "inference/test_nuts_parity.py",
    "inference/test_fit_many_bad_input.py",
    "inference/test_running_killed.py",
    "inference/test_nuts.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run what is marked `full` as well")


def pytest_configure(config: pytest.Config) -> None:
    line = "full: part of a proof that the suite has in a quick form; runs with --full"
    config.addinivalue_line("markers", line)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is for ``--full``, and let long files come first."""
    if not config.getoption("full"):
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    place = {REPOSITORY / "tests" / name: number for number, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.path, len(place)))


@pytest.fixture(scope="session")
def paper_data() -> Path:
    """The folder of the paper's released data.

    `SELFINTERP_PAPER_DATA` names it; beside a checkout it is looked for at
    ``../shared/paper_data``. Tests that need it are skipped without it, and fail where
    `SELFINTERP_REQUIRE_PAPER_DATA` is 1.
    """
    named = os.environ.get("SELFINTERP_PAPER_DATA")
    folder = Path(named) if named else REPOSITORY.parent / "shared" / "paper_data"
    if (folder / "scenarios.csv").is_file():
        return folder
    reason = (
        f"the paper's data are not in {folder}; run `selfinterp fetch --dest DIR` and set "
        "SELFINTERP_PAPER_DATA to that folder"
    )
    if os.environ.get("SELFINTERP_REQUIRE_PAPER_DATA") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def make_study(tmp_path: Path) -> Callable[..., Path]:
    """Write a small valid study folder: ``make_study(**options of studies.write_study)``."""

    def make(name: str = "study", **options: object) -> Path:
        return write_study(tmp_path / name, **options)

    return make

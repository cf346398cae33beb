"""What tests of every room share: the paper's data where they are, and small studies."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from studies import write_study

REPOSITORY = Path(__file__).resolve().parents[1]

# What JAX compiles is forgotten after a test run: the user's own folder of compiled code is neither
# read nor written. Each of the run's processes has a folder of its own, since JAX warns of a file
# that another process is just writing. JAX looks when it is imported.
if "JAX_COMPILATION_CACHE_DIR" not in os.environ:
    COMPILED = tempfile.TemporaryDirectory(prefix="compiled-", ignore_cleanup_errors=True)
    os.environ["JAX_COMPILATION_CACHE_DIR"] = COMPILED.name
if "PYTEST_XDIST_WORKER" in os.environ:
    OF_ALL = Path(os.environ["JAX_COMPILATION_CACHE_DIR"])
    os.environ["JAX_COMPILATION_CACHE_DIR"] = str(OF_ALL / os.environ["PYTEST_XDIST_WORKER"])


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

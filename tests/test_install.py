"""What is built from the checkout, and that no more is asked for than is used.

``benchmarks/install.py`` installs it for real, in fresh environments; its report is
``reports/install.md``.
"""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from selfinterp_stats.cli.checkup.trial import IMPORTED

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "benchmarks"))
install = import_module("install")

# Asked for although no module imports them.
WHY = {
    "arviz": "draws come back as what it opens; its bounds say with which majors that was tested",
    "h5netcdf": "xarray writes netCDF through it, by name",
    "h5py": "h5netcdf writes through it without asking for it",
    "numpyro": "Bambi fits through it, by name",
}
# Imported although nobody asks for them by name.
COME_WITH = {
    "PIL": "matplotlib",
    "distributed": "dask",
    "formulae": "bambi",
    "markupsafe": "jinja2",
    "pytensor": "pymc",
}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The source distribution and the wheel of this checkout, and the wheel of the former."""
    folder = tmp_path_factory.mktemp("built")
    source = install.copy_source(folder / "source")
    sdist = install.build(source, "sdist", folder / "dist")
    wheel = install.build(source, "wheel", folder / "dist")
    again = install.build(install.unpacked(sdist, folder / "unpacked"), "wheel", folder / "again")
    return sdist, wheel, again


def test_the_wheel_holds_the_packages_with_their_data_and_nothing_else(built):
    _, wheel, _ = built
    packed = {name for name in install.files_of(wheel) if ".dist-info/" not in name}
    source = {
        str(path.relative_to(ROOT))
        for package in ("selfinterp_stats", "data_collection")
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert packed == source
    assert {f"{name}/py.typed" for name in ("selfinterp_stats", "data_collection")} <= packed
    assert "selfinterp_stats/reporting/templates/page.html.jinja" in packed


def test_the_source_distribution_builds_the_same_wheel(built):
    _, wheel, again = built
    assert install.files_of(again) == install.files_of(wheel)


def test_the_source_distribution_holds_no_half_of_the_tests(built, tmp_path):
    sdist, _, _ = built
    inner = install.unpacked(sdist, tmp_path / "sdist")
    assert not (inner / "tests").exists()
    assert {"LICENSE", "README.md", "CITATION.cff"} <= {path.name for path in inner.iterdir()}


def test_every_module_imports_without_a_warning_or_a_connection():
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", install.IMPORT_ALL],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stderr == ""


def imported(*packages: str) -> set[str]:
    """Top-level names that the modules of packages import."""
    found: set[str] = set()
    for path in (path for package in packages for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found.update(alias.name.partition(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found.add(node.module.partition(".")[0])
    return found - set(sys.stdlib_module_names) - {"selfinterp_stats", "data_collection"}


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def names(requirements: list[str]) -> set[str]:
    return {Requirement(each).name.replace("-", "_") for each in requirements}


def test_every_dependency_is_imported_by_the_statistics_or_has_a_reason(project):
    unused = names(project["dependencies"]) - imported("selfinterp_stats")
    assert unused == set(WHY)


def test_every_library_that_is_imported_is_asked_for(project):
    extras = project["optional-dependencies"]
    users = [each for extra in ("parquet", "store", "cluster", "collect") for each in extras[extra]]
    asked = names(project["dependencies"]) | names(users)
    unasked = imported("selfinterp_stats", "data_collection") - asked
    assert unasked == set(COME_WITH)
    assert set(COME_WITH.values()) <= asked


def test_the_doctor_tries_every_library_that_an_installation_needs(project):
    assert names(project["dependencies"]) - set(IMPORTED) == set()
    assert not set(IMPORTED) & install.OF_EXTRAS


def test_the_lock_is_read_as_constraints(tmp_path):
    lock = tmp_path / "lock.txt"
    lock.write_text(
        "# by hand\n"
        "bambi==0.17.2 ; python_full_version < '3.12' \\\n"
        "    --hash=sha256:00 \\\n"
        "    --hash=sha256:01\n"
        "    # via selfinterp-stats (pyproject.toml)\n"
        "click==8.5.1 \\\n"
        "    --hash=sha256:02\n"
    )
    assert (
        install.constraints(lock) == "bambi==0.17.2 ; python_full_version < '3.12'\nclick==8.5.1\n"
    )
    pins = install.constraints(ROOT / "requirements" / "lock.txt").splitlines()
    assert len(pins) > 100
    assert all(Requirement(pin).specifier for pin in pins)

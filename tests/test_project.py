"""The project keeps its own promises: metadata, lock, import rules, nothing of one machine."""

from __future__ import annotations

import csv
import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parents[1]
DISTRIBUTION = "selfinterp-stats"
HEAVY = {
    "arviz",
    "arviz_stats",
    "bambi",
    "h5netcdf",
    "jax",
    "matplotlib",
    "numpyro",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "xarray",
}
# Put together here, so that this file does not name what it looks for.
REGISTRY_HOSTS = tuple(
    ".".join(parts)
    for parts in (
        ("pypi", "org"),
        ("pythonhosted", "org"),
        ("registry", "npmjs"),
        ("deb", "debian", "org"),
    )
)
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9.])/(?:work|farm|root|tmp|home)/", re.MULTILINE)


@pytest.fixture(scope="module")
def metadata():
    return importlib.metadata.metadata(DISTRIBUTION)


@pytest.fixture(scope="module")
def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def locked():
    """Every requirement of the lock with its hashes."""
    pinned = {}
    text = (ROOT / "requirements" / "lock.txt").read_text()
    for block in re.split(r"\n(?=[a-z0-9])", text):
        if not block.startswith("#"):
            head, *rest = block.split(" \\\n")
            pinned[Requirement(head)] = [r.strip() for r in rest if "--hash" in r]
    return pinned


@pytest.fixture(scope="module")
def tracked_texts():
    """Path and text of every tracked text file."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("what is tracked can only be told in a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip(f"git cannot read this checkout: {listed.stderr.strip()}")
    texts = {}
    for name in filter(None, listed.stdout.split("\0")):
        path = ROOT / name
        if not path.is_file():  # deleted in the working tree
            continue
        try:
            texts[name] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return texts


def modules_after(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after one statement."""
    code = f"import sys\n{statement}\nprint(*sorted({{m.partition('.')[0] for m in sys.modules}}))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(run.stdout.split())


def selfinterp(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = Path(sys.executable).with_name("selfinterp")
    return subprocess.run(
        [str(command), *arguments], capture_output=True, text=True, check=True, timeout=60
    )


def test_every_place_names_the_same_version(metadata, pyproject):
    import selfinterp_stats

    version = metadata["Version"]
    citation = re.search(r"^version: (.+)$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE)
    changes = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert selfinterp_stats.__version__ == version
    assert pyproject["project"]["version"] == version
    assert citation is not None
    assert citation[1] == version
    assert changes is not None
    assert changes[1] == version


def test_the_command_prints_the_version_of_the_package(metadata):
    assert metadata["Version"] in selfinterp("--version").stdout.split()


def test_the_package_says_its_licence_and_the_pythons_it_supports(metadata):
    assert metadata["License-Expression"] == "MIT"
    supported = SpecifierSet(metadata["Requires-Python"])
    assert [v for v in ("3.10", "3.11", "3.12", "3.13") if v in supported] == [
        "3.11",
        "3.12",
        "3.13",
    ]


@pytest.mark.parametrize(
    "statement", ["import selfinterp_stats", "import selfinterp_stats.cli.main"]
)
def test_importing_the_package_or_its_command_line_loads_nothing_heavy(statement):
    assert not modules_after(statement) & HEAVY


def test_data_collection_loads_neither_the_statistics_nor_their_libraries():
    assert not modules_after("import data_collection") & {*HEAVY, "selfinterp_stats"}


def test_imports_point_only_from_the_command_line_to_the_study():
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter is not installed here (extra `dev`)")
    run = subprocess.run(
        [str(command), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_every_locked_version_has_hashes(locked):
    assert locked
    assert [str(r) for r, hashes in locked.items() if not hashes] == []


def test_the_lock_holds_one_version_of_each_dependency_for_every_supported_python(
    locked, pyproject
):
    project = pyproject["project"]
    optional = project["optional-dependencies"]
    wanted = [*project["dependencies"], *optional["parquet"], *optional["test"], *optional["dev"]]
    wrong = []
    for python in ("3.11", "3.12", "3.13"):
        environment = {"python_version": python, "python_full_version": f"{python}.5"}
        for requirement in map(Requirement, wanted):
            if requirement.name == DISTRIBUTION or not _applies(requirement, environment):
                continue
            pins = [
                pin for pin in locked if pin.name == requirement.name and _applies(pin, environment)
            ]
            versions = [str(pin.specifier).removeprefix("==") for pin in pins]
            if len(versions) != 1 or versions[0] not in requirement.specifier:
                wrong.append(f"Python {python}: {requirement} has {versions}")
    assert wrong == []


def _applies(requirement: Requirement, environment: dict[str, str]) -> bool:
    return requirement.marker is None or requirement.marker.evaluate(environment)


def test_every_dependency_is_bounded_above_and_below(pyproject):
    project = pyproject["project"]
    everything = [
        *project["dependencies"],
        *(r for extra in project["optional-dependencies"].values() for r in extra),
    ]
    unbounded = []
    for requirement in map(Requirement, everything):
        operators = {specifier.operator for specifier in requirement.specifier}
        if requirement.name != DISTRIBUTION and operators != {">=", "<"}:
            unbounded.append(str(requirement))
    assert unbounded == []


def test_the_readme_names_only_targets_that_the_makefile_has():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "README.md").read_text()))
    assert {"install", "demo", "test"} <= named
    assert named - targets == set()


IN_THE_README = (
    "e1_report_r_4o",
    "e1_report_r_mini",
    "e2_report_r_4o",
    "e2_report_r_mini",
    "e3_native_r_after_4o",
    "e3_native_r_after_mini",
    "e2_training_effect",
    "e3_training_effect",
)


def test_the_readme_prints_the_refit_as_the_committed_report_has_it():
    with (ROOT / "reports/paper/tables/paper_numbers.csv").open() as file:
        refit = {row["id"]: row for row in csv.DictReader(file)}

    def as_printed(row: dict[str, str]) -> str:
        estimate, low, high = (
            f"{float(row[name] or 0):.2f}".removeprefix("0")
            for name in ("estimate", "hdi_low", "hdi_high")
        )
        return f"{estimate} [{low}, {high}]" if row["hdi_low"] else estimate

    printed = re.findall(
        r"^\|.*\| (?:GPT-4o|GPT-4o-mini|both) \| (.*?) \|",
        (ROOT / "README.md").read_text(),
        re.MULTILINE,
    )
    assert printed == [as_printed(refit[name]) for name in IN_THE_README]


def test_no_tracked_file_names_a_package_registry(tracked_texts):
    found = [
        f"{name}: {host}"
        for name, text in tracked_texts.items()
        for host in REGISTRY_HOSTS
        if host in text
    ]
    assert found == []


def test_no_tracked_file_holds_a_path_of_one_machine(tracked_texts):
    found = [
        f"{name}: {match[0].strip()}"
        for name, text in tracked_texts.items()
        if not name.endswith(".svg") and (match := MACHINE_PATH.search(text))
    ]
    assert found == []


def test_the_papers_data_are_not_tracked(tracked_texts):
    released = re.compile(r"_(selections|weight_reports|regression_results)\.csv$")
    strays = [
        name
        for name in tracked_texts
        if released.search(name) and Path(name).name.startswith("gpt-4o")
    ]
    assert strays == []

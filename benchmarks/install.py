"""Installs the package as a user would, and uses it where little else is there.

    python benchmarks/install.py [--python FILE] [--out reports]

A source distribution and a wheel are built from this checkout, and a wheel again from the source
distribution: their files must be the same, byte for byte. The wheel alone, without extras, goes
into a fresh environment with the versions of the lock; pip must find nothing missing, every module
must import without a warning or a word to the network, and `doctor`, `simulate` and `reproduce`
must work there, also without a C compiler, without a home or a current folder that can be written,
and without a network. Then the checkout itself is installed over it.

Needs nothing but Python and pip's usual index. Prints a table, keeps it for each minor version of
Python in ``reports/install.json`` and writes ``reports/install.md``. Exit status 1 when a claim
fails.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from reproduce import describe_machine

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "requirements" / "lock.txt"
SOURCE = (
    *("selfinterp_stats", "data_collection", "tests", "pyproject.toml", "MANIFEST.in"),
    *("README.md", "LICENSE", "CHANGELOG.md", "CITATION.cff"),
)
NOT_SOURCE = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc")
BUILD = (
    "import sys\n"
    "from setuptools import build_meta\n"
    "print(getattr(build_meta, f'build_{sys.argv[1]}')(sys.argv[2]))\n"
)
# Every module, in one process, with no word to a network. Those that need an extra say which
# library they miss.
IMPORT_ALL = """
import importlib, json, pkgutil, sys

def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise RuntimeError(f"{event} {arguments[1:]} at import")

sys.addaudithook(refuse)
import data_collection, selfinterp_stats
lacking, count = {}, 0
for package in (selfinterp_stats, data_collection):
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        try:
            importlib.import_module(module.name)
            count += 1
        except ModuleNotFoundError as error:
            lacking.setdefault(error.name, []).append(module.name)
for name in selfinterp_stats.__all__:
    getattr(selfinterp_stats, name)
print(json.dumps({"modules": count, "lacking": lacking}))
"""
# Import names of what the extras bring.
OF_EXTRAS = {
    *("dask", "distributed", "httpx", "openai", "pyarrow", "python_multipart", "rapidfuzz"),
    *("starlette", "uvicorn", "zarr"),
}
# What Matplotlib says of a home that cannot be written; it goes on with a temporary folder.
NO_HOME_NOTICE = re.compile(r"^(mkdir -p failed for path|Matplotlib created a temporary cache)")
ABOUT = (
    "By `make check-install`: the wheel alone, without extras, in a fresh environment with the "
    "versions of the lock, used where something is missing. A claim fails when a command does, or "
    "when it says something alarming on stderr."
)
ALARM = re.compile(r"warning|traceback|error", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One claim: what was done, whether it came out as it should, what was seen."""

    where: str
    what: str
    held: bool
    seconds: float
    seen: str


@dataclass
class Bench:
    """A folder to work in, and what came of it so far."""

    scratch: Path
    python: str
    rows: list[Row] = field(default_factory=list)

    def claim(self, where: str, what: str, held: bool, seconds: float, seen: str) -> None:
        """Note a result and print it."""
        row = Row(where, what, held, round(seconds, 1), seen)
        self.rows.append(row)
        print(f"{'held' if held else 'FAILED':<7} {where}: {what} ({row.seconds} s): {seen}")


@dataclass(frozen=True)
class Place:
    """Where commands are run: with what environment, from what folder, after what prefix."""

    name: str
    env: Mapping[str, str]
    cwd: Path
    prefix: tuple[str, ...] = ()

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a command, keep what it prints."""
        return subprocess.run(
            [*self.prefix, *map(str, command)],
            env=dict(self.env),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=1200,
        )


def copy_source(folder: Path) -> Path:
    """Copy what a checkout needs to be built, without what earlier builds left in it."""
    folder.mkdir(parents=True)
    for name in SOURCE:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=NOT_SOURCE)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def build(source: Path, kind: str, out: Path, python: str | Path = sys.executable) -> Path:
    """Build a ``wheel`` or an ``sdist`` with the setuptools that a Python has."""
    out.mkdir(parents=True, exist_ok=True)
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), "-c", BUILD, kind, str(out)],
        cwd=source,
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return out / done.stdout.strip().splitlines()[-1]


def unpacked(sdist: Path, folder: Path) -> Path:
    """Unpack a source distribution; the one folder that is in it."""
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    (inner,) = folder.iterdir()
    return inner


def files_of(wheel: Path) -> dict[str, str]:
    """SHA-256 of every file in a wheel, by name."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: sha256(archive.read(name)).hexdigest() for name in archive.namelist()}


def constraints(lock: Path) -> str:
    """The lock's versions, as constraints for pip: what is not asked for is not installed."""
    pins = re.findall(r"^([A-Za-z0-9][^\s]*==[^\\\n]*?) *\\?$", lock.read_text(), re.MULTILINE)
    return "\n".join(pins) + "\n"


def environment(home: Path | str, **more: str) -> dict[str, str]:
    """The environment of a fresh account; of this one, what pip needs to find its index."""
    kept = re.compile(r"PIP_|SSL_|REQUESTS_CA|CURL_CA|TMPDIR|LANG|LC_|https?_proxy", re.IGNORECASE)
    given = {name: value for name, value in os.environ.items() if kept.match(name)}
    return {**given, "PATH": os.environ["PATH"], "HOME": str(home), **more}


def fresh_environment(bench: Bench, name: str, *packages: str | Path) -> Path:
    """A virtual environment with packages of the lock's versions; its folder of commands."""
    folder = bench.scratch / name
    subprocess.run([bench.python, "-m", "venv", str(folder)], check=True)
    pins = bench.scratch / "constraints.txt"
    pins.write_text(constraints(LOCK))
    pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, "--constraint", str(pins), *map(str, packages)], check=True)
    return folder / "bin"


def check_build(bench: Bench) -> Path:
    """Build both ways; the wheel."""
    start = time.perf_counter()
    tools = fresh_environment(bench, "tools", "setuptools")
    source = copy_source(bench.scratch / "source")
    # Kept as it is for `check_checkout`: someone may edit the checkout meanwhile.
    shutil.copytree(source, bench.scratch / "checkout")
    sdist = build(source, "sdist", bench.scratch / "dist", tools / "python")
    wheel = build(source, "wheel", bench.scratch / "dist", tools / "python")
    again = build(
        unpacked(sdist, bench.scratch / "unpacked"),
        "wheel",
        bench.scratch / "again",
        tools / "python",
    )
    first, second = files_of(wheel), files_of(again)
    differing = sorted(name for name in first | second if first.get(name) != second.get(name))
    bench.claim(
        "build",
        "the wheel from the sdist has the files of the wheel from the checkout, byte for byte",
        not differing,
        time.perf_counter() - start,
        f"{len(first)} files, {wheel.stat().st_size / 1e6:.1f} MB, sdist "
        f"{sdist.stat().st_size / 1e6:.1f} MB" + (f"; differing: {differing}" if differing else ""),
    )
    return wheel


def check_install(bench: Bench, wheel: Path) -> Path:
    """Install the wheel alone; the folder of commands."""
    start = time.perf_counter()
    bin_ = fresh_environment(bench, "alone", wheel)
    checked = subprocess.run(
        [str(bin_ / "python"), "-m", "pip", "check"], capture_output=True, text=True, check=False
    )
    listed = subprocess.run(
        [str(bin_ / "python"), "-m", "pip", "list", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {each["name"].replace("-", "_").lower() for each in json.loads(listed.stdout)}
    extra = sorted(names & OF_EXTRAS)
    size = sum(path.stat().st_size for path in bin_.parent.rglob("*") if path.is_file())
    bench.claim(
        "wheel alone",
        "pip installs it with the lock's versions, and pip check finds nothing",
        checked.returncode == 0 and not extra,
        time.perf_counter() - start,
        f"{checked.stdout.strip()} {len(names)} distributions, {size / 1e9:.1f} GB"
        + (f"; of extras: {', '.join(extra)}" if extra else ", none of an extra"),
    )
    return bin_


def check_imports(bench: Bench, place: Place, bin_: Path) -> None:
    """Import every module with warnings as errors."""
    start = time.perf_counter()
    ran = place.run(bin_ / "python", "-W", "error", "-c", IMPORT_ALL)
    seen, held = ran.stderr.strip().splitlines()[-1:], False
    if ran.returncode == 0:
        result = json.loads(ran.stdout)
        lacking = result["lacking"]
        held = not seen and set(lacking) <= OF_EXTRAS
        waiting = f"{sum(map(len, lacking.values()))} ({', '.join(sorted(lacking)) or 'none'})"
        seen = [f"{result['modules']} modules; wait for an extra: {waiting}", *seen]
    bench.claim(
        place.name,
        "every module and public name imports without a warning, a line on stderr or a connection",
        held,
        time.perf_counter() - start,
        "; ".join(seen),
    )


def check_use(bench: Bench, place: Place, bin_: Path, expected: re.Pattern[str] | None) -> None:
    """Run doctor, simulate and reproduce, which must work and say nothing alarming."""
    command = bin_ / "selfinterp"
    work = bench.scratch / f"use {place.name}"
    work.mkdir()
    small = ("--base-model", "model-a", "--trained", "6", "--native", "6")
    commands = {
        "--version": ("--version",),
        "doctor": ("doctor", "--json"),
        "simulate": ("simulate", "--out", work / "study", *small),
        "reproduce": ("reproduce", "--data", work / "study", "--out", work / "results"),
    }
    for what, arguments in commands.items():
        start = time.perf_counter()
        ran = place.run(command, *arguments)
        alarms = [
            line
            for line in ran.stderr.splitlines()
            if ALARM.search(line) and not (expected and expected.match(line))
        ]
        seen = _seen(what, ran, work)
        bench.claim(
            place.name,
            f"selfinterp {what}",
            ran.returncode == 0 and not alarms,
            time.perf_counter() - start,
            "; ".join([seen, *alarms]) if seen else "; ".join(alarms),
        )


def _seen(what: str, ran: subprocess.CompletedProcess[str], work: Path) -> str:
    """What is worth noting of a command."""
    if ran.returncode != 0 and what != "doctor":
        return f"exit status {ran.returncode}: {' '.join(ran.stderr.split()[-30:])}"
    if what == "--version":
        return ran.stdout.strip()
    if what == "simulate":
        return f"{len(list((work / 'study').iterdir()))} files"
    if what == "reproduce":
        fits = json.loads((work / "results" / "run.json").read_text())["package"]
        return f"{fits}: {sum(1 for path in (work / 'results').rglob('*') if path.is_file())} files"
    report = json.loads(ran.stdout)
    off = [f"{each['state']} {each['check']}" for each in report["checks"] if each["state"] != "ok"]
    compiler = next(each["found"] for each in report["checks"] if each["check"] == "compiler")
    counts = ", ".join(f"{count} {state}" for state, count in report["counts"].items())
    return f"{counts} ({', '.join(off)}); compiler: {compiler}"


def places(bench: Bench) -> Iterator[tuple[Place, re.Pattern[str] | None]]:
    """A machine as it is, and machines that lack something; what each is expected to say."""
    home, empty = bench.scratch / "home", bench.scratch / "empty"
    for folder in (home, empty):
        folder.mkdir()
    sound = environment(home)
    yield Place("as it is", sound, bench.scratch), None
    yield Place("no C compiler", {**sound, "PATH": str(empty)}, bench.scratch), None
    # Not even root can make a file in either.
    unwritable = Path("/proc") if Path("/proc/self").exists() else Path("/dev")
    yield (
        Place("no home, no folder to write to", environment("/dev/null/home"), unwritable),
        NO_HOME_NOTICE,
    )
    for prefix in (("unshare", "--net"), ("unshare", "--map-root-user", "--net")):
        asked = shutil.which(prefix[0]) and subprocess.run(
            [*prefix, "true"], capture_output=True, check=False
        )
        if asked and asked.returncode == 0:
            fresh = bench.scratch / "home without network"
            fresh.mkdir()
            yield Place("no network", environment(fresh), bench.scratch, prefix), None
            return
    print("not tried: no network (`unshare --net` is not allowed here)")


def check_checkout(bench: Bench, bin_: Path, wheel: Path) -> None:
    """Install the checkout over the wheel: the same files."""
    start = time.perf_counter()
    source = bench.scratch / "checkout"
    pins = bench.scratch / "constraints.txt"
    command = [str(bin_ / "python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run(
        [*command, "--force-reinstall", str(source)],
        env={**os.environ, "PIP_CONSTRAINT": str(pins)},
        check=True,
    )
    asked = "import sysconfig; print(sysconfig.get_path('purelib'))"
    libraries = subprocess.run(
        [str(bin_ / "python"), "-c", asked], capture_output=True, text=True, check=True
    )
    packages = Path(libraries.stdout.strip())
    differing = [
        name
        for name, digest in files_of(wheel).items()
        if not name.endswith("/RECORD")  # pip adds what it writes itself
        and sha256((packages / name).read_bytes()).hexdigest() != digest
    ]
    bench.claim(
        "checkout",
        "pip install of the checkout installs the files of the wheel",
        not differing,
        time.perf_counter() - start,
        f"differing: {differing}" if differing else "the same",
    )


def markdown(records: Mapping[str, Mapping[str, object]]) -> str:
    """The report of every Python that was tried."""
    lines = ["# Installing", "", ABOUT]
    for python, record in sorted(records.items(), key=lambda item: int(item[0].split(".")[1])):
        machine = record["machine"]
        libraries = ", ".join(f"{name} {version}" for name, version in record["libraries"].items())
        rows = record["rows"]
        held = sum(row["held"] for row in rows)
        about = (
            f"{held} of {len(rows)} claims hold. Python {machine['python']}, {machine['system']}, "
            f"{machine['cpu']}, {machine['cores']} cores; measured {record['measured']}, load when "
            f"it began {machine['load_at_start']}. {libraries}."
        )
        lines += [
            "",
            f"## Python {python}",
            "",
            about,
            "",
            "| where | what | holds | seconds | seen |",
            "|---|---|---|---:|---|",
        ]
        for row in rows:
            cells = (
                row["where"],
                row["what"],
                "yes" if row["held"] else "**no**",
                f"{row['seconds']:.1f}",
                row["seen"].replace("|", "\\|"),
            )
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def versions(bin_: Path) -> dict[str, str]:
    """Versions of the libraries that were installed, by `doctor`."""
    ran = subprocess.run(
        [str(bin_ / "selfinterp"), "doctor", "--json"], capture_output=True, text=True, check=False
    )
    checks = json.loads(ran.stdout)["checks"]
    return next(each["facts"] for each in checks if each["check"] == "libraries")


def main(arguments: Sequence[str] | None = None) -> int:
    """Check everything, write the report; 1 if a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--python", default=sys.executable, help="the Python to install for")
    parser.add_argument("--out", type=Path, default=ROOT / "reports")
    given = parser.parse_args(arguments)
    machine = describe_machine(())
    with tempfile.TemporaryDirectory(prefix="install-") as scratch:
        bench = Bench(Path(scratch), given.python)
        wheel = check_build(bench)
        bin_ = check_install(bench, wheel)
        installed = versions(bin_)
        for place, expected in places(bench):
            if expected is None:
                check_imports(bench, place, bin_)
            check_use(bench, place, bin_, expected)
        check_checkout(bench, bin_, wheel)
        asked = "import platform; print(platform.python_version())"
        python = subprocess.run(
            [given.python, "-c", asked], capture_output=True, text=True, check=True
        ).stdout.strip()
        # Nothing of this machine goes into the report.
        rows = [{**asdict(row), "seen": row.seen.replace(scratch, "...")} for row in bench.rows]
    kept = given.out / "install.json"
    records = json.loads(kept.read_text()) if kept.exists() else {}
    records[python.rpartition(".")[0]] = {
        "machine": {**machine, "python": python},
        "measured": f"{datetime.now(UTC):%Y-%m-%d}",
        "libraries": installed,
        "rows": rows,
    }
    given.out.mkdir(parents=True, exist_ok=True)
    kept.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")
    (given.out / "install.md").write_text(markdown(records), encoding="utf-8")
    failed = sum(not row["held"] for row in rows)
    print(f"{len(rows) - failed} of {len(rows)} claims hold")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())

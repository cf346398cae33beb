"""`selfinterp doctor` on machines with something wrong, as far as it can be really wrong here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import numpy as np
import pytest
from commandline import Ran, process, selfinterp

import selfinterp_stats
from selfinterp_stats.cli.checkup import caches, data, heavy, tinyfit
from selfinterp_stats.cli.checkup.finding import examine, failed, ok, pasteable
from selfinterp_stats.cli.checkup.trial import PARTS, Trial, run_trial
from selfinterp_stats.study.fetch import default_destination
from selfinterp_stats.study.paper import paper_hashes

LIBRARIES = Path(sysconfig.get_path("purelib"))
posix = pytest.mark.skipif(os.name != "posix", reason="links and signals of POSIX")
# No folder for a cache, no home, no command that could be found.
NOTHING = {"HOME": "/dev/null/home", "PATH": "/dev/null", "LC_ALL": "C.UTF-8"}


def installation(folder: Path, without: tuple[str, ...] = ()) -> Path:
    """A folder with links to everything that is installed here but some libraries."""
    folder.mkdir()
    stems = tuple(f"{name.replace('-', '_')}-" for name in without)
    for entry in LIBRARIES.iterdir():
        metadata = entry.name.endswith(".dist-info") and entry.name.startswith(stems)
        if entry.name not in without and not (without and metadata):
            (folder / entry.name).symlink_to(entry)
    return folder


def doctor(libraries: Path, *arguments: str, code: str = "", env: dict[str, str]) -> Ran:
    """Run the command, or some code, with the libraries of an installation alone."""
    source = Path(selfinterp_stats.__file__).parents[1]
    search = [str(libraries)] if source == LIBRARIES else [str(source), str(libraries)]
    done = subprocess.run(
        # -S: none of the libraries that are installed for this Python
        [
            *(sys.executable, "-S", "-c"),
            code or "from selfinterp_stats.cli.main import main; main()",
            *arguments,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
        env={**env, "PYTHONPATH": os.pathsep.join(search)},
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def found(ran: Ran) -> dict[str, dict]:
    return {each["check"]: each for each in ran.json["checks"]}


def test_a_sound_installation_passes_and_its_report_names_no_home_folder(tmp_path, make_study):
    study = make_study()
    home = {"HOME": str(tmp_path), "SELFINTERP_DATA": str(study)}
    ran = process("doctor", "--json", timeout=400, env={**home, "XDG_CACHE_HOME": ""})
    assert ran.status == 0
    assert ran.json["counts"]["failed"] == 0
    assert str(tmp_path) not in ran.out
    checks = found(ran)
    assert checks["data"]["state"] == "ok"
    assert checks["data"]["found"].startswith(f"$SELFINTERP_DATA names ~/{study.name}: not the")
    assert checks["user cache"]["facts"]["writable"] is True
    assert checks["fit"]["facts"]["largest_error"] <= heavy.LARGEST_ERROR
    assert all(bool(each["remedy"]) == (each["state"] != "ok") for each in ran.json["checks"])


@posix
def test_it_works_with_no_home_no_compiler_and_no_extra(tmp_path):
    bare = installation(tmp_path / "bare", ("openai", "distributed", "zarr", "pyarrow"))
    ran = doctor(bare, "doctor", "--json", env=NOTHING)
    assert ran.status == 0, ran.out + ran.err
    checks = found(ran)
    for extra, library in (("collect", "openai"), ("parquet", "pyarrow")):
        if extra in checks["extras"]["facts"]:  # which a package installed long ago may not offer
            assert library in checks["extras"]["facts"][extra]
    assert checks["compiler"]["facts"] == {"path": None}
    assert checks["data"]["state"] == "warning"
    for cache in ("user cache", "compiled by JAX", "compiled by PyTensor", "Matplotlib's cache"):
        assert checks[cache]["state"] == "warning"
    assert checks["fit"]["state"] == "ok"


@posix
def test_a_library_that_ends_python_is_named_and_stops_no_other_check(tmp_path):
    libraries = installation(tmp_path / "broken", ("jaxlib",))
    (libraries / "jax").unlink()
    (libraries / "jax").mkdir()
    (libraries / "jax" / "__init__.py").write_text("import os\nos.abort()\n")
    ran = doctor(libraries, "doctor", env=NOTHING)
    assert ran.status == 1
    assert "failed   imports: jax: Python was ended by SIGABRT" in ran.out
    assert "failed   fit: 4 datasets: not reached: Python was ended by SIGABRT" in ran.out
    assert "\nok       memory: " in ran.out
    assert "\nok       compiler: " in ran.out
    assert "Traceback" not in ran.out + ran.err


@posix
def test_without_numpy_there_still_is_a_report(tmp_path):
    libraries = installation(tmp_path / "without", ("numpy",))
    ran = doctor(libraries, "doctor", env=NOTHING)
    assert ran.status == 1
    assert "failed   libraries: numpy is not installed\n" in ran.out
    assert "failed   imports: numpy: ModuleNotFoundError" in ran.out
    assert "\nok       memory: " in ran.out
    assert "Traceback" not in ran.out + ran.err


@posix
def test_a_library_that_is_missing_or_too_new_is_named_with_what_to_install(tmp_path):
    libraries = installation(tmp_path / "wrong", ("bambi", "h5netcdf"))
    metadata = libraries / "bambi-99.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: bambi\nVersion: 99.0\n")
    code = (
        "import json\n"
        "from selfinterp_stats.cli.checkup.installed import libraries\n"
        "print(json.dumps([[f.state, f.found, f.remedy] for f in libraries()]))"
    )
    ran = doctor(libraries, code=code, env=NOTHING)
    bambi, h5netcdf = json.loads(ran.out)
    assert bambi[0] == h5netcdf[0] == "failed"
    assert bambi[1].startswith("bambi is 99.0, not ")
    assert bambi[2].startswith("Install it: pip install 'bambi")
    assert h5netcdf[1] == "h5netcdf is not installed"


@pytest.fixture
def papers_folder(paper_data, tmp_path):
    """A copy of the paper's data that can be spoilt."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for name in paper_hashes():
        shutil.copyfile(paper_data / name, folder / name)
    return folder


def spoil(path: Path) -> None:
    """Change one bit of one byte."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.paper
def test_one_changed_byte_of_the_named_data_is_seen(papers_folder, monkeypatch):
    monkeypatch.setenv("SELFINTERP_DATA", str(papers_folder))
    assert data.data().state == "ok"
    spoil(papers_folder / "scenarios.csv")
    finding = data.data()
    assert finding.state == "warning"
    assert finding.facts["wrong"] == ["scenarios.csv"]
    assert "1 of " in finding.found
    assert "differ from the paper's (scenarios.csv)" in finding.found


@pytest.mark.paper
def test_a_spoilt_or_incomplete_fetched_copy_fails(papers_folder, tmp_path, monkeypatch):
    monkeypatch.delenv("SELFINTERP_DATA", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert data.data().state == "warning"  # nothing fetched, which is no fault
    default_destination().parent.mkdir(parents=True)
    papers_folder.rename(default_destination())
    assert data.data().state == "ok"
    spoil(default_destination() / "scenarios.csv")
    assert data.data().state == "failed"
    (default_destination() / "scenarios.csv").unlink()
    finding = data.data()
    assert finding.state == "failed"
    assert "are missing (scenarios.csv)" in finding.found
    assert finding.remedy == "Get them again: selfinterp fetch"


def test_a_variable_that_names_no_folder_fails(tmp_path, monkeypatch):
    monkeypatch.setenv("SELFINTERP_DATA", str(tmp_path / "gone"))
    finding = data.data()
    assert finding.state == "failed"
    assert finding.remedy == "Correct SELFINTERP_DATA, or unset it."


def test_whether_a_folder_can_be_written_is_tried_and_leaves_nothing(tmp_path):
    assert caches.writable(tmp_path / "new" / "deep")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    assert not caches.writable(tmp_path / "file" / "below")
    if Path("/proc/version").exists():  # where not even root can make a file
        assert not caches.writable(Path("/proc/selfinterp"))


def test_a_check_that_breaks_is_a_finding():
    def broken():
        raise OSError("two\nlines")

    def lacking():
        raise ModuleNotFoundError("No module named 'psutil'", name="psutil")

    assert list(examine("odd", broken)) == [
        failed("odd", "could not be checked: OSError: two", "Paste this report into an issue.")
    ]
    (finding,) = examine("memory", lacking)
    assert finding.remedy == "Install it: pip install psutil"
    assert list(examine("fine", lambda: ok("fine", "yes"))) == [ok("fine", "yes")]


def test_the_home_folder_is_abbreviated_and_nothing_else(monkeypatch):
    monkeypatch.setenv("HOME", "/srv/people/ann")
    assert pasteable("in /srv/people/ann/data, /srv/people/ann.") == "in ~/data, ~."
    others = "/srv/people/anna/data /mnt/srv/people/ann/data /srv/people"
    assert pasteable(others) == others
    monkeypatch.setenv("HOME", "/")
    assert pasteable("/usr/lib") == "/usr/lib"


def test_a_trial_that_takes_too_long_is_stopped():
    # Python itself takes longer to start than this.
    trial = run_trial(patience=0.001)
    assert trial.ended == "was stopped after 0 s"
    finding = heavy.fit(trial)
    assert finding.state == "failed"
    assert "not reached" in finding.found


def test_the_exact_answer_is_what_another_integration_gives():
    from scipy.integrate import dblquad
    from scipy.special import expit

    def moment(successes, power_a, power_b):
        def density(slope, intercept):
            value = -0.5 * ((intercept / 1.5) ** 2 + slope**2)
            for x, count in zip((-1, 0, 1), successes, strict=True):
                chance = expit(intercept + slope * x)
                value += count * np.log(chance) + (20 - count) * np.log1p(-chance)
            return np.exp(value + 40) * intercept**power_a * slope**power_b

        return dblquad(density, -6, 6, -6, 6, epsabs=1e-9, epsrel=1e-7)[0]

    successes = tinyfit.SUCCESSES[0]
    whole = moment(successes, 0, 0)
    expected = moment(successes, 1, 0) / whole, moment(successes, 0, 1) / whole
    assert tinyfit.exact_means(successes) == pytest.approx(expected, abs=1e-5)


def test_a_fit_that_is_off_fails():
    exact = np.array([tinyfit.exact_means(counts) for counts in tinyfit.SUCCESSES])
    mcse = np.full(exact.shape, 0.005)
    assert tinyfit.largest_error(exact, mcse) == 0
    off = exact.copy()
    off[2, 1] += 6 * 0.005
    error = tinyfit.largest_error(off, mcse)
    assert error == pytest.approx(6)
    off[0, 0] = np.nan
    assert tinyfit.largest_error(off, mcse) == np.inf
    about = {"seconds": 1.0, "engines": ["importance"], "largest_error": error}
    trial = Trial({**dict.fromkeys(PARTS), "fit": about}, {}, "ended with status 0")
    assert heavy.fit(trial).state == "failed"


def test_a_wrong_call_is_said_in_one_message():
    ran = selfinterp("doctor", "--fix")
    assert ran.status == 2
    assert "No such option" in ran.err

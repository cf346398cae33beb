"""The installed command in a process of its own: help, streams, terminals, interrupts, limits."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time

import pytest
from commandline import FEW_DRAWS, command, contents, process, selfinterp

HEAVY = {"arviz", "arviz_stats", "bambi", "jax", "matplotlib", "numpy", "numpyro", "pandas"}
HEAVY |= {"pymc", "pytensor", "rich", "scipy", "xarray"}
COMMANDS = ("demo", "fetch", "reproduce", "weights", "priors", "sensitivity", "propagate")
COMMANDS += ("calibrate", "plan", "explainers", "tables", "compare", "simulate", "doctor")
posix = pytest.mark.skipif(os.name != "posix", reason="signals and limits of POSIX")


def test_without_a_command_it_prints_help():
    ran = process()
    assert (ran.status, ran.err) == (0, "")
    assert ran.out == process("--help").out
    for name in COMMANDS:
        assert f"\n  {name} " in ran.out


@pytest.mark.parametrize("arguments", [["--help"], ["reproduce", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    code = (
        "import sys\n"
        "from selfinterp_stats.cli.main import run\n"
        f"status = run({arguments!r})\n"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}), file=sys.stderr)\n"
        "sys.exit(status)\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout
    assert not set(ran.stderr.split()) & HEAVY


COLLECTING = [
    *(f"collect {name}" for name in ("choices", "reports", "export", "hints", "simulate-server")),
    *(f"finetune {name}" for name in ("files", "submit", "status")),
]


@pytest.mark.parametrize("name", [*COMMANDS, *COLLECTING])
def test_every_command_and_every_option_has_help(name):
    ran = selfinterp(*name.split(), "--help")
    assert ran.status == 0
    first, _, listed = ran.out.partition("\nOptions:\n")
    assert len(first.split()) > 10
    entries = []
    for line in listed.partition("\n\n")[0].splitlines():
        if line.startswith("  -"):
            entries.append(line.strip())
        else:
            entries[-1] += f"  {line.strip()}"
    assert entries
    for entry in entries:
        declared, _, text = entry.partition("  ")
        assert len(text.partition("[")[0].split()) >= 3, f"{name} {declared} has no help text"


def test_the_help_of_the_main_command_shows_an_example():
    assert "Example: selfinterp reproduce --data" in selfinterp("reproduce", "--help").out


def test_a_mistake_is_one_message_on_stderr(tmp_path):
    ran = process("reproduce", "--data", tmp_path / "nowhere", "--out", tmp_path / "out")
    assert ran.status == 2
    assert ran.out == ""
    assert ran.err.startswith(f"selfinterp: {tmp_path / 'nowhere'}: the study folder cannot be")
    assert ran.err.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_names_that_a_terminal_cannot_show_do_no_harm(make_study, tmp_path):
    study = make_study(base_models=("llama-模型",), sets=("instilled",), conditions=())
    ran = process(
        "weights",
        *("--data", study, "--out", tmp_path / "out", "--base-model", "llama"),
        env={"PYTHONIOENCODING": "latin-1"},
    )
    assert ran.status == 2
    assert "Allowed: llama-??." in ran.err
    assert "Traceback" not in ran.err


def test_a_reader_that_stops_early_does_no_harm():
    help_text = subprocess.Popen(
        [command(), "reproduce", "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    help_text.stdout.close()
    assert b"Traceback" not in help_text.stderr.read()
    help_text.wait(timeout=30)
    help_text.stderr.close()


# Sends an interrupt at the moment when a module is looked for.
INTERRUPTED_AT = """
import os, signal, sys

module = sys.argv[1]

class Interrupt:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from selfinterp_stats.cli.main import main
print("started", flush=True)
sys.argv[1:] = ["reproduce", "--data", "nowhere", "--out", "out"]
main()
"""


@posix
@pytest.mark.parametrize(
    "module", ["click", "selfinterp_stats.cli.root", "selfinterp_stats.reporting", "numpy"]
)
def test_an_interrupt_while_modules_load_is_one_line(module, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_AT, module],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
    )
    assert ran.stdout == "started\n"
    # A line feed before it ends the line on which a terminal shows ^C.
    assert ran.stderr.lstrip("\n") == "selfinterp: interrupted; nothing was written.\n"
    assert ran.returncode == 130


@posix
@pytest.mark.parametrize("existing", [True, False])
def test_an_interrupt_while_fitting_changes_nothing(make_study, tmp_path, existing):
    study = make_study(sets=("instilled",))
    out = tmp_path / "results"
    if existing:
        out.mkdir()
        (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(tmp_path)
    running = subprocess.Popen(
        [command(), "reproduce", "--data", str(study), "--out", str(out), "--engine", "nuts"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    said = running.stderr.readline()
    assert said.startswith("reading: ")
    time.sleep(1.5)
    assert running.poll() is None
    running.send_signal(signal.SIGINT)
    printed, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert printed == ""
    assert err.endswith("selfinterp: interrupted; nothing was written.\n")
    assert "Traceback" not in err
    assert contents(tmp_path) == before


@posix
def test_a_file_too_large_to_write_leaves_nothing(make_study, tmp_path):
    study = make_study(sets=("instilled",), conditions=())
    limited = (
        "import os, resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))\n"
        "os.execv(sys.argv[1], sys.argv[1:])\n"
    )
    arguments = [command(), "weights", "--data", str(study), "--out", str(tmp_path / "out")]
    ran = subprocess.run(
        [sys.executable, "-c", limited, *arguments],
        capture_output=True,
        text=True,
        check=False,
        # What Python and JAX compile would be cut off by the limit, too.
        env={
            **os.environ,
            "PYTHONDONTWRITEBYTECODE": "1",
            "JAX_ENABLE_COMPILATION_CACHE": "false",
        },
        timeout=120,
    )
    assert ran.returncode == 2
    assert "the output cannot be written (File too large); nothing was changed" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["study"]


@posix
def test_bars_move_at_a_terminal_and_lines_keep_to_its_width(make_study, tmp_path):
    import fcntl
    import pty
    import struct
    import termios

    study = make_study(sets=("instilled",), conditions=())
    reading, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 100, 0, 0))
    running = subprocess.Popen(
        [command(), "reproduce", "--data", str(study), "--out", str(tmp_path / "out"), *FEW_DRAWS],
        stdin=subprocess.DEVNULL,
        stdout=terminal,
        stderr=terminal,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(terminal)
    printed = b""
    while True:
        try:
            part = os.read(reading, 65_536)
        except OSError:  # Linux says so when the other end is closed
            break
        if not part:
            break
        printed += part
    os.close(reading)
    assert running.wait(timeout=60) == 0
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed.decode())
    assert "weights" in text
    assert "4/4" in text
    assert "━" in text
    lines = text[text.index("The paper's quantities") :].splitlines()
    assert any("learned and target weights" in line for line in lines)
    # A path is one word, however long.
    assert max(len(line) for line in lines if str(tmp_path) not in line) <= 100

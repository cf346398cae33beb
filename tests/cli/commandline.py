"""Runs the command line, in this process or in one of its own, and says what came of it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from selfinterp_stats.cli.main import run

# Enough for everything to be computed; too few for the diagnostics of most fits to pass.
FEW_DRAWS = ("--draws", "400", "--regression-draws", "400")


@dataclass(frozen=True)
class Ran:
    """What a command left: exit status, what it printed."""

    status: int
    out: str
    err: str

    @property
    def json(self):
        return json.loads(self.out)


def selfinterp(*arguments: object) -> Ran:
    """Run a command in this process, where what JAX compiled is still there."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = run([str(argument) for argument in arguments])
    return Ran(status, out.getvalue(), err.getvalue())


def command() -> str:
    """The installed command."""
    return str(Path(sys.executable).with_name("selfinterp"))


def process(*arguments: object, timeout: float = 120, **options) -> Ran:
    """Run the installed command in a process of its own."""
    env = {**os.environ, **options.pop("env", {})}
    done = subprocess.run(
        [command(), *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        env=env,
        **options,
    )
    return Ran(done.returncode, done.stdout, done.stderr)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }

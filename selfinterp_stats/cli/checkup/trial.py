"""A trial of the heavy libraries, in a Python of its own: import them, then fit a little.

A library that does not suit the machine may end the whole process. So `run_trial` starts another
one, which prints a line for everything it has done; the first that is missing is what ended it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from selfinterp_stats.cli.checkup.finding import in_one_line

# Seconds after which the trial is given up. It takes ten or so; a cold network disk, minutes.
PATIENCE: Final = 300.0
_MPLCONFIGDIR: Final = os.environ.get("MPLCONFIGDIR")
_MARK: Final = "selfinterp-trial "
# The search path is that of this process, whatever is in the folder from which it was started.
_START: Final = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from selfinterp_stats.cli.checkup.trial import main; main()"
)
# Light ones first, and each before those that need it.
IMPORTED: Final = (
    *("click", "jinja2", "packaging", "platformdirs", "pooch", "psutil", "requests", "rich"),
    *("numpy", "scipy", "pandas", "xarray", "h5py", "h5netcdf", "matplotlib", "jax", "numpyro"),
    *("pytensor", "pymc", "bambi", "arviz"),
)


@dataclass(frozen=True)
class Trial:
    """What the other process did.

    Attributes
    ----------
    done : mapping of str to object
        What came of each part.
    errors : mapping of str to str
        Parts that raised an error.
    ended : str
        How the process ended, where that was before its end.
    """

    done: Mapping[str, Any]
    errors: Mapping[str, str]
    ended: str

    def __getitem__(self, part: str) -> Any:
        """What came of a part.

        Raises
        ------
        PartError
            If the part raised an error, ended the process or was not reached.
        """
        if part in self.done:
            return self.done[part]
        if part in self.errors:
            raise PartError(self.errors[part])
        first = next(name for name in PARTS if name not in {*self.done, *self.errors})
        if part == first:
            raise PartError(f"Python {self.ended}")
        raise NotReachedError(f"not reached: Python {self.ended} at {first!r}")


class PartError(Exception):
    """A part of the trial did not come to its end; the message says why."""


class NotReachedError(PartError):
    """A part of the trial did not begin, since an earlier one ended it all."""


def run_trial(patience: float = PATIENCE) -> Trial:
    """Do everything in a process of its own.

    Parameters
    ----------
    patience : float
        Seconds after which it is given up.
    """
    command = [sys.executable, "-c", _START, json.dumps(sys.path)]
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=patience, check=False
        )
    except OSError as error:
        return Trial({}, {}, f"could not be started ({in_one_line(error)})")
    except subprocess.TimeoutExpired as error:
        # bytes even of a process whose output is text
        printed = (error.stdout or b"").decode(errors="replace")
        return _read(printed, f"was stopped after {patience:.0f} s")
    return _read(ran.stdout, _end(ran))


def _end(ran: subprocess.CompletedProcess[str]) -> str:
    if ran.returncode < 0:
        try:
            how = f"was ended by {signal.Signals(-ran.returncode).name}"
        except ValueError:  # a signal that has no name here
            how = f"was ended by signal {-ran.returncode}"
    else:
        how = f"ended with status {ran.returncode}"
    last = ran.stderr.strip().splitlines()[-1:]
    return f"{how} ({last[0]})" if last else how


def _read(printed: str, ended: str) -> Trial:
    done: dict[str, Any] = {}
    errors: dict[str, str] = {}
    for line in printed.splitlines():
        if line.startswith(_MARK):
            part, result, error = json.loads(line.removeprefix(_MARK))
            if error:
                errors[part] = error
            else:
                done[part] = result
    return Trial(done, errors, ended)


def main() -> None:
    """Do the parts one after the other; the other side of `run_trial`."""
    for part, do in PARTS.items():
        result, error = None, ""
        try:
            result = do()
        except Exception as raised:  # noqa: BLE001 - a broken library may raise anything at all
            error = in_one_line(raised)
        print(_MARK + json.dumps([part, result, error]), flush=True)  # noqa: T201 - to `run_trial`


def _imports() -> Iterator[tuple[str, Callable[[], None]]]:
    for name in IMPORTED:

        def load(name: str = name) -> None:
            import_module(name)

        yield f"import {name}", load


def _provenance() -> dict[str, Any]:
    from selfinterp_stats.estimates.provenance import provenance

    return provenance()


def _devices() -> list[str]:
    import jax

    return [f"{device.device_kind} ({device.platform})" for device in jax.local_devices()]


def _blas() -> dict[str, Any]:
    import pytensor

    return {
        "pytensor": pytensor.__version__,
        "flags": os.environ.get("PYTENSOR_FLAGS", ""),
        "ldflags": getattr(pytensor.config, "blas__ldflags", None),
    }


def _fit() -> dict[str, Any]:
    from selfinterp_stats.cli.checkup.tinyfit import tiny_fit

    return tiny_fit()


def _folders() -> dict[str, str | None]:
    import jax
    import matplotlib
    import pytensor

    from selfinterp_stats.inference.running.compiled import keep_compiled

    keep_compiled()
    settings: Any = jax.config
    cache = matplotlib.get_cachedir()
    # Matplotlib sets the variable itself when it has to make do with a temporary folder.
    temporary = os.environ.get("MPLCONFIGDIR") != _MPLCONFIGDIR
    return {
        "jax": settings.jax_compilation_cache_dir,
        # not `compiledir`, which is made when it is asked for
        "pytensor": str(pytensor.config.base_compiledir),
        "matplotlib": None if temporary else cache,
    }


PARTS: Final[Mapping[str, Callable[[], Any]]] = {
    **dict(_imports()),
    "provenance": _provenance,
    "devices": _devices,
    "folders": _folders,
    "blas": _blas,
    "fit": _fit,
}

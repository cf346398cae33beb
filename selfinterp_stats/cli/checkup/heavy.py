"""What the trial of the heavy libraries says: do they load, on what devices, how, and rightly."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

from selfinterp_stats.cli.checkup.finding import Finding, failed, ok, warning
from selfinterp_stats.cli.checkup.trial import IMPORTED, NotReachedError, PartError, Trial

# Of the tiny fit, in Monte Carlo standard errors: by chance alone one of its eight means is this
# far off once in 200,000 seeds.
LARGEST_ERROR: Final = 5.0
_REINSTALL: Final = "Install it again: pip install --force-reinstall"


def _failed(check: str, about: str, error: PartError, remedy: str) -> Finding:
    if isinstance(error, NotReachedError):
        remedy = "Mend first what failed above."
    return failed(check, f"{about}: {error}", remedy)


def imports(trial: Trial) -> list[Finding]:
    """Whether the libraries can be loaded, which their being installed does not say."""
    broken = []
    for name in IMPORTED:
        try:
            trial[f"import {name}"]
        except NotReachedError:
            break  # the one that ended it all has been named
        except PartError as error:
            broken.append(_failed("imports", name, error, f"{_REINSTALL} {name}"))
    return broken or [ok("imports", f"{len(IMPORTED)} libraries load")]


def devices(trial: Trial) -> Finding:
    """The devices that JAX sees; a GPU that it does not use is worth a word."""
    try:
        found = trial["devices"]
    except PartError as error:
        return _failed(
            "devices",
            "JAX",
            error,
            "Try JAX_PLATFORMS=cpu selfinterp doctor: if that works, it is the GPU's driver.",
        )
    listed = f"JAX sees {', '.join(found)}"
    chosen = os.environ.get("JAX_PLATFORMS")
    on_cpu = all("(cpu)" in device for device in found)
    if on_cpu and not chosen and _has_nvidia_gpu():
        return warning(
            "devices",
            f"{listed}, not the NVIDIA GPU of this machine",
            "To use it: pip install 'selfinterp-stats[cuda]'",
            devices=found,
        )
    if chosen:
        listed += f", since JAX_PLATFORMS is {chosen}"
    return ok("devices", listed, devices=found)


def _has_nvidia_gpu() -> bool:
    return Path("/proc/driver/nvidia/version").exists() or shutil.which("nvidia-smi") is not None


def blas(trial: Trial) -> Finding:
    """Why PyTensor may complain of a BLAS, and that none is needed."""
    try:
        about = trial["blas"]
    except PartError as error:
        return _failed("BLAS", "PyTensor", error, f"{_REINSTALL} pytensor")
    version, flags, linked = (about[name] for name in ("pytensor", "flags", "ldflags"))
    if linked:
        found = f"PyTensor {version} links to one ({linked})"
    elif "blas__ldflags" in flags:
        found = (
            f"PyTensor {version} is told to look for none (PYTENSOR_FLAGS={flags}), and none is "
            "needed; in Python, where this is not set, it may warn that it finds none"
        )
    else:
        found = (
            f"PyTensor {version} finds none and may warn of it; none is needed, and "
            "PYTENSOR_FLAGS=blas__ldflags= silences it"
        )
    return ok("BLAS", found, **about)


def fit(trial: Trial) -> Finding:
    """A tiny fit beside its exact answer."""
    remedy = "Run the other remedies first; if it stays, paste this report into an issue."
    try:
        about = trial["fit"]
    except PartError as error:
        return _failed("fit", "4 datasets", error, remedy)
    found = (
        f"4 datasets in {about['seconds']:.1f} s by {', '.join(about['engines'])}, means at most "
        f"{about['largest_error']:.1f} Monte Carlo errors from the exact ones"
    )
    if not about["largest_error"] <= LARGEST_ERROR:
        return failed("fit", f"{found}: wrong", remedy, **about)
    return ok("fit", found, **about)

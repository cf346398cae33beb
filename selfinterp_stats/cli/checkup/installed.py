"""What is installed: this package, Python, the libraries it needs and its extras.

All of it is read from what pip wrote down; nothing is imported here.
"""

from __future__ import annotations

import importlib.metadata
import platform
import struct
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats._version import __version__
from selfinterp_stats.cli.checkup.finding import Finding, failed, ok, warning

if TYPE_CHECKING:
    from packaging.requirements import Requirement

DISTRIBUTION: Final = "selfinterp-stats"
# Extras of those who work on the package, not with it.
_DEVELOPERS: Final = frozenset({"dev", "docs", "test"})


def python() -> Finding:
    """Python and the machine it runs on."""
    from packaging.specifiers import SpecifierSet

    version = platform.python_version()
    bits = struct.calcsize("P") * 8
    system = " ".join(filter(None, (platform.system(), platform.machine(), *platform.libc_ver())))
    found = f"{version} ({platform.python_implementation()}, {bits}-bit) on {system}"
    facts = {"version": version, "bits": bits, "platform": system, "executable": sys.executable}
    supported = importlib.metadata.metadata(DISTRIBUTION)["Requires-Python"]
    if bits != 64 or not SpecifierSet(supported).contains(version, prereleases=True):
        return failed(
            "python", found, f"Install a 64-bit Python {supported} and this package in it.", **facts
        )
    return ok("python", found, **facts)


def package(provenance: Mapping[str, Any]) -> Finding:
    """The package itself: its version, where it is, and the commit if that is a checkout.

    Parameters
    ----------
    provenance : mapping
        As from `estimates.provenance.provenance`; empty where it could not be told.
    """
    folder = Path(__file__).resolve().parents[2]
    commit = provenance.get("commit")
    found = f"{__version__} in {folder}" + (f", commit {commit}" if commit else "")
    facts = {"version": __version__, "folder": str(folder), "commit": commit}
    recorded = importlib.metadata.version(DISTRIBUTION)
    if recorded != __version__:
        return warning(
            "package",
            f"{found}; pip has {recorded} on record",
            "Install it again, so that the libraries are those of this version.",
            **facts,
        )
    return ok("package", found, **facts)


def libraries() -> list[Finding]:
    """The libraries that every installation needs: there, and of a version that will do."""
    versions = {each.name: _version(each.name) for each in requirements(DISTRIBUTION)}
    wrong = [
        failed("libraries", complaint, f"Install it: pip install '{each.name}{each.specifier}'")
        for each in requirements(DISTRIBUTION)
        if (complaint := _complaint(each))
    ]
    # PyTensor comes with PyMC, jaxlib with JAX; what goes wrong there is often one of the two.
    versions |= {name: _version(name) for name in ("jaxlib", "pytensor")}
    listed = ", ".join(f"{name} {version}" for name, version in sorted(versions.items()) if version)
    return wrong or [ok("libraries", listed, **versions)]


def extras() -> list[Finding]:
    """What is installed beyond that. An extra that is not there is no fault."""
    offered = importlib.metadata.metadata(DISTRIBUTION).get_all("Provides-Extra") or []
    states: dict[str, str] = {}
    wrong = []
    for extra in sorted(set(offered) - _DEVELOPERS):
        own = list(requirements(DISTRIBUTION, extra))
        missing = [each.name for each in own if _version(each.name) is None]
        states[extra] = f"without {', '.join(missing)}" if missing else "installed"
        unfit = [complaint for each in own if not missing and (complaint := _complaint(each))]
        if unfit:
            remedy = f"Install it again: pip install '{DISTRIBUTION}[{extra}]'"
            wrong.append(warning("extras", f"{extra}: {'; '.join(unfit)}", remedy))
    there = [extra for extra, state in states.items() if state == "installed"]
    absent = [f"{extra} ({state})" for extra, state in states.items() if state != "installed"]
    found = f"installed: {', '.join(there) or 'none'}"
    if absent:
        found += f"; not installed: {', '.join(absent)}"
    return [ok("extras", found, **states), *wrong]


def requirements(distribution: str, extra: str = "") -> Iterator[Requirement]:
    """What a distribution asks for: always, or with an extra only.

    Extras of what it asks for are followed: ``jax[cuda13]`` asks for JAX and its CUDA plugin.
    """
    from packaging.requirements import Requirement

    for text in importlib.metadata.requires(distribution) or ():
        each = Requirement(text)
        always = each.marker is None or each.marker.evaluate({"extra": ""})
        with_extra = each.marker is not None and each.marker.evaluate({"extra": extra})
        if always if not extra else with_extra and not always:
            yield each
            if _version(each.name) is not None:
                for inner in sorted(each.extras):
                    yield from requirements(each.name, inner)


def _complaint(each: Requirement) -> str:
    """What is wrong with what a requirement finds; empty if nothing is."""
    version = _version(each.name)
    if version is None:
        return f"{each.name} is not installed"
    if not each.specifier.contains(version, prereleases=True):
        return f"{each.name} is {version}, not {each.specifier}"
    return ""


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None

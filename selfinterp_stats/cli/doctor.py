"""``selfinterp doctor``: what to look at when something does not work."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from selfinterp_stats._version import __version__
from selfinterp_stats.cli import show
from selfinterp_stats.cli.options import json_option

if TYPE_CHECKING:
    from selfinterp_stats.cli.checkup.finding import Finding


_STATES = ("ok", "warning", "failed")


@click.command()
@json_option
def doctor(as_json: bool) -> int:
    """Check this installation: versions, devices, data, caches, and one tiny fit.

    Every line says ok, warning or failed, and what to do. Paste the whole into an issue when you
    ask for help; your home folder is written as ~ in it. Exit status 1 if anything failed. Takes
    a quarter of a minute.
    """
    if not as_json:
        click.echo(f"selfinterp-stats {__version__}\n")
    findings = []
    for finding in _findings():
        findings.append(finding)
        if not as_json:
            _print(finding)
    counts = {state: sum(each.state == state for each in findings) for state in _STATES}
    if as_json:
        fields = ("check", "state", "found", "remedy", "facts")
        checks = [{name: getattr(each, name) for name in fields} for each in findings]
        show.as_json({"counts": counts, "checks": checks})
    else:
        click.echo("\n" + ", ".join(f"{count} {state}" for state, count in counts.items()))
    return int(counts["failed"] > 0)


def _findings() -> Iterator[Finding]:
    """Every check in turn; none can stop the next."""
    from selfinterp_stats.cli.checkup import caches, heavy, installed, machine
    from selfinterp_stats.cli.checkup.finding import examine
    from selfinterp_stats.cli.checkup.trial import run_trial

    yield from examine("python", installed.python)
    yield from examine("libraries", installed.libraries)
    yield from examine("extras", installed.extras)
    yield from examine("memory", machine.memory)
    yield from examine("compiler", machine.compiler)
    yield from examine("data", _data)
    click.echo("a trial of the libraries: some ten seconds", err=True)
    trial = run_trial()
    yield from examine("package", lambda: installed.package(trial.done.get("provenance", {})))
    yield from examine("imports", lambda: heavy.imports(trial))
    yield from examine("devices", lambda: heavy.devices(trial))
    yield from examine("BLAS", lambda: heavy.blas(trial))
    yield from examine("user cache", caches.user_cache)
    yield from examine("caches", lambda: caches.of_libraries(trial))
    yield from examine("fit", lambda: heavy.fit(trial))


def _data() -> Finding:
    # Imported inside the check: reading studies needs libraries that may be broken.
    from selfinterp_stats.cli.checkup.data import data

    return data()


def _print(finding: Finding) -> None:
    line = f"{finding.state:<8} {finding.check}: {finding.found}"
    if finding.remedy:
        line += f"\n{'':<8} -> {finding.remedy}"
    click.echo(line)

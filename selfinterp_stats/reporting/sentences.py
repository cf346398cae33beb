"""Sentences that the methods sections of several commands share.

Plain text with citations, see `citing`. Each takes the figures of a run; nothing is told of what
it did not use.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from selfinterp_stats.estimates.diagnostics import MAX_RHAT, MIN_EBFMI, MIN_ESS
from selfinterp_stats.estimates.results import CHAINS
from selfinterp_stats.estimates.sensitivity.conclusions import CONTRAST, PEARSON, SHARE, SLOPE
from selfinterp_stats.inference.engines.pareto import GOOD_K
from selfinterp_stats.reporting import rounding

PAPER: Final = "plunkett2025selfinterpretability"
# Gaussian regressions by quadrature, see `estimates.sensitivity.regression`.
WITHOUT_DRAWING: Final = (
    "Linear regressions were computed without drawing: given the residual sd a slope is normal, "
    "and the residual sd was integrated out on a grid."
)


def software(run: Mapping[str, Any], *, bambi: bool = True, compiled: bool = True) -> str:
    """Name the libraries that models were written and compiled with, in their versions."""
    library = _versions(run)
    written = f"Bambi{library('bambi')} [@capretto2022bambi] and built as " if bambi else ""
    by_jax = (
        f", whose log-densities were compiled by JAX{library('jax')} [@bradbury2018jax]"
        if compiled
        else ""
    )
    models = f"PyMC{library('pymc')}{' models' * bambi} [@abrilpla2023pymc]"
    return f"Models were written in {written}{models}{by_jax}."


def _versions(run: Mapping[str, Any]) -> Callable[[str], str]:
    libraries = run.get("libraries", {})
    return lambda name: f" {libraries[name]}" if libraries.get(name) else ""


def package(run: Mapping[str, Any]) -> str:
    """Name this package, its commit and Python."""
    version = f" {run['version']}" if run.get("version") else ""
    commit, _, modified = str(run.get("commit") or "").partition(" ")
    at = f" (commit {commit[:12]}{', modified' * bool(modified)})" if commit else ""
    python = f" on Python {run['python']}" if run.get("python") else ""
    return f"The package was selfinterp-stats{version}{at}{python}."


def sampled(engines: Mapping[str, int], asked: str) -> str:
    """Say how posteriors were sampled.

    Parameters
    ----------
    engines : mapping of str to int
        Posteriors by engine; an empty name stands for those that none could compute.
    asked : str
        The engine that was asked for.
    """
    return " ".join(_ENGINES[name](count, asked) for name, count in engines.items() if count)


def _importance(fits: int, asked: str) -> str:
    del asked
    return (
        f"Of {counted(fits, 'posterior')}, draws were proposed from a normal mixed with a Student "
        "t around the Laplace approximation [@hesterberg1995defensive] and made into chains of "
        "equally weighted draws by a rejection-sampling chain [@tierney1994chains]; importance "
        "ratios were judged by their Pareto k, which had to be at most "
        f"{GOOD_K} [@vehtari2024psis]."
    )


def _nuts(fits: int, asked: str) -> str:
    those = ", for which importance was not to be trusted," if asked == "auto" else ""
    return (
        f"{counted(fits, 'posterior')}{those} {were(fits)} sampled by the No-U-Turn sampler "
        "[@hoffman2014nuts] with multinomial weights [@betancourt2017conceptual], many chains at "
        "once [@phan2019numpyro], in the space whitened by the Laplace approximation; divergent "
        f"transitions and an E-BFMI below {MIN_EBFMI} counted as failures [@betancourt2016ebfmi]."
    )


def _bambi(fits: int, asked: str) -> str:
    del asked
    return (
        f"{counted(fits, 'posterior')} {were(fits)} sampled one after the other by PyMC’s "
        "No-U-Turn sampler "
        "[@hoffman2014nuts], with 1,000 iterations of warm-up; divergent transitions and an E-BFMI "
        f"below {MIN_EBFMI} counted as failures [@betancourt2016ebfmi]."
    )


def _gibbs(fits: int, asked: str) -> str:
    del asked
    return (
        f"{counted(fits, 'posterior')} {were(fits)} sampled by Gibbs sampling [@geman1984gibbs], "
        "many short chains at once: the widths of the slopes’ priors given the slopes, and the "
        "slopes given the widths by Hamiltonian steps [@neal2011hamiltonian]."
    )


_ENGINES: Final[dict[str, Callable[[int, str], str]]] = {
    "importance": _importance,
    "nuts": _nuts,
    "bambi": _bambi,
    "gibbs": _gibbs,
    "": lambda fits, _: f"{counted(fits, 'posterior')} could not be computed.",
}


def drawn(each: Mapping[str, int], seed: int) -> str:
    """Say how many draws there are of each kind of fit.

    Parameters
    ----------
    each : mapping of str to int
        Draws over all chains, by the name of the kind.
    seed : int
    """
    (kind, number), *others = each.items()
    further = "".join(f" and each {other} {draws:,}" for other, draws in others)
    return f"Each {kind} has {number:,} draws{further}, in {CHAINS} chains; the seed was {seed}."


def required() -> str:
    """Say what R-hat and effective sample sizes had to be."""
    return (
        f"Rank-normalised split R-hat had to be at most {MAX_RHAT}, bulk and tail effective "
        f"sample sizes at least {MIN_ESS:.0f} [@vehtari2021rhat]"
    )


def diagnosed(fits: int, failing: int, worst: Mapping[str, float]) -> str:
    """Say how many fits pass every diagnostic, and name the worst figures.

    Parameters
    ----------
    fits, failing : int
    worst : mapping of str to float
        ``rhat``, ``ess_bulk`` and ``ess_tail``.
    """
    verdict = (
        f"{failing:,} of {fits:,} fits fail a diagnostic and are kept; "
        if failing
        else f"all {fits:,} fits pass every diagnostic: "
    )
    return (
        f"{required()}; {verdict}the largest R-hat is {rounding.written(worst['rhat'], 3)}, the "
        f"smallest effective sample sizes are {rounding.whole(worst['ess_bulk'])} (bulk) and "
        f"{rounding.whole(worst['ess_tail'])} (tail)."
    )


def intervals(hdi_prob: float) -> str:
    """Say what estimates of regressions are."""
    return (
        f"Estimates of regressions are posterior medians with {rounding.percent(hdi_prob)} "
        "highest-density intervals (HDI)."
    )


def of_conclusions(kinds: Iterable[str], hdi_prob: float) -> str:
    """Say how the paper's conclusions were estimated, and what their intervals are.

    Parameters
    ----------
    kinds : iterable of str
        Of the conclusions, see `estimates.sensitivity.conclusions`.
    hdi_prob : float
    """
    found = set(kinds)
    told = [
        f"{WITHOUT_DRAWING} {intervals(hdi_prob)}" if found & {SLOPE, CONTRAST, PEARSON} else "",
        "A Pearson r’s HDI is that of the correlation which its regression implies."
        if PEARSON in found
        else "",
        "A share’s HDI is that of a mean over scenarios." if SHARE in found else "",
    ]
    return " ".join(filter(None, told))


def counted(number: int, one: str) -> str:
    """Write a number with its noun, as in ``1 study`` and ``22 conclusions``."""
    return f"{number:,} {one}{'' if number == 1 else 's'}"


def were(number: int) -> str:
    """Give the verb that goes with a number."""
    return "was" if number == 1 else "were"

"""Bayesian estimates of how well language models report the weights behind their own choices.

The public names are imported where they are first used, so that importing this package, and the
command line's help, cost nothing.
"""

from __future__ import annotations

import os
from importlib import import_module

from selfinterp_stats._version import __version__

# How many threads XLA has on a CPU, read when JAX makes its first array: as many as there are
# cores. But JAX's LAPACK calls hold one while they wait for others to do their batches, so that on
# two cores two such calls wait for ever. More than one to spare would slow NUTS down.
os.environ.setdefault("NPROC", str(max(3, os.cpu_count() or 1)))

# As type checkers know it. `typing` itself is the slowest import before the command line can say
# that it was interrupted.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from selfinterp_stats.errors import InputError, SelfInterpError, ServiceError
    from selfinterp_stats.estimates import Results, Settings, fit_correlations, fit_weights
    from selfinterp_stats.estimates.calibration import calibrate
    from selfinterp_stats.estimates.explainers.analysis import analyse_explainers
    from selfinterp_stats.estimates.planning import compare_designs
    from selfinterp_stats.estimates.priors import compare_priors
    from selfinterp_stats.estimates.propagation import propagate_uncertainty
    from selfinterp_stats.estimates.sensitivity import compare_specifications
    from selfinterp_stats.inference.many import fit_many
    from selfinterp_stats.models import Prior
    from selfinterp_stats.reporting import compare_runs, hdi_table
    from selfinterp_stats.reporting.reproduce import reproduce
    from selfinterp_stats.study import (
        Study,
        fetch_paper_data,
        load_study,
        load_tidy,
        simulate_study,
    )
    from selfinterp_stats.study.explainers import load_explainers

_HOME = {
    "InputError": "errors",
    "Prior": "models",
    "Results": "estimates",
    "SelfInterpError": "errors",
    "ServiceError": "errors",
    "Settings": "estimates",
    "Study": "study",
    "analyse_explainers": "estimates.explainers.analysis",
    "calibrate": "estimates.calibration",
    "compare_designs": "estimates.planning",
    "compare_priors": "estimates.priors",
    "compare_runs": "reporting",
    "compare_specifications": "estimates.sensitivity",
    "fetch_paper_data": "study",
    "fit_correlations": "estimates",
    "fit_many": "inference.many",
    "fit_weights": "estimates",
    "hdi_table": "reporting",
    "load_explainers": "study.explainers",
    "load_study": "study",
    "load_tidy": "study",
    "propagate_uncertainty": "estimates.propagation",
    "reproduce": "reporting.reproduce",
    "simulate_study": "study",
}

__all__ = [
    "InputError",
    "Prior",
    "Results",
    "SelfInterpError",
    "ServiceError",
    "Settings",
    "Study",
    "__version__",
    "analyse_explainers",
    "calibrate",
    "compare_designs",
    "compare_priors",
    "compare_runs",
    "compare_specifications",
    "fetch_paper_data",
    "fit_correlations",
    "fit_many",
    "fit_weights",
    "hdi_table",
    "load_explainers",
    "load_study",
    "load_tidy",
    "propagate_uncertainty",
    "reproduce",
    "simulate_study",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

"""What is said of structured priors, from the committed comparison of the paper's data."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from selfinterp_stats.estimates.priors import PriorComparison
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting import citing
from selfinterp_stats.reporting.priors.methods import methods

PRIORS = Path(__file__).resolve().parents[2] / "reports" / "priors"


@pytest.fixture(scope="module")
def paper() -> PriorComparison:
    """The comparison but for what is not committed: choices, weights and scenarios."""
    run = json.loads((PRIORS / "run.json").read_text())
    frames = {
        name: pd.read_csv(PRIORS / "tables" / f"{file}.csv")
        for name, file in (("table", "priors"), ("conclusions", "prior_verdicts"))
    }
    choices = pd.DataFrame({"base_model": ["m"], "set": ["native"], "scenario": ["s"]})
    study = SimpleNamespace(
        choices=choices.loc[[0] * 50], base_models=("m",), attributes=("attr1",), notices=()
    )
    return PriorComparison(
        study=study,
        settings=Settings(),
        sets=pd.read_csv(PRIORS / "tables" / "prior_sets.csv", keep_default_na=False),
        weights=pd.DataFrame({"rhat": [1.004], "ess_bulk": [3000.0], "ess_tail": [2500.0]}),
        scenarios=pd.DataFrame(index=range(run["diagnostics"]["fits"])),
        run=run,
        **frames,
    )


def test_structured_sets_are_told_and_cited_where_they_were_drawn(paper):
    section = methods(paper)
    text = " ".join(section.paragraphs)
    sets = paper.sets.set_index("prior")
    assert f"under {len(sets)} sets of priors" in text
    assert f"are left out: {sets.loc['flat', 'improper']} under flat." in text
    assert "The width that the slopes of a base model and set share is drawn" in text
    drawn = sum(engines.get("gibbs", 0) for engines in paper.run["engines"].values())
    assert f"{drawn} posteriors were sampled by Gibbs sampling" in text
    fits = len(paper.scenarios) - sets["improper"].sum()
    assert sets["failing"].sum() == 0
    assert f"all {fits:,} fits pass every diagnostic" in text
    assert {"piironen2017horseshoe", "geman1984gibbs"} <= set(citing.cited(section.paragraphs))
    priors = section.priors.set_index(["model", "parameter"])["prior"]
    assert priors["weights, horseshoe", "slopes"].startswith("regularised horseshoe")
    assert priors["weights, bambi", "slopes"] == "Normal(mu=0, sigma=1 / sd of the predictor)"


def test_without_them_nothing_is_said_of_them(paper):
    only = {name: paper.run["engines"][name] for name in ("paper", "normal_2")}
    plain = replace(paper, run={**paper.run, "engines": only})
    text = " ".join(methods(plain).paragraphs)
    assert "Gibbs" not in text
    assert "horseshoe" not in text
    assert f"Of {sum(only[name]['importance'] for name in only)} posteriors, draws were" in text
    assert "No-U-Turn" not in text

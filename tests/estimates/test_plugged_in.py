"""The plug-in beside the multiverse's own row of the paper's specification, and beside draws."""

from __future__ import annotations

import numpy as np
import pytest

from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.propagation.carried import (
    by_quadrature,
    posterior_draws,
    regressed,
)
from selfinterp_stats.estimates.propagation.cells import cells_of, plugged_in
from selfinterp_stats.estimates.sensitivity.arrays import weighed_of
from selfinterp_stats.estimates.sensitivity.conclusions import (
    PEARSON,
    SHARE,
    Case,
    conclusions_of,
    estimate,
)
from selfinterp_stats.estimates.sensitivity.specifications import NOBODY, PAPER
from selfinterp_stats.study import load_study

KEYS = ["base_model", "set", "scenario"]


@pytest.fixture
def weighed(make_study):
    """Two base models with reports, and weights that go with them a little; nothing is fitted."""
    study = load_study(make_study(base_models=("model-a", "model-b"), scenarios=12))
    columns = list(study.attributes)
    long = study.reports.groupby(KEYS)[columns].mean().stack().rename_axis([*KEYS, "attribute"])
    noise = np.random.default_rng(0).normal(scale=60, size=len(long))
    table = (long + noise).rename("mean").reset_index()
    largest = table["mean"].abs().groupby([table[name] for name in KEYS]).transform("max")
    table["weight"] = (100 * table["mean"] / largest).round()
    intercepts = dict.fromkeys(table[KEYS].itertuples(index=False, name=None), 0.0)
    return weighed_of(study, table, intercepts), Names.of(study)


def test_plug_in_is_the_papers_own_row_of_the_multiverse(weighed):
    cells, names = weighed
    conclusions = [one for one in conclusions_of(cells, names) if one.kind != SHARE]
    assert len(conclusions) == 18
    nobody = np.array([NOBODY], dtype=object)
    for one in conclusions:
        expected = estimate([Case(one, PAPER, nobody)], 0.9)
        fits = regressed(*cells_of(one, plugged_in(cells)))
        found = by_quadrature(fits, correlation=one.kind == PEARSON, prob=0.9)
        for name, value in (("median", expected.estimate), ("hdi_low", expected.low)):
            assert found[name] == pytest.approx(value[0], rel=1e-9, abs=1e-12)
        assert found["hdi_high"] == pytest.approx(expected.high[0], rel=1e-9, abs=1e-12)


def test_the_probability_of_direction_is_the_share_of_draws(weighed):
    cells, names = weighed
    rng = np.random.default_rng(1)
    found, shares = [], []
    for one in conclusions_of(cells, names):
        if one.kind == SHARE:
            continue
        fits = regressed(*cells_of(one, plugged_in(cells)))
        correlation = one.kind == PEARSON
        drawn = posterior_draws(fits, correlation=correlation, draws=40_000, random=rng)
        positive = (drawn > 0).mean()
        found.append(by_quadrature(fits, correlation=correlation, prob=0.95)["pd"])
        shares.append(max(positive, 1 - positive))
    # A share of 40,000 draws has a standard error of at most .0025.
    np.testing.assert_allclose(found, shares, atol=4.5 * 0.0025)
    assert min(found) < 0.99

"""Every set of priors that the package ships can be fitted and described."""

from __future__ import annotations

import pytest

from selfinterp_stats.models.families import check_prior
from selfinterp_stats.models.prior_sets import PRIOR_SETS


@pytest.mark.parametrize("name", PRIOR_SETS)
def test_its_priors_are_distributions_that_are_known_with_numbers_that_make_sense(name):
    for term, prior in PRIOR_SETS[name].priors:
        check_prior(prior, column=term)


@pytest.mark.parametrize("name", PRIOR_SETS)
def test_it_has_a_prior_for_every_term_or_a_structure_that_gives_the_slopes(name):
    chosen = PRIOR_SETS[name]
    given = {term for term, _ in chosen.priors}
    assert given == ({"common", "Intercept"} if chosen.structure == "fixed" else {"Intercept"})


@pytest.mark.parametrize("name", PRIOR_SETS)
def test_it_says_in_words_what_it_gives(name):
    words = PRIOR_SETS[name].words
    assert "common ~ " in words
    assert f"Intercept ~ {PRIOR_SETS[name].of_term('Intercept')}" in words

"""A user's own priors from a file; wrong files are in ``tests/damage/priors.py``."""

from __future__ import annotations

from selfinterp_stats.models import WEIGHT_PRIORS, Prior
from selfinterp_stats.models.prior_files import prior_sets, read_priors

TERMS = ("d1", "d2", "d3")


def read(tmp_path, text):
    file = tmp_path / "priors.toml"
    file.write_text(text, encoding="utf-8")
    return prior_sets(read_priors(file), TERMS, file=file)


def test_what_is_not_named_is_the_papers(tmp_path):
    (wide, first) = read(
        tmp_path,
        '[wide]\ncommon = {name = "Normal", mu = 0, sigma = 10}\n'
        '[first]\nd1 = {name = "Laplace", mu = 1, b = 2}\n',
    )
    assert wide.of_term("d2") == Prior.of("Normal", mu=0, sigma=10)
    assert wide.of_term("Intercept") == WEIGHT_PRIORS["Intercept"]
    assert first.of_term("d1") == Prior.of("Laplace", mu=1, b=2)
    assert first.of_term("d2") == WEIGHT_PRIORS["common"]
    assert wide.words == (
        "common ~ Normal(mu=0, sigma=10); Intercept ~ StudentT(nu=3, mu=0, sigma=2.5)"
    )


def test_a_set_is_proper_where_all_of_its_priors_in_use_are(tmp_path):
    (flat, half) = read(
        tmp_path,
        '[flat_slopes]\ncommon = {name = "Flat"}\n'
        '[named]\ncommon = {name = "Flat"}\n'
        + "".join(f'{term} = {{name = "Normal", mu = 0, sigma = 1}}\n' for term in TERMS),
    )
    assert not flat.proper(TERMS)
    assert half.proper(TERMS)

"""A user's own priors from a file."""

from __future__ import annotations

import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.models import WEIGHT_PRIORS, Prior
from selfinterp_stats.models.families import FAMILIES
from selfinterp_stats.models.prior_files import prior_sets, read_priors
from selfinterp_stats.models.prior_sets import PRIOR_SETS

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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "",
            "{file}: the file holds no priors. Write [my_priors], below it For example: common = ",
        ),
        (
            "common = 1",
            (
                "{file}, column 'common': a set of priors is a table of terms (found 1). Write "
                "[common] on a line of its own, and below it the terms."
            ),
        ),
        (
            '[a]\ncommon = "Normal"',
            (
                "{file}, column 'a.common': a prior needs the name of its distribution (found "
                "'Normal'). For example: common = {{name = \"Normal\", mu = 0, sigma = 2}}."
            ),
        ),
        (
            '[a]\ncommon = {name = "Wishart", nu = 3}',
            (
                "{file}, column 'a.common': this distribution is not known here (found 'Wishart'). "
                f"Allowed: {', '.join(FAMILIES)}."
            ),
        ),
        (
            '[a]\ncommon = {name = "Normal", mu = 0, sd = 3}',
            (
                "{file}, column 'a.common': Normal has no such parameter (found 'sd'). Allowed: "
                "mu, sigma."
            ),
        ),
        (
            '[a]\ncommon = {name = "Normal", mu = 0, sigma = "wide"}',
            (
                "{file}, column 'a.common': the parameter sigma is not a number (found 'wide'). "
                "Allowed: one finite number."
            ),
        ),
        (
            '[a]\nd4 = {name = "Normal", mu = 0, sigma = 3}',
            (
                "{file}: the set 'a' names a term that the model does not have (found 'd4'). "
                "Allowed: common, Intercept, d1, d2, d3."
            ),
        ),
        (
            '[paper]\nd1 = {name = "Normal", mu = 0, sigma = 3}',
            (
                "{file}: this package has a set of priors of this name (found 'paper'). Choose a "
                f"name other than {', '.join(PRIOR_SETS)}."
            ),
        ),
        (
            '["a b"]\nd1 = {name = "Normal", mu = 0, sigma = 3}',
            (
                "{file}: a set of priors cannot have this name (found 'a b'). Allowed: letters, "
                "digits, '_', '-' and '.', beginning with a letter or digit."
            ),
        ),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, text, message):
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(message.format(file=tmp_path / "priors.toml"))


def test_what_is_no_toml_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"priors\.toml: the file of priors is not TOML: "):
        read(tmp_path, "[a\n")


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.toml: there is no such file of priors\."):
        read_priors(tmp_path / "none.toml")

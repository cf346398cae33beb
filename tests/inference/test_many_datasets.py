"""Datasets that are fitted together are fitted as if each were alone."""

from __future__ import annotations

import bambi
import numpy as np
import pandas as pd
import pytest
from cases import CASES, alone
from densities import Ours, check_density, theirs

from selfinterp_stats import fit_many
from selfinterp_stats.errors import InputError
from selfinterp_stats.inference.density.terms import design_matrix, spec_of
from selfinterp_stats.inference.fit import fit_datasets, prepare_groups
from selfinterp_stats.inference.prepare import DefaultPriors, Prepared
from selfinterp_stats.inference.settings import Running, Sampling
from selfinterp_stats.models import ModelSpec, Prior

IMPORTANCE = Sampling("importance", draws=1000, x64=True)
LINE = CASES["correlation"]


def same_draws(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal to rounding, but for the draws whose acceptance was a matter of rounding.

    64-bit sums of some forty terms in another order, enlarged by a Newton search; a log-ratio
    that differs by 1e-12 decides one acceptance in 10^11 otherwise.
    """
    apart = (np.abs(one - other) > 1e-6 * (1 + np.abs(one))).any(axis=-1)
    return float(apart.mean()) < 1e-3


class TestUnequalSizes:
    SIZES = {"a": 20, "b": 60, "c": 22, "d": 64}  # noqa: RUF012

    @pytest.fixture(scope="class")
    @classmethod
    def together(cls):
        return fit_datasets(
            LINE.spec, LINE.frame(cls.SIZES), ["which"], IMPORTANCE, running=Running(batch_size=2)
        )

    def test_labels_and_rows(self, together):
        assert together.labels == (("a",), ("b",), ("c",), ("d",))
        assert together.rows.tolist() == [20, 60, 22, 64]

    @pytest.mark.parametrize("names", [["a"], ["d", "b"]])
    def test_draws_are_those_of_each_dataset_alone(self, together, names):
        # Padded to 22 and to 64 rows beside the others: one of 20 alone is not padded at all.
        frame = LINE.frame(self.SIZES)
        some = pd.concat([alone(frame, name) for name in names])
        fits = fit_datasets(LINE.spec, some, ["which"], IMPORTANCE, running=Running(batch_size=2))
        for i, label in enumerate(fits.labels):
            other = together.draws.values[together.labels.index(label)]
            assert same_draws(fits.draws.values[i], other)


class TestTransformationsThatDependOnTheRows:
    @pytest.mark.parametrize(
        "formula",
        [
            "amount ~ scale(x)",
            "amount ~ center(x) * z",
            "amount ~ I(x - np.mean(x)) + kind",
            "amount ~ bs(x, df=4)",
            "amount ~ poly(x, 2)",
        ],
    )
    def test_they_see_the_rows_of_their_own_dataset_alone(self, formula):
        frame = CASES["gaussian"].frame({"few": 24, "more": 45, "most": 60})
        spec = ModelSpec.of(formula, "gaussian", {})
        prepared = prepare_groups(spec, frame, ["which"], IMPORTANCE, DefaultPriors())
        starts = prepared.rows.starts
        for i, (label,) in enumerate(prepared.datasets.labels):
            expected = design_matrix(spec.read(alone(frame, label)))
            found = prepared.rows.X[starts[i] : starts[i + 1]]
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)
        # Read together they would be other columns: the test tells the two apart.
        pooled = design_matrix(spec.read(frame))
        assert not np.allclose(pooled, prepared.rows.X, rtol=1e-3)

    def test_without_them_all_rows_are_read_at_once(self):
        frame = CASES["gaussian"].frame()
        spec = ModelSpec.of("amount ~ x * kind", "gaussian", {})
        prepared = prepare_groups(spec, frame, ["which"], IMPORTANCE, DefaultPriors())
        np.testing.assert_array_equal(prepared.rows.X, design_matrix(spec.read(frame)))


def shifted() -> pd.DataFrame:
    """Three datasets whose responses lie around 0, 100 and 10, the last ones far apart."""
    frame = CASES["gaussian"].frame({"a": 30, "b": 34, "c": 30})
    place = frame["which"].map({"a": 0.0, "b": 100.0, "c": 10.0})
    width = frame["which"].map({"a": 1.0, "b": 2.0, "c": 20.0})
    return frame.assign(amount=place + width * frame["amount"])


def by_hand(response: pd.Series) -> tuple[float, float]:
    """Place and width of brms' intercept prior, by its rule."""
    middle = response.median()
    deviation = 1.4826 * (response - middle).abs().median()
    return round(middle, 1), max(2.5, round(deviation, 1))


class TestDefaultPriors:
    def prepared(self, priors=None, **options) -> Prepared:
        spec = ModelSpec.of("amount ~ x", "gaussian", priors or {})
        return prepare_groups(spec, shifted(), ["which"], IMPORTANCE, DefaultPriors(**options))

    def intercept_and_sigma(self, prepared: Prepared) -> list[tuple[float, float, float]]:
        """Place and width of every dataset's intercept prior, and the width of sigma's."""
        found = []
        for i in range(len(prepared.datasets.labels)):
            priors = dict(prepared.spec_of(i).priors)
            intercept, sigma = (dict(priors[name].arguments) for name in ("Intercept", "sigma"))
            found.append((intercept["mu"], intercept["sigma"], sigma["sigma"]))
        return found

    def expected(self, label: str) -> tuple[float, float, float]:
        frame = shifted()
        place, width = by_hand(frame.loc[frame["which"] == label, "amount"])
        return place, width, width

    def test_they_are_frozen_to_the_first_dataset_in_sorted_order(self):
        prepared = self.prepared()
        assert self.intercept_and_sigma(prepared) == [self.expected("a")] * 3
        assert (prepared.numbers == prepared.numbers[0]).all()

    def test_or_to_one_that_is_named(self):
        assert self.intercept_and_sigma(self.prepared(frozen_to=("c",))) == [self.expected("c")] * 3
        assert self.expected("c")[1] > 2.5

    def test_or_made_of_each_dataset(self):
        prepared = self.prepared(made_of="per_dataset")
        assert self.intercept_and_sigma(prepared) == [self.expected(label) for label in "abc"]
        assert len(np.unique(prepared.numbers, axis=0)) == 3

    def test_each_dataset_s_density_has_its_own(self):
        prepared = self.prepared(made_of="per_dataset")
        check_density(Ours(prepared), shifted())

    def test_they_stand_in_only_for_what_is_not_named(self):
        narrow = Prior.of("Normal", mu=0, sigma=0.1)
        for made_of in ("frozen", "per_dataset"):
            prepared = self.prepared({"common": narrow, "Intercept": narrow}, made_of=made_of)
            for i, label in enumerate("abc"):
                priors = dict(prepared.spec_of(i).priors)
                assert priors["common"] == priors["Intercept"] == narrow
                width = self.expected(label if made_of == "per_dataset" else "a")[2]
                assert priors["sigma"] == Prior.of("HalfStudentT", nu=3, sigma=width)

    def test_a_dataset_that_is_not_there_cannot_be_frozen_to(self):
        with pytest.raises(InputError) as caught:
            self.prepared(frozen_to=("z",))
        assert str(caught.value) == (
            "the dataset that the default priors are to be frozen to is not there (found 'z'). "
            "Allowed: a dataset such as 'a'."
        )

    def test_there_are_two_ways_to_make_them(self):
        with pytest.raises(InputError) as caught:
            DefaultPriors("pooled")
        assert str(caught.value) == (
            "default priors are frozen to one dataset or made per dataset (found 'pooled'). "
            "Allowed: frozen, per_dataset."
        )

    def test_fit_many_takes_both(self):
        options = {"engine": "importance", "draws": 1000, "progress": False}
        found = {
            made_of: fit_many("amount ~ 1", shifted(), "which", default_priors=made_of, **options)
            for made_of in ("frozen", "per_dataset")
        }
        of = {
            label: [tree["posterior"]["Intercept"].sel(dataset=label) for tree in found.values()]
            for label in "ab"
        }
        place = by_hand(shifted().query("which == 'b'")["amount"])[0]
        assert abs(of["b"][1].mean().item() - place) < 1
        # Frozen priors are those of the first dataset, whose posterior is the same in both.
        assert of["a"][0].equals(of["a"][1])
        assert not of["b"][0].equals(of["b"][1])


class TestBambiModels:
    """A Bambi model stands for its formula, family, link and priors."""

    @pytest.fixture(scope="class")
    @classmethod
    def frame(cls):
        frame = CASES["gaussian"].frame()
        return frame.assign(**{name: frame[name].astype("category") for name in ("kind", "which")})

    @pytest.mark.parametrize(
        ("formula", "family", "link"),
        [
            ("amount ~ x * kind", "gaussian", None),
            ("yes ~ x + z", "bernoulli", "probit"),
            ("count ~ x", "poisson", None),
        ],
    )
    def test_its_density_is_kept_with_its_automatic_priors(self, frame, formula, family, link):
        model = bambi.Model(formula, frame, family=family, link=link)
        spec = spec_of(model)
        prepared = prepare_groups(spec, frame, ["which"], IMPORTANCE)
        for i, (label,) in enumerate(prepared.datasets.labels):
            assert prepared.spec_of(i) == spec, label
        # Of all rows as one dataset the density is that of the very model.
        whole = Ours(prepare_groups(spec, frame.assign(which="all"), ["which"], IMPORTANCE))
        points = whole.points()
        values, _ = theirs(model, whole.lifted.parameters, points[:3])
        np.testing.assert_allclose(whole.density(points, 0)[0][:3], values, rtol=1e-6)

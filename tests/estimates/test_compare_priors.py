"""Conclusions under other priors: each part beside what it should be by other means."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import arviz_stats
import bambi
import numpy as np
import pytest
import xarray as xr
from scipy import stats
from studies import write_study

from selfinterp_stats import compare_priors, fit_weights
from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.priors import gibbs, horseshoe, structured
from selfinterp_stats.estimates.priors.fitting import Scenarios
from selfinterp_stats.estimates.priors.judged import (
    ALPHAS,
    jensen_shannon,
    leave_one_out,
    power_scaled,
)
from selfinterp_stats.estimates.priors.predictive import near_certain
from selfinterp_stats.estimates.priors.verdicts import verdict
from selfinterp_stats.estimates.published import published_numbers
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.inference.running.traces import TRACES
from selfinterp_stats.inference.summary.summaries import ess_bulk
from selfinterp_stats.models import Prior
from selfinterp_stats.models.prior_sets import PRIOR_SETS, PriorSet
from selfinterp_stats.study import load_study

SETTINGS = Settings(draws=2000)
# The small study's trials are few enough for some scenarios to be separable.
SEPARABLE = "its predictors separate the responses and their priors are flat"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("priors") / "study"
    return load_study(write_study(folder, scenarios=8, trials=12))


@pytest.fixture(scope="module")
def scenarios(study):
    return Scenarios(study, SETTINGS)


@pytest.fixture(scope="module")
def found(study):
    return compare_priors(
        study,
        {"mine": {"d1": Prior.of("Laplace", mu=1, b=2)}},
        only=["mine", "normal_5", "flat"],
        settings=SETTINGS,
    )


# --- fits


def test_the_papers_set_is_the_papers_fit(study, scenarios):
    own = scenarios.fit(PRIOR_SETS["paper"]).means
    weights = fit_weights(study, settings=SETTINGS).table
    assert own.ravel() == pytest.approx(weights["mean"].to_numpy(), abs=1e-4)


def test_other_numbers_and_families_compile_nothing(scenarios):
    # Under a wide prior NUTS comes in as well.
    for sigma in (1, 5):
        scenarios.fit(PriorSet.of("normal", {"common": Prior.of("Normal", mu=0, sigma=sigma)}))
    before = TRACES.copy()
    for prior in (
        Prior.of("Normal", mu=0.5, sigma=3),
        Prior.of("StudentT", nu=5, mu=0, sigma=1),
        Prior.of("Logistic", mu=0, s=1),
    ):
        scenarios.fit(PriorSet.of("other", {"common": prior}))
    assert before == TRACES


def test_where_all_choices_are_alike_importance_is_not_believed(study):
    """The intercept's posterior has the tail of its prior, a Student t of three degrees."""
    choices = study.choices.copy()
    first = choices["scenario"] == choices["scenario"].iloc[0]
    choices.loc[first, "chose_a"] = True
    found = Scenarios(replace(study, choices=choices), SETTINGS).fit(PRIOR_SETS["normal_0.5"])
    alike = (found.diagnostics["scenario"] == choices["scenario"].iloc[0]).to_numpy()
    assert set(found.diagnostics["engine"][alike]) == {"nuts"}


def test_bambis_defaults_are_bambis(study, scenarios):
    numbers = scenarios.numbers_under(PRIOR_SETS["bambi"])
    for scenario in (0, 5):
        rows = scenarios.labels.iloc[scenario]
        data = study.choices
        for name in ("base_model", "set", "scenario"):
            data = data[data[name] == rows[name]]
        model = bambi.Model(
            "chose_a ~ d1 + d2 + d3",
            data[["chose_a", "d1", "d2", "d3"]].astype({"chose_a": int}),
            family="bernoulli",
        )
        model.build()
        own = {rv.name: rv.owner for rv in model.backend.model.free_RVs}
        for place, name in enumerate(("Intercept", "d1", "d2", "d3")):
            mu, sigma = (float(value.eval()) for value in own[name].inputs[-2:])
            assert numbers[scenario, place, :2] == pytest.approx([mu, sigma], rel=1e-6)


def test_scenarios_without_a_proper_posterior_are_named_and_left_out(found):
    flat = found.scenarios[found.scenarios["prior"] == "flat"]
    lost = flat[flat["problem"] != ""]
    row = found.sets.set_index("prior").loc["flat"]
    assert 0 < len(lost) < len(flat)
    assert row["improper"] == len(lost)
    assert (lost["problem"] == f"its posterior is improper: {SEPARABLE}").all()
    assert lost["elpd_loo"].isna().all()
    assert len(found.run["improper"]["flat"]) == len(lost)
    others = found.scenarios[found.scenarios["prior"] != "flat"]
    assert (others["problem"] == "").all()


def test_where_all_posteriors_are_improper_the_set_has_no_estimates(tmp_path):
    study = load_study(write_study(tmp_path / "study", scenarios=4, trials=4))
    found = compare_priors(study, only=["flat"], settings=SETTINGS)
    assert found.sets.set_index("prior").loc["flat", "improper"] == 8
    of_weights = found.table[found.table["prior"] == "flat"].set_index("id")["median"]
    assert of_weights[of_weights.index.str.contains("report_r_model-a|training")].isna().all()
    assert found.conclusions["without_estimate"].max() == 1


# --- the horseshoe


def test_the_horseshoes_density_is_that_of_its_draws():
    rng = np.random.default_rng(3)
    drawn = np.abs(horseshoe.draw(rng, (200_000,), 1)[:, 0])
    edges = np.array([0.02, 0.1, 0.5, 1, 2, 4, 8, 16])
    fine = [np.linspace(low, high, 400) for low, high in pairwise(edges)]
    expected = [
        2 * np.trapezoid(np.exp(horseshoe.log_density(grid[:, None])), grid) for grid in fine
    ]
    shares = np.histogram(drawn, edges)[0] / len(drawn)
    error = np.sqrt(np.array(expected) / len(drawn))
    assert np.abs((shares - expected) / error).max() < 4


def test_the_horseshoes_density_is_that_of_a_finer_grid():
    slope = np.geomspace(0.01, 50, 30)
    expected = np.log(_horseshoe(slope))
    found = horseshoe.log_density(slope[:, None])
    # Slopes are rounded by up to half a hundredth.
    assert found - found[10] == pytest.approx(expected - expected[10], abs=0.03)


def test_slopes_share_their_global_scale():
    """Given one slope near zero, another is more likely to be there too."""
    near, far = 0.01, 2.0
    together, apart = (
        horseshoe.log_density(np.array([[near, other]]))[0]
        - horseshoe.log_density(np.array([[far, other]]))[0]
        for other in (near, far)
    )
    assert together > apart + 0.1


@pytest.fixture(scope="module")
def of_one_slope(tmp_path_factory):
    """One attribute, so that intercept and slope can be integrated on a grid."""
    folder = tmp_path_factory.mktemp("priors") / "study"
    study = write_study(folder, scenarios=12, trials=20, attributes=1, sets=["native"])
    return Scenarios(load_study(study), SETTINGS)


def test_a_horseshoes_posterior_is_that_of_quadrature(of_one_slope):
    slope, likelihoods = _likelihoods(of_one_slope)
    density = likelihoods * _horseshoe(slope)
    density /= density.sum(axis=1, keepdims=True)
    mean = density @ slope
    posterior = structured.fit(of_one_slope, PRIOR_SETS["horseshoe"])
    assert posterior.summaries["rhat"].max() <= 1.02  # of half as many draws as usual
    assert set(posterior.diagnostics["engine"]) == {"gibbs"}
    drawn = posterior.draws[..., 1].reshape(len(mean), -1)
    sd = np.sqrt(density @ slope**2 - mean**2)
    error = sd / np.sqrt(posterior.summaries["ess_bulk"][:, 0])
    assert np.abs((drawn.mean(axis=1) - mean) / error).max() < 4
    for edge in (0.1, 1.0):  # in the spike; beyond it
        expected = density @ (np.abs(slope) < edge)
        # Draws nearer to zero or farther than this come in runs: a quarter of them is worth it.
        error = np.sqrt(expected * (1 - expected) / (SETTINGS.draws / 4))
        assert np.abs(((np.abs(drawn) < edge).mean(axis=1) - expected) / error).max() < 4


def _horseshoe(slope):
    """Density of one slope; the product of two half-Cauchy scales has one in closed form."""
    log_sd = np.arange(-13.95, 14, 0.1)
    log_slab = np.arange(-1, 6, 0.1)
    shares = log_sd / np.sinh(log_sd)
    found = np.zeros_like(slope)
    for slab, share in zip(
        np.exp(2 * log_slab), stats.invgamma(2, scale=8).pdf(np.exp(2 * log_slab)), strict=True
    ):
        sds = 1 / np.sqrt(1 / slab + np.exp(-2 * log_sd))
        found += share * slab * (shares @ stats.norm(0, sds[:, None]).pdf(slope))
    return found


def test_a_scenarios_posterior_hangs_on_nothing_beside_it(of_one_slope):
    alone = list(np.arange(len(of_one_slope))[:, None])
    widths = horseshoe.Horseshoe()
    one, other = (gibbs.sample(of_one_slope, groups, widths) for groups in (alone, alone[::-1]))
    assert (one.values == other.values).all()


# --- the hierarchical set


def test_the_learned_width_is_that_of_quadrature(of_one_slope):
    posterior = structured.fit(of_one_slope, PRIOR_SETS["hierarchical"])
    (learned,) = posterior.learned
    slope, likelihoods = _likelihoods(of_one_slope)
    log_widths = np.linspace(np.log(0.01), np.log(60), 400)
    density = stats.norm(0, np.exp(log_widths)[:, None]).pdf(slope)
    evidence = likelihoods @ density.T
    unit = np.exp(log_widths) / 2.5
    shares = evidence.prod(axis=0) * (1 + unit**2 / 3) ** -2 * np.exp(log_widths)
    shares /= shares.sum()
    mean = shares @ log_widths
    sd = np.sqrt(shares @ log_widths**2 - mean**2)
    drawn = np.log(learned.draws)
    error = sd / np.sqrt(float(ess_bulk(drawn[None])[0]))
    assert abs(drawn.mean() - mean) < 4 * error
    assert drawn.std() == pytest.approx(sd, rel=0.1)
    means = (likelihoods * slope) @ density.T / evidence @ shares
    error = posterior.summaries["sd"] / np.sqrt(posterior.summaries["ess_bulk"])
    assert np.abs((posterior.means - means[:, None]) / error).max() < 4


def test_fitting_again_compiles_nothing(of_one_slope):
    before = TRACES.copy()
    for name in ("horseshoe", "hierarchical"):
        structured.fit(of_one_slope, PRIOR_SETS[name])
    assert before == TRACES


def _likelihoods(scenarios):
    """Slopes, dense near zero, and how likely choices are there times the distance of slopes."""
    at = np.linspace(-10, 10, 1201)
    slope = np.sinh(at) / 200
    intercept = np.linspace(-12, 12, 121)
    of_intercept = stats.t(3, 0, 2.5).pdf(intercept)
    likelihoods = []
    for scenario in range(len(scenarios)):
        rows = scenarios.rows(scenario)
        X, y = scenarios.X[rows, 0], scenarios.y[rows]
        logit = intercept[:, None, None] + slope[:, None] * X
        rows = -np.logaddexp(0, np.where(y == 1, -logit, logit))
        likelihoods.append(of_intercept @ np.exp(rows.sum(axis=-1)))
    likelihoods = np.array(likelihoods) * np.cosh(at)
    return slope, likelihoods / likelihoods.sum(axis=1, keepdims=True)


# --- prediction and power-scaling


@pytest.fixture(scope="module")
def draws():
    """Draws of two slopes with a log-prior and log-likelihood, and six choices."""
    rng = np.random.default_rng(4)
    slopes = rng.multivariate_normal([1.0, -0.5], [[0.5, 0.2], [0.2, 1.0]], 1000)
    X = rng.normal(size=(6, 2))
    log_likelihood = -np.logaddexp(0, -X @ slopes.T)
    return slopes, stats.norm(0, 1).logpdf(slopes).sum(axis=1), log_likelihood


def _tree(slopes, log_prior, log_likelihood):
    dims = ("chain", "draw")
    return xr.DataTree.from_dict(
        {
            "posterior": xr.Dataset(
                {f"d{i}": (dims, slopes[:, i].reshape(4, -1)) for i in range(2)}
            ),
            "log_prior": xr.Dataset({"d": (dims, log_prior.reshape(4, -1))}),
            "log_likelihood": xr.Dataset(
                {"y": ((*dims, "choice"), log_likelihood.T.reshape(4, -1, 6))}
            ),
        }
    )


def test_leave_one_out_is_arvizs(draws):
    slopes, log_prior, log_likelihood = draws
    reference = arviz_stats.loo(_tree(slopes, log_prior, log_likelihood), pointwise=True, reff=1.0)
    elpd, k, p_loo = leave_one_out(log_likelihood)
    assert elpd == pytest.approx(np.asarray(reference.elpd_i), abs=1e-8)
    assert k == pytest.approx(np.asarray(reference.pareto_k), abs=1e-8)
    assert p_loo.sum() == pytest.approx(reference.p, abs=1e-8)


@pytest.mark.parametrize("group", ["prior", "likelihood"])
def test_power_scaling_sensitivity_is_arvizs(draws, group):
    slopes, log_prior, log_likelihood = draws
    log_density = log_prior if group == "prior" else log_likelihood.sum(axis=0)
    own = power_scaled(slopes[None], log_density[None])
    reference = arviz_stats.psense(
        _tree(slopes, log_prior, log_likelihood), alphas=ALPHAS, group=group
    )
    expected = [float(reference[f"d{i}"]) for i in range(2)]
    # ArviZ smooths both tails of the ratios and takes fewer draws for one where they are alike.
    assert own.sensitivity[0] == pytest.approx(expected, rel=0.03)


def test_draws_that_weigh_alike_are_at_no_distance():
    values = np.sort(np.random.default_rng(5).normal(size=(1, 500, 1)), axis=1)
    assert jensen_shannon(values, np.full((1, 500, 1), 1 / 500)) == pytest.approx(0, abs=1e-6)


def test_a_power_moves_a_normal_posterior_as_it_should():
    """A standard normal prior and a normal likelihood around 2: powers are weights of means."""
    rng = np.random.default_rng(6)
    slope = rng.normal(1, np.sqrt(0.5), (1, 200_000, 1))
    own = power_scaled(slope, stats.norm(0, 1).logpdf(slope[..., 0]))
    for alpha, shift in own.shifts.items():
        assert shift[0, 0] == pytest.approx(2 / (1 + alpha) - 1, abs=0.01)


# --- prior predictive


def test_near_certain_choices_are_counted_for_the_scenarios_own_trials(scenarios):
    """With a normal prior of all coefficients a choice's logit is normal."""
    normal = Prior.of("Normal", mu=0, sigma=3)
    own = near_certain(
        scenarios, PriorSet.of("normal", {"common": normal, "Intercept": normal})
    ).mean()
    sd = 3 * np.sqrt(1 + (scenarios.X**2).sum(axis=1))
    counts = np.diff(scenarios.starts)
    shares = np.add.reduceat(2 * stats.norm.sf(np.log(99) / sd), scenarios.starts[:-1]) / counts
    # 3,200 sets of coefficients, and trials of a scenario that go together.
    assert own == pytest.approx(shares.mean(), abs=5 * 0.5 / np.sqrt(3200))


def test_an_improper_prior_predicts_nothing(scenarios):
    with pytest.raises(InputError) as caught:
        near_certain(scenarios, PRIOR_SETS["flat"])
    assert str(caught.value) == (
        "the set 'flat': an improper prior has no prior predictive distribution (found 'Flat()'). "
        "Allowed: Normal, StudentT, Cauchy, Logistic, Laplace."
    )


def test_in_the_table_an_improper_prior_has_no_such_share(found):
    shares = found.sets.set_index("prior")["near_certain"]
    assert np.isnan(shares["flat"])
    assert shares.drop("flat").between(0, 1).all()


# --- conclusions


def test_changes_are_from_the_papers_priors(found):
    table = found.table.set_index(["prior", "id"])
    assert list(found.sets["prior"]) == ["paper", "normal_5", "flat", "mine"]
    for prior in ("normal_5", "flat", "mine"):
        change = table.loc[prior, "median"] - table.loc["paper", "median"]
        assert table.loc[prior, "change"].to_numpy() == pytest.approx(
            change.to_numpy(), nan_ok=True
        )
    same = table.loc["normal_5"]
    assert (same["change"] == same["change_same_scenarios"]).all()
    assert (table.loc["paper", "change"] == 0).all()


def test_one_slopes_own_prior_moves_that_slope_most(found):
    weights = found.weights.set_index(["prior", "attribute"])["mean"]
    moved = {
        attribute: (weights["mine", attribute].to_numpy() - weights["paper", attribute])
        .abs()
        .mean()
        for attribute in ("attr1", "attr2", "attr3")
    }
    assert moved["attr1"] > 3 * max(moved["attr2"], moved["attr3"])


def test_a_flat_prior_moves_weights_less_than_the_papers(found):
    sensitivity = found.sets.set_index("prior")["prior_sensitivity"]
    # What is left of the flat set's is the intercept's prior.
    assert sensitivity["flat"] < sensitivity["paper"] / 2


def test_an_unknown_set_is_refused(study):
    with pytest.raises(
        InputError, match=r"there is no set of priors of this name \(found 'wide'\)"
    ):
        compare_priors(study, only=["wide"])


def test_a_term_that_the_model_does_not_have_is_refused(study):
    with pytest.raises(InputError) as caught:
        compare_priors(study, {"mine": {"d4": Prior.of("Normal", mu=0, sigma=1)}})
    assert str(caught.value) == (
        "the set 'mine' names a term that the model does not have (found 'd4'). Allowed: common, "
        "Intercept, d1, d2, d3."
    )


def test_an_engine_that_compiles_every_fit_is_refused(study):
    with pytest.raises(InputError, match="priors cannot be compared with this engine"):
        compare_priors(study, settings=Settings(engine="bambi"))


# --- verdicts

FIRM = {
    "reference": 0.0,
    "estimate": 0.5,
    "sets": 3,
    "without_estimate": 0,
    "lowest": 0.45,
    "lowest_under": "flat",
    "highest": 0.5,
    "highest_under": "paper",
    "largest_change": -0.05,
    "changed_by": "flat",
    "relative_change": 0.52,
    "flips": 0,
    "reaches": 0,
    "reached_under": "",
    "flipped_under": "",
    "paper_reaches": "no",
    "changed_same": float("nan"),
}


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({}, "The sign holds under all 3 sets of priors and no HDI reaches zero. The estimate"),
        ({"reaches": 3, "paper_reaches": "yes"}, "and every HDI reaches zero. "),
        (
            {"reaches": 1, "reached_under": "flat"},
            "holds under all 3 sets of priors, but the HDI reaches zero under flat. ",
        ),
        ({"flips": 1, "flipped_under": "flat"}, "The sign flips under flat and no HDI"),
        ({"reference": 0.5}, "The side of chance holds under all 3 sets of priors and no HDI"),
        ({"largest_change": 0.0001}, "It is 0.500 under all 3 sets of priors."),
        ({"without_estimate": 1}, "under both sets of priors and no HDI reaches zero. "),
        ({"estimate": float("nan")}, "The study has too few rows for it"),
        ({}, "between 0.450 (flat) and 0.500 (paper); its largest change, −0.050 under flat, is"),
        ({}, "is 0.5 times the half-width of the paper’s HDI."),
        ({"changed_same": 0.002}, "under flat (+0.002 on the scenarios that it leaves in), is"),
    ],
)
def test_a_verdict_follows_from_the_numbers(other, said):
    assert said in verdict({**FIRM, **other})


# --- the paper


def test_the_papers_numbers_come_back(paper_data):
    found = compare_priors(load_study(paper_data), only=["paper"], settings=SETTINGS)
    own, published = found.table.set_index("id"), published_numbers().set_index("id")
    for identifier in ("e1_report_r_4o", "e2_report_r_mini"):
        row, printed = own.loc[identifier], published.loc[identifier]
        assert row["median"] == pytest.approx(printed["published"], abs=0.01)
        for end in ("hdi_low", "hdi_high"):
            assert row[end] == pytest.approx(printed[f"published_{end}"], abs=0.015)

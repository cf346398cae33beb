"""Plans: what is predicted, against simulated studies, closed forms and the paper's own data."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from scipy import stats

from selfinterp_stats import InputError, load_study, simulate_study
from selfinterp_stats.estimates.planning import Design, Wanted, compare_designs, grid
from selfinterp_stats.estimates.planning.found import beside, found_by
from selfinterp_stats.estimates.planning.own import own_designs
from selfinterp_stats.estimates.planning.predict import half_width, predict
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.estimates.weights import fit_weights
from selfinterp_stats.study.simulation.design import Design as Simulated
from selfinterp_stats.study.study import INTROSPECTION_TRAINED, NATIVE, WEIGHT_TRAINED

SCENARIOS, TRIALS, REPORTS = 60, 30, 4
LATENT = {WEIGHT_TRAINED: 0.3, INTROSPECTION_TRAINED: 0.8}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    """A study with known truth: native scenarios alone, every report valid."""
    folder = tmp_path_factory.mktemp("planning") / "study"
    truth = simulate_study(
        folder,
        base_models=["model-a", "model-b"],
        trained=0,
        native=SCENARIOS,
        trials_native=TRIALS,
        reports=REPORTS,
        report_correlations={(NATIVE, name): value for name, value in LATENT.items()},
        invalid_shares=[0.0, 0.0],
    )
    return load_study(folder), truth


def designed(condition):
    """The design and the assumptions under which `simulated` was made."""
    behaviour = Simulated().behaviour[NATIVE, condition]
    return Design(
        scenarios=SCENARIOS,
        trials=TRIALS,
        reports=REPORTS,
        correlation=LATENT[condition],
        choice_noise=1 / Simulated.scale_native,
        report_noise=behaviour.noise,
        report_spread=behaviour.spread,
    )


@pytest.mark.parametrize("condition", LATENT)
def test_the_correlation_of_a_simulated_study_is_predicted(simulated, condition):
    _, truth = simulated
    known = truth.quantities
    known = known[known["id"].str.startswith("e3_native_r") & (known["condition"] == condition)]
    prediction = predict(designed(condition))
    away = (known["expected_estimate"] - prediction.attenuated) / prediction.between
    assert np.abs(away).max() < 3.5
    assert prediction.attenuated < LATENT[condition]


@pytest.mark.parametrize("condition", LATENT)
def test_noise_and_latent_correlation_are_told_from_a_study(simulated, condition):
    study, _ = simulated
    owns = [own for own in own_designs(study) if own.condition == condition]
    assert len(owns) == 2
    wanted = designed(condition)
    for own in owns:
        assert replace(own.design, **{name: getattr(wanted, name) for name in ASSUMED}) == wanted
        # Four standard errors of a correlation of 300 weights in 60 scenarios, halves being noisy.
        assert own.design.correlation == pytest.approx(wanted.correlation, abs=0.2)
        assert own.design.choice_noise == pytest.approx(wanted.choice_noise, rel=0.25)
        assert own.design.report_noise == pytest.approx(wanted.report_noise, rel=0.15)
        assert own.design.report_spread == pytest.approx(wanted.report_spread, rel=0.2)


ASSUMED = ("correlation", "choice_noise", "report_noise", "report_spread")


@pytest.mark.parametrize("r", [0.0, 0.75])
def test_the_width_is_that_of_a_regression_with_a_flat_residual_sd(r):
    """Of many rows the priors say nothing; a flat sd leaves a Student-t of n - 3 degrees."""
    n = 500
    half = stats.t.isf(0.025, n - 3) * np.sqrt((1 - r**2) / (n - 3))
    # The half-Student-t falls off by a fifth of a power of the sd at 1: a fifth of a degree.
    assert half_width(np.array([r]), n, 0.95) == pytest.approx(half, rel=1e-3)


def test_endless_choices_and_reports_find_the_latent_correlation():
    many = Design(trials=800, reports=40, choice_noise=0.2, report_noise=20, correlation=0.6)
    assert predict(many).attenuated == pytest.approx(0.6, abs=0.02)


def test_more_trials_and_more_reports_attenuate_less():
    found = {
        (trials, reports): predict(Design(trials=trials, reports=reports)).attenuated
        for trials, reports in product((10, 40), (1, 8))
    }
    assert found[10, 1] < found[40, 1] < found[40, 8]
    assert found[10, 1] < found[10, 8] < found[40, 8]


def test_no_correlation_is_seldom_taken_for_one():
    prediction = predict(Design(scenarios=50, correlation=0.0))
    assert prediction.excludes < 0.08
    assert abs(prediction.attenuated) < 0.02
    rope = predict(Design(scenarios=50, correlation=0.0), rope=(-0.1, 0.1))
    assert rope.excludes <= prediction.excludes


def test_the_cheapest_design_is_the_cheapest():
    designs = grid(scenarios=[20, 60, 150], trials=[10, 30], reports=[1, 4], correlation=[0.2, 0.7])
    wanted = Wanted(width=0.25, retained=0.6, cost_per_choice=0.5, cost_per_report=3.0)
    found = compare_designs(designs, wanted)
    assert len(found.table) == 24
    for latent, rows in found.table.groupby("correlation"):
        good = rows[(rows["hdi_width"] <= 0.25) & (rows["attenuated_r"] / latent >= 0.6)]
        (best,) = found.cheapest[found.cheapest["correlation"] == latent].to_dict("records")
        assert best["cost"] == good["cost"].min()
        assert best["cost"] == best["scenarios"] * (0.5 * best["trials"] + 3 * best["reports"])
    assert (found.table["calls"] == [design.calls for design in designs]).all()


def test_a_width_out_of_reach_leaves_a_gap():
    found = compare_designs(grid(scenarios=[10], trials=[10], reports=[1]), Wanted(width=0.01))
    assert found.cheapest["scenarios"].isna().all()
    assert found.cheapest["correlation"].notna().all()


@pytest.mark.paper
@pytest.mark.slow
def test_the_papers_own_design_is_predicted_within_a_tenth(paper_data):
    study = load_study(paper_data).narrow(base_models="gpt-4o-2024-08-06", sets="instilled")
    settings = Settings(draws=400)
    found = found_by(study, fit_weights(study, settings=settings), 0.95)
    table = beside(own_designs(study), found, seed=settings.seed, hdi_prob=0.95)
    assert len(table) == 3
    np.testing.assert_allclose(table["predicted_r"], table["found_r"], rtol=0.1)
    np.testing.assert_allclose(table["predicted_width"], table["found_width"], rtol=0.1)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"trials": 0},
            "a design cannot have this number of trials (found 0). Allowed: a whole number from 1.",
        ),
        (
            {"scenarios": 1},
            (
                "a design cannot have this number of scenarios (found 1). "
                "Allowed: a whole number from 2."
            ),
        ),
        (
            {"reports": 2.5},
            (
                "a design cannot have this number of reports (found 2.5). "
                "Allowed: a whole number from 1."
            ),
        ),
        (
            {"correlation": 1.2},
            "a design cannot have this correlation (found 1.2). Allowed: -1 to 1.",
        ),
        (
            {"correlation": float("nan")},
            "a design cannot have this correlation (found nan). Allowed: -1 to 1.",
        ),
        (
            {"choice_noise": 0.0},
            "a design cannot have this choice noise (found 0.0). Allowed: 0.005 to 100.",
        ),
        (
            {"report_noise": -1.0},
            "a design cannot have this report noise (found -1.0). Allowed: 0 to 1000.",
        ),
    ],
)
def test_a_design_that_cannot_be_is_refused(options, message):
    with pytest.raises(InputError) as refused:
        Design(**options)
    assert str(refused.value) == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"width": 0.0},
            (
                "an HDI of a correlation cannot have this width (found 0.0). "
                "Allowed: above 0, at most 2."
            ),
        ),
        ({"probability": 1.5}, "a probability cannot be this (found 1.5). Allowed: 0 to 1."),
        (
            {"retained": -1.0},
            "a share of a correlation cannot be this (found -1.0). Allowed: 0 to 1.",
        ),
        (
            {"rope": (0.2, 0.1)},
            (
                "the region of practical equivalence is empty (found (0.2, 0.1)). "
                "Allowed: LOW HIGH with LOW not above HIGH."
            ),
        ),
        ({"cost_per_report": -1.0}, "a call cannot cost this (found -1.0). Allowed: 0 and more."),
    ],
)
def test_a_wish_that_makes_no_sense_is_refused(options, message):
    with pytest.raises(InputError) as refused:
        Wanted(**options)
    assert str(refused.value) == message


def test_a_study_without_repeats_cannot_say_how_noisy_reports_are(make_study):
    study = load_study(make_study(repeats=1, scenarios=6))
    with pytest.raises(InputError) as refused:
        own_designs(study)
    assert str(refused.value) == (
        "no scenario has two reports, so that their noise cannot be told (found 'model-a / "
        "instilled / introspection-trained'). Plan with --report-noise instead of --pilot."
    )


def test_a_study_without_reports_cannot_be_planned_from(make_study):
    study = load_study(make_study(conditions=()))
    with pytest.raises(InputError, match="the study has no reports, so that nothing"):
        own_designs(study)

"""A simulated study has the truth that was asked for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import expit
from simulated import ATTRIBUTES, REPORTS, K, many_scenarios, wide

from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulate import simulate_study
from selfinterp_stats.study.simulation.mixing import held_within_100


def correlation_and_error(x, y):
    """Pearson's r and its standard error with whole scenarios as the independent units.

    From the influence of each pair, u v - r (u^2 + v^2) / 2 with u and v standardised, summed
    within scenarios: attributes of one scenario share its largest weight and are not independent.
    """
    u = (x - x.mean()) / x.std()
    v = (y - y.mean()) / y.std()
    r = float((u * v).mean())
    influence = (u * v - r * (u**2 + v**2) / 2).sum(axis=1)
    return r, float(np.sqrt((influence**2).sum()) / u.size)


@pytest.mark.parametrize(("set_name", "condition", "wanted"), REPORTS.values())
def test_expected_reports_have_the_chosen_correlation_with_true_weights(
    large, set_name, condition, wanted
):
    column = "expected_" + condition.replace("-", "_")
    weights = wide(large, "true_weight_scaled", set_name, "big")
    r, error = correlation_and_error(wide(large, column, set_name, "big"), weights)
    # 4 standard errors, and the .003 to which the mixing angle is found.
    assert abs(r - wanted) < 4 * error + 0.003


@pytest.mark.parametrize("set_name", ["instilled", "native"])
def test_reports_of_two_conditions_share_the_weights_and_nothing_else(large, set_name):
    weights = wide(large, "true_weight_scaled", set_name, "big")
    left = []
    for condition in ("weight_trained", "introspection_trained"):
        reports = wide(large, f"expected_{condition}", set_name, "big")
        slope = (reports * weights).sum() / (weights**2).sum()
        left.append(reports - slope * weights)
    r, error = correlation_and_error(*left)
    # Holding reports within +-100 bends both alike, which leaves a correlation of .01 or less.
    assert abs(r) < 4 * error + 0.01


@pytest.mark.parametrize("wanted", [-0.6, 0.3, 1.0])
def test_learned_weights_have_the_chosen_correlation_with_targets(tmp_path, wanted):
    truth = simulate_study(
        tmp_path / "study",
        base_models=("m",),
        trained=400,
        native=0,
        trials_trained=2,
        reports=1,
        learned_target=wanted,
        scenarios=many_scenarios(400),
    )
    weights = wide(truth, "true_weight_scaled", "instilled", "m")
    r, error = correlation_and_error(weights, wide(truth, "target", "instilled", "m"))
    assert abs(r - wanted) < 4 * error + 0.003


def test_weights_are_scaled_to_their_largest_and_targets_are_whole(large):
    for column, set_name in (
        ("true_weight_scaled", "instilled"),
        ("true_weight_scaled", "native"),
        ("target", "instilled"),
    ):
        values = wide(large, column, set_name, "big")
        np.testing.assert_allclose(np.abs(values).max(axis=1), 100, rtol=1e-12)
    targets = wide(large, "target", "instilled", "big")
    assert (targets == np.rint(targets)).all()
    logit = wide(large, "true_weight", "native", "big")
    scaled = wide(large, "true_weight_scaled", "native", "big")
    size = np.abs(logit).max(axis=1)
    np.testing.assert_allclose(logit, scaled / 100 * size[:, None], rtol=1e-12)
    # The median of a log-normal; the standard error of a log median is 1.25 sd / sqrt(n).
    error = 1.25 * large.design.scale_sd / np.sqrt(len(size))
    assert abs(np.log(np.median(size) / large.design.scale_native)) < 4 * error


def test_many_choices_give_back_the_true_weights(tmp_path):
    truth = simulate_study(
        tmp_path / "study",
        base_models=("m",),
        trained=2,
        native=2,
        trials_trained=8_000,
        trials_native=8_000,
        reports=1,
        seed=5,
    )
    study = load_study(tmp_path / "study")
    for set_name in ("instilled", "native"):
        weights = wide(truth, "true_weight", set_name, "m")
        names = (
            truth.scenarios["scenario"][:2]
            if set_name == "instilled"
            else truth.scenarios["scenario"][2:]
        )
        for scenario, true in zip(names, weights, strict=True):
            rows = study.choices[study.choices["scenario"] == scenario]
            x = np.column_stack([np.ones(len(rows)), rows[[f"d{i}" for i in range(1, K + 1)]]])
            y = rows["chose_a"].to_numpy(float)
            beta = np.zeros(K + 1)
            for _ in range(30):
                p = expit(x @ beta)
                information = (x.T * (p * (1 - p))) @ x
                beta = beta + np.linalg.solve(information, x.T @ (y - p))
            errors = np.sqrt(np.diag(np.linalg.inv(information)))
            # Maximum likelihood at its Fisher errors: 24 z values in all, so 4.5 is never reached
            # by chance, while a slope off by a tenth would be.
            assert (np.abs(beta[1:] - true) / errors[1:]).max() < 4.5
            assert (errors[1:] < 0.1 * np.abs(true).max()).all()


def test_reports_scatter_around_their_expectation(tmp_path):
    truth = simulate_study(
        tmp_path / "study", base_models=("m",), trained=16, native=16, reports=300, trials_native=2
    )
    reports = load_study(tmp_path / "study").reports
    values = reports[ATTRIBUTES]
    assert (values == values.round()).all(axis=None)
    assert values.abs().max(axis=None) <= 100
    grouped = reports.groupby(["set", "condition", "scenario"])[ATTRIBUTES]
    mean, error, size = grouped.mean(), grouped.std() / np.sqrt(300), grouped.size()
    z = []
    for (set_name, condition, scenario), row in mean[size == 300].iterrows():
        rows = truth.weights.query("set == @set_name and scenario == @scenario")
        expected = rows["expected_" + condition.replace("-", "_")].to_numpy(float)
        z.extend(
            (row.to_numpy() - expected) / error.loc[(set_name, condition, scenario)].to_numpy()
        )
    # About 350 standard normal values: their mean square is 1 within 4 sqrt(2 / n).
    assert len(z) > 250
    assert abs(np.square(z).mean() - 1) < 4 * np.sqrt(2 / len(z))


def test_the_expectation_of_a_held_normal_is_right():
    centre = np.array([-160.0, -90.0, 0.0, 35.0, 99.0])
    draws = np.random.default_rng(1).standard_normal((200_000, 1)) * 30 + centre
    held = np.clip(draws, -100, 100)
    error = held.std(axis=0) / np.sqrt(len(held))
    assert (np.abs(held.mean(axis=0) - held_within_100(centre, 30.0)) < 4.5 * error).all()
    assert held_within_100(centre, 0.0).tolist() == [-100, -90, 0, 35, 99]

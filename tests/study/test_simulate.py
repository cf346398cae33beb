"""A simulated study has the truth that it says it has, in the paper's layout."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import minimize
from scipy.special import expit, log_expit

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulate import simulate_study
from selfinterp_stats.study.simulation.contexts import pick_scenarios, read_contexts
from selfinterp_stats.study.simulation.design import Design
from selfinterp_stats.study.simulation.mixing import held_within_100
from selfinterp_stats.study.simulation.trials import blurred_weights

K = 5
ATTRIBUTES = [f"attr{i}" for i in range(1, K + 1)]
REPORTS = {
    "weight_reports": ("instilled", "off-the-shelf", 0.05),
    "instilled_weight_reports": ("instilled", "weight-trained", 0.52),
    "itrained": ("instilled", "introspection-trained", 0.74),
    "instilled_latent_weight_reports": ("native", "weight-trained", 0.43),
    "latent": ("native", "introspection-trained", 0.70),
}


def many_scenarios(count, attributes=K):
    """Scenarios of no meaning, as many as are wanted, with ranges of all kinds of width."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame({"scenario": [f"s{i}" for i in range(count)], "question": "Which?"})
    width = random.choice([0.5, 3.0, 40.0], (count, attributes))
    for i in range(attributes):
        frame[f"attr{i + 1}"] = f"quality_{i + 1}"
        frame[f"attr{i + 1}_min"] = 1.0
        frame[f"attr{i + 1}_max"] = 1.0 + width[:, i]
    return frame


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def default(tmp_path_factory):
    """The default study: two base models, 60 trained and 60 native scenarios."""
    return simulate_study(tmp_path_factory.mktemp("default") / "study")


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """One base model, 700 scenarios in each set: enough to see correlations to .04."""
    return simulate_study(
        tmp_path_factory.mktemp("large") / "study",
        base_models=("big",),
        trained=700,
        native=700,
        trials_trained=20,
        trials_native=20,
        invalid_shares=(0.2,),
        scenarios=many_scenarios(1400),
        seed=3,
    )


def wide(truth, column, set_name, base_model):
    rows = truth.weights[
        (truth.weights["set"] == set_name) & (truth.weights["base_model"] == base_model)
    ]
    return rows[column].to_numpy(float).reshape(-1, truth.design.attributes)


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


# -- the truth is what was asked for ---------------------------------------------------------------


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


# -- what is said to be known ----------------------------------------------------------------------


def quantity(truth, identifier, column="truth"):
    rows = truth.quantities[truth.quantities["id"] == identifier]
    assert len(rows) == 1
    return float(rows[column].iloc[0])


def test_the_default_study_is_like_the_papers(default):
    ids = default.quantities["id"]
    assert ids.is_unique
    for base in default.design.base_models:
        # The paper has .826 and .828, .845 and .854, .84 and .87; the spread over seeds is about
        # .01 in the shares and .015 in the correlation of 300 pairs.
        assert abs(quantity(default, f"e1_target_agreement_{base}") - 0.825) < 0.04
        assert (
            abs(quantity(default, f"e3_choice_accuracy_{base}", "expected_estimate") - 0.85) < 0.04
        )
        learned = quantity(default, f"e1_learned_target_r_{base}", "expected_estimate")
        assert abs(learned - 0.855) < 0.06
    assert 0.1 < quantity(default, "e2_training_effect") < 0.35


def test_known_correlations_and_effects_follow_from_the_truth_file(default):
    frame = pd.read_csv(default.folder / "simulation_truth.csv")
    effects = {"instilled": [], "native": []}
    for (base, set_name), rows in frame.groupby(["base_model", "set"]):
        slopes = {}
        weight = rows["true_weight_scaled"]
        for condition in ("off_the_shelf", "weight_trained", "introspection_trained"):
            reported = rows[f"expected_{condition}"].where(rows[f"valid_{condition}"] > 0)
            if reported.isna().all():
                continue
            stem = {
                ("instilled", "off_the_shelf"): "e1_offshelf_r",
                ("instilled", "weight_trained"): "e1_report_r",
                ("instilled", "introspection_trained"): "e2_report_r",
                ("native", "weight_trained"): "e3_native_r_before",
                ("native", "introspection_trained"): "e3_native_r_after",
            }[set_name, condition]
            assert quantity(default, f"{stem}_{base}") == pytest.approx(reported.corr(weight))
            fold = np.zeros(len(rows))
            if (set_name, condition) == ("instilled", "introspection_trained"):
                fold = np.arange(len(rows)) // (len(rows) // 2)
            x = reported.groupby(fold).transform(lambda v: (v - v.mean()) / v.std())
            y = (weight - weight.mean()) / weight.std()
            there = x.notna()
            slopes[condition] = np.polyfit(x[there], y[there], 1)[0]
        effects[set_name].append(slopes["introspection_trained"] - slopes["weight_trained"])
    assert quantity(default, "e2_training_effect") == pytest.approx(np.mean(effects["instilled"]))
    assert quantity(default, "e3_training_effect") == pytest.approx(np.mean(effects["native"]))


def test_quantities_of_the_data_are_those_that_a_reader_of_the_files_computes(default):
    study = load_study(default.folder)
    keys = ["base_model", "set", "condition"]
    known = default.quantities.set_index(keys).sort_index()
    truth = default.weights.set_index(["base_model", "set", "scenario", "attribute"])
    for key, rows in study.reports.groupby(keys):
        mean = rows.groupby("scenario")[ATTRIBUTES].mean().stack()
        weights = truth.loc[key[:2], "true_weight_scaled"]
        found = known.loc[[key]]
        found = found[found["quantity"].str.contains("with learned|with native")]
        assert float(found["in_data"].iloc[0]) == pytest.approx(mean.corr(weights.loc[mean.index]))
    targets = study.targets.set_index("scenario")[ATTRIBUTES]
    trained = study.choices[study.choices["set"] == "instilled"]
    d = trained[[f"d{i}" for i in range(1, K + 1)]].to_numpy()
    prescribed = (targets.loc[trained["scenario"]].to_numpy() * d).sum(axis=1) > 0
    share = (prescribed == trained["chose_a"]).groupby(trained["base_model"]).mean()
    for base, value in share.items():
        assert quantity(default, f"e1_target_agreement_{base}", "in_data") == pytest.approx(value)
        # Binomial at most: 4 standard errors of 3,000 choices.
        error = np.sqrt(0.25 / 3000)
        assert abs(value - quantity(default, f"e1_target_agreement_{base}")) < 4 * error


def test_the_stand_in_for_the_fit_is_the_mode_of_the_papers_model():
    random = np.random.default_rng(8)
    d = random.uniform(-1, 1, (3, 50, K))
    beta = random.normal(0, 3, (3, K))
    y = (random.random((3, 50)) < expit(np.einsum("stk,sk->st", d, beta))).astype(float)
    for i, found in enumerate(blurred_weights(d, y)):
        x = d[i] - d[i].mean(axis=0)

        def loss(b, x=x, y=y[i]):
            signs = 2 * y - 1
            prior = 0.5 * (b[1:] ** 2).sum() + 0.5 * b[0] ** 2 * 4 / (3 * 2.5**2)
            return prior - log_expit(signs * (b[0] + x @ b[1:])).sum()

        mode = minimize(loss, np.zeros(K + 1), tol=1e-10).x[1:]
        # Both are rounded to whole numbers, and a half can fall either way.
        assert np.abs(found - 100 * mode / np.abs(mode).max()).max() < 0.51


def test_the_expected_estimate_is_where_refits_of_such_data_fall(tmp_path):
    """Over 8 seeds, refits of the data are centred on what was said to be expected of them."""
    gaps = []
    for seed in range(8):
        truth = simulate_study(
            tmp_path / str(seed), seed=seed, base_models=("m",), trained=30, native=0
        )
        choices = load_study(truth.folder).choices
        d = choices[[f"d{i}" for i in range(1, K + 1)]].to_numpy().reshape(30, 50, K)
        weights = blurred_weights(d, choices["chose_a"].to_numpy(float).reshape(30, 50))
        targets = wide(truth, "target", "instilled", "m")
        found = np.corrcoef(weights.ravel(), targets.ravel())[0, 1]
        gaps.append(found - quantity(truth, "e1_learned_target_r_m", "expected_estimate"))
        assert quantity(truth, "e1_learned_target_r_m") > found
    error = np.std(gaps, ddof=1) / np.sqrt(len(gaps))
    # Student t with 7 degrees of freedom: beyond 5 in one of 600 runs, and the seeds are fixed.
    assert abs(np.mean(gaps)) < 5 * error


def test_missing_reports_have_their_share_and_take_whole_scenarios_with_them(large):
    counts = pd.read_csv(large.folder / "collection_counts.csv", keep_default_na=False)
    reports = counts[counts["task"] == "reports"].set_index(["set", "condition"])
    for set_name, condition, _ in REPORTS.values():
        expected = large.design.invalid_share("big", (set_name, condition))
        column = "valid_" + condition.replace("-", "_")
        valid = wide(large, column, set_name, "big")[:, 0]
        assert reports.loc[(set_name, condition), "valid"] == valid.sum()
        assert reports.loc[(set_name, condition), "asked"] == 10 * len(valid)
        # Scenarios are independent, the reports of one are not.
        error = (1 - valid / 10).std() / np.sqrt(len(valid))
        assert abs((1 - valid / 10).mean() - expected) <= 4 * error
        if expected > 0.3:
            assert 0.1 < (valid == 0).mean() < 0.4
            assert (valid == 10).any()
    assert quantity(large, "all_invalid_reports_big") == pytest.approx(0.2)


# -- the same draws for the same scenario ----------------------------------------------------------


def test_a_rerun_is_identical_byte_for_byte_and_another_seed_is_not(tmp_path):
    make = partial(simulate_study, trained=6, native=6)
    make(tmp_path / "one", seed=2)
    make(tmp_path / "two", seed=2)
    make(tmp_path / "three", seed=3)
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    name = "model-a_instilled_selections.csv"
    assert (tmp_path / "one" / name).read_bytes() != (tmp_path / "three" / name).read_bytes()


def test_a_base_model_is_the_same_whichever_others_are_simulated(tmp_path):
    make = partial(simulate_study, trained=6, native=6)
    make(tmp_path / "both", base_models=("a", "b"), invalid_shares=(0.1, 0.2))
    make(tmp_path / "swapped", base_models=("b", "a"), invalid_shares=(0.2, 0.1))
    make(tmp_path / "alone", base_models="b", invalid_shares=(0.2,))
    both, swapped, alone = (contents(tmp_path / n) for n in ("both", "swapped", "alone"))
    for name in both:
        if name.startswith("b_"):
            assert both[name] == swapped[name] == alone[name]
        if name.startswith("a_"):
            assert both[name] == swapped[name]
            assert name not in alone


def test_a_scenario_is_the_same_in_any_order_and_among_any_others(tmp_path):
    contexts = read_contexts().head(12)
    # Both halves stay in their set; a fold depends on the order, so it is not compared.
    order = [*reversed(range(6)), *reversed(range(6, 12))]
    simulate_study(tmp_path / "one", trained=6, native=6, scenarios=contexts)
    simulate_study(tmp_path / "two", trained=6, native=6, scenarios=contexts.iloc[order])
    simulate_study(tmp_path / "few", trained=3, native=0, scenarios=contexts.head(3))
    one, two, few = (load_study(tmp_path / n) for n in ("one", "two", "few"))
    keys = ["base_model", "set", "scenario"]
    for table, more in (("choices", ["trial"]), ("reports", ["condition", "repeat"])):
        dropped = [c for c in ("fold", "model", "explaining_model") if c in getattr(one, table)]
        tidy = [
            getattr(study, table).drop(columns=dropped).sort_values([*keys, *more])
            for study in (one, two, few)
        ]
        pd.testing.assert_frame_equal(
            tidy[0].reset_index(drop=True), tidy[1].reset_index(drop=True)
        )
        same = tidy[0][
            tidy[0]["scenario"].isin(contexts["scenario"].head(3)) & (tidy[0]["set"] == "instilled")
        ]
        pd.testing.assert_frame_equal(same.reset_index(drop=True), tidy[2].reset_index(drop=True))


def test_more_trials_and_reports_leave_the_first_ones_as_they_are(tmp_path):
    make = partial(simulate_study, base_models=("m",), trained=4, native=0, invalid_shares=(0.0,))
    make(tmp_path / "few", trials_trained=10, reports=3)
    make(tmp_path / "many", trials_trained=25, reports=8)
    few, many = load_study(tmp_path / "few"), load_study(tmp_path / "many")
    choices = many.choices[many.choices["trial"] < 10].reset_index(drop=True)
    pd.testing.assert_frame_equal(few.choices.drop(columns="model"), choices.drop(columns="model"))
    reports = many.reports[many.reports["repeat"] < 3].reset_index(drop=True)
    pd.testing.assert_frame_equal(
        few.reports.drop(columns="explaining_model"), reports.drop(columns="explaining_model")
    )


# -- the layout ------------------------------------------------------------------------------------


def test_the_folder_is_read_as_a_study_of_the_papers_design(default):
    study = load_study(default.folder)
    assert study.base_models == ("model-a", "model-b")
    assert study.attributes == tuple(ATTRIBUTES)
    assert not study.is_paper
    assert study.released.empty
    sizes = study.choices.groupby(["base_model", "set", "scenario"]).size()
    assert set(sizes["model-a"]["instilled"]) == {50}
    assert set(sizes["model-b"]["native"]) == {100}
    assert len(study.choices) == 2 * 60 * (50 + 100)
    pd.testing.assert_frame_equal(study.scenarios, default.scenarios, check_dtype=False)
    conditions = set(study.reports[["set", "condition"]].itertuples(index=False, name=None))
    assert conditions == {(s, c) for s, c, _ in REPORTS.values()}
    folds = study.reports.query("condition == 'introspection-trained'")
    assert set(folds["fold"]) == {"first_30_of_60", "last_30_of_60", "all_60"}
    trained = default.scenarios["scenario"].tolist()[:60]
    # Trained on the first half, tested on the last.
    first = set(folds.loc[folds["fold"] == "first_30_of_60", "scenario"])
    last = set(folds.loc[folds["fold"] == "last_30_of_60", "scenario"])
    assert first <= set(trained[30:])
    assert last <= set(trained[:30])
    told = study.targets.set_index("scenario").loc[trained, ATTRIBUTES].to_numpy()
    assert (told == wide(default, "target", "instilled", "model-a")).all()
    asked = study.counts.set_index(["base_model", "set", "task", "condition"])
    assert asked.loc[("model-b", "native", "choices", ""), "valid"] == 6000
    reports = study.reports.groupby(["base_model", "set", "condition"]).size()
    for (base, set_name, condition), size in reports.items():
        row = asked.loc[(base, set_name, "reports", condition)]
        assert row["valid"] == size == row["asked"] - row["invalid"]


def test_options_lie_in_their_ranges_on_the_grid_of_the_paper(default):
    ranges = default.scenarios.set_index("scenario")
    for name in ("model-a_instilled_selections.csv", "model-b_weight_reports.csv"):
        frame = pd.read_csv(default.folder / name)
        for i in range(1, K + 1):
            low = frame["scenario"].map(ranges[f"attr{i}_min"])
            high = frame["scenario"].map(ranges[f"attr{i}_max"])
            width = (high - low).round(9)
            for option in "AB":
                values = frame[f"{option}_attribute_{i}"]
                assert values.between(low, high).all()
                assert (values[width >= 5] % 1 == 0).all()
                assert (values == values.round(1))[width >= 1].all()


@pytest.mark.parametrize(
    ("options", "sets"),
    [
        ({"native": 0}, ("instilled",)),
        ({"trained": 0}, ("native",)),
        ({"attributes": 2}, ("instilled", "native")),
        ({"attributes": 1}, ("instilled", "native")),
        ({"scenarios": many_scenarios(12, 8)}, ("instilled", "native")),
        ({"trained": 5}, ("instilled", "native")),
    ],
)
def test_other_designs_are_read_too(tmp_path, options, sets):
    truth = simulate_study(
        tmp_path / "study", **{"base_models": ("a_b",), "trained": 6, "native": 6, **options}
    )
    study = load_study(tmp_path / "study")
    assert study.sets_of("a_b") == sets
    assert len(study.attributes) == truth.design.attributes
    assert truth.quantities["id"].is_unique


def test_a_condition_without_any_valid_report_is_an_empty_file(tmp_path):
    lost = {("native", "weight-trained"): 1.0, ("instilled", "off-the-shelf"): 0.5}
    truth = simulate_study(
        tmp_path / "study", base_models=("m",), trained=6, native=6, invalid_shares=(lost,)
    )
    study = load_study(tmp_path / "study")
    assert study.reports.query("set == 'native'")["condition"].unique().tolist() == [
        "introspection-trained"
    ]
    assert any(notice.kind == "left out" for notice in study.notices)
    assert np.isnan(quantity(truth, "e3_native_r_before_m"))
    assert np.isfinite(quantity(truth, "e3_native_r_before_m", "truth_all"))


def test_the_parameters_are_kept_as_plain_json(tmp_path):
    truth = simulate_study(
        tmp_path / "study",
        seed=np.int64(4),
        trained=4,
        native=4,
        report_correlations={("native", "weight-trained"): -0.2},
        invalid_shares=(0.0, {("native", "weight-trained"): 1.0}),
    )

    def refuse(name):
        raise AssertionError(f"{name} is not JSON")

    text = (tmp_path / "study" / "simulation.json").read_text(encoding="utf-8")
    record = json.loads(text, parse_constant=refuse)
    assert record["parameters"]["seed"] == 4
    assert {"set": "native", "condition": "weight-trained", "correlation": -0.2} in [
        {name: row[name] for name in ("set", "condition", "correlation")}
        for row in record["parameters"]["behaviour"]
    ]
    kept = pd.DataFrame(record["quantities"]).astype({"truth": float})
    np.testing.assert_allclose(kept["truth"], truth.quantities["truth"], rtol=1e-12)
    for column in ("truth", "truth_all", "in_data", "expected_estimate"):
        assert column in record["meaning"]["quantities"]


# -- impossible designs ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials_trained": 0}, "`trials_trained` does not fit a study.*found 0"),
        ({"trials_native": 1}, "`trials_native` does not fit a study.*from 2"),
        ({"trials_native": 2.5}, "`trials_native` does not fit"),
        ({"reports": 0}, "`reports` does not fit"),
        ({"seed": -1}, "`seed` does not fit"),
        ({"trained": True}, "`trained` does not fit"),
        ({"trained": 1}, "a single scenario cannot make up a set"),
        ({"trained": 0, "native": 0}, "no scenario"),
        ({"learned_target": 1.2}, r"`learned_target` is impossible \(found 1.2\)"),
        ({"learned_target": float("nan")}, "`learned_target` is impossible"),
        (
            {"report_correlations": {("native", "weight-trained"): -1.01}},
            "`correlation of native / weight-trained` is impossible",
        ),
        (
            {"report_correlations": {("native", "off-the-shelf"): 0.1}},
            r"no \(set, condition\).*Allowed: instilled / off-the-shelf",
        ),
        ({"invalid_shares": (0.1,)}, "one share of invalid reports for each base model"),
        ({"invalid_shares": (0.1, 0.6)}, "cannot be spread over the conditions.*0 to 0.45"),
        ({"invalid_shares": (0.1, {("native", "nothing"): 0.1})}, r"no \(set, condition\)"),
        (
            {"invalid_shares": (0.1, {("native", "weight-trained"): 2})},
            "`invalid share of native / weight-trained` is impossible",
        ),
        ({"scale_native": -1}, "`scale_native` is impossible"),
        ({"trained": 100, "native": 21}, "more scenarios than there are.*found 121.*at most 120"),
        ({"attributes": 6}, "not have that many attributes.*found 6.*1 to 5"),
        ({"attributes": 0}, "not have that many attributes"),
        ({"base_models": ()}, "no base model"),
        ({"base_models": ("a", "a")}, "named twice"),
        ({"base_models": ("a/b", "c")}, "cannot become part of a file name"),
        ({"base_models": ("", "c")}, "cannot become part of a file name"),
    ],
)
def test_an_impossible_design_is_refused_and_nothing_is_written(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        simulate_study(tmp_path / "study", **options)
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("field", ["behaviour", "invalid_clustering"])
def test_a_design_made_by_hand_is_checked_too(field):
    bad = {"behaviour": {("native", "nowhere"): None}, "invalid_clustering": 0.0}
    with pytest.raises(InputError):
        Design(**{field: bad[field]})


def test_a_folder_that_is_not_empty_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="exists and is not empty"):
        simulate_study(tmp_path)
    assert contents(tmp_path) == {"notes.txt": b"mine"}
    with pytest.raises(InputError, match="the folder cannot be made"):
        simulate_study(tmp_path / "notes.txt")


def test_an_empty_folder_is_used(tmp_path):
    truth = simulate_study(tmp_path, trained=2, native=0)
    assert truth.folder == tmp_path
    assert len(pick_scenarios(None, 2, None)) == len(truth.scenarios)

"""A simulated study is in the paper's layout, the same for the same seed, or refused."""

from __future__ import annotations

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from simulated import ATTRIBUTES, REPORTS, K, contents, many_scenarios, quantity, wide

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulate import simulate_study
from selfinterp_stats.study.simulation.contexts import pick_scenarios, read_contexts
from selfinterp_stats.study.simulation.design import Design

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

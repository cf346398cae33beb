"""Arithmetic on cells: the published self effects, what a design identifies, and runs."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from explainer_data import PUBLISHED_CELLS, real

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.closed_form import cell_means, closed_form
from selfinterp_stats.estimates.explainers.contrasts import contrasts
from selfinterp_stats.estimates.explainers.runs import (
    run_to_run_sd,
    tipping_point,
    would_be_comparison,
)
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import load_explainers

# Exact match of trained explainers, arXiv 2511.08579 version 3: (self, cross) of two targets.
PUBLISHED = {
    "activation_patching": [(64.0, 0.4), (54.1, 0.4), (48.6, 0.7), (41.7, 0.7)],
    "input_ablation": [(83.4, 1.0), (58.1, 1.3), (63.8, 1.3), (56.7, 1.3)],
}


def table(task):
    pairs = [("q", "q"), ("l", "q"), ("l", "l"), ("q", "l")]
    rows = [(*pair, *cell) for pair, cell in zip(pairs, PUBLISHED[task], strict=True)]
    return pd.DataFrame(rows, columns=["explainer", "target", "value", "se"])


def pick(frame, quantity, target="", scale="points"):
    rows = frame.query("quantity == @quantity and target == @target and scale == @scale")
    assert len(rows) == 1
    return rows.iloc[0]


@pytest.mark.parametrize(
    ("task", "delta", "se", "with_runs"),
    [("activation_patching", 8.4, 0.6, 5.0), ("input_ablation", 16.2, 1.2, 5.1)],
)
def test_the_published_interactions_come_from_the_cells(task, delta, se, with_runs):
    found = closed_form(table(task), runs=RunPrior(5.0, 0))
    assert pick(found, "delta")["estimate"] == pytest.approx(delta, abs=1e-9)
    assert round(pick(found, "delta")["se"], 1) == se
    new = pick(found, "delta_new_run")
    assert new["estimate"] == pytest.approx(delta, abs=1e-9)
    assert round(new["se"], 1) == with_runs
    assert (new["identified"], new["note"]) == ("no", "run-to-run sd fixed at 5 points")


def test_the_papers_table_gives_the_same():
    cells = load_explainers(PUBLISHED_CELLS).cells
    for task, rows in cells.groupby("task"):
        if task in PUBLISHED:
            theirs = pick(closed_form(rows), "delta")
            mine = pick(closed_form(table(task)), "delta")
            assert theirs["estimate"] == pytest.approx(mine["estimate"])
            assert theirs["se"] == pytest.approx(mine["se"])


def test_in_a_2_x_2_delta_is_half_the_sum_of_the_gaps_and_no_target_has_its_own():
    found = closed_form(table("activation_patching"))
    gaps = [pick(found, "self_cross_gap", target) for target in "ql"]
    assert [gap["estimate"] for gap in gaps] == pytest.approx([9.9, 6.9])
    assert pick(found, "delta")["estimate"] == pytest.approx((9.9 + 6.9) / 2)
    own = pick(found, "delta_of_target", "q")
    assert (own["identified"], np.isnan(own["estimate"])) == ("no", True)
    assert own["note"].startswith("not identified: a self effect of one target cannot be told")


def test_with_one_target_there_is_a_gap_and_no_delta():
    rows = load_explainers(PUBLISHED_CELLS).cells.query("task == 'feature_descriptions'")
    found = closed_form(rows[rows["target"] == "Llama-3.1-8B"])
    assert pick(found, "self_cross_gap", "Llama-3.1-8B")["identified"] == "yes"
    assert pick(found, "delta")["identified"] == "no"
    assert pick(found, "delta")["note"].startswith("not identified: with one target")


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_skill_and_difficulty_of_any_size_leave_delta_alone(size):
    rng = np.random.default_rng(size)
    cells = list(itertools.product(range(size), repeat=2))
    skill, difficulty = rng.normal(0, 20, (2, size))
    values = np.array([skill[e] + difficulty[t] + 3 * (e == t) for e, t in cells])
    asked = contrasts([(f"m{e}", f"m{t}") for e, t in cells])
    (delta,) = [one.weights for one in asked if one.quantity == "delta"]
    assert delta @ values == pytest.approx(3)
    own = [one.weights for one in asked if one.quantity == "delta_of_target"]
    assert all((weights is None) == (size == 2) for weights in own)
    if size > 2:
        assert [weights @ values for weights in own] == pytest.approx([3] * size)


def test_the_double_centred_diagonal_is_what_its_name_says():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(3, 5))
    cells = [(f"m{e}", f"m{t}") for e in range(3) for t in range(5)]
    centred = values - values.mean(0) - values.mean(1)[:, None] + values.mean()
    found = [
        one.weights @ values.ravel() for one in contrasts(cells) if one.quantity == "double_centred"
    ]
    assert found == pytest.approx(list(np.diag(centred[:, :3])))
    assert not any(one.quantity == "double_centred" for one in contrasts(cells[1:]))


def test_logits_are_those_of_the_shares_with_errors_by_the_delta_method():
    found = pick(closed_form(table("input_ablation")), "delta", scale="logit")
    share = table("input_ablation")["value"].to_numpy() / 100
    logit = np.log(share / (1 - share))
    assert found["estimate"] == pytest.approx((logit[0] - logit[1] + logit[2] - logit[3]) / 2)
    rng = np.random.default_rng(1)
    drawn = share + rng.normal(size=(40_000, 4)) * table("input_ablation")["se"].to_numpy() / 100
    logits = np.log(drawn / (1 - drawn))
    # Second-order terms and 40,000 draws: 2% is four standard errors of a standard deviation.
    spread = (logits @ [0.5, -0.5, 0.5, -0.5]).std()
    assert found["se"] == pytest.approx(spread, rel=0.02)


def test_shared_items_and_clusters_are_in_the_covariance():
    """Two explainers that are right on the same items differ by nothing, and surely so."""
    right = np.random.default_rng(2).integers(0, 2, 200)
    rows = [
        {"explainer": who, "target": "a", "item": str(i), "cluster": "", "run": "", "outcome": y}
        for who in "ab"
        for i, y in enumerate(right)
    ]
    cells, covariance = cell_means(pd.DataFrame(rows))
    assert np.sqrt(covariance[0, 0]) == pytest.approx(100 * right.std(ddof=1) / np.sqrt(200))
    assert np.array([1, -1]) @ covariance @ np.array([1, -1]) == pytest.approx(0, abs=1e-9)
    clustered = pd.DataFrame(rows).assign(
        cluster=lambda d: (d["item"].astype(int) // 2).astype(str)
    )
    clustered["outcome"] = clustered.groupby(["explainer", "cluster"])["outcome"].transform("first")
    wider = cell_means(clustered)[0]["se"][0] / cells["se"][0]
    # Pairs of items that are one: the variance doubles, up to the draw of the pairs' outcomes.
    assert wider == pytest.approx(np.sqrt(2), rel=0.05)


# Runs


def test_the_tipping_point_is_where_the_interval_reaches_zero():
    mean, sd = 8.4, 0.57
    point = tipping_point(mean, sd, reach=1.0, hdi_prob=0.95)
    assert mean - 1.959964 * np.hypot(sd, point) == pytest.approx(0, abs=1e-6)
    assert round(point, 1) == 4.2
    assert tipping_point(0.5, 0.57, reach=1.0, hdi_prob=0.95) == 0
    narrower = tipping_point(mean, sd, reach=1.0, hdi_prob=0.5)
    assert mean - 0.674490 * np.hypot(sd, narrower) == pytest.approx(0, abs=1e-5)


def test_the_run_to_run_sd_of_simulated_runs_is_recovered():
    """Sixty cells of three runs: the posterior sd of log sd is near 1 / sqrt(2 * 120) = .065."""
    rng = np.random.default_rng(3)
    rows = []
    for cell in range(60):
        easy = rng.normal(0, 1, 300)
        for run in range(3):
            share = 1 / (1 + np.exp(-easy - rng.normal(0, 0.3)))
            rows += [
                {"explainer": f"e{cell}", "target": "t", "task": "x", "condition": "",
                 "training_items": np.nan, "run": str(run), "item": str(i), "outcome": float(y)}
                for i, y in enumerate(rng.random(300) < share)
            ]  # fmt: skip
    posterior = run_to_run_sd(pd.DataFrame(rows))
    # An sd of .3 on the logit scale moves the mean of shares p by .3 E[p (1 - p)].
    expected = 30 * np.mean([s * (1 - s) for s in 1 / (1 + np.exp(-rng.normal(0, 1, 10**5)))])
    assert posterior.median == pytest.approx(expected, rel=4 * 0.065)
    low, high = posterior.hdi()
    assert low < expected < high


def test_runs_of_the_real_hint_task_differ_by_several_points():
    items = load_explainers(real("hint"), names={"explainer": "m", "target": "m"}).items
    posterior = run_to_run_sd(items)
    assert list(posterior.cells["condition"]) == ["k=4", "k=8"]
    # The sds of the three exact-match shares of each condition, straight from the files.
    assert list(posterior.cells["sd"].round(1)) == [6.7, 4.0]
    low, high = posterior.hdi()
    assert 2 < low < posterior.median < high < 20
    assert 4 < posterior.median < 7
    comparison = would_be_comparison(1.33, np.array(posterior.median), hdi_prob=0.95)
    assert comparison["smallest_difference_by_items"] == pytest.approx(3.7, abs=0.05)
    assert (
        comparison["smallest_difference_with_runs"] > 3 * comparison["smallest_difference_by_items"]
    )
    assert comparison["false_alarms"] > 50


def test_one_run_per_cell_says_nothing_of_runs():
    items = load_explainers(
        real("hint") / "preds_k4_seed0.jsonl", names={"explainer": "m", "target": "m"}
    ).items
    with pytest.raises(InputError) as caught:
        run_to_run_sd(items)
    assert str(caught.value) == (
        "the run-to-run sd is not identified: no cell has two runs. Give runs of the same cell "
        "with a column run, or set a prior of the sd."
    )


@pytest.mark.parametrize("wrong", [-1.0, 100.0, float("nan")])
def test_a_run_to_run_sd_out_of_range_is_refused(wrong):
    with pytest.raises(InputError, match="the run-to-run sd is out of range"):
        RunPrior(wrong)

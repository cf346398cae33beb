"""The crossed models: against explicit item effects, closed forms, known truth and real data."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from explainer_data import PUBLISHED_CELLS, real, recognition

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.analysis import analyse_explainers
from selfinterp_stats.estimates.explainers.cells import sample_items
from selfinterp_stats.estimates.explainers.closed_form import closed_form
from selfinterp_stats.estimates.explainers.contrasts import contrasts
from selfinterp_stats.inference.density.graph_model import lift_graph
from selfinterp_stats.models.explainers.items import (
    CLASS_SD,
    CLUSTER_NODES,
    MANY_CLUSTER_NODES,
    ItemDesign,
    item_model,
)
from selfinterp_stats.models.explainers.patterns import FEW_CLUSTERS, Patterns, collapse
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import ExplainerStudy, load_explainers
from selfinterp_stats.study.explainers.simulate import ExplainerDesign, simulate_explainers
from selfinterp_stats.study.explainers.study import CELL_COLUMNS, ITEM_COLUMNS

MODELS = ("a", "b", "c", "d", "e")


def logistic(x):
    return 1 / (1 + np.exp(-x))


def simulated(
    size,
    items,
    *,
    delta=0.5,
    skill=None,
    difficulty=None,
    sd_item=1.0,
    seed=0,
    missing=0.0,
    classes=1,
):
    """Right and wrong answers of a full design with known truth."""
    rng = np.random.default_rng(seed)
    skills, difficulties = rng.normal(0, 0.7, (2, size))
    skill = skills if skill is None else np.asarray(skill)
    difficulty = difficulties if difficulty is None else np.asarray(difficulty)
    rows = []
    for target in range(size):
        easy = rng.normal(0, sd_item, items)
        klass = rng.integers(0, classes, items)
        for who in range(size):
            chance = logistic(
                skill[who] + difficulty[target] + delta * (who == target) + easy + klass
            )
            rows.append(
                pd.DataFrame(
                    {
                        "explainer": MODELS[who],
                        "target": MODELS[target],
                        "item": [f"{target}-{i}" for i in range(items)],
                        "class": [str(k) if classes > 1 else "" for k in klass],
                        "outcome": (rng.random(items) < chance).astype(float),
                    }
                )[rng.random(items) >= missing]
            )
    return tidy(pd.concat(rows, ignore_index=True))


def tidy(rows):
    empty = dict.fromkeys(ITEM_COLUMNS, "") | dict.fromkeys(
        ("training_items", "similarity", "content"), np.nan
    )
    return rows.assign(**{k: v for k, v in (empty | {"task": "x"}).items() if k not in rows})[
        list(ITEM_COLUMNS)
    ]


def study(items):
    return ExplainerStudy(items, pd.DataFrame(columns=list(CELL_COLUMNS)))


def row(results, quantity, scale, target=""):
    found = results.table.query("quantity == @quantity and scale == @scale and target == @target")
    assert len(found) == 1
    return found.iloc[0]


def healthy(results):
    shown = results.table[results.table["rhat"].notna()]
    return shown["rhat"].max() <= 1.01 and shown["ess_bulk"].min() >= 400


# Patterns


def test_collapsing_loses_no_answer():
    items = simulated(3, 200, missing=0.2, classes=2)
    data = collapse(items, items["outcome"])
    p = data.patterns
    # Of two classes of three targets: three answers of which each is right, wrong or missing.
    assert p.by_category.shape[:2] == (6, 32)
    answered = p.by_category * p.items[:, :, None, None]
    assert answered.sum() == len(items)
    sums = np.zeros(len(data.cells))
    np.add.at(sums, p.cell, answered[:, :, 1].sum(axis=1))
    right = items.groupby(["explainer", "target"])["outcome"].sum()
    assert [right[cell.pair] for cell in data.cells] == list(sums)


def test_the_likelihood_is_that_of_items_one_by_one():
    """Patterns and quadrature against a sum over items, integrated on a fine grid."""
    import jax
    from scipy.special import logsumexp, xlog1py, xlogy
    from scipy.stats import halfnorm, lognorm, multivariate_normal, norm

    items = simulated(2, 60, missing=0.2, classes=2)
    data = collapse(items, items["outcome"])
    design = ItemDesign.of(data)
    graph = lift_graph(item_model(design, data), [f"given_{name}" for name in Patterns._fields])
    rng = np.random.default_rng(1)
    theta = rng.normal(0, 0.4, graph.size)
    with jax.enable_x64(True):
        found = float(jax.jit(graph.log_density)(theta, data.patterns))
        own = graph.split(np.asarray(jax.jit(graph.constrain)(theta, data.patterns)))
    sds = {name: value for name, value in own.items() if name.startswith("sd_")}
    total = sum(
        (p.numbers[0] if p.prior == "fixed" else sds[f"sd_{p.name}"]) ** 2 * p.matrix @ p.matrix.T
        for p in design.parts
    )
    expected = multivariate_normal(np.zeros(4), total).logpdf(own["cell"])
    # Sds are sampled as standard normal variates of the same prior quantile.
    for place, name in enumerate(sds):
        prior = lognorm(0.6, scale=0.2) if name == "sd_pair" else halfnorm(scale=1.5)
        at = theta[place] if name != "sd_item" else theta[7:9]
        assert own[name] == pytest.approx(prior.ppf(norm.cdf(at)))
        expected += norm.logpdf(at).sum()
    expected += norm(0, CLASS_SD).logpdf(own["class"]).sum()
    grid = np.linspace(-8, 8, 4001)
    weights = norm.logpdf(grid) + np.log(grid[1] - grid[0])
    cells = {cell.pair: value for cell, value in zip(data.cells, own["cell"], strict=True)}
    for (target, _), rows in items.groupby(["target", "item"]):
        sd = own["sd_item"][data.targets.index(target)]
        logs = weights.copy()
        for one in rows.itertuples():
            klass = own["class"][data.classes.index(str(rows["class"].iloc[0]))]
            p = logistic(cells[one.explainer, target] + klass + sd * grid)
            logs += xlogy(one.outcome, p) + xlog1py(1 - one.outcome, -p)
        expected += logsumexp(logs)
    # 21 nodes at item sds near 1: the quadrature's own error, measured against the fine grid.
    assert found == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("n", "nodes"), [(90, CLUSTER_NODES), (400, MANY_CLUSTER_NODES)])
def test_many_clusters_are_integrated_out(n, nodes):
    """Against sums over items in clusters, both effects laid out on fine grids."""
    import jax
    from scipy.special import logsumexp
    from scipy.stats import norm

    items = simulated(2, n, seed=2)
    items["cluster"] = items["target"] + (items.groupby("target").cumcount() % 23).astype(str)
    items["cluster"] = items.groupby("item")["cluster"].transform("first")
    data = collapse(items, items["outcome"])
    assert data.patterns.copies.sum() == items["cluster"].nunique() > FEW_CLUSTERS
    assert data.patterns.items.sum() == items["item"].nunique()
    design = ItemDesign.of(data)
    assert design.cluster_nodes == nodes
    names = [f"given_{name}" for name in Patterns._fields]
    graph = lift_graph(item_model(design, data), names)
    plain = data.patterns._replace(times=0 * data.patterns.times)
    theta = np.random.default_rng(1).normal(0, 0.4, graph.size)
    with jax.enable_x64(True):
        density = jax.jit(graph.log_density)
        found = float(density(theta, data.patterns)) - float(density(theta, plain))
        own = graph.split(np.asarray(jax.jit(graph.constrain)(theta, data.patterns)))
    grid = np.linspace(-6, 6, 121)
    log_weights = norm.logpdf(grid) + np.log(grid[1] - grid[0])
    cells = {cell.pair: value for cell, value in zip(data.cells, own["cell"], strict=True)}
    expected = 0.0
    for (target, _), cluster in items.groupby(["target", "cluster"]):
        shift = own["sd_cluster"] * grid[:, None]
        spread = own["sd_item"][data.targets.index(target)] * grid
        logs = log_weights.copy()
        for _, rows in cluster.groupby("item"):
            each = sum(
                np.log(logistic((2 * y - 1) * (cells[who, target] + shift + spread)))
                for who, y in zip(rows["explainer"], rows["outcome"], strict=True)
            )
            logs += logsumexp(each + log_weights, axis=1)
        expected += logsumexp(logs)
    # 21 nodes for items, sds near 1; 11 nodes for clusters of a few items, 41 for larger ones.
    assert found == pytest.approx(expected, abs=1e-2)


# What is concluded


def test_delta_is_found_and_cells_are_those_counted():
    items = simulated(2, 400, delta=0.8, seed=4)
    results = analyse_explainers(study(items), draws=4000)
    assert healthy(results)
    delta = row(results, "delta", "logit")
    # The truth lies within four posterior sds, an HDI being four wide.
    assert abs(delta["median"] - 0.8) < delta["hdi_high"] - delta["hdi_low"]
    assert delta["p_positive"] > 0.99
    assert (delta["identified"], delta["note"]) == ("yes", "conditional on the runs at hand")
    shares = 100 * items.groupby(["explainer", "target"])["outcome"].mean()
    points = results.cells.query("scale == 'points'").set_index(["explainer", "target"])
    apart = (points["median"] - shares).abs() / points["se"]
    # 400 items weigh far more than the prior.
    assert apart.max() < 1
    new = row(results, "delta_new_run", "points")
    assert new["identified"] == "no"
    delta = row(results, "delta", "points")
    assert new["hdi_high"] - new["hdi_low"] > delta["hdi_high"] - delta["hdi_low"]
    # Two new models differ by their pairs too, each cell's own part: wider still, same centre.
    pair = row(results, "delta_new_pair", "logit")
    delta = row(results, "delta", "logit")
    assert pair["hdi_high"] - pair["hdi_low"] > delta["hdi_high"] - delta["hdi_low"]
    assert pair["hdi_low"] < delta["median"] < pair["hdi_high"]


def test_a_bias_of_two_logits_does_not_move_delta():
    """Pairs of studies with the same items and random numbers, one of them biased.

    The self effect of each is drawn from its prior, so that shrinkage has no side. Half of the
    biases are of an explainer's skill, half of a target's difficulty, up and down.
    """
    shifts = []
    for i, (skill, difficulty) in enumerate([(2, 0), (-2, 0), (0, 2), (0, -2)] * 2):
        delta = np.random.default_rng([9, i]).normal()
        found = []
        for moved in (0, 1):
            answers = simulated(
                2,
                300,
                delta=delta,
                skill=[0.3 + moved * skill, -0.2],
                difficulty=[moved * difficulty, 0.4],
                seed=i,
            )
            data = collapse(answers, answers["outcome"])
            _, drawn = sample_items(data, label="x", categories=2, draws=4000, seed=0)
            weights = next(
                one.weights
                for one in contrasts([cell.pair for cell in data.cells])
                if one.quantity == "delta"
            )
            found.append((drawn.values["cell"] @ weights).mean())
        shifts.append(found[1] - found[0])
    error = np.std(shifts, ddof=1) / np.sqrt(len(shifts))
    # Four Monte Carlo errors of the mean of eight (a t of 7: one in 200), which are themselves
    # far below the bias.
    assert abs(np.mean(shifts)) < 4 * error
    assert error < 0.2


def scored(levels, *, shift=0.9, zeros=0.0, seed=6):
    """Scores cut from a latent logistic variate, some of them zero beside; a 2 x 2 design."""
    rng = np.random.default_rng(seed)
    rows = []
    for target, who in itertools.product("ab", repeat=2):
        latent = shift * (who == target) + rng.logistic(size=600)
        empty = rng.random(600) < zeros - 0.2 * (who == target) * (zeros > 0)
        score = np.asarray(levels)[np.searchsorted([-1.5, -0.3, 0.8, 2], latent)]
        rows.append(
            pd.DataFrame(
                {
                    "explainer": who,
                    "target": target,
                    "item": [f"{target}{i}" for i in range(600)],
                    "outcome": np.where(empty, 0.0, score),
                }
            )
        )
    return tidy(pd.concat(rows, ignore_index=True))


def mean_gap(rows):
    """Mean of self cells less mean of cross cells, which is delta in a full square; in points."""
    means = 100 * rows.groupby(["explainer", "target"])["outcome"].mean()
    own = means.index.get_level_values(0) == means.index.get_level_values(1)
    return means[own].mean() - means[~own].mean()


@pytest.mark.slow
def test_scores_that_are_often_zero_are_taken_apart_at_zero():
    """Zeros in 50% of cross and 30% of self cells; above zero the self effect is .9 logits."""
    rows = scored([0.1, 0.2, 0.45, 0.6, 0.93], zeros=0.5)
    results = analyse_explainers(study(rows), draws=4000)
    assert set(results.table["outcome"]) == {
        "bounded score",
        "score above zero",
        "score given above zero",
    }
    amount = row(results, "amount_delta", "logit")
    assert abs(amount["median"] - 0.9) < amount["hdi_high"] - amount["hdi_low"]
    # The whole is the mean score, zeros included. All are close to what the means say themselves.
    above = rows["outcome"] > 0
    parts = {
        "": rows,
        "above_zero_": rows.assign(outcome=above.astype(float)),
        "amount_": rows[above],
    }
    for prefix, part in parts.items():
        delta = row(results, f"{prefix}delta", "points")
        assert abs(delta["median"] - mean_gap(part)) < (delta["hdi_high"] - delta["hdi_low"]) / 4


@pytest.mark.slow
def test_verdicts_are_taken_apart(tmp_path):
    """Detection, content and validity of a simulated study, beside counts of its answers."""
    simulate_explainers(tmp_path / "s", ExplainerDesign(models=2, items=300, seed=1))
    results = analyse_explainers(load_explainers(tmp_path / "s"), draws=4000)
    items = results.study.items
    valid = items[items["predicted"] != "invalid"]
    right = valid[valid["predicted"] == valid["expected"]]
    shares = {
        "content_": right.assign(outcome=right["content"]),
        "invalid_": items.assign(outcome=(items["predicted"] == "invalid").astype(float)),
    }
    for prefix, part in shares.items():
        delta = row(results, f"{prefix}delta", "points")
        assert abs(delta["median"] - mean_gap(part)) < (delta["hdi_high"] - delta["hdi_low"]) / 4
    cells = results.cells.query("scale == 'logit'").set_index(["measure", "explainer", "target"])
    for pair, rows in valid.groupby(["explainer", "target"]):
        said = rows.assign(said=rows["predicted"] == "changed").groupby("expected")["said"].mean()
        logit = np.log(said / (1 - said))
        # Items differ, which makes the crossed model's logits a little larger than those of shares.
        for measure, value in {
            "sensitivity": logit["changed"] - logit["unchanged"],
            "criterion": -logit.mean(),
        }.items():
            found = cells.loc[(measure, *pair)]
            assert found["hdi_low"] - 0.1 < value < found["hdi_high"] + 0.1
    assert {
        "f1_changed_delta",
        "f1_unchanged_delta",
        "sensitivity_delta",
        "criterion_delta",
    } <= set(results.table["quantity"])


@pytest.mark.parametrize("draws", [0, 399, 402])
def test_too_few_draws_are_refused(draws):
    with pytest.raises(InputError, match="the number of draws cannot be this"):
        analyse_explainers(study(simulated(2, 10)), draws=draws)


def test_a_probability_in_percent_is_refused():
    with pytest.raises(InputError, match="the probability of an interval cannot be this"):
        analyse_explainers(study(simulated(2, 10)), hdi_prob=95)


# Published and real data


def test_the_published_cells_give_the_closed_form():
    cells = load_explainers(PUBLISHED_CELLS).cells
    wanted = cells[cells["task"].isin(("activation_patching", "input_ablation"))]
    both = ExplainerStudy(pd.DataFrame(columns=list(ITEM_COLUMNS)), wanted)
    results = analyse_explainers(both, draws=4000, runs=RunPrior(5.0, 0))
    assert healthy(results)
    for task, rows in wanted.groupby("task"):
        assert set(results.table["task"]) >= {task}
        exact = closed_form(rows, runs=RunPrior(5.0, 0)).query("scale == 'points'")
        exact = exact.set_index("quantity")
        mine = results.table.query("task == @task and scale == 'points'").set_index("quantity")
        for quantity in ("delta", "delta_new_run"):
            estimate, se = exact.loc[quantity, ["estimate", "se"]]
            # Four Monte Carlo errors, and a shrinkage far below the standard error.
            assert mine.loc[quantity, "median"] == pytest.approx(
                estimate, abs=4 * mine.loc[quantity, "mcse_median"] + 0.1 * se
            )
            width = mine.loc[quantity, "hdi_high"] - mine.loc[quantity, "hdi_low"]
            assert width == pytest.approx(2 * 1.96 * se, rel=0.1)


# The double-centred diagonal of mean log-odds, facts of the released scores.
DIAGONALS = {
    ("xsum", True): {"gpt35": 0.02, "gpt4": 0.18, "llama": 0.24},
    ("cnn", True): {"gpt35": 0.05, "gpt4": 0.23, "llama": 0.09},
    ("xsum", False): {"gpt35": 0.15, "gpt4": 0.24, "llama": 0.06},
}


@pytest.mark.parametrize(("corpus", "square"), DIAGONALS)
def test_recognition_without_yes_bias_is_the_double_centred_diagonal(corpus, square, tmp_path):
    recognition(real("recognition") / corpus, square=square).to_csv(tmp_path / "r.csv", index=False)
    results = analyse_explainers(load_explainers(tmp_path / "r.csv"), draws=4000)
    assert healthy(results)
    for target, value in DIAGONALS[corpus, square].items():
        found = row(results, "double_centred", "logit", target)
        assert found["hdi_low"] < value < found["hdi_high"]
    # Accuracy sees yes-bias: tens of points apart for effects of a fraction of a logit.
    naive = [row(results, "naive_accuracy_gap", "points", t)["median"] for t in ("gpt35", "gpt4")]
    assert naive[0] > 20
    assert naive[1] < 0

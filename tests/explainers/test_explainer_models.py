"""The crossed models: against explicit item effects, closed forms, known truth and real data."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from explainer_data import published_cells, real, recognition, temperature

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates.explainers.analysis import analyse_explainers
from selfinterp_stats.estimates.explainers.cells import sample_items
from selfinterp_stats.estimates.explainers.closed_form import closed_form
from selfinterp_stats.inference.density.graph_model import lift_graph
from selfinterp_stats.models.explainers.crossed import covariance
from selfinterp_stats.models.explainers.items import CLASS_SD, ITEM_SD, ItemDesign, item_model
from selfinterp_stats.models.explainers.patterns import Patterns, collapse
from selfinterp_stats.models.explainers.runs import RunPrior
from selfinterp_stats.study.explainers import ExplainerStudy, load_explainers
from selfinterp_stats.study.explainers.study import CELL_COLUMNS, ITEM_COLUMNS

MODELS = ("a", "b", "c", "d", "e")


def logistic(x):
    return 1 / (1 + np.exp(-x))


def simulated(size, items, *, delta=0.5, skill=None, sd_item=1.0, seed=0, missing=0.0, classes=1):
    """Right and wrong answers of a full design with known truth."""
    rng = np.random.default_rng(seed)
    skill = rng.normal(0, 0.7, size) if skill is None else np.asarray(skill)
    difficulty = rng.normal(0, 0.7, size)
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
    assert len(p.times) < 600
    assert (p.times[:, None] * p.seen).sum() == len(items)
    sums = np.zeros(len(data.cells))
    np.add.at(sums, p.cell[p.site], p.times[:, None] * p.seen * p.answer)
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
    for name in ("sd_explainer", "sd_target"):
        expected += halfnorm(scale=1.5).logpdf(sds[name]) + np.log(sds[name])
    expected += lognorm(0.6, scale=0.2).logpdf(sds["sd_pair"]) + np.log(sds["sd_pair"])
    expected += (halfnorm(scale=ITEM_SD).logpdf(own["sd_item"]) + np.log(own["sd_item"])).sum()
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


@pytest.mark.slow
def test_draws_agree_with_a_model_of_explicit_item_effects():
    """PyMC's own sampler on the model as it is written, every item a parameter."""
    import jax
    import pymc as pm

    items = simulated(2, 50, seed=3)
    data = collapse(items, items["outcome"])
    design, found = sample_items(data, label="x", categories=2, draws=4000, seed=0)
    code = {cell.pair: i for i, cell in enumerate(data.cells)}
    cell = [code[pair] for pair in zip(items["explainer"], items["target"], strict=True)]
    item, names = pd.factorize(items["item"])
    owner = [data.targets.index(MODELS[int(name[0])]) for name in names]
    with jax.enable_x64(True), pm.Model():
        eta = pm.MvNormal("cell", mu=np.zeros(4), cov=covariance(design.parts), shape=4)
        sd_item = pm.HalfNormal("sd_item", ITEM_SD, shape=2)
        z = pm.Normal("z", 0, 1, shape=len(names))
        pm.Bernoulli(
            "y",
            logit_p=eta[cell] + (sd_item[owner] * z)[item],
            observed=items["outcome"].to_numpy(),
        )
        explicit = pm.sample(
            600, tune=600, chains=2, cores=1, random_seed=1, target_accept=0.95,
            nuts_sampler="numpyro", nuts_sampler_kwargs={"chain_method": "vectorized"},
            progressbar=False, compute_convergence_checks=False,
        )["posterior"]  # fmt: skip
    theirs = explicit["cell"].to_numpy().reshape(-1, 4)
    mine = found.values["cell"].reshape(-1, 4)
    # 300 effective draws or more on either side: four standard errors of a difference of means.
    assert np.abs(theirs.mean(0) - mine.mean(0)).max() < 4 * mine.std(0).max() * np.sqrt(2 / 300)
    assert theirs.std(0) == pytest.approx(mine.std(0), rel=0.2)


# What is concluded


def test_delta_is_found_and_cells_are_those_counted():
    items = simulated(3, 400, delta=0.8, seed=4)
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
    assert (
        new["hdi_high"] - new["hdi_low"]
        > row(results, "delta", "points")["hdi_high"] - row(results, "delta", "points")["hdi_low"]
    )


@pytest.mark.parametrize("bias", [-2.0, 2.0])
def test_a_bias_of_two_logits_in_skill_does_not_move_delta(bias):
    truth = 0.8
    results = analyse_explainers(
        study(simulated(2, 800, delta=truth, skill=[bias, 0], seed=5)), draws=2000
    )
    delta = row(results, "delta", "logit")
    # Within four posterior sds, an HDI being four wide.
    assert abs(delta["median"] - truth) < delta["hdi_high"] - delta["hdi_low"]
    gaps = [row(results, "self_cross_gap", "logit", name)["median"] for name in "ab"]
    assert abs(gaps[0] - gaps[1]) > 2


def test_ordered_scores_have_a_self_effect_too():
    rng = np.random.default_rng(6)
    rows = []
    for target, who in itertools.product("ab", repeat=2):
        latent = 0.9 * (who == target) + rng.logistic(size=600)
        rows.append(
            pd.DataFrame(
                {
                    "explainer": who,
                    "target": target,
                    "item": [f"{target}{i}" for i in range(600)],
                    "outcome": np.searchsorted([-1.5, -0.3, 0.8, 2], latent) / 4,
                }
            )
        )
    results = analyse_explainers(study(tidy(pd.concat(rows, ignore_index=True))), draws=2000)
    delta = row(results, "delta", "logit")
    assert delta["hdi_low"] < 0.9 < delta["hdi_high"]
    assert set(results.table["outcome"]) == {"judge score"}


@pytest.mark.parametrize("draws", [0, 399, 402])
def test_too_few_draws_are_refused(draws):
    with pytest.raises(InputError, match="the number of draws cannot be used"):
        analyse_explainers(study(simulated(2, 10)), draws=draws)


# Published and real data


def test_the_published_cells_give_the_closed_form():
    cells = load_explainers(published_cells()).cells
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


@pytest.mark.slow
def test_the_temperature_study_is_a_null_and_surely_so(tmp_path):
    temperature(real("temperature")).drop(columns=["class", "cluster"]).to_csv(
        tmp_path / "t.csv", index=False
    )
    results = analyse_explainers(load_explainers(tmp_path / "t.csv"), draws=4000)
    assert healthy(results)
    delta = row(results, "delta", "points")
    assert -5 < delta["hdi_low"] < 0 < delta["hdi_high"] < 5

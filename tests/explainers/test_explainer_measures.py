"""What is made of draws without fitting: F1, new models, conditions, sizes, similarity, levels."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.estimates.explainers.across import Design, comparisons
from selfinterp_stats.estimates.explainers.cells import CellDraws, scores_at
from selfinterp_stats.estimates.explainers.confusion import PRIOR, confusion_draws, f1_scores
from selfinterp_stats.estimates.explainers.contrasts import contrasts
from selfinterp_stats.estimates.explainers.measures import Measure
from selfinterp_stats.estimates.explainers.new_pair import new_pair_cells
from selfinterp_stats.estimates.explainers.sampling import Sampled
from selfinterp_stats.estimates.explainers.scores import LEVELS, levels_of
from selfinterp_stats.models.explainers.crossed import CellName, covariance_at, parts_of
from selfinterp_stats.models.explainers.items import NODES

PAIRS = tuple(itertools.product("ab", repeat=2))


def verdicts(size, seed):
    """Two explainers of one target that answer the same items."""
    rng = np.random.default_rng(seed)
    expected = rng.choice(["changed", "unchanged"], size)
    rows = []
    for who in "ab":
        said = np.where(rng.random(size) < 0.7, expected, "unchanged")
        said = np.where(rng.random(size) < 0.1, "invalid", said)
        rows.append(
            pd.DataFrame(
                {
                    "explainer": who,
                    "target": "a",
                    "run": "",
                    "item": np.arange(size).astype(str),
                    "expected": expected,
                    "predicted": said,
                }
            )
        )
    return pd.concat(rows, ignore_index=True)


# F1


def test_each_confusion_table_is_dirichlet_with_the_counts_it_was_seen_with():
    rows = verdicts(60, seed=0)
    draws = 20_000
    tables = confusion_draws(rows, [("a", "a"), ("b", "a")], draws, np.random.default_rng(1))
    for place, who in enumerate("ab"):
        mine = rows[rows["explainer"] == who]
        counts = pd.crosstab(mine["expected"], mine["predicted"]).reindex(
            index=["changed", "unchanged"], columns=["changed", "unchanged", "invalid"]
        )
        alpha = counts.fillna(0).to_numpy() + PRIOR
        mean = alpha / alpha.sum()
        variance = mean * (1 - mean) / (alpha.sum() + 1)
        # Four standard errors of a mean, and of a variance of a near-normal variate, of 20,000.
        assert np.abs(tables[:, place].mean(0) - mean).max() < 4 * np.sqrt(variance.max() / draws)
        assert tables[:, place].var(0) == pytest.approx(variance, rel=4 * np.sqrt(4 / draws) + 0.02)


def test_f1_is_that_of_the_table_and_an_invalid_answer_is_a_miss():
    rows = verdicts(4000, seed=2)
    found = f1_scores(rows, "x", draws=2000)
    mine = rows[rows["explainer"] == "a"]
    for verdict, fitted in found.items():
        hit = ((mine["predicted"] == verdict) & (mine["expected"] == verdict)).sum()
        said, true = (mine["predicted"] == verdict).sum(), (mine["expected"] == verdict).sum()
        draws = fitted.scales["points"][..., 0]
        # 4,000 items outweigh the prior; the mean of 2,000 draws is within their spread.
        assert draws.mean() == pytest.approx(
            100 * 2 * hit / (said + true), abs=4 * draws.std() / 40
        )


def test_explainers_that_answer_alike_have_the_same_f1_in_every_draw_but_for_the_prior():
    rows = verdicts(4000, seed=3)
    alike = rows.assign(predicted=np.tile(rows["predicted"][:4000], 2))
    draws = f1_scores(alike, "x", draws=2000)["changed"].scales["points"]
    gap = draws[..., 0] - draws[..., 1]
    apart = f1_scores(rows, "x", draws=2000)["changed"].scales["points"]
    assert gap.std() < 0.1 * (apart[..., 0] - apart[..., 1]).std()


# New models


def known_cells(n):
    """The cells of a 3 x 3 design as if they were known, with known sds."""
    names = tuple(CellName(*pair) for pair in itertools.product("abc", repeat=2))
    rng = np.random.default_rng(4)
    cells = rng.normal(0, 1, 9)
    sds = {"sd_explainer": 0.8, "sd_target": 0.5, "sd_pair": 0.3}
    values = {name: np.full((4, n // 4), sd) for name, sd in sds.items()}
    values["cell"] = np.broadcast_to(cells, (4, n // 4, 9)).copy()
    parts = tuple(parts_of(names))
    pairs = tuple(name.pair for name in names)
    fitted = CellDraws(
        pairs,
        np.ones(9, int),
        {"logit": values["cell"]},
        "",
        Sampled(values, "exact", np.nan, np.nan),
        names,
        parts,
    )
    return fitted, sds, cells


def test_cells_of_new_models_are_the_normal_conditional_on_those_seen():
    """One covariance of old and new cells together, and the new given the old."""
    fitted, sds, cells = known_cells(40_000)
    both = [*fitted.cells, *(CellName(*pair) for pair in itertools.product("xy", repeat=2))]
    parts = parts_of(both)
    total = covariance_at(parts, {name: np.array([sd]) for name, sd in sds.items()})[0]
    gain = total[9:, :9] @ np.linalg.inv(total[:9, :9])
    centre, spread = gain @ cells, total[9:, 9:] - gain @ total[:9, 9:]
    drawn = new_pair_cells(fitted, np.random.default_rng(5))["logit"].reshape(-1, 4)
    # Four standard errors of 40,000 draws.
    assert np.abs(drawn.mean(0) - centre).max() < 4 * np.sqrt(np.diag(spread).max() / 40_000)
    assert np.abs(np.cov(drawn.T) - spread).max() < 4 * np.sqrt(2) * spread.max() / 200


def test_points_of_new_models_average_over_items():
    fitted, *_ = known_cells(400)
    with_items = CellDraws(
        fitted.pairs,
        fitted.runs,
        fitted.scales,
        "",
        fitted.sampled,
        fitted.cells,
        fitted.parts,
        np.full((4, 100, 3), 2.0),
    )
    found = new_pair_cells(with_items, np.random.default_rng(6))
    grid = np.linspace(-8, 8, 2001)
    weights = np.exp(-(grid**2) / 2)
    chance = 1 / (1 + np.exp(-(found["logit"][..., None] + 2.0 * grid)))
    exact = 100 * (chance @ weights) / weights.sum()
    # The quadrature with 21 nodes at an item sd of 2.
    assert found["points"] == pytest.approx(exact, abs=0.1)


# Conditions and training sizes


def design(cells, **names):
    about = {"task": "t", "condition": "", "training_items": np.nan} | names
    draws = np.random.default_rng(7).normal(cells, 0.01, (4, 500, 4))
    fitted = CellDraws(
        PAIRS, np.ones(4, int), {"logit": draws}, "", Sampled({}, "exact", np.nan, np.nan)
    )
    return Design(about, Measure("right or wrong", "", fitted))


def test_the_channel_contrast_is_delta_with_less_delta_without():
    with_it = design([2, 0, 0, 2], condition="with activations")
    without = design([1.2, 0, 0, 1.2], condition="without activations")
    (found,) = comparisons([with_it, without])
    assert (found.quantity, found.scale) == ("channel_contrast", "logit")
    assert found.names["condition"] == "with activations - without activations"
    assert found.draws.mean() == pytest.approx(0.8, abs=0.01)
    assert next(iter(comparisons([without, with_it]))).names == found.names


def test_a_learning_curve_is_a_slope_per_doubling():
    sizes = (100, 200, 800)
    designs = [
        design([1 + 0.3 * np.log2(n), 0.1 * np.log2(n), 0.1 * np.log2(n), 1], training_items=n)
        for n in sizes
    ]
    slopes = {found.quantity: found.draws.mean() for found in comparisons(designs)}
    assert slopes == {
        "self_per_doubling": pytest.approx(0.15, abs=0.01),
        "cross_per_doubling": pytest.approx(0.1, abs=0.01),
        "delta_per_doubling": pytest.approx(0.05, abs=0.01),
    }


def test_designs_that_do_not_identify_delta_are_not_compared():
    one = design([1, 0, 0, 1], condition="with")
    alone = CellDraws(
        (("a", "a"), ("b", "a")),
        np.ones(2, int),
        {"logit": np.zeros((4, 500, 2))},
        "",
        Sampled({}, "exact", np.nan, np.nan),
    )
    other = Design(one.names | {"condition": "without"}, Measure("x", "", alone))
    assert list(comparisons([one, other])) == []


# Similarity


def test_delta_beyond_similarity_is_what_a_gradient_leaves():
    names = "abcd"
    cells = list(itertools.product(names, repeat=2))
    rng = np.random.default_rng(8)
    similarity = np.array([1.0 if who == whom else rng.uniform(0.2, 0.9) for who, whom in cells])
    skill = dict(zip(names, rng.normal(size=4), strict=True))
    values = np.array([skill[who] - skill[whom] + 0.4 * (who == whom) for who, whom in cells])
    values += 2.0 * similarity
    found = {one.quantity: one.weights for one in contrasts(cells, similarity)}
    assert found["delta_beyond_similarity"] @ values == pytest.approx(0.4)
    assert found["similarity_gradient"] @ values == pytest.approx(2.0)
    assert found["delta"] @ values > 1


@pytest.mark.parametrize(
    ("similarity", "note"),
    [
        ([1, 0.5, 0.5, 1], "not identified: with these cells a gradient over similarity"),
        ([1, 0.5, np.nan, 1], "not identified: no similarity of b and a is given"),
    ],
)
def test_a_gradient_that_cannot_be_told_is_said(similarity, note):
    found = {one.quantity: one for one in contrasts(PAIRS, np.array(similarity, dtype=float))}
    assert found["delta_beyond_similarity"].weights is None
    assert found["delta_beyond_similarity"].note.startswith(note)
    assert found["delta"].weights is not None


# Scores


def test_levels_hold_scores_in_order_and_are_worth_their_mean():
    scores = pd.Series(np.random.default_rng(9).beta(0.5, 2, 1000))
    levels, worth = levels_of(scores)
    assert sorted(levels.unique()) == list(range(LEVELS))
    assert list(worth) == pytest.approx(list(scores.groupby(levels).mean()))
    assert (np.diff(worth) > 0).all()
    few = pd.Series([0.2, 0.4, 0.2])
    assert [list(part) for part in levels_of(few)] == [[0, 1, 0], [0.2, 0.4]]


def test_expected_scores_weigh_the_levels_by_what_they_are_worth():
    place, spread = np.array([[0.3]]), np.array([[0.0]])
    worth, cuts = np.array([0.1, 0.4, 0.9]), np.array([[0.0, 1.2]])
    above = 1 / (1 + np.exp(cuts[0] - 0.3))
    shares = np.array([1 - above[0], above[0] - above[1], above[1]])
    assert scores_at(place, spread, cuts, worth, NODES)[0, 0] == pytest.approx(shares @ worth)

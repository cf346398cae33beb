"""Conclusions under other choices: what a choice does, done again the slow way, and invariances.

The slow way changes the study itself (rows taken out, medians put in place of reports), hands it
to the paper's own code, and fits lines by NumPy.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats import t as student

from selfinterp_stats.errors import InputError
from selfinterp_stats.estimates import Settings, agreement_of, fit_weights
from selfinterp_stats.estimates.agreement import pearson
from selfinterp_stats.estimates.analysis import analyse
from selfinterp_stats.estimates.exclusion import largest_changes
from selfinterp_stats.estimates.sensitivity import compare_specifications
from selfinterp_stats.estimates.sensitivity.regression import (
    Regressions,
    contrast_hdi,
    correlation_hdi,
)
from selfinterp_stats.estimates.sensitivity.specifications import COLUMNS, PAPER, Specification
from selfinterp_stats.study import load_study

SETTINGS = Settings(draws=400, regression_draws=40_000)
BEFORE, AFTER = "weight-trained", "introspection-trained"


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A study in which scenarios have unequal numbers of reports, some none at all."""
    from studies import write_study

    folder = tmp_path_factory.mktemp("sensitivity") / "study"
    whole = load_study(
        write_study(folder, base_models=("model-a", "model-b"), scenarios=12, trials=20, repeats=4)
    )
    fold = whole.reports["scenario"].str.removeprefix("item_").astype(int)
    lost = (whole.reports["repeat"] >= fold % 5) & (whole.reports["condition"] == BEFORE)
    return replace(whole, reports=whole.reports[~lost].reset_index(drop=True))


@pytest.fixture(scope="module")
def found(study):
    return compare_specifications(study, SETTINGS)


def row(found, identifier, **choices):
    """The row of one specification, choices not given being the paper's."""
    wanted = {**vars(PAPER), **choices}
    rows = found.table[found.table["id"] == identifier]
    for name, value in wanted.items():
        rows = rows[rows[name] == value]
    (only,) = rows.to_dict("records")
    return only


def slowly(study, found, specification, condition, set_="instilled", base_model="model-a"):
    """Weights and reports of one report set by the paper's own code, on a study made to fit."""
    reports = study.reports
    keys = ["base_model", "set", "condition", "fold", "explaining_model", "scenario"]
    reports = reports[reports["scenario"] != specification.left_out]
    weights = found.weights.weights
    weights = weights[weights["scenario"] != specification.left_out]
    counts = reports.groupby(keys)["repeat"].transform("size")
    reports = reports[counts >= specification.min_reports]
    if specification.scenarios == "complete":
        own = reports[(reports["base_model"] == base_model) & (reports["set"] == set_)]
        conditions = own.groupby("scenario")["condition"].nunique()
        complete = conditions.index[conditions == own["condition"].nunique()]
        reports = reports[reports["scenario"].isin(complete)]
        weights = weights[weights["scenario"].isin(complete)]
    if specification.reports == "median":
        columns = list(study.attributes)
        reports = reports.groupby(keys)[columns].median().reset_index()
    if specification.standardising == "pooled":
        reports = reports.assign(fold="", explaining_model="")
    if specification.weights == "unrounded":
        by = ["base_model", "set", "scenario"]
        largest = weights["mean"].abs().groupby([weights[name] for name in by]).transform("max")
        weights = weights.assign(weight=100 * weights["mean"] / largest)
    rows = agreement_of(weights, replace(study, reports=reports))
    own = (rows["base_model"] == base_model) & (rows["set"] == set_)
    return rows[own & (rows["condition"] == condition)]


@pytest.mark.parametrize(
    "specification",
    [
        PAPER,
        Specification(standardising="pooled"),
        Specification(reports="median"),
        Specification(weights="unrounded"),
        Specification(min_reports=2, scenarios="complete"),
        Specification(reports="median", weights="unrounded", standardising="pooled"),
    ],
    ids=str,
)
def test_a_choice_does_what_it_says(study, found, specification):
    rows = slowly(study, found, specification, AFTER)
    expected = np.polyfit(rows["standardized_reports"], rows["standardized_b"], 1)[0]
    got = row(found, "e2_report_r_model-a", **vars(specification))
    assert got["estimate"] == pytest.approx(expected, rel=1e-9)
    assert got["n"] == len(rows)


def test_reports_can_be_too_few(study, found):
    least = Specification(min_reports=4)
    rows = slowly(study, found, least, BEFORE)
    got = row(found, "e1_report_r_model-a", min_reports=4)
    assert got["n"] == len(rows) < row(found, "e1_report_r_model-a")["n"]
    expected = np.polyfit(rows["standardized_reports"], rows["standardized_b"], 1)[0]
    assert got["estimate"] == pytest.approx(expected, rel=1e-9)


def test_a_scenario_left_out_was_never_there(study, found):
    one = found.left_out[found.left_out["id"] == "e3_native_r_after_model-b"]
    assert len(one) == 12
    for got in one.to_dict("records"):
        rows = slowly(
            study, found, replace(PAPER, left_out=got["scenario"]), AFTER, "native", "model-b"
        )
        expected = pearson(rows["standardized_reports"], rows["standardized_b"])
        assert got["estimate"] == pytest.approx(expected, rel=1e-9)


def test_the_scenarios_crossed_with_all_choices_are_the_most_extreme(found):
    for identifier, rows in found.table.groupby("id"):
        changes = found.left_out[found.left_out["id"] == identifier].set_index("scenario")["change"]
        assert set(rows["left_out"]) == {"", changes.idxmin(), changes.idxmax()}


def test_exclusions_are_the_readings_of_appendix_d(study, found):
    """Pearson's r does not feel that values were standardised, where there is one fold."""
    agreement = agreement_of(found.weights.weights, study)
    native = agreement[(agreement["set"] == "native") & (agreement["condition"] == BEFORE)]
    expected = largest_changes(native)
    ids = [f"e3_native_r_before_{name}" for name in study.base_models]
    for reading, change in expected.items():
        changes = [
            abs(row(found, one, exclusion=reading)["estimate"] - row(found, one)["estimate"])
            for one in ids
        ]
        assert max(changes) == pytest.approx(change, abs=1e-9)
    assert expected["fitted"] > 0


def test_the_papers_own_specification_gives_the_papers_numbers(study, found):
    """The regressions' draws have Monte Carlo error, the quadrature none."""
    results = analyse(study, SETTINGS)
    numbers = results.paper_numbers.set_index("id")
    draws = results.correlations.set_index("id")
    own = found.table[found.table["paper_specification"] == "yes"].set_index("id")
    left = set(numbers.index) - set(own.index)
    assert all(
        name.startswith(("e1_invalid", "all_invalid", "d_exclude", "exclude")) for name in left
    )
    assert set(own.index) <= set(numbers.index)
    for identifier, got in own.iterrows():
        if identifier in draws.index:
            drawn = draws.loc[identifier]
            for name, error in (
                ("median", "mcse_median"),
                ("hdi_low", "mcse_hdi_low"),
                ("hdi_high", "mcse_hdi_high"),
            ):
                ours = got["estimate" if name == "median" else name]
                assert abs(ours - drawn[name]) < 5 * drawn[error], (identifier, name)
        else:
            assert got["estimate"] == pytest.approx(numbers.loc[identifier, "estimate"], abs=1e-9)


def test_the_order_of_reports_does_not_matter(study, found):
    other = replace(
        study,
        reports=study.reports.sample(frac=1, random_state=0).reset_index(drop=True),
    )
    again = compare_specifications(other, SETTINGS)
    pd.testing.assert_frame_equal(again.table, found.table, rtol=1e-9)


def test_opposite_reports_turn_every_correlation_of_reports_round(study, found):
    columns = list(study.attributes)
    reports = study.reports.assign(**{name: -study.reports[name] for name in columns})
    turned = compare_specifications(replace(study, reports=reports), SETTINGS).table
    mine = found.table[found.table["left_out"] == ""].set_index(["id", *COLUMNS])
    theirs = turned[turned["left_out"] == ""].set_index(["id", *COLUMNS])
    of_reports = mine["kind"].isin(["slope", "contrast"]) | mine.index.get_level_values(
        "id"
    ).str.startswith(("e3_native", "d_"))
    ends = (("estimate", "estimate"), ("hdi_low", "hdi_high"))
    for one, other in ends:
        # The narrowest interval is looked for on a grid of tail probabilities.
        exact = 2e-3 if one == "hdi_low" else 1e-9
        np.testing.assert_allclose(mine[one][of_reports], -theirs[other][of_reports], atol=exact)
    np.testing.assert_array_equal(mine["estimate"][~of_reports], theirs["estimate"][~of_reports])


def test_training_that_changes_nothing_has_no_effect_under_any_specification(study):
    reports = study.reports[study.reports["condition"] == BEFORE]
    copied = pd.concat([reports, reports.assign(condition=AFTER)], ignore_index=True)
    table = compare_specifications(replace(study, reports=copied), SETTINGS).table
    effects = table[table["id"].str.contains("training_effect")].dropna(subset="estimate")
    assert len(effects) > 100
    np.testing.assert_allclose(effects["estimate"], 0, atol=1e-12)
    assert (effects["hdi_reaches_zero"] == "yes").all()


def test_specifications_are_all_different_and_one_is_the_papers(found):
    assert not found.table.duplicated(["id", *COLUMNS]).any()
    counts = (found.table["paper_specification"] == "yes").groupby(found.table["id"]).sum()
    assert (counts == 1).all()
    assert set(found.ranges["id"]) == set(counts.index)


def test_ranges_hold_every_estimate(found):
    for one in found.ranges.to_dict("records"):
        rows = found.table[found.table["id"] == one["id"]]
        assert rows["estimate"].min() == one["lowest"] <= one["estimate"] <= one["highest"]
        assert one["specifications"] == len(rows)
        assert one["flips"] == (rows["flips_sign"] == "yes").sum()


def regression(n, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.7 + 0.5 * x + rng.normal(size=n)
    sxx, sxy = ((x - x.mean()) ** 2).sum(), ((x - x.mean()) * (y - y.mean())).sum()
    b = sxy / sxx
    rss = ((y - y.mean() - b * (x - x.mean())) ** 2).sum()
    one = (b, sxx**-0.5, rss, y.mean(), n, 1, x.std())
    return Regressions(*(np.array([float(value)]) for value in one))


@pytest.mark.parametrize("n", [4, 6, 30, 500])
def test_an_hdi_holds_its_probability_under_the_full_posterior(n):
    """Against adaptive quadrature over residual sd and, inside it, over the intercept."""
    fits = regression(n)
    (low,), (high,) = contrast_hdi(fits, 0.95)
    b, unit, rss, mean, *_ = (float(getattr(fits, name)[0]) for name in fits.__dataclass_fields__)

    def of_sd(log_sd):
        sd = np.exp(log_sd)
        at = mean + sd / np.sqrt(n) * np.linspace(-9, 9, 1801)
        prior = np.trapezoid(student.pdf(at / 2.5, 3) * norm.pdf(at, mean, sd / np.sqrt(n)), at)
        return (
            prior
            * student.pdf(sd / 2.5, 3)
            * np.exp(-(n - 3) * (log_sd - 0.5 * np.log(rss / n)) - rss / (2 * sd**2) + n / 2)
        )

    middle = 0.5 * np.log(rss / n)
    ends = (middle - 3, middle + 14) if n < 10 else (middle - 1, middle + 2)
    points = [middle, middle + 1]
    total, _ = quad(of_sd, *ends, points=points, limit=400)
    inside, _ = quad(
        lambda u: of_sd(u) * (2 * norm.cdf((high - b) / (np.exp(u) * unit)) - 1),
        *ends, points=points, limit=400,
    )  # fmt: skip
    assert inside / total == pytest.approx(0.95, abs=1e-5)
    assert low + high == pytest.approx(2 * b)


@pytest.mark.parametrize("n", [6, 30, 500])
def test_hdis_are_those_of_the_draws(n):
    """With priors as wide as these, a normal-inverse-gamma posterior weighted by them."""
    fits = regression(n)
    (low,), (high,) = correlation_hdi(fits, 0.95)
    (lowest,), (highest,) = contrast_hdi(fits, 0.95)
    rng = np.random.default_rng(1)
    size = 400_000
    sd = np.sqrt(fits.rss / rng.chisquare(n - 2, size))
    slope = fits.estimate + sd * fits.unit_sd * rng.normal(size=size)
    at = fits.mean_y + sd / np.sqrt(n) * rng.normal(size=size)
    # The flat reference has density 1/sd, the paper's the two Student-t.
    weight = sd * student.pdf(sd / 2.5, 3) * student.pdf(at / 2.5, 3)
    r = slope * fits.sd_x / np.sqrt((slope * fits.sd_x) ** 2 + sd**2)
    ess = weight.sum() ** 2 / (weight**2).sum()
    for held in ((r > low) & (r < high), (slope > lowest) & (slope < highest)):
        inside = weight[held].sum() / weight.sum()
        assert inside == pytest.approx(0.95, abs=5 * np.sqrt(0.95 * 0.05 / ess) + 1e-3)
    density = np.histogram(r, [low - 0.01, low + 0.01, high - 0.01, high + 0.01], weights=weight)[0]
    assert density[0] == pytest.approx(density[2], rel=0.15)


def test_more_reports_than_any_scenario_has_cannot_be_asked_for(study):
    for number in (0, 5):
        with pytest.raises(InputError) as caught:
            compare_specifications(study, SETTINGS, min_reports=[2, number])
        assert str(caught.value) == (
            "no scenario can be chosen by this minimum number of valid reports "
            f"(found {number}). Allowed: 1 to 4, the most valid reports that a scenario of the "
            "study has."
        )


def test_a_study_without_any_conclusion_is_refused(study):
    bare = replace(
        study.narrow(sets="instilled"),
        reports=study.reports.iloc[:0],
        targets=study.targets.iloc[:0],
    )
    with pytest.raises(InputError) as caught:
        compare_specifications(bare, SETTINGS)
    assert str(caught.value).endswith(
        ": the study holds none of the paper's conclusions. Allowed: native choices, or instilled "
        "choices with target weights or reports. Add reports (or target weights) for the "
        "scenarios with choices."
    )


def test_choices_alone_leave_what_choices_say(study):
    bare = replace(study, reports=study.reports.iloc[:0])
    found = compare_specifications(bare, SETTINGS)
    stems = {name.rsplit("_", 1)[0] for name in found.ranges["id"]}
    assert stems == {"e1_learned_target_r", "e1_target_agreement", "e3_choice_accuracy"}


def test_a_base_model_with_hardly_a_report_is_left_out_as_by_the_paper(study):
    """One report set of one base model is down to a single scenario of three attributes."""
    reports = study.reports
    few = (reports["base_model"] == "model-b") & (reports["condition"] == BEFORE)
    few &= (reports["set"] == "native") & (reports["scenario"] != "item_14")
    thin = replace(study, reports=reports[~few].reset_index(drop=True))
    found = compare_specifications(thin, SETTINGS)
    own = found.ranges.set_index("id")
    assert "e3_native_r_before_model-b" not in own.index
    assert own.loc["e3_training_effect", "base_model"] == "model-a"
    assert np.isfinite(own.loc["e3_training_effect", "estimate"])
    assert own.loc["e2_training_effect", "base_model"] == "both"


def test_the_intercept_counts_in_choice_accuracy(study, found):
    weights = fit_weights(study, settings=SETTINGS)
    tree = weights.posteriors["weights_model-a_native"]["posterior"]
    slopes = tree["weight"].mean(("chain", "draw")).to_numpy()
    alone = tree["intercept"].mean(("chain", "draw")).to_numpy()
    names = pd.Index(tree["scenario"].to_numpy())
    choices = study.choices[
        (study.choices["base_model"] == "model-a") & (study.choices["set"] == "native")
    ]
    at = names.get_indexer(choices["scenario"])
    logit = alone[at] + (slopes[at] * choices[["d1", "d2", "d3"]].to_numpy()).sum(axis=1)
    expected = ((logit > 0) == choices["chose_a"].to_numpy()).mean()
    got = row(found, "e3_choice_accuracy_model-a", intercept="with", weights="unrounded")
    assert got["estimate"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.paper
@pytest.mark.slow
def test_the_papers_data(paper_data):
    """Printed numbers, Appendix D's four readings, and which conclusions never turn."""
    study = load_study(paper_data)
    found = compare_specifications(study)
    own = found.ranges.set_index("id")
    for identifier, printed in (
        ("e1_report_r_4o", 0.54), ("e2_report_r_mini", 0.75), ("e3_native_r_before_4o", 0.46),
        ("d_e1_report_target_r_4o", 0.49),
    ):  # fmt: skip
        assert round(own.loc[identifier, "estimate"], 2) == printed
    for identifier, printed in (
        ("e2_training_effect", (0.16, 0.29)),
        ("e3_training_effect", (0.21, 0.35)),
    ):
        ends = own.loc[identifier, ["hdi_low", "hdi_high"]]
        assert np.allclose(ends.astype(float), printed, atol=0.015)
        assert own.loc[identifier, "flips"] == 0
    assert own.loc["e1_offshelf_r_mini", "paper_reaches"] == "yes"
    assert len(own) == 22

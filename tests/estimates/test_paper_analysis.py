"""The paper's data, analysed whole: the same conclusions as the authors' own brms run.

All tests here share one analysis, so they belong in one file.
"""

from __future__ import annotations

import math

import brms
import numpy as np
import pytest
from brms import LARGE, MINI

from selfinterp_stats.estimates import Settings, agreement_of
from selfinterp_stats.estimates.analysis import Steps, analyse
from selfinterp_stats.estimates.correlations import correlate
from selfinterp_stats.estimates.names import Names
from selfinterp_stats.estimates.published import published_numbers
from selfinterp_stats.study import load_study

pytestmark = pytest.mark.paper

SETS = ("instilled", "native")
FITS = 400 + 10 + 2
# brms' names of coefficients and models, and ours.
TERMS = {
    "Intercept": "Intercept",
    "sigma": "sigma",
    "standardized_reports": "standardized_reports",
    "itrainedTRUE": "itrained[TRUE]",
    "base_modelgptM4oMminiM2024M07M18": f"base_model[{MINI}]",
    "standardized_reports:itrainedTRUE": "standardized_reports:itrained[TRUE]",
    "standardized_reports:base_modelgptM4oMminiM2024M07M18": (
        f"standardized_reports:base_model[{MINI}]"
    ),
    "itrainedTRUE:base_modelgptM4oMminiM2024M07M18": f"itrained:base_model[TRUE, {MINI}]",
    "standardized_reports:itrainedTRUE:base_modelgptM4oMminiM2024M07M18": (
        f"standardized_reports:itrained:base_model[TRUE, {MINI}]"
    ),
}
SIMPLE = {
    "exp1 instilled": "e1_report_r",
    "exp1 off-the-shelf": "e1_offshelf_r",
    "exp2 introspection-trained": "e2_report_r",
}


def our_id(model: str, term: str) -> str:
    """Our id of a coefficient in brms' table."""
    if model.endswith("training effect"):
        return f"coefficient_e{model[3]}_training_effect_{TERMS[term]}"
    kind, name = model.split(" gpt-")
    slope = f"{SIMPLE[kind]}_{name.replace('4o-mini', 'mini')}"
    return slope if term == "standardized_reports" else f"{term.lower()}_of_{slope}"


@pytest.fixture(scope="module")
def study(paper_data):
    return load_study(paper_data)


@pytest.fixture(scope="module")
def steps():
    return Steps()


@pytest.fixture(scope="module")
def results(study, steps):
    """What `selfinterp reproduce` computes, with its own defaults."""
    return analyse(study, Settings(), steps)


@pytest.fixture(scope="module")
def released(study):
    """Stage 2 from the weights that the reference was made from: the authors' rounded ones."""
    weights = study.released.melt(
        ["base_model", "set", "scenario"], var_name="attribute", value_name="weight"
    ).merge(study.attribute_names, on=["scenario", "attribute"])
    agreement = agreement_of(weights, study)
    settings = Settings(regression_draws=80_000)
    return correlate(agreement, settings=settings, names=Names.of(study)).table


class TestWeights(brms.AgreesWithBrms):
    """Stage 1 with the importance engine, all 400 scenarios."""

    @pytest.fixture(scope="class")
    @classmethod
    def compared(cls, results):
        return brms.compared_weights(results.posteriors)

    def test_every_scenario_is_compared(self, compared):
        assert len(compared) == 400 * 6
        assert (compared["term"] != "Intercept").sum() == 2_000

    def test_no_scenario_needed_anything_but_importance(self, results):
        assert (results.diagnostics["engine"] == "importance").all()
        assert results.diagnostics["pareto_k"].max() < 0.7

    def test_the_table_holds_the_figures_of_the_draws(self, results, compared):
        slopes = compared[compared["term"] != "Intercept"]
        slopes = slopes.assign(attribute="attr" + slopes["term"].str[1:])
        keys = ["base_model", "set", "scenario", "attribute"]
        joined = results.weights.merge(slopes, on=keys, suffixes=("", "_again"))
        assert len(joined) == 2_000
        for name in ("mean", "median", "sd", "hdi_low", "hdi_high", "rhat", "ess_bulk"):
            # The table sums 32-bit draws in another order.
            np.testing.assert_allclose(joined[name], joined[f"{name}_again"], rtol=1e-5)

    def test_the_authors_rounded_weights_are_met_to_3_points(self, results):
        # Two brms runs differ by up to 2 points; rounding and Monte Carlo error of one run of
        # 4,000 draws on either side make it 3.
        table = results.released_comparison
        assert len(table) == 4
        assert (table["n_scenarios"] == 100).all()
        assert table["max_abs_difference"].max() <= 3
        assert table["correlation"].min() > 0.9999


class TestRegressions:
    """Stage 2, 80,000 draws on either side."""

    @pytest.fixture(scope="class")
    @classmethod
    def compared(cls, released):
        reference = brms.table("regressions")
        reference["id"] = [
            our_id(model, term)
            for model, term in zip(reference["model"], reference["term"], strict=True)
        ]
        joined = reference.merge(released, on="id", suffixes=("_brms", ""), validate="one_to_one")
        assert len(joined) == 36
        return joined

    def test_each_regression_has_the_rows_of_the_authors(self, compared):
        assert (compared["n"] == compared["n_brms"]).all()

    def test_posterior_means_agree(self, compared):
        error = brms.combined(
            compared["mcse_mean"], compared["sd_brms"] / math.sqrt(brms.REGRESSION_ESS)
        )
        z = (compared["mean"] - compared["mean_brms"]) / error
        # The largest of 36 normal deviates exceeds 4 once in 400 times.
        assert z.abs().max() < 4

    def test_posterior_medians_agree(self, compared):
        known = compared.dropna(subset="median_brms")
        assert len(known) == 28  # brms' table has none for sigma
        # A median's error is 1.25 times that of the mean where the posterior is near normal.
        error = brms.combined(
            known["mcse_median"], 1.25 * known["sd_brms"] / math.sqrt(brms.REGRESSION_ESS)
        )
        assert ((known["median"] - known["median_brms"]) / error).abs().max() < 4

    def test_posterior_sds_agree(self, compared):
        # Relative error of an sd: 1 / sqrt(2 ESS) on either side, so .5% together; 4 of those.
        limit = 4 * math.sqrt(2 / (2 * brms.REGRESSION_ESS))
        assert limit < 0.04
        assert (compared["sd"] / compared["sd_brms"] - 1).abs().max() < limit

    def test_hdi_ends_agree(self, compared):
        # An end of the HDI of 80,000 draws has an error of about .03 sd, of the difference .045,
        # and the largest of 72 comparisons lies 3 of those out: .15 sd.
        for end in ("hdi_low", "hdi_high"):
            off = (compared[end] - compared[f"{end}_brms"]) / compared["sd_brms"]
            assert off.abs().max() < 0.15

    def test_direction_and_rope_agree(self, compared):
        known = compared.dropna(subset="pd_brms")
        error = np.sqrt(known["pd"] * (1 - known["pd"]) * 2 / brms.REGRESSION_ESS)
        # A share of 1 has no error of its own; one draw in ten thousand stands for it.
        assert ((known["pd"] - known["pd_brms"]).abs() < 4 * error + 1e-4).all()
        # The ROPE's share is one of the draws inside an HDI whose ends move by .045 sd: at most
        # .045 x the density at the end (.06 per sd for a normal) / .95 on top of its own error.
        share = known["rope_share_brms"]
        error = np.sqrt(share * (1 - share) * 2 / brms.REGRESSION_ESS)
        assert ((known["rope_share"] - share).abs() < 4 * error + 4 * 0.045 * 0.06 / 0.95).all()

    def test_slopes_averaged_over_base_models_are_those_of_emmeans(self, released):
        names = {"False": "weight-trained", "True": "introspection-trained"}
        table = released.set_index("id")
        for row in brms.table("trends").to_dict("records"):
            condition = names[str(row["itrained"])]
            ours = table.loc[f"mean_slope_e{row['model'][3]}_training_effect_{condition}"]
            estimate = row["standardized_reports.trend"]
            self.same_interval(ours, estimate, row["lower.HPD"], row["upper.HPD"])

    def test_training_effects_are_the_contrasts_of_emmeans(self, released):
        table = released.set_index("id")
        for row in brms.table("contrasts").to_dict("records"):
            ours = table.loc[f"e{row['model'][3]}_training_effect"]
            assert row["contrast"] == "TRUE - FALSE"
            self.same_interval(ours, row["estimate"], row["lower.HPD"], row["upper.HPD"])

    def same_interval(self, ours, median, low, high):
        # The tolerances of the medians and HDI ends above.
        error = math.hypot(ours["mcse_median"], 1.25 * ours["sd"] / math.sqrt(brms.REGRESSION_ESS))
        assert abs(ours["median"] - median) < 4 * error
        assert abs(ours["hdi_low"] - low) < 0.15 * ours["sd"]
        assert abs(ours["hdi_high"] - high) < 0.15 * ours["sd"]


class TestPaperNumbers:
    @pytest.fixture(scope="class")
    @classmethod
    def numbers(cls, results):
        return results.paper_numbers.set_index("id")

    @pytest.mark.parametrize(
        "identifier",
        [row.id for row in published_numbers().itertuples() if row.reproducible == "yes"],
    )
    def test_what_can_be_reproduced_is(self, numbers, identifier):
        row = numbers.loc[identifier]
        assert row["agrees"] == "yes", row.to_dict()
        # Judged again here, from the figures themselves.
        if not math.isnan(row["published"]):
            # A share of 10,000 choices hangs on rounded weights: 10 may turn, as below.
            turned = 0.001 if identifier.startswith("e3_choice_accuracy") else 1e-9
            rounding = 0.5 * 10.0 ** -int(row["decimals"])
            assert abs(row["estimate"] - row["published"]) <= rounding + turned
        for end in ("low", "high"):
            if not math.isnan(row[f"published_hdi_{end}"]):
                # brms with 80,000 draws is itself up to .01 off what the paper prints.
                assert abs(row[f"hdi_{end}"] - row[f"published_hdi_{end}"]) <= 0.015

    def test_every_published_number_has_its_row(self, numbers):
        published = published_numbers().set_index("id")
        assert set(published.index) <= set(numbers.index)
        beside = numbers.loc[published.index]
        for column in ("published", "published_hdi_low", "published_hdi_high"):
            np.testing.assert_array_equal(beside[column].to_numpy(float), published[column])

    def test_what_differs_says_why(self, numbers):
        row = numbers.loc["e3_choice_accuracy_mini"]
        assert row["agrees"] == "no"
        # By the authors' weights .8541. A refit's weights, a point or two of 100 away, turn a few
        # of the 10,000 choices, those between options of nearly the same worth: 10 are allowed.
        assert abs(row["estimate"] - 0.8541) <= 0.001
        assert "85.4%" in row["note"]

    def test_what_was_not_released_has_no_estimate(self, numbers):
        for name in ("4o", "mini"):
            row = numbers.loc[f"d_trained_on_learned_r_{name}"]
            assert math.isnan(row["estimate"])
            assert row["agrees"] == "no"
            assert "not released" in row["note"]

    def test_all_four_readings_of_appendix_d_are_there(self, numbers):
        readings = numbers[numbers["kind"] == "largest change of Pearson r"]["estimate"]
        assert len(readings) == 4
        # A refit moves weights by up to 3 points of 100 and may change which of two attributes
        # of a scenario is the one at +-100; the exact figures are tested on the released weights.
        expected = (0.046, 0.031, 0.126, 0.213)
        np.testing.assert_allclose(readings.to_numpy(float), expected, atol=0.02)

    def test_nothing_else_differs(self, numbers):
        differs = set(numbers.index[numbers["agrees"] == "no"])
        assert differs == {
            "e3_choice_accuracy_mini",
            "d_trained_on_learned_r_4o",
            "d_trained_on_learned_r_mini",
        }


class TestRun:
    def test_every_fit_is_diagnosed_and_well(self, results):
        assert len(results.diagnostics) == FITS
        assert results.diagnostics["fit"].is_unique
        assert results.diagnostics["ok"].all(), results.run["diagnostics"]["failing"]

    def test_the_run_says_what_was_done(self, results, study):
        run = results.run
        assert run["data"]["is_paper"]
        assert run["data"]["hashes"] == study.hashes
        assert run["engines"] == {
            "weights": {"importance": 400},
            "correlations": {"importance": 12},
        }
        assert run["diagnostics"]["fits"] == FITS
        assert run["diagnostics"]["failing"] == []
        assert set(run["seconds"]) == {"weights", "correlations"}

    def test_posteriors_are_named_after_what_they_are(self, results):
        assert {f"weights_{base}_{set_}" for base in (LARGE, MINI) for set_ in SETS} < set(
            results.posteriors
        )
        assert len(results.posteriors) == 4 + 10 + 2

    def test_the_authors_weights_and_the_refit_give_the_same_slopes(self, results, released):
        # Their weights come from 4,000 draws a scenario, so do ours: either's error, about 1/60
        # of a posterior sd, shifts a slope by far less than a third of its own sd.
        ours = results.correlations.set_index("id")["median"]
        theirs = released.set_index("id")
        assert set(ours.index) == set(theirs.index)
        off = (ours - theirs["median"]).abs() / theirs["sd"]
        assert off.max() < 1 / 3


def test_agreement_joins_weights_reports_and_targets(results):
    rows = results.agreement
    sizes = rows.groupby(["base_model", "set", "condition"]).size()
    assert sizes[LARGE].tolist() == [500] * 5
    assert sizes[MINI]["instilled"].to_dict() == {
        "introspection-trained": 500,
        "off-the-shelf": 480,
        "weight-trained": 395,
    }
    assert rows.loc[rows["set"] == "native", "target"].isna().all()
    assert rows.loc[rows["set"] == "instilled", "target"].notna().all()

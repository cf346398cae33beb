"""The role of a file is in its name, however the base model is called."""

from __future__ import annotations

import pytest

from selfinterp_stats.study.roles import roles_of

NAMES = {
    "{base}_instilled_selections.csv": ("choices", "instilled", "", ""),
    "{base}_instilled_latent_selections.csv": ("choices", "native", "", ""),
    "{base}_weight_reports.csv": ("reports", "instilled", "off-the-shelf", ""),
    "{base}_instilled_weight_reports.csv": ("reports", "instilled", "weight-trained", ""),
    "{base}_itrained_first_50_of_100_50ex_weight_reports.csv": (
        "reports", "instilled", "introspection-trained", "first_50_of_100",
    ),
    "{base}_itrained_last_7_of_14_3ex_weight_reports.csv": (
        "reports", "instilled", "introspection-trained", "last_7_of_14",
    ),
    "{base}_instilled_latent_weight_reports.csv": ("reports", "native", "weight-trained", ""),
    "{base}_itrained_all_60_20ex_latent_weight_reports.csv": (
        "reports", "native", "introspection-trained", "all_60",
    ),
    "{base}_regression_results.csv": ("released", "instilled", "", ""),
    "{base}_latent_regression_results.csv": ("released", "native", "", ""),
}  # fmt: skip

BASES = (
    "gpt-4o",
    "a_b",
    "x_instilled",
    "x_latent",
    "x_itrained_y",
    "_",
    "a b,c",
    "モデル",
    "csv.csv",
)


@pytest.mark.parametrize("base", BASES)
def test_every_role_is_found_for_any_base_model_that_made_choices(base):
    files = {pattern.format(base=base): role for pattern, role in NAMES.items()}
    roles, others = roles_of(files)
    found = {role.file: (role.kind, role.set, role.condition, role.fold) for role in roles}
    assert found == files
    assert {role.base_model for role in roles} == {base}
    assert others == []


def test_without_choices_the_longest_ending_is_the_role():
    (role,), _ = roles_of(["x_instilled_weight_reports.csv"])
    assert (role.base_model, role.condition) == ("x", "weight-trained")


@pytest.mark.parametrize(
    "name",
    [
        "x_itrained_all_100_50ex_weight_reports.csv",
        "x_itrained_first_50_of_100_50ex_latent_weight_reports.csv",
        "x_itrained_first_50_of_100_weight_reports.csv",
        "x_latent_weight_reports.csv",
        "x_selections.csv",
        "_weight_reports.csv",
        "x_weight_reports.csv.bak",
        "x_weight_reports.tsv",
        "Scenarios.csv",
    ],
)
def test_names_that_only_resemble_a_role_have_none(name):
    roles, others = roles_of(["x_instilled_selections.csv", name])
    assert [role.file for role in roles] == ["x_instilled_selections.csv"]
    assert others == [name]

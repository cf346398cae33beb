"""The command on the paper's own data: ids, published figures, and when there are none."""

from __future__ import annotations

import re
import shutil

import pandas as pd
import pytest
from commandline import FEW_DRAWS, selfinterp

from selfinterp_stats.estimates.published import published_numbers

pytestmark = pytest.mark.paper
PUBLISHED = ["published", "published_hdi_low", "published_hdi_high"]


def numbers_of(data, out, *options):
    ran = selfinterp("reproduce", "--data", data, "--out", out, "--no-posterior", *options)
    assert ran.status == 0, ran.err
    return ran, pd.read_csv(out / "tables" / "paper_numbers.csv", index_col="id")


@pytest.fixture(scope="module")
def paper(request, tmp_path_factory):
    """The command on all of the paper's data, with its default draws."""
    data = request.getfixturevalue("paper_data")
    return numbers_of(data, tmp_path_factory.mktemp("paper") / "out", "--strict")


def test_no_diagnostic_of_the_papers_refit_fails(paper):
    ran, _ = paper
    assert ran.status == 0
    assert "diagnostic: " not in ran.err
    assert "fits of weights: 400 by" in ran.err


def test_every_published_number_is_there_under_its_id(paper):
    _, numbers = paper
    published = published_numbers().set_index("id")
    assert set(published.index) <= set(numbers.index)
    for column in PUBLISHED:
        pd.testing.assert_series_equal(
            numbers.loc[published.index, column], published[column], check_dtype=False
        )
    more = set(numbers.index) - set(published.index)
    assert {name.rpartition("_")[0] for name in more} == {"exclude_extremes_reading"}


def test_what_can_be_estimated_agrees_and_the_rest_has_its_reason(paper):
    ran, numbers = paper
    published = published_numbers().set_index("id")
    possible = published.index[published["reproducible"] == "yes"]
    assert set(numbers.loc[possible, "agrees"]) == {"yes"}
    differing = numbers[numbers["agrees"] == "no"]
    impossible = published["reproducible"].str.startswith("no")
    assert set(published.index[impossible]) <= set(differing.index)
    assert set(differing.index) <= set(published.index.difference(possible))
    assert differing["note"].notna().all()
    assert "25 of 28 numbers that the paper prints agree." in ran.out
    for row in differing.itertuples():
        assert f"{row.base_model}: {row.note}" in ran.out


def test_the_refit_is_within_three_points_of_the_released_weights(paper):
    ran, _ = paper
    assert ran.out.count("% within 1, r = 0.9999") == 4
    apart = [int(points) for points in re.findall(r"at most (\d+) apart", ran.out)]
    assert len(apart) == 4
    assert max(apart) <= 3
    assert not any(f"at most {points} apart" in ran.out for points in range(4, 101))


def test_the_table_of_the_paper_fits_100_columns(paper):
    ran, _ = paper
    table, _, rest = ran.out.partition("\n\nCorrelations, ")
    assert rest
    assert max(map(len, table.splitlines())) <= 100
    assert "gpt-4o-mini-2024-07-18" in table


def some_files(paper_data, folder, *, base, change=None):
    """One base model on the instilled set, before introspection training."""
    folder.mkdir()
    for path in sorted(paper_data.glob(f"{base}*.csv")):
        if "latent" not in path.name and "itrained" not in path.name:
            shutil.copy(path, folder)
    for name in ("scenarios.csv", "instilled_weights.csv"):
        shutil.copy(paper_data / name, folder)
    if change is not None:
        change(folder)
    return folder


def test_a_part_of_the_papers_files_is_still_the_papers(paper_data, tmp_path):
    base = "gpt-4o-2024-08-06"
    data = some_files(paper_data, tmp_path / "part", base=base)
    _, numbers = numbers_of(data, tmp_path / "out", *FEW_DRAWS)
    assert {"e1_report_r_4o", "e1_offshelf_r_4o", "e1_learned_target_r_4o"} <= set(numbers.index)
    assert numbers.loc["e1_learned_target_r_4o", "published"] == 0.84
    # Numbers that the paper gives for more than is here have nothing beside them.
    assert pd.isna(numbers.loc["all_invalid_reports_4o", "published"])
    assert pd.isna(numbers.loc["e1_invalid_choices", "published"])
    assert not numbers.index.str.startswith(("e2_", "e3_")).any()


def test_a_changed_file_is_another_study(paper_data, tmp_path):
    def change(folder):
        path = folder / "gpt-4o-2024-08-06_weight_reports.csv"
        path.write_bytes(path.read_bytes() + b"\n")

    base = "gpt-4o-2024-08-06"
    data = some_files(paper_data, tmp_path / "changed", base=base, change=change)
    ran, numbers = numbers_of(data, tmp_path / "out", *FEW_DRAWS)
    assert f"e1_report_r_{base}" in numbers.index
    assert "e1_report_r_4o" not in numbers.index
    assert numbers[[*PUBLISHED, "agrees"]].isna().all(axis=None)
    assert f"The paper's quantities, {base}" in ran.out

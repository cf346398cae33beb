"""Two runs side by side, differences in units of their Monte Carlo error."""

from __future__ import annotations

import shutil
from dataclasses import replace

import numpy as np
import pytest
from sample import sample_results

from selfinterp_stats.errors import InputError
from selfinterp_stats.reporting import compare_runs, write_report
from selfinterp_stats.reporting.tables import write_tables


@pytest.fixture(scope="module")
def runs(paper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    other_seed = sample_results(seed=4)
    return (
        write_report(paper, folder / "a", posterior=False),
        write_report(other_seed, folder / "b", posterior=False),
    )


def test_a_run_differs_from_itself_by_nothing(runs, paper):
    compared = compare_runs(runs[0], runs[0])
    assert len(compared) == len(paper.paper_numbers) + len(paper.correlations)
    assert (compared["difference"].dropna() == 0).all()
    assert list(dict.fromkeys(compared["table"])) == ["paper_numbers", "correlations"]


def test_another_seed_moves_figures_by_a_few_of_their_errors(runs):
    compared = compare_runs(*runs)
    slopes = compared[compared["table"] == "correlations"]
    assert slopes["in_mcse"].notna().all()
    assert slopes["in_mcse"].abs().max() < 5
    assert 0.5 < slopes["in_mcse"].std() < 2


def test_a_paper_number_borrows_the_error_of_the_slope_with_its_id(runs, paper, tmp_path):
    numbers = paper.paper_numbers.copy()
    numbers.loc[0, "id"] = paper.correlations.loc[1, "id"]
    run = tmp_path / "run"
    shutil.copytree(runs[0], run)
    write_tables(replace(paper, paper_numbers=numbers), run / "tables")
    compared = compare_runs(run, run)
    expected = paper.correlations.loc[1, "mcse_median"] * np.sqrt(2)
    assert compared.loc[0, "mcse"] == pytest.approx(expected, rel=1e-12)
    assert np.isnan(compared.loc[1, "mcse"])


def test_what_one_run_lacks_is_kept(runs, other_study, tmp_path):
    other = write_report(other_study, tmp_path / "other", posterior=False)
    compared = compare_runs(runs[0], other)
    one_sided = compared[compared["a"].notna() & compared["b"].isna()]
    assert len(one_sided) > 0
    assert one_sided["difference"].isna().all()
    assert compared["quantity"].notna().all()


def test_a_folder_without_a_run_is_refused(runs, tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(InputError, match="not the output of a run"):
            compare_runs(runs[0], folder)


def test_a_run_that_lost_a_table_is_refused(runs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(runs[0], run)
    (run / "tables" / "correlations.csv").unlink()
    with pytest.raises(InputError, match=r"correlations\.csv.*missing or cannot be read"):
        compare_runs(run, run)

"""What the paper's released data hold, as the reader sees them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.study import Study, load_study
from selfinterp_stats.study.paper import paper_hashes
from selfinterp_stats.study.study import REPORT_SETS

pytestmark = pytest.mark.paper

LARGE = "gpt-4o-2024-08-06"
MINI = "gpt-4o-mini-2024-07-18"


@pytest.fixture(scope="module")
def study(paper_data: Path) -> Study:
    return load_study(paper_data)


@pytest.fixture
def copy(paper_data: Path, tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in paper_data.glob("*.csv"):
        shutil.copyfile(path, folder / path.name)
    return folder


def test_there_are_two_base_models_with_both_sets(study):
    assert study.base_models == (LARGE, MINI)
    assert [study.sets_of(name) for name in study.base_models] == [("instilled", "native")] * 2


def test_30_000_choices_were_made_in_400_scenario_sets(study):
    trials = study.choices.groupby(["base_model", "set", "scenario"])["trial"]
    assert len(study.choices) == 30_000
    assert trials.ngroups == 400
    sizes = trials.size().groupby(["base_model", "set"]).agg(["size", "min", "max"])
    assert (sizes["size"] == 100).all()
    assert (sizes.xs("instilled", level="set")[["min", "max"]] == 50).all(axis=None)
    assert (sizes.xs("native", level="set")[["min", "max"]] == 100).all(axis=None)
    assert (trials.max() == trials.size() - 1).all()


def test_34_and_966_of_5_000_reports_are_missing(study):
    given = study.reports.groupby("base_model").size()
    assert 5_000 - given[LARGE] == 34
    assert 5_000 - given[MINI] == 966


def test_each_report_set_has_its_reports(study):
    given = study.reports.groupby(["base_model", "set", "condition"]).size()
    pairs = [given.loc[base] for base in (LARGE, MINI)]
    assert [int(pairs[0].loc[pair]) for pair in REPORT_SETS] == [1000, 1000, 1000, 966, 1000]
    assert [int(pairs[1].loc[pair]) for pair in REPORT_SETS] == [877, 574, 994, 590, 999]
    assert study.reports["repeat"].max() == 9


def test_mini_reports_on_79_of_the_100_weight_trained_scenarios(study):
    table = study.describe().set_index(["base_model", "set", "condition"])
    row = table.loc[(MINI, "instilled", "weight-trained")]
    assert (row["scenarios"], row["missing"], row["complete"]) == (79, 21, False)
    told = [n for n in study.notices if "79 of 100" in n.message]
    assert [(n.kind, n.count) for n in told] == [("info", 21)]


def test_introspection_training_is_tested_on_the_other_half_of_the_scenarios(study):
    trained = study.reports[study.reports["condition"] == "introspection-trained"]
    halves = trained[trained["set"] == "instilled"].groupby("fold")["scenario"].agg(set)
    first_hundred = list(study.scenarios["scenario"][:100])
    assert halves["first_50_of_100"] == set(first_hundred[50:])
    assert halves["last_50_of_100"] == set(first_hundred[:50])
    assert set(trained.loc[trained["set"] == "native", "fold"]) == {"all_100"}
    others = study.reports[study.reports["condition"] != "introspection-trained"]
    assert set(others["fold"]) == {""}


def test_scenarios_and_targets_are_the_whole_list_of_1_100(study):
    assert study.attributes == ("attr1", "attr2", "attr3", "attr4", "attr5")
    assert len(study.scenarios) == len(study.targets) == 1_100
    assert list(study.targets["scenario"]) == list(study.scenarios["scenario"])
    assert (study.targets[list(study.attributes)].abs().max(axis=1) == 100).all()
    names = study.attribute_names
    assert len(names) == 5_500
    assert names.loc[names["scenario"] == "loose_leaf_tea", "attribute_name"].tolist() == [
        "caffeine_content",
        "leaf_size",
        "oxidation_level",
        "steeping_time",
        "resteep_potential",
    ]


def test_the_instilled_scenarios_are_the_first_hundred_and_the_native_ones_the_next(study):
    order = {name: i for i, name in enumerate(study.scenarios["scenario"])}
    places = study.choices["scenario"].map(order).groupby(study.choices["set"]).agg(["min", "max"])
    assert places.loc["instilled"].tolist() == [0, 99]
    assert places.loc["native"].tolist() == [100, 199]


def test_differences_are_the_options_over_the_scenarios_ranges(study, paper_data):
    raw = pd.read_csv(paper_data / f"{MINI}_instilled_latent_selections.csv")
    ranges = study.scenarios.set_index("scenario").loc[raw["scenario"]]
    mine = study.choices.query("base_model == @MINI and set == 'native'")
    assert mine["scenario"].tolist() == raw["scenario"].tolist()
    assert (mine["chose_a"].to_numpy() == (raw["selection"] == "A")).all()
    for i in range(1, 6):
        width = ranges[f"attr{i}_max"].to_numpy() - ranges[f"attr{i}_min"].to_numpy()
        expected = (raw[f"A_attribute_{i}"] - raw[f"B_attribute_{i}"]).to_numpy() / width
        np.testing.assert_array_equal(mine[f"d{i}"], expected)


def test_numbers_are_read_to_the_last_bit(study, paper_data):
    raw = pd.read_csv(paper_data / "scenarios.csv", dtype=str)
    for i in range(1, 6):
        for end in ("min", "max"):
            written = [repr(value) for value in study.scenarios[f"attr{i}_{end}"].tolist()]
            assert written == raw[f"attr{i}_{end}"].tolist()


def test_the_authors_rounded_weights_are_there_to_compare_with(study):
    counts = study.released.groupby(["base_model", "set"]).size()
    assert counts.tolist() == [100] * 4
    assert (study.released[list(study.attributes)].abs().max(axis=1) == 100).all()


def test_two_reported_weights_lie_outside_the_scale_and_are_told(study):
    warnings = [n for n in study.notices if n.kind == "warning"]
    assert [(n.file, n.count) for n in warnings] == [
        (f"{MINI}_weight_reports.csv", 1),
        (f"{MINI}_instilled_latent_weight_reports.csv", 1),
    ]
    assert "row 655, column 'report_attr5': 130" in warnings[0].message
    assert "row 296, column 'report_attr5': 2388" in warnings[1].message
    assert study.reports["attr5"].max() == 2388


def test_every_file_that_was_read_is_hashed_and_the_fine_tuning_files_are_not_read(study):
    assert study.is_paper
    assert len(study.hashes) == 22
    assert study.hashes.items() <= paper_hashes().items()
    assert study.counts_read == {
        "scenarios": 1_100,
        "choices": 30_000,
        "reports": 9_000,
        "targets": 1_100,
        "released": 400,
        "counts": 0,
    }
    assert not any("role" in n.message for n in study.notices)


def test_a_subset_of_the_papers_files_is_still_the_papers(copy):
    for path in copy.glob(f"{LARGE}_*"):
        path.unlink()
    study = load_study(copy)
    assert study.base_models == (MINI,)
    assert study.is_paper


def test_one_changed_byte_or_name_makes_it_another_study(copy):
    path = copy / f"{LARGE}_weight_reports.csv"
    data = path.read_bytes()
    path.write_bytes(data.replace(b",30,", b",31,", 1))
    assert not load_study(copy).is_paper
    path.unlink()
    (copy / f"{LARGE}_itrained_all_99_50ex_latent_weight_reports.csv").write_bytes(
        (copy / f"{LARGE}_itrained_all_100_50ex_latent_weight_reports.csv").read_bytes()
    )
    assert not load_study(copy).is_paper


def test_a_part_of_the_study_is_what_was_asked_for(study):
    part = study.narrow(MINI, ["native"])
    assert part.base_models == (MINI,)
    assert part.sets_of(MINI) == ("native",)
    assert len(part.choices) == 10_000
    assert len(part.reports) == 590 + 999
    assert len(part.released) == 100
    assert part.counts_read == study.counts_read
    assert "10,000 of 30,000 choices" in part.notices[-1].message

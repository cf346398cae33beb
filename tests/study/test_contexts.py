"""The package's own choice contexts: sensible, all different, and none of the paper's."""

from __future__ import annotations

import itertools
import json
import re

import numpy as np
import pandas as pd
import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.simulation.contexts import bounds, pick_scenarios, read_contexts
from selfinterp_stats.study.simulation.trials import decimals

ATTRIBUTES = tuple(f"attr{i}" for i in range(1, 6))


@pytest.fixture(scope="module")
def contexts():
    return read_contexts()


def normal_form(text):
    """Words in lower case and in the singular, so that plural forms count as the same."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    return " ".join(re.sub(r"(?<=[^s])s$", "", re.sub(r"ies$", "y", word)) for word in words)


def thing(question):
    return normal_form(re.fullmatch(r".*Which (.*?) would you prefer.*", question)[1])


def attribute_sets(frame):
    return [frozenset(map(normal_form, row)) for row in frame[list(ATTRIBUTES)].to_numpy()]


def test_there_are_120_contexts_about_different_things_with_different_personas(contexts):
    assert len(contexts) == 120
    assert contexts["scenario"].is_unique
    personas = contexts["question"].str.extract(r"^Imagine you are (.+?)\. Which")[0]
    assert personas.notna().all()
    assert personas.is_unique
    assert len(set(map(thing, contexts["question"]))) == 120
    for name, question in zip(contexts["scenario"], contexts["question"], strict=True):
        assert re.fullmatch(r"[a-z]+(_[a-z]+)*", name)
        assert normal_form(name) == thing(question)


def test_names_and_units_are_filled_and_names_differ_within_a_context(contexts):
    names = contexts[list(ATTRIBUTES)].to_numpy()
    units = contexts[[f"{a}_units" for a in ATTRIBUTES]].to_numpy()
    assert all(
        re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in names.ravel() if name != "x_height"
    )
    assert all(unit.strip() == unit != "" for unit in units.ravel())
    assert all(len(set(row)) == 5 for row in names)


def test_no_two_contexts_share_more_than_one_attribute(contexts):
    for one, other in itertools.combinations(attribute_sets(contexts), 2):
        assert len(one & other) <= 1


def test_ranges_are_proper_lie_on_the_grid_and_have_all_three_kinds_of_width(contexts):
    low = contexts[bounds(ATTRIBUTES, "min")].to_numpy(float)
    high = contexts[bounds(ATTRIBUTES, "max")].to_numpy(float)
    assert (high > low).all()
    places = decimals(low, high)
    # A bound off the grid would let values be rounded to outside their range.
    grid = 10.0**places
    assert np.allclose(low * grid, np.rint(low * grid), atol=1e-9, rtol=0)
    assert np.allclose(high * grid, np.rint(high * grid), atol=1e-9, rtol=0)
    share = [(places == 0).mean(), (places == 1).mean(), (places >= 2).mean()]
    assert min(share) > 0.05


def test_none_is_taken_from_the_papers_list(contexts, paper_data):
    candidates = json.loads((paper_data / "candidate_scenarios.json").read_text(encoding="utf-8"))
    listed = pd.read_csv(paper_data / "scenarios.csv")
    theirs = {normal_form(entry["short_name"]) for entry in candidates}
    theirs |= {thing(entry["question"]) for entry in candidates if "prefer" in entry["question"]}
    theirs |= set(map(normal_form, listed["scenario"]))
    assert not theirs & set(map(normal_form, contexts["scenario"]))
    their_sets = {
        frozenset(normal_form(a["name"]) for a in entry["attributes"]) for entry in candidates
    }
    their_sets |= set(attribute_sets(listed))
    for ours in attribute_sets(contexts):
        assert all(len(ours & their) < 3 for their in their_sets)


def test_decimals_follow_the_width_of_the_range():
    low = np.array([0.0, 0.0, 0.0, 0.0, 0.4, 0.05])
    high = np.array([5.0, 4.9, 0.9, 0.04, 1.4, 0.85])
    # The last two are 1 and 0.8 but for rounding in the last bit.
    assert decimals(low, high).tolist() == [0, 1, 2, 3, 1, 2]


def test_scenarios_are_picked_from_the_front_and_cut_to_the_attributes_asked_for(contexts):
    picked = pick_scenarios(None, 7, 3)
    assert picked["scenario"].tolist() == contexts["scenario"].tolist()[:7]
    assert list(picked.columns[2:]) == [
        *("attr1", "attr2", "attr3"),
        *("attr1_min", "attr2_min", "attr3_min"),
        *("attr1_max", "attr2_max", "attr3_max"),
    ]


def break_range(frame):
    frame.loc[1, "attr2_max"] = frame.loc[1, "attr2_min"]
    return frame


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="attr2_max"), "lack a needed column"),
        (lambda f: f.drop(columns="question"), "lack a needed column"),
        (lambda f: f.drop(columns="attr2"), "no complete run of attribute columns"),
        (lambda f: pd.concat([f, f]), "listed twice"),
        (break_range, "max > min"),
        (lambda f: f.assign(attr1_max=np.inf), "max > min"),
        (lambda f: f.assign(attr1_min="low"), "max > min"),
    ],
)
def test_scenarios_that_cannot_be_used_are_refused(contexts, change, message):
    frame = change(contexts.head(4).copy())
    with pytest.raises(InputError, match=message):
        pick_scenarios(frame, len(frame), None)

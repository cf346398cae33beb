"""Scenario files are read in both forms, and what is wrong with one is said with its place."""

from __future__ import annotations

import pytest
from scenarios import entry, scenario, write_json

from data_collection.errors import InputError
from data_collection.scenarios import (
    Attribute,
    Scenario,
    load_scenarios,
    scenarios_csv,
    unitless_notice,
)

HEADER = "scenario,question,attr1,attr2,attr1_min,attr2_min,attr1_max,attr2_max\n"


def refusal(path, **options):
    with pytest.raises(InputError) as caught:
        load_scenarios(path, **options)
    assert caught.value.exit_code == 2
    return str(caught.value).removeprefix(f"{path}: ").removeprefix(f"{path}, ")


def test_json_has_names_units_and_ranges(tmp_path):
    (read,) = load_scenarios(write_json(tmp_path / "s.json", [entry()]))
    assert read == Scenario(
        "tea",
        "Which tea would you prefer?",
        (Attribute("strength", "grams", 0.0, 70.0), Attribute("price", "dollars", 0.5, 2.0)),
    )
    assert unitless_notice([read]) is None


@pytest.mark.parametrize("attributes", [2, 5, 7])
def test_a_studys_csv_comes_back_as_it_was_written_but_for_the_units(tmp_path, attributes):
    written = [scenario("tea", attributes), scenario("a, b", attributes)]
    (tmp_path / "scenarios.csv").write_text(scenarios_csv(written), newline="")
    read = load_scenarios(tmp_path / "scenarios.csv")
    assert [s.names for s in read] == [s.names for s in written]
    assert [s.question for s in read] == [s.question for s in written]
    assert [(a.minimum, a.maximum) for a in read[1].attributes] == [
        (0.0, 10.0 * i) for i in range(1, attributes + 1)
    ]
    total = 2 * attributes
    assert unitless_notice(read) == (
        f"{total} of {total} attributes have no units, so the prompts show their values bare."
    )


def test_units_come_from_columns_or_from_another_file(tmp_path):
    rows = "tea,Which tea?,strength,price,0,0.5,70,2\n"
    bare = tmp_path / "bare.csv"
    bare.write_text(HEADER + rows)
    units = write_json(tmp_path / "units.json", [entry()])
    (read,) = load_scenarios(bare, units=units)
    assert [a.units for a in read.attributes] == ["grams", "dollars"]
    own = tmp_path / "own.csv"
    own.write_text(HEADER.replace("\n", ",attr1_units\n") + rows.replace("\n", ",spoons\n"))
    (read,) = load_scenarios(own, units=units)
    assert [a.units for a in read.attributes] == ["spoons", "dollars"]


def test_every_role_is_used_for_one_scenario(tmp_path):
    path = write_json(tmp_path / "s.json", [entry(name) for name in "abc"])
    roles = tmp_path / "roles.csv"
    roles.write_text('role\nZeus\n"Ahab, captain"\n')
    read = load_scenarios(path, roles)
    assert {s.question.partition(". ")[0] for s in read} == {
        "Imagine you are role",
        "Imagine you are Zeus",
        "Imagine you are Ahab, captain",
    }
    assert read == load_scenarios(path, roles)
    questions = {
        tuple(s.question for s in load_scenarios(path, roles, roles_seed=i)) for i in "789"
    }
    assert len(questions) > 1


def test_too_few_roles_are_refused_and_fewer_scenarios_help(tmp_path):
    path = write_json(tmp_path / "s.json", [entry(name) for name in "abc"])
    roles = tmp_path / "roles.csv"
    roles.write_text("Zeus\nAhab\n")
    with pytest.raises(InputError) as caught:
        load_scenarios(path, roles)
    assert str(caught.value) == (
        f"{roles}: there are too few roles: 2 for 3 scenarios. Allowed: a role for every "
        "scenario, one per line. Add roles, or use fewer scenarios (--limit)."
    )
    assert len(load_scenarios(path, roles, limit=2)) == 2


RANGE = {"name": "x", "units": ""}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "the file holds no scenarios. Allowed: one or more."),
        (
            [entry(), entry()],
            (
                "column '[1]': the scenario is listed twice, first as number 1 (found 'tea'). "
                "Allowed: every scenario once. Take one of the two out, or rename it."
            ),
        ),
        (
            [entry(attributes=[{**RANGE, "range": [0, 1]}] * 2)],
            (
                "column '[0]': the scenario has an attribute twice (found 'x'). Allowed: every "
                "attribute once. Rename one of the two: a report tells attributes apart by their "
                "names."
            ),
        ),
        (
            [entry(attributes=[{**RANGE, "range": [0, 1]}])],
            "column '[0]': the scenario has 1 attribute (found 'tea'). Allowed: two or more.",
        ),
        (
            [
                entry(),
                entry("b", attributes=[{**RANGE, "name": n, "range": [0, 1]} for n in "xyz"]),
            ],
            (
                "column '[1]': the scenario has 3 attributes and the first one has 2 (found 'b'). "
                "Allowed: the same number in every scenario of a study. Collect scenarios of "
                "another number in a study of their own."
            ),
        ),
        (
            [entry(attributes=[{**RANGE, "range": [3, 3]}])],
            (
                "column '[0].attributes[0].range': the attribute's range is empty or too wide for "
                "a number (found 3.0). Allowed: a number above the minimum, which is 3. Correct "
                "the minimum or the maximum; options' values are drawn between them."
            ),
        ),
        (
            [entry(attributes=[{**RANGE, "range": [0, True]}])],
            (
                "column '[0].attributes[0].range': the range is no pair of numbers (found [0, "
                "True]). Allowed: such as [0, 70]."
            ),
        ),
        (
            [entry(short_name=" ")],
            "column '[0].short_name': a text is missing (found ' '). Allowed: any text.",
        ),
        (
            [entry(question="Which?\nA: 3")],
            (
                "column '[0].question': the text holds a line break or another character that "
                "cannot be printed (found 'Which?\\nA: 3'). Allowed: one line of printable "
                "characters."
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_json_file_is_said_with_its_place(tmp_path, entries, message):
    assert refusal(write_json(tmp_path / "s.json", entries)) == message


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (
            "tea,Which?,x,y,0,0,1,1\ntea,Which?,x,y,0,0,1,1\n",
            (
                "row 3: the scenario is listed twice, first as number 1 (found 'tea'). Allowed: "
                "every scenario once. Take one of the two out, or rename it."
            ),
        ),
        (
            '"tea\n2",Which?,x,y,0,0,1,1\n',
            (
                "row 2, column 'scenario': the text holds a line break or another character that "
                "cannot be printed (found 'tea\\n2'). Allowed: one line of printable characters."
            ),
        ),
        (
            "tea,Which?,x,y,0,4,1,-1\n",
            (
                "row 2, column 'attr2_max': the attribute's range is empty or too wide for a "
                "number (found -1.0). Allowed: a number above the minimum, which is 4. Correct the "
                "minimum or the maximum; options' values are drawn between them."
            ),
        ),
        (
            "tea,Which?,x,y,0,nan,1,1\n",
            (
                "row 2, column 'attr2_min': this is no finite number (found 'nan'). Allowed: such "
                "as 12.5."
            ),
        ),
        (
            "tea,Which tea, if any?,x,y,0,0,1,1\n",
            (
                "row 2: the row has 9 fields. Allowed: 8 fields, as in the header. Put double "
                "quotes round a value that holds a comma."
            ),
        ),
        (
            'tea,"Which?,x,y,0,0,1,1\n',
            (
                "row 2: a double quote is opened and never closed, or text follows a closed one. "
                "Correct the quotes in that row."
            ),
        ),
    ],
)
def test_what_is_wrong_with_a_csv_file_is_said_with_its_line(tmp_path, rows, message):
    path = tmp_path / "s.csv"
    path.write_text(HEADER + rows)
    assert refusal(path) == message


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'[{"a": 1,\n "b"}]', "row 2: the file is no JSON: expecting ':' delimiter"),
        (b'{"short_name": "x"}', "the file holds no list of scenarios (found 'dict')"),
        (b'[{"a": 1, "a": 2}]', "an object has the key 'a' twice"),
        (b'[{"a": NaN}]', "NaN is no number"),
        (b"[" * 100_000, "the file is nested too deeply"),
        (b"[\n\xff]", "row 2: a byte is not UTF-8 text"),
    ],
)
def test_what_is_no_list_of_scenarios_is_refused(tmp_path, text, message):
    path = tmp_path / "s.json"
    path.write_bytes(text)
    assert refusal(path).startswith(message)


def test_a_file_that_is_not_there_is_said(tmp_path):
    assert refusal(tmp_path / "no.json") == (
        "the file cannot be read: No such file or directory. Check that it exists, is a file and "
        "may be read by you."
    )


@pytest.mark.paper
def test_the_papers_scenarios_are_its_candidates_with_shuffled_roles(paper_data, tmp_path):
    read = load_scenarios(
        paper_data / "candidate_scenarios.json", paper_data / "roles.csv", limit=1100
    )
    (tmp_path / "scenarios.csv").write_text(scenarios_csv(read), newline="")
    assert (tmp_path / "scenarios.csv").read_bytes() == (paper_data / "scenarios.csv").read_bytes()
    again = load_scenarios(
        paper_data / "scenarios.csv", units=paper_data / "candidate_scenarios.json"
    )
    assert again == read

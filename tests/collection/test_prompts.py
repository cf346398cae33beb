"""Prompts are the paper's, word for word, or templates that a user gives."""

from __future__ import annotations

import json

import pytest
from scenarios import scenario

from data_collection.errors import InputError
from data_collection.prompts import (
    PAPER,
    Prompts,
    choice_messages,
    load_prompts,
    report_messages,
)
from data_collection.scenarios import Attribute, Scenario
from data_collection.tokens import prompt_tokens, report_tokens
from data_collection.trials import Trial

TRIAL = Trial(scenario("tea", 2), 0, (3.0, 12.0), (10.0, 0.0))
OPTIONS = (
    "Imagine you are Zeus. Which tea would you prefer?\nA:\nquality_1: 3.0 points\n"
    "quality_2: 12.0 points\n\nB:\nquality_1: 10.0 points\nquality_2: 0.0 points"
)


def test_a_choice_shows_the_question_and_both_options():
    system, user = choice_messages(TRIAL)
    assert system == {"role": "system", "content": PAPER.system}
    assert user["role"] == "user"
    assert user["content"].startswith("[DECISION TASK] ")
    assert user["content"].endswith(f'anything except "A" or "B":\n\n{OPTIONS}')


@pytest.mark.parametrize(("count", "word"), [(2, "two"), (5, "five"), (23, "23")])
def test_a_report_names_the_number_of_attributes(count, word):
    values = (1.0,) * count
    trial = Trial(scenario("tea", count), 0, values, values)
    content = report_messages(trial)[1]["content"]
    assert f"each of the {word} dimensions" in content
    assert f"this JSON object with {count} key-value pairs" in content


def test_a_value_without_units_stands_alone():
    bare = Scenario("x", "Which?", (Attribute("p", "", 0, 9), Attribute("q", "", 0, 9)))
    content = choice_messages(Trial(bare, 0, (1.0, 2.0), (3.0, 4.0)))[1]["content"]
    assert content.endswith("Which?\nA:\np: 1.0\nq: 2.0\n\nB:\np: 3.0\nq: 4.0")


def test_braces_in_a_question_stay_what_they_are():
    odd = Scenario("x", "Which {options}, {count}?", scenario().attributes)
    trial = Trial(odd, 0, (1.0,) * 3, (2.0,) * 3)
    content = choice_messages(trial, Prompts(choice="{question} {0} {question.x}|{options}"))[1]
    assert content["content"].startswith("Which {options}, {count}? {0} {question.x}|A:\n")


def test_templates_of_ones_own_replace_those_they_name(tmp_path):
    toml = tmp_path / "p.toml"
    toml.write_text('system = ""\nchoice = "{question} {options} {\\"a\\": 1}"\n')
    prompts = load_prompts(toml)
    assert prompts.report == PAPER.report
    (user,) = choice_messages(TRIAL, prompts)
    assert user == {"role": "user", "content": OPTIONS.replace("\n", " ", 1) + ' {"a": 1}'}
    as_json = tmp_path / "p.json"
    as_json.write_text(json.dumps({"system": "", "choice": prompts.choice}))
    assert load_prompts(as_json) == prompts


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "p.toml",
            'chioce = "x"',
            "there is no such prompt (found 'chioce'). Allowed: system, choice, report.",
        ),
        ("p.json", '{"system": 3}', "column 'system': the template is no text (found 3)."),
        (
            "p.json",
            '{"report": "{question}"}',
            (
                "column 'report': the template has no {options}. Allowed: a text with {question} "
                "and {options}."
            ),
        ),
        ("p.json", "[]", "the file holds no table of prompts (found [])."),
    ],
)
def test_what_is_wrong_with_a_file_of_templates_is_said(tmp_path, name, text, message):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_prompts(path)
    assert str(caught.value).removeprefix(f"{path}: ").removeprefix(f"{path}, ") == message


def test_a_token_range_holds_four_characters_per_token_and_not_the_whole_text():
    messages = choice_messages(TRIAL)
    characters = sum(len(message["content"]) for message in messages)
    low, high = prompt_tokens(messages)
    assert low < characters / 4 < high < characters
    assert prompt_tokens(messages).times(3) == (3 * low, 3 * high)
    assert prompt_tokens(messages).plus(prompt_tokens(messages)) == (2 * low, 2 * high)
    # An answer of two attributes: at least its two names, and no essay.
    low, high = report_tokens(TRIAL.scenario.names)
    assert 4 <= low < high < 60

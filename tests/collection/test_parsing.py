"""What becomes of every kind of reply."""

from __future__ import annotations

import csv
import json

import pytest

from data_collection.parsing import Reply, parse_choice, parse_report

NAMES = ("battery_life", "screen_size", "price")
RIGHT = '{"battery_life": 80, "screen_size": -20.5, "price": -100}'
VALUES = {"battery_life": 80.0, "screen_size": -20.5, "price": -100.0}


def report(text, **options):
    return parse_report(text, NAMES, **options)


@pytest.mark.parametrize("text", ["A", " A", "A\n", "\tA "])
def test_a_choice_is_its_letter(text):
    assert parse_choice(text) == Reply("valid", "A")
    assert parse_choice(text.replace("A", "B")) == Reply("valid", "B")


@pytest.mark.parametrize("text", ["a", "A.", "Option A", "A or B", '"A"', "AB", "C", "Α"])
def test_what_is_not_its_letter_alone_is_no_choice(text):
    assert parse_choice(text) == Reply("invalid", why="the reply is not A or B")


@pytest.mark.parametrize("text", ["", " \n"])
def test_nothing_is_no_answer(text):
    assert parse_choice(text) == Reply("invalid", why="the reply is empty")
    assert report(text) == Reply("invalid", why="the reply is empty")


@pytest.mark.parametrize(
    "text",
    [
        "I'm sorry, but I can't help with that.",
        "I’m sorry. I can’t do that.",
        "Sorry, I cannot choose for somebody else.",
        "As an AI, I am not able to have preferences.",
        "I won't answer.",
        "I'm unable to assist with this request.",
    ],
)
def test_declining_is_a_refusal(text):
    assert parse_choice(text) == Reply("refused", why="the model declined to answer")
    assert report(text) == Reply("refused", why="the model declined to answer")


@pytest.mark.parametrize(
    "text",
    [
        "I think option A is better.",
        "Both are good, though B is what Zeus would take.",
        "A. " + "This is a very long answer. " * 10 + "I cannot say more.",
    ],
)
def test_a_chatty_answer_is_invalid_and_no_refusal(text):
    assert parse_choice(text).status == "invalid"


@pytest.mark.parametrize(
    "text",
    [
        RIGHT,
        f"\n {RIGHT}\n",
        f"```json\n{RIGHT}\n```",
        f"```\n{RIGHT}\n```",
        '{"price": -100, "battery_life": 8e1, "screen_size": -20.50}',
        json.dumps(VALUES, indent=4),
    ],
)
def test_a_report_is_an_object_of_the_names_and_numbers_in_any_order(text):
    reply = report(text)
    assert reply == Reply("valid", VALUES)
    assert list(reply.value) == list(NAMES)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Here it is: " + RIGHT, "the reply is no JSON"),
        (RIGHT + " I hope this helps.", "the reply is no JSON"),
        (RIGHT + RIGHT, "the reply is no JSON"),
        (RIGHT[:-1], "the reply is no JSON"),
        (RIGHT.replace('"', "'"), "the reply is no JSON"),
        (f"[{RIGHT}]", "the reply is JSON, but no object"),
        ("7", "the reply is JSON, but no object"),
        ("null", "the reply is JSON, but no object"),
        ("[" * 100_000, "the reply is no JSON"),
        ('{"a":' * 100_000, "the reply is no JSON"),
        (RIGHT.replace("80", "9" * 5000), "the reply is no JSON"),
        (RIGHT.replace("80", "9" * 400), "the value of battery_life is not finite"),
        (RIGHT.replace("80", "1e999"), "the value of battery_life is not finite"),
        (RIGHT.replace("80", "NaN"), "the value of battery_life is not finite"),
        (RIGHT.replace("80", "-Infinity"), "the value of battery_life is not finite"),
        (RIGHT.replace("80", '"80"'), "the value of battery_life is no number"),
        (RIGHT.replace("80", "true"), "the value of battery_life is no number"),
        (RIGHT.replace("80", "null"), "the value of battery_life is no number"),
        (RIGHT.replace("80", "[80]"), "the value of battery_life is no number"),
        (RIGHT.replace("80", '{"weight": 80}'), "the value of battery_life is no number"),
        (
            f'{{"weights": {RIGHT}}}',
            (
                "the names are not the attributes': without battery_life, "
                "screen_size, price and with weights"
            ),
        ),
        (RIGHT[:-1] + ', "price": 3}', "price is there twice"),
        (RIGHT[:-1] + ', "decision": 3}', "the names are not the attributes': with decision"),
        (
            '{"price": 1, "screen_size": 2}',
            ("the names are not the attributes': without battery_life"),
        ),
        (
            RIGHT.replace("price", "Price"),
            ("the names are not the attributes': without price and with Price"),
        ),
        ("{}", "the names are not the attributes': without battery_life, screen_size, price"),
        ("__import__('os').abort()", "the reply is no JSON"),
    ],
)
def test_what_is_no_report_and_why(text, why):
    assert report(text) == Reply("invalid", why=why)


def test_values_beyond_the_scale_are_kept_as_the_paper_kept_them():
    reply = report(RIGHT.replace("80", "101"))
    assert reply.status == "valid"
    assert reply.value["battery_life"] == 101
    assert reply.why == "battery_life is outside -100 to 100"


@pytest.mark.parametrize(
    "name", ["battery life", "Battery_Life", "battery-life", "batterylife", "battery_lif"]
)
def test_a_slightly_wrong_name_is_accepted_when_asked_for_and_marked(name):
    text = RIGHT.replace("battery_life", name)
    assert report(text).status == "invalid"
    assert report(text, rescue=True) == Reply("valid", VALUES, rescued=True)


def test_several_slightly_wrong_names_are_told_apart():
    text = '{"Price": -100, "Screen Size": -20.5, "Battery Life": 80}'
    reply = report(text, rescue=True)
    assert reply == Reply("valid", VALUES, rescued=True)
    assert list(reply.value) == list(NAMES)


def test_a_right_report_is_not_marked_as_rescued():
    assert report(RIGHT, rescue=True) == Reply("valid", VALUES)


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (("size_a", "size_b", "price"), ("size", "size_b", "price")),  # as near to size_b
        (("size_a", "size_b", "price"), ("size_c", "size_b", "price")),
        (("size_a", "size_b", "price"), ("size_A", "sizeA", "price")),  # two for one
        (("height", "weight", "price"), ("eight", "weight", "price")),  # height or weight
        (("battery_life", "price"), ("durability", "price")),  # another word
        (("battery_life", "price"), ("battery_life", "price", "decision")),  # one more
        (("battery_life", "price"), ("battery life",)),  # one less
        (("screen", "price"), ("screen", "Screen")),
    ],
)
def test_a_name_that_might_be_another_is_not_rescued(names, keys):
    text = json.dumps(dict.fromkeys(keys, 1))
    assert parse_report(text, names, rescue=True).status == "invalid"


def test_a_rescue_changes_no_verdict_about_values():
    text = RIGHT.replace("battery_life", "battery life").replace("80", '"80"')
    assert report(text, rescue=True) == Reply(
        "invalid", why="the value of battery_life is no number"
    )


@pytest.mark.paper
def test_every_released_report_would_be_valid_if_it_were_asked_again(paper_data):
    # The raw replies were not released; their values were, two of them beyond +-100. Read
    # strictly, they give back the 4,966 and 4,034 valid reports of 5,000 each.
    valid = {}
    outside = 0
    names = [f"report_attr{i}" for i in range(1, 6)]
    for path in sorted(paper_data.glob("*_weight_reports.csv")):
        base = "mini" if "mini" in path.name else "4o"
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                text = json.dumps({name: json.loads(row[name]) for name in names})
                reply = parse_report(text, names)
                valid[base] = valid.get(base, 0) + (reply.status == "valid")
                outside += bool(reply.why)
    assert valid == {"4o": 5000 - 34, "mini": 5000 - 966}
    assert outside == 2

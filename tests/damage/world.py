"""A small folder with sound input of every kind, and an earlier result."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from pathlib import Path

from studies import write_rows, write_study

from data_collection.journal import Journal
from data_collection.parsing import Reply
from data_collection.plan import Plan, Task
from data_collection.prompts import PAPER
from data_collection.records import Answer, Recorded
from data_collection.scenarios import Attribute, Scenario

NAMES = ("tea", "cup")


def write_world(here: Path) -> Path:
    """Write it; everything in it is read without a complaint."""
    write_study(here / "study", released=True)
    _tidy_tables(here)
    _earlier_results(here)
    (here / "priors.toml").write_text('[wide]\ncommon = {name = "Normal", mu = 0, sigma = 10}\n')
    _explainers(here)
    _collection(here)
    return here


def _tidy_tables(here: Path) -> None:
    """The study's instilled choices and off-the-shelf reports as tables of one file each."""
    study = here / "study"
    numbers = range(1, 4)
    options = [f"{option}_attr{i}" for option in "AB" for i in numbers]
    _, *choices = _rows(study / "model-a_instilled_selections.csv")
    write_rows(
        here / "choices.csv",
        ["base_model", "set", "scenario", "selection", *options],
        [["model-a", "instilled", *row[1:]] for row in choices],
    )
    _, *reports = _rows(study / "model-a_weight_reports.csv")
    write_rows(
        here / "reports.csv",
        ["base_model", "set", "condition", "scenario", *(f"report_attr{i}" for i in numbers)],
        [["model-a", "instilled", "off-the-shelf", *row[2:]] for row in reports],
    )
    (here / "ranges.csv").write_bytes((study / "scenarios.csv").read_bytes())
    (here / "targets.csv").write_bytes((study / "instilled_weights.csv").read_bytes())


def _rows(path: Path) -> list[list[str]]:
    return list(csv.reader(path.read_text().splitlines()))


def _earlier_results(here: Path) -> None:
    out = here / "out"
    (out / "tables").mkdir(parents=True)
    (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    (out / "index.html").write_text("an earlier result")
    header = "id,section,quantity,base_model,estimate,hdi_low,hdi_high\n"
    (out / "tables" / "paper_numbers.csv").write_text(f"{header}e1_report_r,1,r,model-a,0.5,0,1\n")
    header = "id,term,base_model,median,hdi_low,hdi_high,mcse_median\n"
    (out / "tables" / "correlations.csv").write_text(f"{header}e1_report_r,s,model-a,0.5,0,1,0.1\n")
    (here / "thesis").mkdir()
    (here / "thesis" / "chapter.tex").write_text("years of work")


def _explainers(here: Path) -> None:
    folder = here / "predictions"
    folder.mkdir()
    for explainer in "ab":
        rows = [
            {
                "task": "hint_attribution",
                "example": f"question {number}",
                "expected_label": "The output would remain unchanged from <<<B>>>.",
                "predicted_label": "The output would remain unchanged from <<<B>>>.",
            }
            for number in range(4)
        ]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{explainer}_explains_a.jsonl").write_text(text)
    items = [[explainer, "a", "hint", number, 1] for explainer in "ab" for number in range(4)]
    write_rows(here / "items.csv", ["explainer", "target", "task", "item", "outcome"], items)
    cells = [["a", "a", "hint", 60, 1.5], ["b", "a", "hint", 50, 1.5]]
    write_rows(here / "published.csv", ["explainer", "target", "task", "value", "se"], cells)
    (here / "manifest.csv").write_text("file,explainer,target\na_explains_a.jsonl,a,a\n")


def _collection(here: Path) -> None:
    """A journal of choices and reports about two scenarios, and what they were asked with."""
    scenarios = [
        Scenario(
            name,
            f"Which {name} would you prefer?",
            (Attribute("strength", "grams", 0, 70), Attribute("price", "dollars", 0.5, 2)),
        )
        for name in NAMES
    ]
    entries = [
        {
            "short_name": scenario.name,
            "question": scenario.question,
            "attributes": [
                {"name": a.name, "units": a.units, "range": [a.minimum, a.maximum]}
                for a in scenario.attributes
            ],
        }
        for scenario in scenarios
    ]
    (here / "scenarios.json").write_text(json.dumps(entries, indent=1))
    (here / "roles.csv").write_text("role\nZeus\nAda Lovelace\n")
    weights = "scenario,attr1,attr2\ntea,100,-40\ncup,30,-100\n"
    (here / "weights.csv").write_text(weights)
    (here / "prompts.toml").write_text('choice = "{question} {options}"\n')
    question = {"question": "Which is largest?", "choices": ["one", "two"], "hint": "A"}
    (here / "questions.json").write_text(json.dumps([question]))
    example = {
        "messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "A"}]
    }
    (here / "training.jsonl").write_text((json.dumps(example) + "\n") * 10)
    (here / "models.json").write_text('{"version": 1, "fine_tuning_jobs": []}\n')
    with Journal.open(here / "journal.sqlite") as journal:
        for kind, condition in (("choice", ""), ("report", "weight-trained")):
            _answers(journal, kind, condition, scenarios)
    (here / "journal.sqlite.lock").unlink()


def _answers(journal: Journal, kind: str, condition: str, scenarios: Sequence[Scenario]) -> None:
    """What `collect` would ask with the defaults, each trial answered alike."""
    task = Task(
        kind=kind,
        model="mini",
        base_model="mini",
        set="native",
        condition=condition,
        scenarios=tuple(scenarios),
        per_scenario=3,
        seed=2,
        prompts=PAPER,
    )
    reply = Reply("valid", "A" if kind == "choice" else {"strength": 50.0, "price": -100.0})
    plan = Plan(task, journal)
    plan.begin()
    journal.record([Recorded(request, Answer("A"), reply) for request in plan.requests()])

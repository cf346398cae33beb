"""``selfinterp collect hints``: the input-ablation task of the explainer studies."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from selfinterp_stats.cli import asked, show
from selfinterp_stats.cli.calling import (
    ask,
    budget_from,
    calling_options,
    open_journal,
    prices_from,
)
from selfinterp_stats.cli.options import not_blank, options, seed_option

if TYPE_CHECKING:
    from data_collection.hints.plan import HintPlan
    from data_collection.hints.predictions import Pair
    from data_collection.hints.questions import Question
    from data_collection.journal import Journal
    from data_collection.money import Prices


@click.command(
    short_help="Ask what removing a hint from a question would change.",
    epilog="Example: selfinterp collect hints --questions mmlu.json --target m1 --target m2 "
    "--explainer m1 --explainer m2 --base-url http://127.0.0.1:8000/v1 --journal hints.sqlite "
    "--out explained",
)
@options(
    click.option(
        "--questions",
        metavar="FILE",
        required=True,
        help="JSON list or JSON Lines of questions: question, choices, and if wanted id and hint "
        "(a letter).",
    ),
    click.option(
        "--target",
        "targets",
        callback=not_blank,
        metavar="NAME",
        multiple=True,
        help="A model to ask each question with the hint and without it. Repeatable.",
    ),
    click.option(
        "--explainer",
        "explainers",
        callback=not_blank,
        metavar="NAME",
        multiple=True,
        help="A model to ask whether the answer would change without the hint. Repeatable.",
    ),
    click.option(
        "--base-url", metavar="URL", help="Of the service. Default: $OPENAI_BASE_URL, else OpenAI."
    ),
    click.option("--journal", metavar="FILE", required=True, help="Where every answer is kept."),
    click.option(
        "--out",
        metavar="DIR",
        help="Folder for the predictions, one file per explainer and target of the journal.",
    ),
    click.option(
        "--limit", type=click.IntRange(min=1), metavar="N", help="Use the first N questions."
    ),
    seed_option("hints, where the file gives none"),
    *calling_options,
)
def hints(**given: Any) -> int:
    """Ask targets questions with a hint, and explainers what removing it would change.

    Any explainer may be asked about any target, itself too: a prediction is set against the
    answers of every target in the journal. Models on different services are asked by several
    commands with one journal. What the journal has is not asked again. The key comes from
    OPENAI_API_KEY.

    Exit status 0 also where --max-calls or --max-usd stopped the run: a notice says so, and nothing
    is written to --out. It is 1 where predictions are written while answers are missing.
    """
    from data_collection.errors import InputError
    from data_collection.hints.predictions import refuse_incomplete, write_predictions
    from data_collection.hints.questions import load_questions

    if not (given["targets"] or given["explainers"] or given["out"]):
        raise InputError(
            "there is nothing to do", remedy="Give a --target, an --explainer or --out."
        )
    questions = load_questions(given["questions"], given["seed"], limit=given["limit"])
    prices = prices_from(given)
    with open_journal(given) as journal:
        plans = _plans(given, questions, journal)
        if given["dry_run"] or journal is None:
            _dry_run(plans, prices, as_json=given["as_json"])
            return 0
        status = _ask_all(given, plans, journal, prices)
        if status is not None:
            return status
        pairs = write_predictions(journal, questions, given["out"]) if given["out"] else []
        if given["as_json"]:
            show.as_json(_record(journal, given["out"], pairs))
        else:
            for pair in pairs:
                click.echo(_line(pair))
        if pairs:
            refuse_incomplete(journal)
    return 0


def _dry_run(plans: list[HintPlan], prices: Prices | None, *, as_json: bool) -> None:
    for plan in plans:
        asked.announce(plan, prices)
        if not as_json:
            asked.dry_run(plan, prices, as_json=False)
    if as_json:
        show.as_json({"calls": {plan.cell.label: plan.missing for plan in plans}})


def _ask_all(
    given: dict[str, Any], plans: list[HintPlan], journal: Journal, prices: Prices | None
) -> int | None:
    """Ask every model; the exit status where that ends early, else None."""
    budget = budget_from(given, prices, *plans)
    for plan in plans:
        asked.announce(plan, prices)
    # Several results in a row would be no JSON: they are printed together at the end.
    status = ask(plans, journal, given, budget, say_result=not given["as_json"])
    if status:
        return status
    if budget.exhausted:
        if given["out"]:
            show.say("notice: nothing was written, since answers are missing.")
        return 0
    return None


def _plans(
    given: dict[str, Any], questions: tuple[Question, ...], journal: Journal | None
) -> list[HintPlan]:
    from data_collection.hints.plan import HintPlan
    from data_collection.hints.wording import PREDICT, WITH, WITHOUT

    sent = {"temperature": given["temperature"]}
    if given["max_tokens"] is not None:
        sent["max_tokens"] = given["max_tokens"]
    wanted = [(kind, model) for model in given["targets"] for kind in (WITH, WITHOUT)]
    wanted += [(PREDICT, model) for model in given["explainers"]]
    return [
        HintPlan(kind, model, questions, journal, sent=sent, ask_again=given["ask_again"])
        for kind, model in dict.fromkeys(wanted)
    ]


def _record(journal: Journal, out: str | None, pairs: list[Pair]) -> dict[str, Any]:
    from data_collection.hints.wording import KINDS

    cells = [
        {
            "model": count.cell.model,
            "task": count.cell.task,
            **{name: getattr(count, name) for name in asked.COUNTED},
            "wanted": count.wanted,
        }
        for count in journal.counts()
        if count.cell.task in KINDS
    ]
    return {"out": out, "cells": cells, "pairs": [asdict(pair) for pair in pairs]}


def _line(pair: Pair) -> str:
    share = f"{pair.right / pair.items:.1%} right" if pair.items else "none right"
    parts = [f"{pair.explainer} about {pair.target}: {pair.items:,} items, {share}"]
    for number, what in (
        (pair.invalid, "invalid"),
        (pair.without_truth, "left out, no answer of the target"),
        (pair.without_prediction, "left out, no prediction"),
    ):
        if number:
            parts.append(f"{number:,} {what}")
    return ", ".join(parts)

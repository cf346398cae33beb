"""``selfinterp collect choices`` and ``reports``: ask a model, keep every answer in a journal."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

import click

from selfinterp_stats.cli import asked, show
from selfinterp_stats.cli.calling import (
    ask,
    budget_from,
    calling_options,
    open_journal,
    prices_from,
)
from selfinterp_stats.cli.options import not_blank, options

if TYPE_CHECKING:
    from data_collection.journal import Journal
    from data_collection.plan import Task
    from data_collection.weightfiles import Weights

_COUNT: Final = click.IntRange(min=1)
_FOLDS: Final = {"instilled": r"(first|last)_\d+_of_\d+", "native": r"all_\d+"}

_what = (
    click.option(
        "--scenarios",
        metavar="FILE",
        required=True,
        help="Scenarios: JSON as candidate_scenarios.json, or CSV as a study's scenarios.csv.",
    ),
    click.option("--roles", metavar="FILE", help="Roles for --scenarios, as in `finetune files`."),
    click.option(
        "--units", metavar="FILE", help="JSON scenarios to take units from that a CSV lacks."
    ),
    click.option(
        "--skip",
        type=click.IntRange(min=0),
        default=0,
        metavar="N",
        help="Leave out the first N scenarios. The paper's native ones: --skip 100 --limit 100.",
    ),
    click.option("--limit", type=_COUNT, metavar="N", help="Use N scenarios. Default: all."),
    click.option(
        "--model", callback=not_blank, metavar="NAME", required=True, help="The model to ask."
    ),
    click.option(
        "--base-url", metavar="URL", help="Of the service. Default: $OPENAI_BASE_URL, else OpenAI."
    ),
    click.option(
        "--journal",
        metavar="FILE",
        required=True,
        help="Where every answer is kept. It is made if it is not there; one that is there is "
        "gone on with.",
    ),
)
_cell = (
    click.option(
        "--base-model",
        metavar="NAME",
        help="Whose study this is: the model before fine-tuning. Default: --model.",
    ),
    click.option(
        "--set",
        "set_name",
        type=click.Choice(("native", "instilled")),
        default="native",
        show_default=True,
        help="Whether the scenarios' weights were trained into the model.",
    ),
)
_trained = (
    click.option(
        "--condition",
        type=click.Choice(("off-the-shelf", "weight-trained", "introspection-trained")),
        help="How the model was trained. Default: off-the-shelf for the set instilled; "
        "weight-trained for native, where it means not trained to report.",
    ),
    click.option(
        "--fold",
        metavar="NAME",
        default="",
        help="Of introspection-trained reports, the scenarios trained on: first_50_of_100, "
        "last_50_of_100; for native ones all_100.",
    ),
    click.option(
        "--examples",
        type=_COUNT,
        metavar="N",
        help="Of introspection-trained reports: examples trained on.",
    ),
    click.option(
        "--rescue",
        is_flag=True,
        help="Accept slightly wrong attribute names where it is plain which is meant, marked as "
        "such; also in answers that the journal has.",
    ),
)
_how = (
    click.option(
        "--seed",
        type=click.IntRange(min=0),
        metavar="N",
        help="Of the options shown. Default, the paper's: 2 for native and 5 for instilled.",
    ),
    click.option(
        "--prompts",
        metavar="FILE",
        help="TOML or JSON with other prompts: system, choice, report. Default: the paper's.",
    ),
    click.option(
        "--targets",
        metavar="FILE",
        help="Target weights that were trained in (CSV: scenario, attr1, ...), for the export.",
    ),
    *calling_options,
)


def _per_scenario(default: str) -> Callable[[Any], Any]:
    return click.option(
        "--per-scenario",
        type=_COUNT,
        metavar="N",
        help=f"Trials of each scenario; a later run may raise it. Default, the paper's: {default}.",
    )


@click.command(
    epilog="Example: selfinterp collect choices --scenarios scenarios.csv --model llama3.1 "
    "--base-url http://127.0.0.1:11434/v1 --journal study.sqlite --dry-run"
)
@options(
    *_what,
    _per_scenario("100 for native and 50 for instilled"),
    *_cell,
    click.option("--logprobs", is_flag=True, help="Keep the log-probabilities of A and B too."),
    *_how,
)
def choices(**given: Any) -> int:
    """Ask a model to choose, and keep every answer.

    Each choice is a context of its own. What the journal has is not asked again, so an
    interrupted run goes on with the same command. The key comes from OPENAI_API_KEY.

    Exit status 0 also where --max-calls or --max-usd stopped the run, or trials failed: a notice
    says so, --json has it as journal.complete, and `collect export` ends with 1 while anything is
    missing.
    """
    return _run("choice", given)


@click.command(
    epilog="Example: selfinterp collect reports --scenarios scenarios.csv --model ft:mini::x "
    "--base-model mini --journal study.sqlite --set instilled --condition weight-trained"
)
@options(*_what, _per_scenario("10"), *_cell, *_trained, *_how)
def reports(**given: Any) -> int:
    """Ask a model how heavily it weighs each attribute, and keep every answer.

    Each report is a context of its own, with two options and no choice. What the journal has is
    not asked again, so an interrupted run goes on with the same command. The key comes from
    OPENAI_API_KEY.

    Exit status 0 also where --max-calls or --max-usd stopped the run, or trials failed: a notice
    says so, --json has it as journal.complete, and `collect export` ends with 1 while anything is
    missing.
    """
    return _run("report", given)


def _run(kind: str, given: dict[str, Any]) -> int:
    from data_collection.collect import read_again
    from data_collection.plan import Plan
    from data_collection.weightfiles import load_weights

    task = _task(kind, given)
    prices = prices_from(given)
    targets = load_weights(given["targets"], task.scenarios) if given["targets"] else {}
    with open_journal(given) as journal:
        plan = Plan(task, journal, given["ask_again"])
        asked.announce(plan, prices)
        if given["dry_run"] or journal is None:
            asked.dry_run(plan, prices, as_json=given["as_json"])
            return 0
        if targets:
            _keep_targets(journal, targets)
        rescued = read_again(plan, journal) if task.rescue else 0
        budget = budget_from(given, prices, plan)
        return ask([plan], journal, given, budget, rescued=rescued)


def _task(kind: str, given: dict[str, Any]) -> Task:
    from data_collection.errors import InputError
    from data_collection.plan import Task
    from data_collection.prompts import PAPER, load_prompts
    from data_collection.scenarios import load_scenarios, unitless_notice

    skip, limit = given["skip"], given["limit"]
    scenarios = load_scenarios(
        given["scenarios"],
        given["roles"],
        limit=None if limit is None else skip + limit,
        units=given["units"],
    )[skip:]
    if not scenarios:
        raise InputError(
            "no scenario is left", file=given["scenarios"], remedy="Give a smaller --skip."
        )
    notice = unitless_notice(scenarios)
    if notice:
        show.say(f"notice: {notice}")
    native = given["set_name"] == "native"
    usual = 10 if kind == "report" else 100 if native else 50
    seed = given["seed"]
    return Task(
        kind=kind,
        model=given["model"],
        base_model=given["base_model"] or given["model"],
        set=given["set_name"],
        scenarios=scenarios,
        per_scenario=given["per_scenario"] or usual,
        seed=(2 if native else 5) if seed is None else seed,
        prompts=load_prompts(given["prompts"]) if given["prompts"] else PAPER,
        temperature=given["temperature"],
        max_tokens=given["max_tokens"],
        logprobs=given.get("logprobs", False),
        rescue=given.get("rescue", False),
        **(_condition(given) if kind == "report" else {}),
    )


def _condition(given: dict[str, Any]) -> dict[str, Any]:
    """Condition, fold and examples of reports, as a study folder's file names can say them."""
    from data_collection.errors import InputError

    set_name, fold, examples = given["set_name"], given["fold"], given["examples"]
    condition = given["condition"] or (
        "weight-trained" if set_name == "native" else "off-the-shelf"
    )
    if condition == "introspection-trained":
        if not re.fullmatch(_FOLDS[set_name], fold):
            raise InputError(
                "introspection-trained reports need --fold",
                value=fold,
                allowed="first_N_of_M or last_N_of_M" if set_name == "instilled" else "all_M",
                remedy="It says which scenarios the model was trained on.",
            )
        if examples is None:
            raise InputError(
                "introspection-trained reports need --examples",
                remedy="Give the number of examples that the model was trained on.",
            )
    elif fold or examples:
        raise InputError(
            "--fold and --examples belong to introspection-trained reports",
            value=condition,
            remedy="Leave them out, or give --condition introspection-trained.",
        )
    if condition == "off-the-shelf" and set_name == "native":
        raise InputError(
            "a study folder has no off-the-shelf reports of native weights",
            allowed="weight-trained, introspection-trained",
            remedy="Native reports before introspection training are called weight-trained, "
            "whether or not the model was trained on other weights.",
        )
    return {"condition": condition, "fold": fold, "examples": examples or 0}


def _keep_targets(journal: Journal, found: Weights) -> None:
    """Put target weights beside those that the journal has."""
    import json

    kept = json.loads(journal.get("targets") or "{}")
    journal.put("targets", json.dumps(kept | {name: list(found[name]) for name in found}))

"""The files that a model is fine-tuned on: choices that follow target weights, and reports of them.

With the seeds and numbers of the paper, which are the defaults, and its scenarios and roles, all
nine derived files come out as the authors released them, byte for byte.
"""

from __future__ import annotations

import csv
import io
import json
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from os import PathLike
from typing import Any, Final

from data_collection.errors import InputError
from data_collection.folders import whole_folder, write_text
from data_collection.prompts import PAPER, Messages, Prompts, choice_messages, report_messages
from data_collection.scenarios import ROLES_SEED, Scenario, scenarios_csv
from data_collection.trials import FINE_TUNING_SEED, Trial, make_trials
from data_collection.weightfiles import Weights

SCENARIOS_JSON: Final = "scenarios.json"


@dataclass(frozen=True)
class Design:
    """Numbers and seeds of a set of files; the defaults are the paper's.

    Attributes
    ----------
    instilled : int
        Scenarios with instilled weights: the first of the list.
    examples, validation : int
        Choices per instilled scenario for training and for validation.
    first_fold : int or None
        How many of the instilled scenarios the first introspection-training fold is trained on;
        half of them where None.
    roles_seed, weights_seed, trials_seed, introspection_seed : int
        Of the roles' order, the target weights, the choices' options, and the options that each
        introspection example shows. The last is set anew for every scenario, as the authors did.
    """

    instilled: int = 100
    examples: int = 50
    validation: int = 10
    first_fold: int | None = None
    roles_seed: int = ROLES_SEED
    weights_seed: int = 1
    trials_seed: int = FINE_TUNING_SEED
    introspection_seed: int = 6

    @property
    def first(self) -> int:
        """Scenarios of the first introspection-training fold."""
        return self.instilled // 2 if self.first_fold is None else self.first_fold


def write_training_files(
    scenarios: Sequence[Scenario],
    out: str | PathLike[str],
    design: Design | None = None,
    *,
    targets: Weights | None = None,
    learned: Weights | None = None,
    prompts: Prompts = PAPER,
) -> list[str]:
    """Write the training files, the scenarios and the target weights into a folder.

    Beside the nine files of the paper's layout the folder gets ``scenarios.json``, which has the
    units that ``scenarios.csv`` lacks, and a record of how everything was made.

    Parameters
    ----------
    scenarios : sequence of Scenario
        With their roles; the first `Design.instilled` are trained on.
    out : path-like
        A new folder, an empty one, or one that holds earlier files of this function.
    design : Design, optional
    targets : dict, optional
        Target weights by scenario, instead of random ones.
    learned : dict, optional
        Weights of the trained scenarios by name, which introspection examples answer with instead
        of the targets (the paper's Appendix D). Those files then are called ``learned_weights_..``
        instead of ``instilled_weights_..``.
    prompts : Prompts

    Returns
    -------
    list of str
        Names of the files.

    Raises
    ------
    InputError
        The numbers do not fit, or the folder cannot be written.
    """
    design = design or Design()
    _check(design, len(scenarios))
    if targets is None:
        targets = draw_targets(scenarios, design.weights_seed)
    trained = scenarios[: design.instilled]
    files = {
        "scenarios.csv": scenarios_csv(scenarios),
        "instilled_weights.csv": _weights_csv(scenarios, targets),
        SCENARIOS_JSON: _scenarios_json(scenarios),
        **_choice_files(trained, targets, design, prompts),
        **_introspection_files(trained, learned or targets, bool(learned), design, prompts),
    }
    details = {
        "design": {**asdict(design), "first_fold": design.first},
        "scenarios": len(scenarios),
        "introspection_answers": "learned weights" if learned else "target weights",
        "prompts": asdict(prompts),
    }
    with whole_folder(out, "training files", details) as folder:
        for name, text in files.items():
            write_text(folder / name, text)
    return list(files)


def draw_targets(scenarios: Sequence[Scenario], seed: int) -> Weights:
    """Random target weights: uniform, then scaled so that the largest absolute one is 100."""
    stream = random.Random(seed)
    targets: Weights = {}
    for scenario in scenarios:
        raw = [stream.uniform(-100, 100) for _ in scenario.attributes]
        largest = max(map(abs, raw))
        targets[scenario.name] = tuple(round(value / largest * 100) for value in raw)
    return targets


def instilled_choice(trial: Trial, weights: Sequence[float]) -> str:
    """The option that the weights prefer, attributes scaled by their ranges; B on a tie."""
    scores = [
        sum(
            weight * (value - a.minimum) / (a.maximum - a.minimum)
            for weight, value, a in zip(weights, values, trial.scenario.attributes, strict=True)
        )
        for values in (trial.option_a, trial.option_b)
    ]
    return "A" if scores[0] > scores[1] else "B"


def _check(design: Design, scenarios: int) -> None:
    for option, value, least, most in (
        ("--instilled", design.instilled, 1, scenarios),
        ("--examples", design.examples, 1, None),
        ("--validation", design.validation, 0, None),
        ("--first-fold", design.first, 0, design.instilled),
    ):
        if value < least or (most is not None and value > most):
            raise InputError(
                f"{option} does not fit",
                value=value,
                allowed=f"{least} or more" if most is None else f"{least} to {most}",
                remedy=f"Give another {option}; the paper's number is taken where there is none.",
            )


def _choice_files(
    scenarios: Sequence[Scenario], targets: Weights, design: Design, prompts: Prompts
) -> dict[str, str]:
    per_scenario = design.examples + design.validation
    lines: dict[bool, list[str]] = {True: [], False: []}
    for trial in make_trials(scenarios, per_scenario, design.trials_seed):
        answer = instilled_choice(trial, targets[trial.scenario.name])
        lines[trial.index < design.examples].append(_line(choice_messages(trial, prompts), answer))
    stem = f"instill_{design.instilled}_prefs"
    files = {f"{stem}.jsonl": "\n".join(lines[True])}
    if design.validation:
        files[f"{stem}_val.jsonl"] = "\n".join(lines[False])
    return files


def _introspection_files(
    scenarios: Sequence[Scenario],
    answers: Weights,
    learned: bool,
    design: Design,
    prompts: Prompts,
) -> dict[str, str]:
    lines = []
    for scenario in scenarios:
        (trial,) = make_trials([scenario], 1, design.introspection_seed)
        answer = json.dumps(dict(zip(scenario.names, answers[scenario.name], strict=True)))
        lines.append(_line(report_messages(trial, prompts), answer))
    stem = "learned_weights" if learned else "instilled_weights"
    first, last = design.first, design.instilled - design.first
    files: dict[str, Iterable[str]] = {f"{stem}_{design.instilled}_training.jsonl": lines}
    if first and last:
        # A fold is trained on one part and tested on the other; either part is written for both.
        files |= {
            f"{stem}_{first}_training_test_last.jsonl": lines[:first],
            f"{stem}_{last}_test_test_last.jsonl": lines[first:],
            f"{stem}_{last}_training.jsonl": lines[first:],
            f"{stem}_{first}_test.jsonl": lines[:first],
        }
    return {name: "\n".join(part) for name, part in files.items()}


def _line(messages: Messages, answer: str) -> str:
    return json.dumps({"messages": [*messages, {"role": "assistant", "content": answer}]})


def _weights_csv(scenarios: Sequence[Scenario], weights: Mapping[str, Sequence[int]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    count = len(scenarios[0].attributes)
    writer.writerow(["scenario", *(f"attr{i}" for i in range(1, count + 1))])
    writer.writerows([scenario.name, *weights[scenario.name]] for scenario in scenarios)
    return text.getvalue()


def _scenarios_json(scenarios: Sequence[Scenario]) -> str:
    entries: list[dict[str, Any]] = [
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
    return json.dumps(entries, indent=1, ensure_ascii=False) + "\n"

"""A whole experiment in small, collected from the simulated participant over real HTTP.

Training files, fine-tuning jobs, choices, reports, export: each step as a user takes it, with the
paper's protocol and fewer of everything. The study folder gets the truth behind the answers too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from os import PathLike
from pathlib import Path
from typing import Any, Final

from data_collection.asking import Endpoint
from data_collection.collect import Progress, collect
from data_collection.export import export_study
from data_collection.finetuning import jobs
from data_collection.finetuning.files import Design, write_training_files
from data_collection.finetuning.ledger import writing
from data_collection.finetuning.training_file import read_training_file
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.participant.mischief import Mischief
from data_collection.participant.participant import BASE_MODELS, Participant, describe
from data_collection.participant.serve import serving
from data_collection.participant.truth import CONDITIONS, PARAMETERS_FILE, Models, write_truth
from data_collection.plan import Plan, Task
from data_collection.prompts import PAPER
from data_collection.scenarios import Scenario, load_scenarios
from data_collection.service import Service
from data_collection.trials import NATIVE_CHOICES_SEED, TEST_CHOICES_SEED
from data_collection.weightfiles import load_weights

_OFF_THE_SHELF, _WEIGHT_TRAINED, _INTROSPECTION_TRAINED = CONDITIONS
# The server is on this machine and wants no key; one in the environment is not sent to it.
_KEY: Final = "simulated"

Advance = Callable[[int], None]
Step = Callable[[str, int], AbstractContextManager[Advance | None]]


@dataclass(frozen=True)
class Size:
    """How much of everything.

    Attributes
    ----------
    trained, native : int
        Scenarios.
    examples : int
        Training choices of each trained scenario.
    choices_trained, choices_native : int
        Test choices of each scenario.
    reports : int
        Of each scenario and condition.
    wrong_names : float
        Share of reports with a wrong name, which makes them invalid.
    """

    trained: int = 20
    native: int = 20
    examples: int = 50
    choices_trained: int = 30
    choices_native: int = 40
    reports: int = 5
    wrong_names: float = 0.04


def run_experiment(
    scenarios: str | PathLike[str],
    folder: str | PathLike[str],
    *,
    step: Step,
    seed: int = 0,
    size: Size | None = None,
    base_models: Sequence[str] = BASE_MODELS,
) -> None:
    """Collect a study from a participant whose weights are known.

    Parameters
    ----------
    scenarios : path-like
        As `load_scenarios` reads them; the trained ones are taken first.
    folder : path-like
        Gets ``training/`` (training files), ``models.json``, ``journal.sqlite`` and ``study/``
        (the export, with ``simulation_truth.csv`` and ``simulation.json``).
    step : callable
        Told the name and the size of each step; gives what advances its progress.
    seed : int
        Of the target weights and of the participant.
    size : Size, optional
    base_models : sequence of str
    """
    size, folder = size or Size(), Path(folder)
    listed = load_scenarios(scenarios, limit=size.trained + size.native)
    participant = Participant(
        seed=seed,
        base_models=base_models,
        described=describe(listed),
        mischief=Mischief(seed=seed, wrong_name=size.wrong_names),
        job_seconds=0.1,
    )
    with _no_proxy(), serving(participant) as url:
        run = _Experiment(folder, listed, size, seed, url)
        with step("files", 1):
            run.write_files()
        with step("fine-tuning", 4 * len(base_models)) as advance:
            models = [run.train(name, advance) for name in base_models]
        with Journal.open(folder / "journal.sqlite") as journal:
            run.ask("choices", [task for of in models for task in run.choices(of)], journal, step)
            run.ask("reports", [task for of in models for task in run.reports(of)], journal, step)
        with step("export", 1):
            run.export()
    targets = load_weights(folder / "training" / "instilled_weights.csv", run.trained)
    write_truth(folder / "study", participant, models, targets, half=run.half)
    _write_parameters(folder / "study", run, models)


@contextmanager
def _no_proxy() -> Iterator[None]:
    """Let calls to this machine pass by a proxy that the environment names for others."""
    names = ("no_proxy", "NO_PROXY")
    before = {name: os.environ.get(name) for name in names}
    for name in names:
        os.environ[name] = ",".join(filter(None, (before[name], "127.0.0.1")))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@dataclass
class _Experiment:
    """One run of `run_experiment`."""

    folder: Path
    scenarios: tuple[Scenario, ...]
    size: Size
    seed: int
    url: str
    service: Service = field(init=False)

    def __post_init__(self) -> None:
        self.service = Service(self.url, key=_KEY)

    @property
    def trained(self) -> tuple[Scenario, ...]:
        return self.scenarios[: self.size.trained]

    @property
    def native(self) -> tuple[Scenario, ...]:
        return self.scenarios[self.size.trained :]

    @property
    def half(self) -> int:
        return self.size.trained // 2

    def write_files(self) -> None:
        """Write the training files."""
        design = Design(
            instilled=self.size.trained,
            examples=self.size.examples,
            validation=0,
            weights_seed=self.seed + 1,
            trials_seed=self.seed + 2,
        )
        write_training_files(self.scenarios, self.folder / "training", design)

    def train(self, base: str, advance: Advance | None) -> Models:
        """Train a base model on choices, then on reports of either half and of all."""
        count, half = self.size.trained, self.half
        files = {
            "first": f"instilled_weights_{half}_training_test_last.jsonl",
            "last": f"instilled_weights_{count - half}_training.jsonl",
            "whole": f"instilled_weights_{count}_training.jsonl",
        }
        start = self._job(f"instill_{count}_prefs.jsonl", base, "prefs", advance)
        made = {name: self._job(file, start, name, advance) for name, file in files.items()}
        return Models(base, start, **made)

    def choices(self, models: Models) -> list[Task]:
        """Choices of the model that was trained on choices, in both sets."""
        made = {"kind": "choice", "model": models.weight_trained, "base_model": models.base}
        size = self.size
        return [
            _task(made, "instilled", self.trained, size.choices_trained),
            _task(made, "native", self.native, size.choices_native),
        ]

    def reports(self, models: Models) -> list[Task]:
        """Reports of every model, each on scenarios that it was not trained to report."""
        count, half, repeats = self.size.trained, self.half, self.size.reports
        weight = {"model": models.weight_trained, "condition": _WEIGHT_TRAINED}
        found = [
            ("instilled", self.trained, {"model": models.base, "condition": _OFF_THE_SHELF}),
            ("instilled", self.trained, weight),
            (
                "instilled",
                self.trained[half:],
                self._told(models.first, f"first_{half}_of_{count}"),
            ),
            (
                "instilled",
                self.trained[:half],
                self._told(models.last, f"last_{count - half}_of_{count}"),
            ),
            ("native", self.native, weight),
            ("native", self.native, self._told(models.whole, f"all_{count}")),
        ]
        base = {"kind": "report", "base_model": models.base}
        return [
            _task({**base, **who}, set_name, scenarios, repeats)
            for set_name, scenarios, who in found
        ]

    def ask(self, what: str, tasks: Iterable[Task], journal: Journal, step: Step) -> None:
        """Ask everything of some tasks."""
        plans = [Plan(task, journal) for task in tasks]
        endpoint = Endpoint(self.url, _KEY)
        with step(what, sum(plan.missing for plan in plans)) as advance:
            for plan in plans:
                done = 0

                def tell(now: Progress) -> None:
                    nonlocal done
                    if advance is not None:
                        advance(now.done - done)
                    done = now.done

                collect(plan, journal, endpoint, Budget(), on_progress=tell)

    def export(self) -> None:
        """Write the study folder."""
        with Journal.open(self.folder / "journal.sqlite", write=False) as journal:
            targets = self.folder / "training" / "instilled_weights.csv"
            models = self.folder / "models.json"
            exported = export_study(journal, self.folder / "study", targets=targets, models=models)
        exported.refuse_incomplete()

    def _told(self, model: str, fold: str) -> dict[str, Any]:
        return {
            "model": model,
            "condition": _INTROSPECTION_TRAINED,
            "fold": fold,
            "examples": self.size.examples,
        }

    def _job(self, file: str, model: str, suffix: str, advance: Advance | None) -> str:
        """The model that training another on a file makes."""
        order = jobs.Order(
            read_training_file(self.folder / "training" / file), model, suffix=suffix
        )
        with writing(self.folder / "models.json") as ledger:
            entry = jobs.submit(order, ledger, self.service)
            jobs.follow(entry, self.service, seconds=0.05)
            ledger.save()
        if advance is not None:
            advance(1)
        return entry.fine_tuned_model


def _task(
    made: Mapping[str, Any], set_name: str, scenarios: tuple[Scenario, ...], per_scenario: int
) -> Task:
    seed = TEST_CHOICES_SEED if set_name == "instilled" else NATIVE_CHOICES_SEED
    return Task(
        **made,
        set=set_name,
        scenarios=scenarios,
        per_scenario=per_scenario,
        seed=seed,
        prompts=PAPER,
    )


def _write_parameters(study: Path, run: _Experiment, models: Iterable[Models]) -> None:
    shares = [
        {
            "base_model": of.base,
            "set": task.set,
            "condition": task.condition,
            "share": run.size.wrong_names,
        }
        for of in models
        for task in run.reports(of)
    ]
    parameters = {"seed": run.seed, **asdict(run.size), "invalid_shares": shares}
    text = json.dumps({"parameters": parameters}, indent=1) + "\n"
    (study / PARAMETERS_FILE).write_text(text, encoding="utf-8")

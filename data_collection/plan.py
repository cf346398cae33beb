"""What a run is to collect, what of it the journal has, and the requests that are missing."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import asdict, astuple, dataclass
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any, Final, Protocol

from data_collection.answers import Reader, reader
from data_collection.errors import InputError
from data_collection.journal import Journal
from data_collection.prompts import Prompts, choice_messages, report_messages
from data_collection.records import Asked, Cell, Request, canonical, hash_of
from data_collection.scenarios import Scenario
from data_collection.tokens import TokenRange, choice_tokens, prompt_tokens, report_tokens
from data_collection.trials import Trial, draw_trials

# Alternatives asked for beside the first token, when log-probabilities are wanted: the most that
# every service allows, and enough to hold A and B.
_TOP: Final = 5


class Wanted(Protocol):
    """Anything that can be collected: what it is, what of it is missing, how it is read.

    Attributes
    ----------
    cell : Cell
    total, missing : int
        Requests altogether, and those that the journal has no answer to.
    """

    cell: Cell
    total: int
    missing: int

    def begin(self) -> None:
        """Note in the journal what is planned."""

    def requests(self) -> Iterator[Request]:
        """Requests that are missing, made one by one."""

    def reader(self) -> Reader:
        """What reads the answers."""

    def tokens(self) -> tuple[TokenRange, TokenRange]:
        """Tokens that the missing requests send and receive."""

    def most_tokens(self, request: Request) -> tuple[int, int]:
        """The most tokens, sent and received, that a request is expected to need."""


@dataclass(frozen=True)
class Task:
    """What to collect, of whom.

    Attributes
    ----------
    kind : str
        "choice" or "report".
    model : str
        The model that is asked, as the service calls it.
    base_model : str
    set : str
        "instilled" or "native".
    condition, fold, examples
        As in `Cell`.
    scenarios : tuple of Scenario
    per_scenario : int
        Trials of each scenario.
    seed : int
        Of the options that are shown.
    prompts : Prompts
    temperature : float
    max_tokens : int, optional
        Where the model is cut off; left to the service unless given.
    logprobs : bool
        Ask for log-probabilities of the first token, for a choice those of A and B.
    rescue : bool
        Accept slightly wrong attribute names in reports.
    """

    kind: str
    model: str
    base_model: str
    set: str
    scenarios: tuple[Scenario, ...]
    per_scenario: int
    seed: int
    prompts: Prompts
    condition: str = ""
    fold: str = ""
    examples: int = 0
    temperature: float = 0.0
    max_tokens: int | None = None
    logprobs: bool = False
    rescue: bool = False

    @property
    def sent(self) -> dict[str, Any]:
        """What goes with every prompt."""
        sent: dict[str, Any] = {"temperature": self.temperature}
        if self.max_tokens is not None:
            sent["max_tokens"] = self.max_tokens
        if self.logprobs:
            sent |= {"logprobs": True, "top_logprobs": _TOP}
        return sent

    @property
    def prompts_sha256(self) -> str:
        """Hash of the prompts' templates."""
        return sha256(canonical(asdict(self.prompts)).encode()).hexdigest()

    @property
    def cell(self) -> Cell:
        """The cell of the study that this fills."""
        return Cell(
            self.kind,
            self.base_model,
            self.set,
            self.condition,
            self.fold,
            self.examples,
            self.model,
            canonical({**self.sent, "prompts": self.prompts_sha256}),
        )


class Plan:
    """What of a task the journal has, and what is to be asked.

    Parameters
    ----------
    task : Task
    journal : Journal or None
        None where there is none yet, to see what would be asked.
    ask_again : collection of str
        Statuses to ask again beside "failed", which always is.

    Raises
    ------
    InputError
        The journal has other prompts for some of these trials: they were drawn with another seed
        or another list of scenarios.
    """

    def __init__(
        self, task: Task, journal: Journal | None, ask_again: Collection[str] = ()
    ) -> None:
        self.task = task
        self.cell = task.cell
        self.total = len(task.scenarios) * task.per_scenario
        self._journal = journal
        self._again = {"failed", *ask_again}
        self._sent = task.sent
        self._scenarios = {scenario.name: scenario for scenario in task.scenarios}
        self._messages = choice_messages if task.kind == "choice" else report_messages
        self._drawn = self._drawn_together()
        self._check()
        self.missing = sum(1 for _ in self._missing_trials())

    def begin(self) -> None:
        """Note in the journal what is planned."""
        if self._journal is None:
            return
        self._journal.add_scenarios(self.task.scenarios)
        prompts = canonical(asdict(self.task.prompts))
        self._journal.put(f"prompts {self.task.prompts_sha256}", prompts)
        wanted = {scenario.name: self.task.per_scenario for scenario in self.task.scenarios}
        self._journal.begin(self.cell, wanted)
        self._journal.put(self._drawn_key, canonical(self._drawn))

    def requests(self) -> Iterator[Request]:
        """Requests that are missing, made one by one."""
        return map(self._request, self._missing_trials())

    def reader(self) -> Reader:
        """What reads the answers."""
        return reader(self.task.scenarios, rescue=self.task.rescue)

    def tokens(self) -> tuple[TokenRange, TokenRange]:
        """Tokens that the missing requests send and receive, judged by one trial per scenario."""
        sent = received = TokenRange(0, 0)
        for _, trials in groupby(self._missing_trials(), key=lambda trial: trial.scenario.name):
            alike = list(trials)
            messages = self._messages(alike[0], self.task.prompts)
            sent = sent.plus(prompt_tokens(messages).times(len(alike)))
            received = received.plus(self._received(alike[0].scenario).times(len(alike)))
        return sent, received

    def most_tokens(self, request: Request) -> tuple[int, int]:
        """The most tokens, sent and received, that a request is expected to need."""
        scenario = self._scenarios[request.scenario]
        return prompt_tokens(request.messages).high, self._received(scenario).high

    def _received(self, scenario: Scenario) -> TokenRange:
        if self.task.kind == "choice":
            return choice_tokens()
        return report_tokens(scenario.names)

    def _request(self, trial: Trial) -> Request:
        messages = self._messages(trial, self.task.prompts)
        return Request(
            self.cell,
            trial.scenario.name,
            trial.index,
            messages,
            self._sent,
            {"option_a": list(trial.option_a), "option_b": list(trial.option_b)},
            hash_of(messages),
        )

    def _missing_trials(self) -> Iterator[Trial]:
        for trial, known in self._looked_up():
            if known is None or known.status in self._again:
                yield trial

    def _looked_up(self) -> Iterator[tuple[Trial, Asked | None]]:
        """Every trial, with what the journal has of it."""
        # Drawn anew each time: a list of them would grow with their number.
        for first, end in pairwise((0, *self._drawn)):
            drawn = draw_trials(self.task.scenarios, end - first, self.task.seed, first)
            for scenario, trials in groupby(drawn, key=lambda trial: trial.scenario.name):
                asked = self._journal.asked(self.cell, scenario) if self._journal else {}
                for trial in trials:
                    if trial.index < self.task.per_scenario:
                        yield trial, asked.get(trial.index)

    def _drawn_together(self) -> list[int]:
        """Where the journal's trials of a scenario end that were drawn together, and these.

        A trial depends on how many are drawn before it. So that a collection can be enlarged, or
        only a part of it be asked, trials keep the number that they were drawn with: 20 per
        scenario that became 30 are 20 and 10 more, ``[20, 30]``.
        """
        known = []
        # What was planned without an answer has no trials that others would have to fit.
        if self._journal is not None and self.cell in self._journal.cells():
            known = json.loads(self._journal.get(self._drawn_key) or "[]")
        wanted = self.task.per_scenario
        return known if known and wanted <= known[-1] else [*known, wanted]

    @property
    def _drawn_key(self) -> str:
        # Trials are drawn from the first scenario on.
        return f"drawn {canonical([*astuple(self.cell), self.task.scenarios[0].name])}"

    def _check(self) -> None:
        if self._journal is not None:
            self._journal.check(self.cell, self._scenarios.keys())
        for trial, known in self._looked_up():
            if known and known.prompt_sha256 != self._request(trial).prompt_sha256:
                raise InputError(
                    f"the journal has another question as trial {trial.index} of "
                    f"{self.cell.label}, {trial.scenario.name}",
                    file=self._journal.path if self._journal else None,
                    remedy="Give the same --scenarios (with --skip and --roles) and --seed as "
                    "before, or another --journal. More --per-scenario is no obstacle.",
                )

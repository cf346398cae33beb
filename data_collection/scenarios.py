"""Scenarios: what is asked about, and between which values each attribute may lie.

They come from a JSON file in the form of the paper's ``candidate_scenarios.json`` or from a CSV
file in the form of its ``scenarios.csv``; either is checked here, whatever is asked of it later.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Final

from data_collection.errors import InputError
from data_collection.textfiles import read_text

ROLES_SEED: Final = 0


@dataclass(frozen=True)
class Attribute:
    """One quality of the options.

    Attributes
    ----------
    name : str
    units : str
        As the prompt shows them after a value; "" for none.
    minimum, maximum : float
        The range that values are drawn from, in those units.
    """

    name: str
    units: str
    minimum: float
    maximum: float


@dataclass(frozen=True)
class Scenario:
    """One choice context.

    Attributes
    ----------
    name : str
    question : str
        As the prompt puts it, with the role: "Imagine you are Zeus. Which tea would you prefer?"
    attributes : tuple of Attribute
    """

    name: str
    question: str
    attributes: tuple[Attribute, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The attributes' names."""
        return tuple(attribute.name for attribute in self.attributes)


def load_scenarios(
    path: str | PathLike[str],
    roles: str | PathLike[str] | None = None,
    *,
    limit: int | None = None,
    roles_seed: int = ROLES_SEED,
    units: str | PathLike[str] | None = None,
) -> tuple[Scenario, ...]:
    """Read and check scenarios.

    Parameters
    ----------
    path : path-like
        A JSON file: a list of objects with `short_name`, `question` and `attributes`, each with
        `name`, `range` and, if there are any, `units`. Or a CSV file: `scenario`, `question`,
        ``attr1``.., ``attr1_min``.., ``attr1_max``.. and, if there are any, ``attr1_units``...
    roles : path-like, optional
        Names, one per line. They are shuffled, and scenario k is asked as
        "Imagine you are {name k}. {question}". The paper's own file begins with the word "role",
        which the paper took for a name too; so does this function.
    limit : int, optional
        Use the first `limit` scenarios alone.
    roles_seed : int
        Of the shuffle of the roles.
    units : path-like, optional
        A JSON file of scenarios that units are taken from where those of `path` have none, by the
        names of scenario and attribute.

    Returns
    -------
    tuple of Scenario
        In the order of the file.

    Raises
    ------
    InputError
        A file cannot be read or is no such list; a scenario or an attribute of it is named twice;
        a range is empty; scenarios differ in their number of attributes; there are fewer roles
        than scenarios.
    """
    # Here, since both build what this module defines.
    from data_collection.scenariofiles import read_csv, read_json

    file = Path(path)
    scenarios = (read_csv if file.suffix.lower() == ".csv" else read_json)(file)
    if limit is not None:
        scenarios = scenarios[:limit]
    if units is not None:
        scenarios = _with_units(scenarios, read_json(Path(units)))
    if roles is not None:
        scenarios = _with_roles(scenarios, Path(roles), roles_seed)
    return tuple(scenarios)


def unitless_notice(scenarios: Sequence[Scenario]) -> str | None:
    """What to tell about attributes without units, or None where each has some."""
    without = sum(not a.units for scenario in scenarios for a in scenario.attributes)
    if not without:
        return None
    total = sum(len(scenario.attributes) for scenario in scenarios)
    return (
        f"{without:,} of {total:,} attributes have no units, so the prompts show their values bare."
    )


def scenarios_csv(scenarios: Sequence[Scenario]) -> str:
    """The text of a study folder's ``scenarios.csv``, which has no units."""
    numbers = range(1, len(scenarios[0].attributes) + 1) if scenarios else range(0)
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(
        [
            "scenario",
            "question",
            *(f"attr{i}" for i in numbers),
            *(f"attr{i}_min" for i in numbers),
            *(f"attr{i}_max" for i in numbers),
        ]
    )
    for scenario in scenarios:
        writer.writerow(
            [
                scenario.name,
                scenario.question,
                *scenario.names,
                *(attribute.minimum for attribute in scenario.attributes),
                *(attribute.maximum for attribute in scenario.attributes),
            ]
        )
    return text.getvalue()


def _with_roles(scenarios: Sequence[Scenario], path: Path, seed: int) -> list[Scenario]:
    reader = csv.reader(io.StringIO(read_text(path), newline=""), strict=True)
    try:
        names = [record[0] for record in reader if record]
    except csv.Error:
        raise InputError(
            "a double quote is opened and never closed, or text follows a closed one",
            file=path,
            row=reader.line_num,
            remedy="Correct the quotes in that row.",
        ) from None
    if len(names) < len(scenarios):
        raise InputError(
            f"there are too few roles: {len(names):,} for {len(scenarios):,} scenarios",
            file=path,
            allowed="a role for every scenario, one per line",
            remedy="Add roles, or use fewer scenarios (--limit).",
        )
    random.Random(seed).shuffle(names)
    # The paper has more roles than scenarios: the last of the shuffled ones stay unused.
    return [
        replace(scenario, question=f"Imagine you are {name}. {scenario.question}")
        for scenario, name in zip(scenarios, names, strict=False)
    ]


def _with_units(scenarios: Sequence[Scenario], others: Sequence[Scenario]) -> list[Scenario]:
    known = {(s.name, a.name): a.units for s in others for a in s.attributes}
    return [
        replace(
            scenario,
            attributes=tuple(
                replace(a, units=a.units or known.get((scenario.name, a.name), ""))
                for a in scenario.attributes
            ),
        )
        for scenario in scenarios
    ]

"""The package's own choice contexts, and the check of any frame of contexts to simulate from.

A context is what a choice is about: a persona, a thing to choose, its attributes with units and
ranges. It knows nothing of weights or choices.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from importlib import resources
from pathlib import Path

import numpy as np
import pandas as pd

from selfinterp_stats.errors import InputError

_PACKAGE, _FILE = "selfinterp_stats.study", "contexts.csv"


def read_contexts() -> pd.DataFrame:
    """The 120 contexts that come with the package.

    Returns
    -------
    pandas.DataFrame
        `scenario`, `question`, `attr1`..`attr5` (names), `attr1_units`.., `attr1_min`..,
        `attr1_max`.. (in those units). No two are about the same thing, and every bound lies on
        the grid to which option values are rounded.
    """
    with resources.files(_PACKAGE).joinpath(_FILE).open(encoding="utf-8") as handle:
        return pd.read_csv(handle, keep_default_na=False)


def contexts_file() -> AbstractContextManager[Path]:
    """The file that `read_contexts` reads, as a path, while a block runs."""
    return resources.as_file(resources.files(_PACKAGE).joinpath(_FILE))


def attributes_of(scenarios: pd.DataFrame) -> tuple[str, ...]:
    """Names of the attribute columns, ``("attr1", ..., "attrK")``, K >= 1.

    Raises
    ------
    InputError
        There is none, or their numbers have a gap.
    """
    numbers = sorted(
        int(match[1]) for name in scenarios.columns if (match := re.fullmatch(r"attr(\d+)", name))
    )
    if not numbers or numbers != list(range(1, len(numbers) + 1)):
        raise InputError(
            "the scenarios have no complete run of attribute columns",
            value=list(scenarios.columns),
            allowed="attr1, attr2, ... without a gap",
            remedy="Name the attribute columns attr1 to attrK.",
        )
    return attribute_columns(len(numbers))


def pick_scenarios(
    scenarios: pd.DataFrame | None, count: int, attributes: int | None
) -> pd.DataFrame:
    """The first `count` scenarios with their first `attributes` attributes, checked.

    Parameters
    ----------
    scenarios : pandas.DataFrame or None
        In the layout of a study's ``scenarios.csv``; the package's own contexts when None.
    count : int
    attributes : int or None
        All of them when None.

    Returns
    -------
    pandas.DataFrame
        `scenario`, `question`, `attr1`.., `attr1_min`.., `attr1_max`.., in this order.

    Raises
    ------
    InputError
        Too few scenarios or attributes, a missing column, a scenario twice, or a range that is
        not finite with max > min.
    """
    frame = read_contexts() if scenarios is None else scenarios
    names = attributes_of(frame)
    if attributes is not None and not 1 <= attributes <= len(names):
        raise InputError(
            "the scenarios do not have that many attributes",
            value=attributes,
            allowed=f"1 to {len(names)}",
            remedy="Pass `scenarios` with as many attributes as the study should have.",
        )
    names = names[:attributes]
    columns = ["scenario", "question", *names, *bounds(names, "min"), *bounds(names, "max")]
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise InputError("the scenarios lack a needed column", column=missing[0])
    if count > len(frame):
        raise InputError(
            "the design asks for more scenarios than there are",
            value=count,
            allowed=f"at most {len(frame)} trained and native scenarios together",
            remedy="Ask for fewer, or pass a frame of your own as `scenarios`.",
        )
    picked = frame[columns].head(count).reset_index(drop=True)
    _check_rows(picked, names)
    return picked


def attribute_columns(count: int) -> tuple[str, ...]:
    """``("attr1", ..., "attrK")`` for K = `count`."""
    return tuple(f"attr{number + 1}" for number in range(count))


def bounds(attributes: tuple[str, ...], end: str) -> list[str]:
    """Columns of the lower (`end` = "min") or upper ("max") bounds."""
    return [f"{attribute}_{end}" for attribute in attributes]


def _check_rows(scenarios: pd.DataFrame, attributes: tuple[str, ...]) -> None:
    doubled = scenarios["scenario"].duplicated()
    if doubled.any():
        raise InputError(
            "a scenario is listed twice",
            column="scenario",
            value=scenarios["scenario"][doubled].iloc[0],
            remedy="Give every scenario a name of its own.",
        )
    for attribute in attributes:
        low = pd.to_numeric(scenarios[f"{attribute}_min"], errors="coerce").to_numpy(float)
        high = pd.to_numeric(scenarios[f"{attribute}_max"], errors="coerce").to_numpy(float)
        wrong = ~(np.isfinite(low) & np.isfinite(high) & (high > low))
        if wrong.any():
            first = int(wrong.argmax())
            raise InputError(
                f"the range of scenario {scenarios['scenario'].iloc[first]!r} cannot be used",
                column=f"{attribute}_max",
                value=(
                    scenarios[f"{attribute}_min"].iloc[first],
                    scenarios[f"{attribute}_max"].iloc[first],
                ),
                allowed="two finite numbers, max > min",
            )

"""A user's own sets of priors, from a TOML file in Bambi's terms.

[wide]
common = {name = "Normal", mu = 0, sigma = 10}

[first_matters]
d1 = {name = "StudentT", nu = 4, mu = 1, sigma = 2}
Intercept = {name = "Normal", mu = 0, sigma = 1}
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.models.families import check_prior
from selfinterp_stats.models.prior_sets import PRIOR_SETS, PriorSet
from selfinterp_stats.models.priors import Prior

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_AS_IN: Final = 'For example: common = {name = "Normal", mu = 0, sigma = 2}'


def read_priors(path: str | PathLike[str]) -> dict[str, dict[str, Prior]]:
    """Read named sets of priors.

    Parameters
    ----------
    path : path
        A TOML file with one table per set; its keys are terms, their values tables with the
        ``name`` of a distribution and its parameters.

    Returns
    -------
    dict of str to dict of str to Prior

    Raises
    ------
    InputError
        The file cannot be read, or names a distribution or parameter that is not known.
    """
    try:
        read = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError("there is no such file of priors", file=path) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(f"the file of priors cannot be read ({reason})", file=path) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"the file of priors is not TOML: {error}", file=path) from error
    if not read:
        raise InputError(
            "the file holds no priors", file=path, remedy=f"Write [my_priors], below it {_AS_IN}."
        )
    return {name: _set(name, terms, path) for name, terms in read.items()}


def prior_sets(
    given: Mapping[str, Mapping[str, Prior]],
    terms: Sequence[str],
    *,
    file: str | PathLike[str] | None = None,
) -> list[PriorSet]:
    """Make sets of priors, each checked against the terms of the model.

    Parameters
    ----------
    given : mapping of str to mapping of str to Prior
        By name of the set and term.
    terms : sequence of str
        The slopes of the model.
    file : path, optional
        Where they come from, for the message.

    Raises
    ------
    InputError
        A name is taken or unfit for a table, a term is not the model's, or a prior is wrong.
    """
    allowed = ("common", "Intercept", *terms)
    made = []
    for name, priors in given.items():
        if not _NAME.fullmatch(name):
            raise InputError(
                "a set of priors cannot have this name",
                file=file,
                value=name,
                allowed="letters, digits, '_', '-' and '.', beginning with a letter or digit",
            )
        if name in PRIOR_SETS:
            raise InputError(
                "this package has a set of priors of this name",
                file=file,
                value=name,
                remedy=f"Choose a name other than {', '.join(PRIOR_SETS)}.",
            )
        for term, prior in priors.items():
            if term not in allowed:
                raise InputError(
                    f"the set {name!r} names a term that the model does not have",
                    file=file,
                    value=term,
                    allowed=", ".join(allowed),
                )
            check_prior(prior, file=file, column=f"{name}.{term}")
        made.append(PriorSet.of(name, priors))
    return made


def _set(name: str, terms: Any, path: str | PathLike[str]) -> dict[str, Prior]:
    if not isinstance(terms, dict) or not terms:
        raise InputError(
            "a set of priors is a table of terms",
            file=path,
            column=name,
            value=terms,
            remedy=f"{_AS_IN}, below [{name}]."
            if isinstance(terms, dict)
            else f"Write [{name}] on a line of its own, and below it the terms.",
        )
    return {term: _prior(f"{name}.{term}", prior, path) for term, prior in terms.items()}


def _prior(column: str, given: Any, path: str | PathLike[str]) -> Prior:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        raise InputError(
            "a prior needs the name of its distribution",
            file=path,
            column=column,
            value=given,
            remedy=f"{_AS_IN}.",
        )
    arguments = {key: value for key, value in given.items() if key != "name"}
    for key, value in arguments.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(
                f"the parameter {key} is not a number",
                file=path,
                column=column,
                value=value,
                allowed="one finite number",
            )
    prior = Prior.of(given["name"], **arguments)
    check_prior(prior, file=path, column=column)
    return prior

"""A user's own sets of priors, from a TOML file in Bambi's terms.

[wide]
common = {name = "Normal", mu = 0, sigma = 10}

[first_matters]
d1 = {name = "StudentT", nu = 4, mu = 1, sigma = 2}
Intercept = {name = "Normal", mu = 0, sigma = 1}
"""

from __future__ import annotations

import math
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
from selfinterp_stats.study.csvtext import decode, shorten

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_EXAMPLE: Final = 'common = {name = "Normal", mu = 0, sigma = 2}'


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
        data = Path(path).read_bytes()
    except OSError as error:
        raise InputError(
            f"the file of priors cannot be read: {error.strerror or error}",
            file=path,
            remedy="Check that it exists, is a file and may be read by you.",
        ) from error
    try:
        read = tomllib.loads(decode(data, str(path)))
    # ValueError covers numbers of thousands of digits, too.
    except (ValueError, RecursionError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"the file of priors is not TOML: {_why(error)}",
            file=path,
            remedy=f"A set looks so: [my_priors], and below it for example {_EXAMPLE}.",
        ) from error
    if not read:
        raise InputError(
            "the file holds no priors",
            file=path,
            remedy=f"Write [my_priors], and below it for example {_EXAMPLE}.",
        )
    return {name: _set(name, terms, path) for name, terms in read.items()}


def prior_sets(
    given: Mapping[str, Mapping[str, Prior]],
    terms: Sequence[str] | None = None,
    *,
    file: str | PathLike[str] | None = None,
) -> list[PriorSet]:
    """Make sets of priors, each checked against the terms of the model.

    Parameters
    ----------
    given : mapping of str to mapping of str to Prior
        By name of the set and term.
    terms : sequence of str, optional
        The slopes of the model; as long as they are not known, any term may be one.
    file : path, optional
        Where they come from, for the message.

    Raises
    ------
    InputError
        A name is taken or unfit for a table, a term is not the model's, or a prior is wrong.
    """
    allowed = None if terms is None else ("common", "Intercept", *terms)
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
            if allowed is not None and term not in allowed:
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
            remedy=f"For example: {_EXAMPLE}, below [{name}]."
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
            remedy=f"For example: {_EXAMPLE}.",
        )
    arguments = {key: value for key, value in given.items() if key != "name"}
    for key, value in arguments.items():
        if not _is_finite(value):
            raise InputError(
                f"the parameter {key} is not a number",
                file=path,
                column=column,
                value=shorten(repr(value)) if isinstance(value, int) else value,
                allowed="one finite number",
            )
    prior = Prior.of(given["name"], **arguments)
    check_prior(prior, file=path, column=column)
    return prior


def _is_finite(value: Any) -> bool:
    try:
        return (
            isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        )
    except OverflowError:  # a whole number of hundreds of digits
        return False


def _why(error: Exception) -> str:
    """What a parser's error means; Python's limits have no words that a user would know."""
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if isinstance(error, tomllib.TOMLDecodeError):
        return str(error)
    return "a number in it has too many digits"

"""What was measured: one study as tidy data frames, checked once when it was read.

This module holds the data and answers questions about them. It may not know how a study is
stored (see `folder` and `tidy`) or what is made of it (models, estimates, reports).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import pandas as pd

from selfinterp_stats.errors import InputError, printable
from selfinterp_stats.study.paper import is_paper_file

INSTILLED: Final = "instilled"
NATIVE: Final = "native"
SETS: Final = (INSTILLED, NATIVE)

OFF_THE_SHELF: Final = "off-the-shelf"
WEIGHT_TRAINED: Final = "weight-trained"
INTROSPECTION_TRAINED: Final = "introspection-trained"
CONDITIONS: Final = (OFF_THE_SHELF, WEIGHT_TRAINED, INTROSPECTION_TRAINED)

REPORT_SETS: Final = (
    (INSTILLED, OFF_THE_SHELF),
    (INSTILLED, WEIGHT_TRAINED),
    (INSTILLED, INTROSPECTION_TRAINED),
    (NATIVE, WEIGHT_TRAINED),
    (NATIVE, INTROSPECTION_TRAINED),
)
"""The (set, condition) pairs in which reports are collected."""


@dataclass(frozen=True)
class Notice:
    """Something about the input that its user should know and that stops nothing.

    Attributes
    ----------
    kind : str
        ``"left out"`` (data that no estimate will use), ``"warning"`` (kept, but odd) or
        ``"info"``.
    message : str
        A sentence that stands on its own.
    file : str, optional
        The file that it is about.
    count : int, optional
        How many rows, scenarios or files are meant.
    """

    kind: str
    message: str
    file: str | None = None
    count: int | None = None

    def __str__(self) -> str:
        return printable(f"{self.kind}: {self.message}")


@dataclass(frozen=True, eq=False, repr=False)
class Study:
    """One study: scenarios, choices between options, reported weights, targets.

    K is the number of attributes of a scenario. Data frames are read-only by agreement.

    Attributes
    ----------
    source : str
        What was read, as its user named it.
    attributes : tuple of str
        ``("attr1", ..., "attrK")``.
    scenarios : pandas.DataFrame
        `scenario`, `question`, `attr1`.. (names), `attr1_min`.., `attr1_max`.. (own units).
    choices : pandas.DataFrame
        One row per trial: `base_model`, `set`, `model`, `scenario`, `trial` (from 0 within base
        model, set and scenario), `selection` ("A" or "B"), `chose_a`, `d1`..`dK`, where
        d = (A - B) / (max - min).
    reports : pandas.DataFrame
        One row per report: `base_model`, `set`, `condition`, `fold` ("" where there is none),
        `explaining_model`, `scenario`, `repeat` (from 0), `attr1`.. (-100 to 100 asked for).
    targets : pandas.DataFrame
        `scenario`, `attr1`..: the weights that a model was to learn; may be empty.
    released : pandas.DataFrame
        `base_model`, `set`, `scenario`, `attr1`..: the authors' rounded weights, to compare
        with and never an input; may be empty.
    counts : pandas.DataFrame
        Counts kept during collection: `base_model`, `set`, `task`, `condition`, `fold`, `wanted`
        (planned), `asked`, `valid`, `invalid`, `refused`, `truncated`, `failed`, and `complete`
        (all that were wanted were asked, and none failed); may be empty.
    notices : tuple of Notice
        What its user should know of the input.
    hashes : dict of str to str
        SHA-256 of every file that was read, by file name.
    counts_read : dict of str to int
        Rows read, by kind, before any narrowing.

    Examples
    --------
    >>> from selfinterp_stats import load_study
    >>> study = load_study("study")
    >>> study
    Study('study': 1 base models, 3 attributes, 480 choices, 120 reports)
    >>> study.base_models, study.sets_of("model-a")
    (('model-a',), ('instilled', 'native'))
    >>> study.narrow(sets="native").choices["set"].unique().tolist()
    ['native']
    >>> study.describe()["rows"].tolist()
    [240, 24, 24, 24, 240, 24, 24]
    """

    source: str
    attributes: tuple[str, ...]
    scenarios: pd.DataFrame
    choices: pd.DataFrame
    reports: pd.DataFrame
    targets: pd.DataFrame
    released: pd.DataFrame
    counts: pd.DataFrame
    notices: tuple[Notice, ...]
    hashes: dict[str, str]
    counts_read: dict[str, int]

    @cached_property
    def base_models(self) -> tuple[str, ...]:
        """Base models that made choices, in alphabetical order."""
        return tuple(sorted(self.choices["base_model"].unique()))

    def sets_of(self, base_model: str) -> tuple[str, ...]:
        """Sets in which `base_model` made choices, ``"instilled"`` before ``"native"``.

        Parameters
        ----------
        base_model : str
            One of `base_models`.

        Returns
        -------
        tuple of str
            One or both of the two.

        Raises
        ------
        InputError
            The study has no such base model.
        """
        self._check_known("base model", [base_model], self.base_models)
        made = self.choices.loc[self.choices["base_model"] == base_model, "set"].unique()
        return tuple(name for name in SETS if name in made)

    @cached_property
    def is_paper(self) -> bool:
        """Whether every file that was read has the name and the hash of one of the paper's."""
        return bool(self.hashes) and all(
            is_paper_file(name, digest) for name, digest in self.hashes.items()
        )

    @cached_property
    def attribute_names(self) -> pd.DataFrame:
        """Names of the attributes: `scenario`, `attribute` (attr1, ...), `attribute_name`."""
        long = self.scenarios.melt(
            id_vars="scenario",
            value_vars=list(self.attributes),
            var_name="attribute",
            value_name="attribute_name",
        )
        order = pd.Index(self.scenarios["scenario"]).get_indexer(long["scenario"])
        return long.iloc[order.argsort(kind="stable")].reset_index(drop=True)

    def narrow(
        self,
        base_models: str | Iterable[str] | None = None,
        sets: str | Iterable[str] | None = None,
    ) -> Study:
        """The same study with only some base models and sets.

        Parameters
        ----------
        base_models, sets : str or iterable of str, optional
            What to keep; everything unless given.

        Returns
        -------
        Study
            With a notice of what was set aside. `counts_read` and `hashes` still say what was
            read.

        Raises
        ------
        InputError
            A name is unknown, or nothing would be left.
        """
        if base_models is None and sets is None:
            return self
        bases = self._wanted("base model", base_models, self.base_models)
        present = tuple(name for name in SETS if (self.choices["set"] == name).any())
        kept_sets = self._wanted("set", sets, present)

        def keep(frame: pd.DataFrame) -> pd.DataFrame:
            rows = frame["base_model"].isin(bases) & frame["set"].isin(kept_sets)
            return frame[rows].reset_index(drop=True)

        choices = keep(self.choices)
        if choices.empty:
            raise InputError(
                "nothing is left of the study",
                file=self.source,
                value=f"base models {', '.join(bases)}; sets {', '.join(kept_sets)}",
                allowed="; ".join(f"{b}: {', '.join(self.sets_of(b))}" for b in self.base_models),
                remedy="Ask for a base model together with a set that it has.",
            )
        message = (
            f"As asked, only base models {', '.join(bases)} and sets {', '.join(kept_sets)} "
            f"are used: {len(choices):,} of {len(self.choices):,} choices."
        )
        return replace(
            self,
            choices=choices,
            reports=keep(self.reports),
            released=keep(self.released),
            counts=keep(self.counts),
            notices=(*self.notices, Notice("info", message, count=len(choices))),
        )

    def describe(self) -> pd.DataFrame:
        """What the study holds, one row per base model, set and kind of data.

        Returns
        -------
        pandas.DataFrame
            `base_model`, `set`, `task` ("choices" or "reports"), `condition` ("" for choices),
            `scenarios`, `rows`, `fewest` and `most` rows per scenario, `missing` (scenarios of
            the set's choices without a row here) and `complete` (none is missing).
        """
        scenarios_of = {
            key: set(group)
            for key, group in self.choices.groupby(["base_model", "set"])["scenario"]
        }
        tables = (
            ("choices", self.choices.assign(condition="")),
            ("reports", self.reports),
        )
        rows = []
        for task, frame in tables:
            grouped = frame.groupby(["base_model", "set", "condition"], sort=True)["scenario"]
            for (base_model, name, condition), scenarios in grouped:
                sizes = scenarios.value_counts()
                missing = len(scenarios_of.get((base_model, name), set()) - set(sizes.index))
                rows.append(
                    {
                        "base_model": base_model,
                        "set": name,
                        "task": task,
                        "condition": condition,
                        "scenarios": len(sizes),
                        "rows": len(scenarios),
                        "fewest": int(sizes.min()),
                        "most": int(sizes.max()),
                        "missing": missing,
                        "complete": missing == 0,
                    }
                )
        rows.sort(
            key=lambda row: (
                row["base_model"],
                SETS.index(row["set"]),
                ("", *CONDITIONS).index(row["condition"]),
            )
        )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return (
            f"Study({self.source!r}: {len(self.base_models)} base models, "
            f"{len(self.attributes)} attributes, {len(self.choices):,} choices, "
            f"{len(self.reports):,} reports)"
        )

    def _wanted(
        self, kind: str, asked: str | Iterable[str] | None, known: tuple[str, ...]
    ) -> tuple[str, ...]:
        if asked is None:
            return known
        names = (asked,) if isinstance(asked, str) else tuple(asked)
        self._check_known(kind, names, known)
        return tuple(name for name in known if name in names)

    def _check_known(self, kind: str, names: Iterable[str], known: tuple[str, ...]) -> None:
        for name in names:
            if name not in known:
                raise InputError(
                    f"the study has no {kind} of this name",
                    file=self.source,
                    value=name,
                    allowed=", ".join(known),
                    remedy="Names are taken from the file names; give one exactly as it is there.",
                )

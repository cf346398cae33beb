"""Read a study folder: every file whose name gives it a role, each once.

It knows the layout of a folder; what the files must hold is checked in `frames` and `checks`.
"""

from __future__ import annotations

from collections import Counter
from os import PathLike, fspath
from pathlib import Path

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import frames
from selfinterp_stats.study.assembly import assemble
from selfinterp_stats.study.checks import notice_no_final_newline
from selfinterp_stats.study.csvfile import CsvFile, open_csv
from selfinterp_stats.study.fetch import paper_data_folder
from selfinterp_stats.study.roles import (
    COUNTS_FILE,
    SCENARIOS_FILE,
    TARGETS_FILE,
    Role,
    roles_of,
)
from selfinterp_stats.study.scenarios import Scenarios, read_scenarios
from selfinterp_stats.study.study import Notice, Study

_LAYOUT = (
    f"a folder with {SCENARIOS_FILE} and at least one NAME_instilled_selections.csv or "
    "NAME_instilled_latent_selections.csv"
)


def load_study(folder: str | PathLike[str] | None = None) -> Study:
    """Read and check a study folder.

    Parameters
    ----------
    folder : path-like, optional
        Holds ``scenarios.csv``, one or more ``{base}_instilled_selections.csv`` or
        ``{base}_instilled_latent_selections.csv``, and, where there are any, files of reports,
        targets, released weights and collection counts. A file's role is in its name; base
        models, scenarios, attributes and trials may be any number. Unless given, the command
        line's default: ``$SELFINTERP_DATA``, else the fetched copy of the paper's data.

    Returns
    -------
    Study
        Its `notices` name every file without a role, every set left out, and every oddity.

    Raises
    ------
    InputError
        The folder is no study, or a file in it is wrong; the message names file, row (the line
        of the file on which it begins, the header being line 1), column and value. Or none is
        given and the paper's data have not been fetched.

    Examples
    --------
    >>> from selfinterp_stats import load_study
    >>> study = load_study("study")
    >>> study.choices[["base_model", "set", "scenario", "selection"]].shape
    (480, 4)
    """
    named = paper_data_folder() if folder is None else folder
    return _Folder(Path(named), fspath(named)).load()


class _Folder:
    """The reading of one folder: what was read so far, and what there is to say about it."""

    def __init__(self, path: Path, source: str) -> None:
        self.path = path
        self.source = source
        self.hashes: dict[str, str] = {}
        self.notices: list[Notice] = []

    def load(self) -> Study:
        names = self._names()
        roles, others = roles_of(names)
        self._refuse_no_study(names, roles)
        self._refuse_two_of_a_kind(roles)
        if others:
            message = (
                "These files have no role in a study and were not read: "
                f"{', '.join(map(repr, others))}."
            )
            self.notices.append(Notice("info", message, count=len(others)))

        scenarios = read_scenarios(self._open(SCENARIOS_FILE))
        choices, reports, released = [], [], []
        for role in roles:
            file = self._open(role.file)
            if role.kind == "choices":
                frame, notices = frames.read_choices(
                    file, scenarios, base_model=role.base_model, set_name=role.set
                )
                choices.append(frame)
            elif role.kind == "reports":
                frame, notices = frames.read_reports(
                    file,
                    scenarios,
                    base_model=role.base_model,
                    set_name=role.set,
                    condition=role.condition,
                    fold=role.fold,
                )
                reports.append(frame)
            else:
                frame, notices = self._released(file, scenarios, role)
                released.append(frame)
            self.notices.extend(notices)
        targets = self._targets(scenarios) if TARGETS_FILE in names else None
        counts = self._counts() if COUNTS_FILE in names else frames.empty_counts()
        return assemble(
            self.source,
            scenarios,
            choices=choices,
            reports=reports,
            targets=targets,
            released=[frame for frame in released if len(frame)],
            counts=counts,
            notices=self.notices,
            hashes=self.hashes,
        )

    def _names(self) -> list[str]:
        try:
            entries = sorted(self.path.iterdir())
        except OSError as error:
            raise InputError(
                f"the study folder cannot be read: {error.strerror or error}",
                file=self.source,
                allowed=_LAYOUT,
                remedy=(
                    "Give the folder that holds the file."
                    if self.path.is_file()
                    else "Check the path."
                ),
            ) from error
        if not entries:
            raise InputError(
                "the study folder is empty",
                file=self.source,
                allowed=_LAYOUT,
                remedy="Check the path; `selfinterp fetch` gets the paper's data.",
            )
        names = [entry.name for entry in entries]
        for name in names:
            if name.endswith(".csv") and not name.isprintable():
                raise InputError(
                    "a file name holds characters that cannot be printed",
                    file=self.source,
                    value=name,
                    allowed="names of printable characters, encoded as UTF-8",
                    remedy="Rename the file; names of base models are taken from file names.",
                )
        return names

    def _refuse_no_study(self, names: list[str], roles: list[Role]) -> None:
        has_scenarios = SCENARIOS_FILE in names
        has_choices = any(role.kind == "choices" for role in roles)
        if has_scenarios and has_choices:
            return
        if has_scenarios:
            problem = "the folder holds no file of choices"
        elif has_choices:
            problem = f"the folder holds no {SCENARIOS_FILE}"
        else:
            problem = "the folder is not a study"
        shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
        raise InputError(
            problem,
            file=self.source,
            value=shown,
            allowed=_LAYOUT,
            remedy="Check the path and the names of the files.",
        )

    def _refuse_two_of_a_kind(self, roles: list[Role]) -> None:
        keys = [(r.base_model, r.kind, r.set, r.condition, r.fold) for r in roles]
        for key, count in Counter(keys).items():
            if count > 1:
                twins = [role.file for role, k in zip(roles, keys, strict=True) if k == key]
                raise InputError(
                    f"{count} files are the same set of {key[0]}",
                    file=self.source,
                    value=", ".join(twins),
                    allowed="one file per base model, set, condition and fold",
                    remedy="Move all but one out of the folder.",
                )

    def _open(self, name: str) -> CsvFile:
        file = open_csv(self.path / name, name=name)
        self.hashes[name] = file.sha256
        self.notices.extend(notice_no_final_newline(file))
        return file

    def _targets(self, scenarios: Scenarios) -> pd.DataFrame:
        file = self._open(TARGETS_FILE)
        frame, notices = frames.read_weights(file, scenarios, prefix="attr", what="target weights")
        self.notices.extend(notices)
        return frame

    def _counts(self) -> pd.DataFrame:
        frame, notices = frames.read_counts(self._open(COUNTS_FILE))
        self.notices.extend(notices)
        return frame

    def _released(
        self, file: CsvFile, scenarios: Scenarios, role: Role
    ) -> tuple[pd.DataFrame, list[Notice]]:
        if not file.has_rows:
            message = f"{file.name} holds no weights, so nothing can be compared with them."
            empty = frames.empty_weights(scenarios.attributes, "base_model", "set")
            return empty, [Notice("left out", message, file.name, 0)]
        frame, notices = frames.read_weights(
            file, scenarios, prefix="b_attr", what="released weights"
        )
        frame.insert(0, "base_model", pd.Series([role.base_model] * len(frame), dtype="str"))
        frame.insert(1, "set", pd.Series([role.set] * len(frame), dtype="str"))
        return frame, notices

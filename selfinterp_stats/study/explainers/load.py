"""Read an explainer study from any number of files, of any of the kinds that there are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path, PurePath
from typing import Any, Final

import pandas as pd

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.explainers.jsonlines import FileRead, read_predictions
from selfinterp_stats.study.explainers.naming import FIELDS, Names, cell_names, read_manifest
from selfinterp_stats.study.explainers.study import (
    CELL_COLUMNS,
    ITEM_COLUMNS,
    ExplainerStudy,
    LeftOut,
)
from selfinterp_stats.study.explainers.tables import read_table
from selfinterp_stats.study.study import Notice

_CELL: Final = ["explainer", "target", "task", "condition", "run", "training_items"]
_PUBLISHED_CELL: Final = ["explainer", "target", "task", "condition"]
ITEMS_FILE: Final = "items.csv"
_JSON: Final = (".json", ".jsonl", ".ndjson")


def load_explainers(
    files: str | PathLike[str] | Iterable[str | PathLike[str]],
    *,
    names: Mapping[str, str] | None = None,
    manifest: str | PathLike[str] | None = None,
) -> ExplainerStudy:
    """Read what explainers said about targets.

    Parameters
    ----------
    files : path or iterable of path
        JSON Lines of the evaluation script (``.json``, ``.jsonl``), tidy tables of items, or
        tables of published cells (``.csv``). Of a folder, all JSON Lines are read; if it has
        none, its ``items.csv``.
    names : mapping of str to str, optional
        ``explainer``, ``target``, ``condition``, ``run``, ``training_items`` of all JSON Lines
        files; where they differ between files, use a manifest.
    manifest : path, optional
        Which file is about which explainer and target; see `read_manifest`.

    Returns
    -------
    ExplainerStudy
        With every row that was kept out, and why.

    Raises
    ------
    InputError
        A file cannot be read, mixes tasks, does not say whose it is, or has no usable row.

    Examples
    --------
    >>> import pandas as pd
    >>> from selfinterp_stats import load_explainers
    >>> table = {"explainer": list("aabb"), "target": "a", "item": [1, 2, 1, 2]}
    >>> table = pd.DataFrame({**table, "outcome": ["1", "0", "0", "?"], "task": "hint"})
    >>> table.to_csv("items.csv", index=False)
    >>> study = load_explainers("items.csv")
    >>> len(study.items), len(study.left_out)
    (3, 1)
    """
    paths = _paths([files] if isinstance(files, str | PathLike) else files)
    unknown = set(names or {}) - set(FIELDS)
    if unknown:
        raise InputError("no such name of a cell", value=min(unknown), allowed=", ".join(FIELDS))
    listed = read_manifest(Path(manifest)) if manifest is not None else {}
    items: list[pd.DataFrame] = []
    cells: list[pd.DataFrame] = []
    left_out: list[LeftOut] = []
    notices: list[Notice] = []
    sources: dict[str, str] = {}
    for path, name in _told_apart(paths).items():
        kind, read, found = _read_file(path, name, names or {}, listed)
        notices += found
        frame = pd.DataFrame(read.rows).assign(file=name)
        (items if kind == "items" else cells).append(frame)
        left_out += [row._replace(file=name) for row in read.left_out]
        sources[name] = read.sha256
    whole, repeated = _once(_joined(items, ITEM_COLUMNS), _CELL, "item")
    published, twice = _once(_joined(cells, CELL_COLUMNS), _PUBLISHED_CELL, None)
    published, scaled = _in_points(published)
    left_out += [*repeated, *twice]
    return ExplainerStudy(
        items=whole[list(ITEM_COLUMNS)],
        cells=published[list(CELL_COLUMNS)],
        left_out=tuple(left_out),
        notices=(*notices, *scaled, *_about_left_out(left_out)),
        sources=sources,
    )


def _paths(files: Iterable[str | PathLike[str]]) -> list[Path]:
    found: list[Path] = []
    for path in map(Path, files):
        if path.is_dir():
            inside = sorted(
                inner
                for inner in path.rglob("*")
                if inner.suffix == ".jsonl"
                or (inner.suffix == ".json" and inner.name.endswith("_predictions.json"))
            )
            inside = inside or [path / ITEMS_FILE] * (path / ITEMS_FILE).is_file()
            if not inside:
                raise InputError(
                    "the folder holds no predictions",
                    file=path,
                    allowed="files named ..._predictions.json or ....jsonl in it or below it, or "
                    f"{ITEMS_FILE}",
                )
            found += inside
        else:
            found.append(path)
    if not found:
        raise InputError("no file is given", allowed="at least one")
    times = Counter(path.resolve() for path in found)
    twice = next((path for path in found if times[path.resolve()] > 1), None)
    if twice is not None:
        raise InputError(
            "the file is given twice", file=twice, remedy="Leave out one of the two --data."
        )
    return found


def _told_apart(paths: list[Path]) -> dict[Path, str]:
    """Name each file by its last name and by no more folders than tell it from the others.

    Results are handed on, and nobody else has the folders above.
    """
    parts = {path: path.absolute().parts for path in paths}
    names: dict[Path, str] = {}
    depth = 1
    while len(names) < len(parts):
        ends = Counter(whole[-depth:] for whole in parts.values())
        for path, whole in parts.items():
            if path not in names and ends[whole[-depth:]] == 1:
                names[path] = PurePath(*whole[-depth:]).as_posix()
        depth += 1
    return {path: names[path] for path in paths}


def _read_file(
    path: Path, name: str, given: Mapping[str, str], listed: Mapping[str, Mapping[str, str]]
) -> tuple[str, FileRead, list[Notice]]:
    if path.suffix not in _JSON:
        return *read_table(path), []
    names = cell_names(path, given, listed)
    read = read_predictions(path, names)
    return "items", read, _about_names(name, names, read.rows[0])


def _about_names(file: str, names: Names, row: Mapping[str, Any]) -> list[Notice]:
    """Say which names a path was taken to give, where they were used."""
    used = {name: row[name] for name in names.given}
    if names.source != "path" or used != names.given:
        return []
    message = f"{file}: by its path, {row['explainer']} explains {row['target']}."
    return [Notice("info", message, file)]


def _joined(frames: list[pd.DataFrame], columns: tuple[str, ...]) -> pd.DataFrame:
    if not frames:
        return pd.DataFrame(columns=[*columns, "file", "row"])
    return pd.concat(frames, ignore_index=True)


def _once(
    rows: pd.DataFrame, cell: list[str], item: str | None
) -> tuple[pd.DataFrame, list[LeftOut]]:
    """Keep the first of rows about the same item of the same cell."""
    again = rows.duplicated([*cell, item] if item else cell)
    what = "the item is repeated within its cell" if item else "the cell is repeated"
    left_out = [
        LeftOut(row.file, int(row.row), what, str(getattr(row, item or "explainer")))
        for row in rows[again].itertuples(index=False)
    ]
    return rows[~again].reset_index(drop=True), left_out


def _in_points(cells: pd.DataFrame) -> tuple[pd.DataFrame, list[Notice]]:
    """Shares as percentage points."""
    if not len(cells) or (cells["value"].abs() > 1).any():
        return cells, []
    message = "no published value exceeds 1: they are read as shares, times 100 as points."
    in_points = cells.assign(value=100 * cells["value"], se=100 * cells["se"])
    return in_points, [Notice("info", message)]


def _about_left_out(left_out: list[LeftOut]) -> list[Notice]:
    table = ExplainerStudy(pd.DataFrame(), pd.DataFrame(), tuple(left_out)).left_out_table()
    return [
        Notice(
            "left out",
            f"{row.file}: {row.rows:,} row{'s' if row.rows > 1 else ''} kept out, the first in "
            f"line {row.first_row}: {row.reason}"
            + (f" (found {row.example!r})." if row.example else "."),
            file=row.file,
            count=int(row.rows),
        )
        for row in table.itertuples(index=False)
    ]

"""Which explainer and which target a file is about.

In this order: options, a manifest, ``collection.json`` beside the file, the file's own path. Rows
that name the two themselves need none of them.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvtext import decode

FIELDS: Final = ("explainer", "target", "condition", "run", "training_items")
_BESIDE: Final = "collection.json"
_PREDICTIONS: Final = re.compile(r"_predictions\.jsonl?$")
_PAIR: Final = re.compile(r"^(?P<explainer>.+?)_explains_(?P<target>.+)$")


@dataclass(frozen=True)
class Names:
    """Names of the cell that a file belongs to.

    Attributes
    ----------
    given : dict of str to str
        Any of `FIELDS`.
    source : str
        Where they come from: ``options``, ``manifest``, ``path``, or empty.
    """

    given: dict[str, str] = field(default_factory=dict)
    source: str = ""


def cell_names(
    path: Path, given: Mapping[str, str], manifest: Mapping[str, Mapping[str, str]]
) -> Names:
    """Find what a file is about, as far as that can be told without opening it.

    Parameters
    ----------
    path : pathlib.Path
    given : mapping of str to str
        Names for all files, from options.
    manifest : mapping of str to mapping
        As from `read_manifest`.
    """
    listed = dict(manifest.get(str(path), manifest.get(path.name, {})))
    beside = path.parent / _BESIDE
    if not listed and beside.is_file():
        listed = dict(read_manifest(beside).get(path.name, {}))
    if given or listed:
        return Names({**listed, **given}, "options" if given else "manifest")
    found = _from_path(path)
    return Names(found, "path" if found else "")


def read_manifest(path: Path) -> dict[str, dict[str, str]]:
    """Read a manifest: which file is about which explainer and target.

    Parameters
    ----------
    path : pathlib.Path
        CSV with the columns file, explainer, target and perhaps condition, run, training_items;
        or JSON with the same as objects, in a list or under ``pairs``.

    Returns
    -------
    dict of str to dict
        By file, as the manifest spells it.

    Raises
    ------
    InputError
        It cannot be read, or a row lacks its file, explainer or target.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"the manifest cannot be read: {error.strerror or error}",
            file=path,
            remedy="Check that it exists, is a file and may be read by you.",
        ) from error
    text = decode(data, str(path))
    try:
        if path.suffix == ".json":
            loaded = json.loads(text)
            listed = loaded.get("pairs") if isinstance(loaded, dict) else loaded
        else:
            listed = list(csv.DictReader(text.splitlines()))
    except (ValueError, RecursionError, csv.Error) as error:
        kind = "JSON" if path.suffix == ".json" else "CSV"
        raise InputError(
            f"the manifest is no {kind}: {error}", file=path, remedy="Correct it."
        ) from error
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise InputError(
            "the manifest lists no files",
            file=path,
            allowed="rows (CSV) or objects (JSON) with file, explainer and target",
        )
    return dict(_entry(entry, number, path) for number, entry in enumerate(listed, 1))


def _entry(entry: Mapping[str, Any], number: int, path: Path) -> tuple[str, dict[str, str]]:
    for name in ("file", "explainer", "target"):
        if not entry.get(name):
            raise InputError(
                f"entry {number} of the manifest has no {name}",
                file=path,
                allowed="file, explainer and target in every entry",
            )
    names = {name: str(entry[name]) for name in FIELDS if entry.get(name) not in (None, "")}
    return str(entry["file"]), names


def _from_path(path: Path) -> dict[str, str]:
    """Names in ``A_explains_B...`` of the file or its folder, or in ``A/B/<task>_predictions``."""
    for stem in (_without_task(path.name), path.parent.name):
        if pair := _PAIR.match(stem):
            return pair.groupdict()
    folders = path.parts[:-1]
    if _PREDICTIONS.search(path.name) and len(folders) >= 2:
        return {"explainer": folders[-2], "target": folders[-1]}
    return {}


def _without_task(name: str) -> str:
    """A file's name without the task at its end, as far as the task is one of the three."""
    stem = re.sub(r"\.jsonl?$", "", name)
    return re.sub(
        r"(_(hint_attribution|hint|causal_act_patch|act_patch|token_comparison|features?))?"
        r"(_predictions)?$",
        "",
        stem,
    )

"""The data: which folder a command reads when none is named, and whether it is the paper's."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from selfinterp_stats.cli.checkup.finding import Finding, failed, ok, warning
from selfinterp_stats.study.fetch import DATA_VARIABLE, default_destination
from selfinterp_stats.study.paper import is_paper_file, paper_hashes


def data() -> Finding:
    """The default study folder."""
    named = os.environ.get(DATA_VARIABLE)
    return _named(Path(named)) if named else _fetched(default_destination())


def _named(folder: Path) -> Finding:
    if not folder.is_dir():
        return failed(
            "data",
            f"${DATA_VARIABLE} names {folder}, which is not a folder",
            f"Correct {DATA_VARIABLE}, or unset it.",
            folder=str(folder),
        )
    right, wrong, missing = _compared(folder)
    counts = {"right": len(right), "wrong": wrong, "missing": missing}
    about = f"${DATA_VARIABLE} names {folder}"
    if not right:
        return ok(
            "data",
            f"{about}: not the paper's data; a command that reads it checks it",
            folder=str(folder),
            **counts,
        )
    if wrong or missing:
        return warning(
            "data",
            f"{about}: {_difference(wrong, missing)}",
            "If they are meant to be the paper's data: selfinterp fetch --dest with that folder.",
            folder=str(folder),
            **counts,
        )
    return ok("data", f"{about}: {_all_right()}", folder=str(folder), **counts)


def _fetched(folder: Path) -> Finding:
    right, wrong, missing = _compared(folder) if folder.is_dir() else ([], [], [*paper_hashes()])
    counts = {"right": len(right), "wrong": wrong, "missing": missing}
    if len(missing) == len(paper_hashes()):
        return warning(
            "data",
            f"the paper's data have not been fetched; they would be in {folder}",
            "To refit the paper: selfinterp fetch",
            folder=str(folder),
            **counts,
        )
    if wrong or missing:
        return failed(
            "data",
            f"the fetched copy in {folder}: {_difference(wrong, missing)}",
            "Get them again: selfinterp fetch",
            folder=str(folder),
            **counts,
        )
    return ok("data", f"fetched to {folder}: {_all_right()}", folder=str(folder), **counts)


def _compared(folder: Path) -> tuple[list[str], list[str], list[str]]:
    """The paper's files by name: those as released, those that differ, those that are missing."""
    right, wrong, missing = [], [], []
    for name in paper_hashes():
        path = folder / name
        if not path.is_file():
            missing.append(name)
        elif is_paper_file(name, hashlib.sha256(path.read_bytes()).hexdigest()):
            right.append(name)
        else:
            wrong.append(name)
    return right, wrong, missing


def _difference(wrong: list[str], missing: list[str]) -> str:
    parts = []
    for names, verb in ((wrong, "differ from the paper's"), (missing, "are missing")):
        if names:
            shown = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
            parts.append(f"{len(names)} of {len(paper_hashes())} files {verb} ({shown})")
    return "; ".join(parts)


def _all_right() -> str:
    return f"the paper's {len(paper_hashes())} files, every hash as published"

"""The columns of tidy files: what they are called here and what a user's file calls them.

It reads headers and no rows.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from typing import Final

from selfinterp_stats.errors import InputError
from selfinterp_stats.study.csvfile import CsvFile

# Standard columns by file; # stands for the number of an attribute, from 1.
STANDARD: Final = {
    "choices": (
        "base_model",
        "set",
        "model",
        "scenario",
        "selection",
        "A_attr#",
        "B_attr#",
        "d#",
        "attr#_min",
        "attr#_max",
    ),
    "reports": (
        "base_model",
        "set",
        "condition",
        "fold",
        "explaining_model",
        "scenario",
        "report_attr#",
    ),
    "scenarios": ("scenario", "question", "attr#", "attr#_min", "attr#_max"),
    "targets": ("scenario", "attr#"),
}

_FORM: Final = "standard=theirs or FILE.standard=theirs, FILE one of " + ", ".join(STANDARD)


def parse_mapping(text: str) -> dict[str, str]:
    """A column mapping as typed on a command line.

    Parameters
    ----------
    text : str
        ``standard=theirs,standard=theirs``. A name that holds a comma is put in double quotes
        together with its standard name: ``"selection=chosen, if any"``.

    Returns
    -------
    dict of str to str
        Standard name to the file's own name; see `load_tidy`.

    Raises
    ------
    InputError
        A part has no ``=``, a standard name is unknown or given twice.
    """
    mapping: dict[str, str] = {}
    for part in next(csv.reader([text], skipinitialspace=True), []):
        standard, equals, theirs = (piece.strip() for piece in part.partition("="))
        if not (standard and equals and theirs):
            raise InputError(
                "the column mapping cannot be read",
                value=part,
                allowed=f"parts of the form {_FORM}, separated by commas",
                remedy="For example: scenario=item,selection=choice,reports.scenario=context.",
            )
        if standard in mapping:
            raise InputError(
                "the column mapping gives a standard name twice",
                value=standard,
                allowed="every standard name once",
                remedy="Put the file before the name (choices.scenario=...) if two files differ.",
            )
        mapping[standard] = theirs
    check_mapping(mapping)
    return mapping


def check_mapping(mapping: Mapping[str, str]) -> None:
    """Refuse standard names that no file has.

    Raises
    ------
    InputError
        Lists the names that there are.
    """
    for key in mapping:
        kind, name = _split(key)
        kinds = STANDARD if kind is None else (kind,)
        if not any(_is_standard(k, name) for k in kinds):
            raise InputError(
                "the column mapping has an unknown standard name",
                value=key,
                allowed="; ".join(
                    f"{k}: {', '.join(name.replace('#', '1') for name in names)}"
                    for k, names in STANDARD.items()
                ),
                remedy="Attributes are numbered from 1: A_attr1, A_attr2, ...",
            )


def apply_mapping(files: Mapping[str, CsvFile], mapping: Mapping[str, str]) -> dict[str, CsvFile]:
    """Rename the columns of tidy files to those of a study folder's files.

    Parameters
    ----------
    files : mapping of str to CsvFile
        By kind: "choices", "reports", "scenarios", "targets".
    mapping : mapping of str to str
        Standard name to the file's own. A name with a file before it (``reports.scenario``) holds
        for that file alone. A name without one holds for every file that has such a column, so
        that files which use the standard name may be mixed with files which do not.

    Returns
    -------
    dict of str to CsvFile

    Raises
    ------
    InputError
        A standard name is unknown, a mapped column is nowhere to be found, or a column is given
        two meanings.
    """
    check_mapping(mapping)
    for key, theirs in mapping.items():
        _refuse_absent(key, theirs, files)
    return {kind: _rename(kind, file, mapping) for kind, file in files.items()}


def _rename(kind: str, file: CsvFile, mapping: Mapping[str, str]) -> CsvFile:
    aliases: dict[str, str] = {}
    for key, theirs in mapping.items():
        of, name = _split(key)
        if of not in (None, kind) or not _is_standard(kind, name):
            continue
        if of == kind or theirs in file.labels:
            aliases[name] = theirs
    meanings: dict[str, str] = {}
    for name, theirs in aliases.items():
        if theirs in meanings:
            raise InputError(
                f"the column mapping takes this column for {meanings[theirs]} and for {name}",
                file=file.name,
                row=1,
                column=theirs,
                allowed="one meaning per column",
                remedy="Take one of the two out of the mapping, or copy the column in the file.",
            )
        meanings[theirs] = name
    # Options are A_attr1 in a tidy file and A_attribute_1 in a study folder's.
    for label in file.labels:
        if re.fullmatch(r"[AB]_attr[1-9]\d*", label) and label not in meanings:
            aliases.setdefault(label, label)
            # Its counterpart too, by the name that a message about it should use.
            other = f"{'AB'[label[0] == 'A']}{label[1:]}"
            aliases.setdefault(other, other)
    return file.renamed(
        {
            re.sub(r"^([AB])_attr(\d+)$", r"\1_attribute_\2", name): own
            for name, own in aliases.items()
        }
    )


def _refuse_absent(key: str, theirs: str, files: Mapping[str, CsvFile]) -> None:
    kind, name = _split(key)
    if kind is not None and kind not in files:
        raise InputError(
            "the column mapping speaks of a file that was not given",
            value=f"{key}={theirs}",
            allowed=", ".join(files),
            remedy="Give the file, or take this part out of the mapping.",
        )
    searched = {k: file for k, file in files.items() if kind in (None, k) and _is_standard(k, name)}
    with_header = [file for file in searched.values() if file.header]
    if with_header and not any(theirs in file.labels for file in with_header):
        raise InputError(
            "the column mapping names a column that is not there",
            file=with_header[0].name,
            row=1,
            column=theirs,
            value=f"{key}={theirs}",
            allowed=", ".join(label for label in with_header[0].labels if label),
            remedy="Give the column's name exactly as in the first line of the file.",
        )


def _split(key: str) -> tuple[str | None, str]:
    kind, dot, name = key.partition(".")
    return (kind, name) if dot and kind in STANDARD else (None, key)


def _is_standard(kind: str, name: str) -> bool:
    return re.sub(r"[1-9]\d*", "#", name, count=1) in STANDARD[kind]

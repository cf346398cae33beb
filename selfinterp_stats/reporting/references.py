"""The works that a result rests on: kept as BibTeX, cited by key, told to readers in a line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Final

from selfinterp_stats.reporting import html

_FILE: Final = "references.bib"
_ENTRY: Final = re.compile(r"^@\w+\{([\w-]+),\n(.*?)^\}$", re.MULTILINE | re.DOTALL)
_FIELD: Final = re.compile(r"^  (\w+) = \{(.*)\},$", re.MULTILINE)
_WRITTEN: Final = {
    r"{\"u}": "ü",
    r"{\"a}": "ä",
    r"{\'a}": "á",
    r"{\v{r}}": "ř",
    r"\&": "&",
    r"$\widehat{R}$": "R-hat",
}
_SEVERAL: Final = 3
# The field that says where a work appeared, by its kind.
_WHERE: Final = ("journal", "booktitle", "publisher", "howpublished")


@dataclass(frozen=True)
class Reference:
    """One work.

    Attributes
    ----------
    key : str
        By which it is cited.
    bibtex : str
        Its entry.
    fields : dict of str to str
        Those of the entry, as plain text.
    """

    key: str
    bibtex: str
    fields: dict[str, str]

    @property
    def families(self) -> list[str]:
        """The authors' family names."""
        return [author.split(", ")[0] for author in self.fields["author"].split(" and ")]

    @property
    def short(self) -> str:
        """Authors and year, for a sentence."""
        names = self.families
        if len(names) >= _SEVERAL:
            names = [f"{names[0]} et al."]
        return f"{' & '.join(names)} {self.fields['year']}"

    @property
    def line(self) -> str:
        """The whole reference, for a list."""
        told = self.fields
        authors = "; ".join(told["author"].split(" and "))
        where = next(told[name] for name in _WHERE if name in told)
        if "volume" in told:
            number = f"({told['number']})" if "number" in told else ""
            where += f" {told['volume']}{number}, {told['pages'].replace('--', '–')}"
        doi = f" doi:{told['doi']}" if "doi" in told else ""
        return f"{authors} ({told['year']}). {told['title']}. {where}.{doi}"


@cache
def all_references() -> dict[str, Reference]:
    """Every work that any result may rest on, by key."""
    text = html.resource(_FILE)
    return {
        found[1]: Reference(found[1], found[0], dict(map(_plain_field, _FIELD.findall(found[2]))))
        for found in _ENTRY.finditer(text)
    }


def bibliography(keys: Iterable[str]) -> str:
    """Give the BibTeX of the works with these keys."""
    known = all_references()
    return "\n\n".join(known[key].bibtex for key in keys) + "\n"


def _plain_field(field: tuple[str, str]) -> tuple[str, str]:
    name, text = field
    for written, letter in _WRITTEN.items():
        text = text.replace(written, letter)
    return name, re.sub(r"[{}]", "", text)

"""What every page is made of: one template, one style, one script, and where a result came from.

Pages ask no other host for anything: style, script, figures and data are in them. Everything that
a template places is escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from selfinterp_stats.reporting import cells, rounding, svg

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

    from selfinterp_stats.reporting.methods_section import MethodsSection
    from selfinterp_stats.study import Study

_TEMPLATES: Final = "selfinterp_stats.reporting"
_HYPHENED: Final = re.compile(r"(\w[\w.]*(?:-[\w.]*\w){2,})")
# In letters: what fits a line of a telephone's screen.
_LONGEST_NAME: Final = 30
SCRIPTS: Final = ("theme.js", "tables.js")
_TOLD_ELSEWHERE: Final = ("package", "diagnostics", "notices", "dropped", "left_out")


def render(
    name: str,
    run: Mapping[str, Any],
    methods: MethodsSection,
    *,
    scripts: tuple[str, ...] = SCRIPTS,
    **values: Any,
) -> str:
    """Write a page.

    Parameters
    ----------
    name : str
        Of its template.
    run : mapping
        What ``run.json`` will hold.
    methods : MethodsSection
        How the results were got.
    scripts : tuple of str
        Files of JavaScript.
    **values
        What the template places.

    Returns
    -------
    str
        A whole, self-contained HTML document.
    """
    from markupsafe import Markup

    page = template(name).render(
        methods=methods,
        provenance=provenance_facts(run),
        seed=run["seed"],
        version=cells.text(run.get("version")),
        styles=Markup(resource("page.css")),
        script=Markup("\n".join(map(resource, scripts))),
        **values,
    )
    return svg.sharing_outlines(page)


@cache
def template(name: str) -> Template:
    """Read one of the page templates; everything that goes into it is escaped."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        loader=FunctionLoader(resource),
    )
    environment.filters["names_whole"] = names_whole
    return environment.get_template(name)


def names_whole(sentence: str) -> Markup:
    """Keep names such as ``gpt-4o-mini-2024-07-18`` from being broken at a hyphen."""
    from markupsafe import Markup, escape

    kept = '<span class="name">{}</span>'
    parts = _HYPHENED.split(sentence)
    return Markup("").join(
        Markup(kept).format(part) if place % 2 and len(part) <= _LONGEST_NAME else escape(part)
        for place, part in enumerate(parts)
    )


def resource(name: str) -> str:
    """Read a template, style or script."""
    return files(_TEMPLATES).joinpath("templates", name).read_text(encoding="utf-8")


def notices_of(study: Study) -> list[dict[str, str]]:
    """Give what of the input is odd or left out."""
    return [
        {
            "kind": notice.kind,
            "message": notice.message,
            "file": "" if cells.text(notice.file) in notice.message else cells.text(notice.file),
        }
        for notice in study.notices
    ]


def provenance_facts(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give what `run.json` holds as a list of plain facts and named groups of them."""
    facts = []
    for name, value in run.items():
        if name in _TOLD_ELSEWHERE or value is None or value in ("", [], {}):
            continue
        inner = [
            (without_folders("", key), without_folders(key, text))
            for key, text in _flattened(value)
        ]
        facts.append({"name": name.replace("_", " "), "facts": inner})
    # What is one line each comes first; long lists such as hashes fold away behind it.
    return sorted(facts, key=lambda fact: len(fact["facts"]) > 1)


def without_folders(name: str, text: str) -> str:
    """Give a path's last name only: a page is handed on, and nobody else has those folders."""
    return PurePath(text).name or text if name == "source" or PurePath(text).is_absolute() else text


def _flattened(value: object, prefix: str = "") -> list[tuple[str, str]]:
    if isinstance(value, Mapping):
        return [
            pair
            for name, inner in value.items()
            for pair in _flattened(inner, f"{prefix} · {name}" if prefix else str(name))
        ]
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        return [
            pair
            for place, item in enumerate(value, start=1)
            for pair in _flattened(item, f"{prefix} · {place}" if prefix else str(place))
        ]
    if isinstance(value, list | tuple):
        return [(prefix, ", ".join(plain(item) for item in value))]
    return [(prefix, plain(value))]


def plain(value: object) -> str:
    """Write a value that JSON knows for readers."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return rounding.whole(value) if value.is_integer() else rounding.written(value, 3)
    return cells.text(value)

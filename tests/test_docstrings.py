"""Public docstrings are in numpydoc form and say what the code has: no more, no less."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from textwrap import dedent

import pytest

import selfinterp_stats

griffe = pytest.importorskip("griffe", reason="mkdocstrings is not installed (extra `docs`)")

ROOT = Path(__file__).resolve().parents[1]
PAGES = ROOT / "docs" / "python"
ORDER = (
    "parameters",
    "attributes",
    "returns",
    "yields",
    "raises",
    "warns",
    "see also",
    "notes",
    "references",
    "examples",
)
# What takes no method from anywhere: it reads files, or passes an error on.
WITHOUT_SOURCE = {"fetch_paper_data", "load_explainers", "load_study", "load_tidy"}


def documented() -> list[str]:
    """Everything that a page of the reference documents."""
    return sorted(
        name
        for page in PAGES.glob("*.md")
        for name in re.findall(r"^::: (\S+)", page.read_text(), re.MULTILINE)
    )


@cache
def package():
    return griffe.load("selfinterp_stats", search_paths=[ROOT])


def found(name: str):
    thing = package()[name.removeprefix("selfinterp_stats.")]
    return thing.final_target if thing.is_alias else thing


def methods_of(thing) -> dict:
    """Public methods of a class; properties are attributes."""
    return {
        name: member
        for name, member in thing.members.items()
        if member.is_function and not name.startswith("_")
    }


def attributes_of(thing) -> list:
    """Attributes of a class itself, properties among them."""
    return [member for member in thing.members.values() if member.is_attribute]


FUNCTIONS = [name for name in documented() if found(name).is_function]
CLASSES = [name for name in documented() if found(name).is_class]
CALLABLE = [
    *FUNCTIONS,
    *(f"{name}.{method}" for name in CLASSES for method in methods_of(found(name))),
]


def sections_of(name: str) -> dict[str, list]:
    """What each section of a docstring lists; of References, which griffe only shows, nothing."""
    docstring = found(name).docstring
    assert docstring is not None, f"{name} has no docstring"
    sections = {}
    for section in docstring.parse("numpy", warnings=False):
        kind, listed = section.kind.value, section.value
        if kind == "admonition":
            kind, listed = section.title.lower(), []
        sections[kind] = listed
    return sections


def named_in(listed: list) -> list[str]:
    """Names of a section; one entry may be about several."""
    return [name for one in listed for name in one.name.split(", ")]


def test_every_page_is_about_something_public():
    names = {name.rpartition(".")[2] for name in documented()}
    assert set(selfinterp_stats.__all__) - {"__version__"} <= names


@pytest.mark.parametrize("name", [*CLASSES, *CALLABLE])
def test_a_docstring_begins_with_one_sentence_and_keeps_numpydoc_s_order(name):
    first, _, rest = found(name).docstring.value.partition("\n")
    assert first.endswith(".")
    assert rest.partition("\n")[0] == ""
    kinds = [kind for kind in sections_of(name) if kind != "text"]
    assert kinds == sorted(kinds, key=ORDER.index)


def check_parameters(name: str, parameters) -> None:
    stars = {"variadic positional": "*", "variadic keyword": "**"}
    taken = [
        stars.get(one.kind.value, "") + one.name
        for one in parameters
        if one.name not in {"self", "cls"}
    ]
    listed = sections_of(name).get("parameters", [])
    assert named_in(listed) == taken
    assert [one.name for one in listed if not (one.annotation and one.description)] == []


@pytest.mark.parametrize("name", CALLABLE)
def test_a_function_documents_its_parameters_and_only_those(name):
    check_parameters(name, found(name).parameters)


# Attributes of a dataclass are its parameters, and are documented once.
@pytest.mark.parametrize("name", [one for one in CLASSES if "dataclass" not in found(one).labels])
def test_a_class_documents_what_it_is_made_of(name):
    check_parameters(name, found(name).parameters)


@pytest.mark.parametrize("name", CALLABLE)
def test_a_function_says_what_it_returns(name):
    given = str(found(name).returns)
    kind = "yields" if given.startswith("Iterator") else "returns"
    listed = sections_of(name).get(kind, [])
    assert bool(listed) == (given != "None")
    assert [one.annotation for one in listed if not one.description] == []


@pytest.mark.parametrize("name", CALLABLE)
def test_a_function_says_what_it_raises(name):
    tree = ast.parse(dedent(found(name).source))
    raised = {
        ast.unparse(node.exc.func)
        for node in ast.walk(tree)
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call)
    }
    listed = sections_of(name).get("raises", [])
    documented_errors = {one.rpartition(".")[2] for one in CLASSES}
    assert raised <= {str(one.annotation) for one in listed} <= documented_errors
    assert [one.annotation for one in listed if not one.description] == []


@pytest.mark.parametrize("name", CLASSES)
def test_a_class_documents_its_attributes_and_only_those(name):
    thing = found(name)
    own, inherited = (
        {one.name for base in bases for one in attributes_of(base) if one.is_public}
        for bases in ([thing], [found(one.canonical_path) for one in thing.resolved_bases])
    )
    listed = sections_of(name).get("attributes", [])
    said = named_in(listed)
    assert sorted(said) == sorted(set(said))
    assert [one.name for one in listed if not one.description] == []
    # A property may say it itself.
    properties = {one.name for one in attributes_of(thing) if one.docstring is not None}
    assert own <= {*said, *properties} <= own | inherited


@pytest.mark.parametrize("name", sorted(set(selfinterp_stats.__all__) - {"__version__"}))
def test_what_is_imported_from_the_package_has_an_example(name):
    sections = sections_of(f"selfinterp_stats.{name}")
    assert "examples" in sections
    if found(name).is_function:
        assert "raises" in sections
        assert ("references" in sections) == (name not in WITHOUT_SOURCE)

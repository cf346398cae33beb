"""Tables compile as they are, stay inside the page, and bear any name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from sample import sample_results
from typesetting import check_latex, document, faults, needs_latex, typeset

from selfinterp_stats.reporting import latex, layout, tables
from selfinterp_stats.reporting.latex_text import breakable, escape_latex
from selfinterp_stats.reporting.methods import methods

REPORTS = Path(__file__).resolve().parents[2] / "reports"
ODD = r"50% _a_ b&c #1 ~x \cmd {y} 2^3 $z$ <t> | [o] * −1 ±2 “q” ’ – é ñ Łódź ß ğ α Ω … → 模 ﬁ"
PACKAGES = {"array", "booktabs", "longtable", "pdflscape"}


def table(rows, align="lr", header=("name", "figure"), **options):
    groups = [("group", cells) for cells in rows]
    return layout.ReadingTable("t", "A caption", "group", header, align, groups, **options)


def packages(text: str) -> set[str]:
    return set(re.match(r"% needs \\usepackage\{([\w,]+)\}\n", text)[1].split(","))


def test_a_short_table_floats_and_a_long_one_breaks_over_pages():
    short, long = (latex.to_latex(table([("a", "1")] * n)) for n in (5, 80))
    assert packages(short) == {"booktabs"}
    assert packages(long) == {"booktabs", "longtable"}
    assert r"\begin{table}" in short
    assert r"\begin{longtable}" in long
    assert r"\begin{longtable}" in latex.to_latex(table([("a", "1")]), long=True)


def test_text_wraps_where_it_would_leave_the_page():
    sentence = "one word after the other " * 8
    text = latex.to_latex(table([(sentence, "1")]))
    assert packages(text) == {"array", "booktabs"}
    width = float(re.search(r"p\{([\d.]+)\\linewidth\}r@", text)[1])
    assert 0.85 < width < 1


def test_a_table_of_many_figures_is_turned_on_its_side():
    figures = ("0.123",) * 18
    text = latex.to_latex(table([("a", *figures)], "l" + "r" * 18, ("name", *figures)))
    assert packages(text) == {"booktabs", "longtable", "pdflscape"}


def test_any_text_becomes_ascii_and_keeps_every_letter_that_fonts_have():
    assert escape_latex(ODD).isascii()
    assert escape_latex("Łódź") == r"\L{}\'{o}d\'{z}"
    assert escape_latex("a\nb\tc") == "a b c"
    assert escape_latex("模") == "(U+6A21)"
    assert escape_latex("ﬁ") == "fi"
    assert escape_latex("\x00\u200b") == ""
    assert breakable("a_b/c _") == r"a\_\allowbreak{}b/\allowbreak{}c \_"


@needs_latex
def test_methods_and_tables_of_a_report_compile_and_fit(paper, tmp_path):
    result = tmp_path / "result"
    (result / "tables").mkdir(parents=True)
    tables.write_tables(paper, result / "tables")
    methods(paper).write(result)
    for path in (result / "tables").glob("*.tex"):
        assert packages(path.read_text()) <= PACKAGES
    check_latex(result, tmp_path)


@needs_latex
def test_names_of_any_letters_compile(tmp_path):
    results = sample_results((ODD, "a_very_" * 9 + "long_name"), paper=False)
    results.weights["attribute_name"] = ODD
    tables.write_tables(results, tmp_path)
    for path in sorted(tmp_path.glob("*.tex")):
        log = typeset(document(path), tmp_path)
        assert not re.findall("Missing character.*", log)


@needs_latex
@pytest.mark.parametrize("name", sorted(path.parent.name for path in REPORTS.glob("*/tables")))
def test_what_is_committed_compiles_and_fits(name, tmp_path):
    check_latex(REPORTS / name, tmp_path)


@needs_latex
@pytest.mark.parametrize("rows", [3, 60])
def test_a_table_with_everything_in_it_stays_on_the_page(tmp_path, rows):
    cells = (ODD, "gpt-4o-mini-2024-07-18 − gpt-4o-2024-08-06", "[−0.123, 0.456]", "x" * 20)
    wide = table(
        [cells] * rows,
        "pprl",
        ("what it is", "base model", "95% HDI", "a head\nin two lines"),
        notes=("A note with a_long_name_of_a_file_in_it_" * 3 + "and_more.csv.", ODD),
    )
    path = tmp_path / "t.tex"
    path.write_text(latex.to_latex(wide))
    assert faults(typeset(document(path), tmp_path)) == []

"""Tables: contract columns for machines, named intervals and safe text for readers."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from types import SimpleNamespace

import pandas as pd
import pytest
from sample import HOSTILE

from selfinterp_stats.reporting import cells, layout, reading, tables

WITH_NAMES = ("paper_numbers", "weights", "correlations")


@pytest.fixture(scope="module")
def written(paper, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    tables.write_tables(paper, folder)
    return folder


@pytest.fixture(scope="module")
def written_hostile(other_study, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables")
    tables.write_tables(other_study, folder)
    return folder


@pytest.mark.parametrize("name", ["paper_numbers", "weights", "correlations"])
def test_csv_holds_full_precision(written, paper, name):
    read = pd.read_csv(written / f"{name}.csv")
    for column in ("hdi_low", "hdi_high"):
        pd.testing.assert_series_equal(read[column], getattr(paper, name)[column], check_exact=True)


def test_a_frame_without_a_column_that_comes_first_is_refused(paper):
    with pytest.raises(KeyError, match="lacks the columns weight"):
        tables.csv_text(paper.weights.drop(columns="weight"), ("base_model", "weight"))


@pytest.mark.parametrize("name", ["weights", "correlations"])
def test_the_head_says_kind_and_probability_of_every_interval(written, name):
    head = (written / f"{name}.md").read_text().splitlines()[2]
    assert "| 95% HDI |" in head
    assert "| 95% ETI |" in head
    assert "| share of 95% HDI in ROPE [−0.1, 0.1] |" in head
    latex = (written / f"{name}.tex").read_text()
    assert r"95\% HDI" in latex
    assert r"95\% ETI" in latex
    assert r"{[}$-$0.1, 0.1]" in latex


def test_the_head_follows_the_settings(paper):
    asked = replace(paper, settings=SimpleNamespace(hdi_prob=0.89, rope=(-0.2, 0.3)))
    for table in (reading.correlations_table(asked), reading.weights_table(asked)):
        assert "89% HDI" in table.header
        assert "share of\n89% HDI\nin ROPE\n[−0.2, 0.3]" in table.header
    numbers = reading.paper_numbers_table(asked)
    assert "89% HDI" in numbers.header
    assert "paper’s\n95% HDI" in numbers.header


def test_rows_of_markdown_have_as_many_cells_as_the_head(written, written_hostile):
    for path in (*written.glob("*.md"), *written_hostile.glob("*.md")):
        rows = [line for line in path.read_text().splitlines() if line.startswith("|")]
        assert len({len(re.findall(r"(?<!\\)\|", row)) for row in rows}) == 1


def test_published_columns_stand_beside_the_paper_only(paper, other_study):
    assert "paper" in reading.paper_numbers_table(paper).header
    table = reading.paper_numbers_table(other_study)
    assert not {"paper", "paper’s\n95% HDI", "agrees"} & set(table.header)


def test_differing_numbers_come_with_their_reason(written):
    lines = (written / "paper_numbers.md").read_text().splitlines()
    (accuracy,) = [line for line in lines if "0.852" in line]
    assert "| no |" in accuracy
    assert "85.4%" in accuracy
    latex = (written / "paper_numbers.tex").read_text()
    assert "no & (b)" in latex
    assert r"(b) By the footnote's definition" in latex


def test_figures_for_reading_are_rounded_by_their_error(paper):
    table = reading.correlations_table(paper)
    at = table.header.index("median")
    slopes = paper.correlations
    assert (slopes["mcse_median"] < 0.001).all()
    assert all(re.fullmatch(r"−?0\.\d{3}", row[at]) for _, row in table.rows)
    weights = reading.weights_table(paper)
    at = weights.header.index("mean\n(logit)")
    assert paper.weights["mcse_mean"].between(0.01, 0.1).all()
    assert all(re.fullmatch(r"−?\d\.\d", row[at]) for _, row in weights.rows)


@pytest.mark.parametrize(
    ("term", "words"),
    [
        ("standardized_reports", "slope of reported weight"),
        ("slope: introspection-trained - weight-trained", "change of the slope"),
        ("slope, mean over base models", "slope, mean over base models"),
        ("slope: difference between base models", "difference between base models"),
        ("standardized_reports:itrained[TRUE]", "reports × trained"),
        ("standardized_reports:base_model[a:b]", "reports × a:b"),
    ],
)
def test_terms_are_named_in_words(term, words):
    assert cells.term_words(term) == words


def test_hostile_names_do_no_harm_in_markdown(written_hostile):
    for name in WITH_NAMES:
        text = (written_hostile / f"{name}.md").read_text()
        assert "<script" not in text
        assert r"&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in text


def test_hostile_names_do_no_harm_in_latex(written_hostile):
    for name in WITH_NAMES:
        text = (written_hostile / f"{name}.tex").read_text()
        assert r"$<$script$>$alert(1)$<$/script$>$\&\_\%\$\#" in text
        assert HOSTILE not in text
        assert text.isascii()


def test_rows_of_latex_have_as_many_cells_as_the_table_has_columns(written):
    assert r"\begin{longtable}" in (written / "weights.tex").read_text()
    for path in written.glob("*.tex"):
        text = path.read_text()
        without_escapes = re.sub(r"\\\\|\\[{}%$&#_]", "", text)
        assert without_escapes.count("{") == without_escapes.count("}")
        body = re.search(r"\\begin\{(?:tabular|longtable)\}\{@\{\}(.*)@\{\}\}\n", text)
        columns = len(re.sub(r">\{[^}]*\}p\{[^}]*\}", "p", body[1]))
        for row in re.findall(r"^(?!\\multicolumn).* & .*\\\\$", text, flags=re.MULTILINE):
            assert len(re.findall(r"(?<!\\)&", row)) == columns - 1


def test_markdown_leaves_words_with_underscores_readable():
    assert layout.escape_markdown("loose_leaf_tea") == "loose_leaf_tea"
    assert layout.escape_markdown("_loud_ a*b `c` [x](y) 1|2") == (
        r"\_loud\_ a\*b \`c\` [x\](y) 1\|2"
    )
    assert layout.escape_markdown("two\nlines") == "two lines"


def test_csv_text_reads_back_as_it_was(paper):
    read = pd.read_csv(io.StringIO(tables.csv_text(paper.weights)))
    pd.testing.assert_frame_equal(
        read[["mean", "sd"]], paper.weights[["mean", "sd"]], check_exact=True
    )

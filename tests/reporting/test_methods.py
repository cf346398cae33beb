"""The methods section says what a run did, cites what it used, and nothing else."""

from __future__ import annotations

import copy
import re
from dataclasses import replace

import pytest
from typesetting import document, needs_latex, typeset

from selfinterp_stats.reporting import citing
from selfinterp_stats.reporting.methods import methods
from selfinterp_stats.reporting.priors_used import priors_used
from selfinterp_stats.reporting.references import all_references, bibliography


def told(results):
    return methods(results).paragraphs


def test_figures_in_it_are_those_of_the_run(paper):
    text = "\n".join(told(paper))
    fits = paper.diagnostics
    models = "gpt-4o-2024-08-06, gpt-4o-mini-2024-07-18"
    assert f"For each base model ({models}), set and scenario, 16 in all, the 50 choices" in text
    assert "4,000 draws and each linear regression 80,000, in 4 chains; the seed was 1" in text
    assert f"{(~fits['ok']).sum()} of {len(fits)} fits fail a diagnostic and are kept" in text
    assert "selfinterp-stats 0.1.0 (commit 0123abcd)" in text
    assert "Bambi 0.17.2" in text
    assert "95% highest-density intervals" in text
    assert "[−0.1, 0.1], the region of practical equivalence" in text
    assert "Three reports lie outside ±100." in text


def test_what_a_run_did_not_use_is_not_cited(paper):
    importance = citing.cited(told(paper))
    assert "vehtari2024psis" in importance
    assert not {"hoffman2014nuts", "betancourt2016ebfmi"} & set(importance)
    one_by_one = replace(paper, diagnostics=paper.diagnostics.assign(engine="bambi"))
    sampled = citing.cited(told(one_by_one))
    assert {"hoffman2014nuts", "betancourt2016ebfmi"} <= set(sampled)
    assert not {"bradbury2018jax", "vehtari2024psis", "phan2019numpyro"} & set(sampled)


def test_both_engines_are_told_where_both_were_used(paper):
    engines = ["nuts"] * 3 + ["importance"] * (len(paper.diagnostics) - 3)
    text = "\n".join(told(replace(paper, diagnostics=paper.diagnostics.assign(engine=engines))))
    assert "3 posteriors, for which importance was not to be trusted, were sampled by" in text
    assert "Of 13 posteriors, draws were proposed" in text


def test_other_priors_are_not_called_the_paper_s(paper):
    assert "those of the paper" in told(paper)[0]
    other = paper.weights.assign(prior="common ~ Flat(); Intercept ~ Flat()")
    others = told(replace(paper, weights=other))
    assert "those of the paper" not in others[0]
    assert "buerkner2017brms" not in citing.cited(others)


def test_stage_1_alone_has_no_word_on_agreement(paper):
    bare = replace(paper, correlations=paper.correlations.head(0))
    titles = [text.partition(".")[0] for text in told(bare)]
    assert titles == ["Weights", "Computation", "Reporting"]
    assert set(priors_used(bare)["model"]) == {"weights"}


def test_priors_are_told_parameter_by_parameter(paper):
    table = priors_used(paper).set_index(["model", "parameter"])
    assert table.loc[("weights", "slopes"), "prior"] == "Normal(mu=0, sigma=1)"
    assert table.loc[("weights", "slopes"), "fits"] == 16
    assert table.loc[("weights", "slopes"), "formula"] == "chose_a ~ d1 + d2 + d3 + d4 + d5"
    assert table.loc[("correlations", "residual sd"), "prior"] == "HalfStudentT(nu=3, sigma=2.5)"
    assert table.loc[("correlations", "slopes"), "fits"] == 10


def test_every_key_is_known_and_every_entry_is_whole():
    known = all_references()
    assert len(known) > 10
    for key, work in known.items():
        assert re.fullmatch(rf"[a-z]+{work.fields['year']}[a-z]+", key)
        assert {"author", "title", "year"} <= set(work.fields)
        assert {"journal", "booktitle", "publisher", "howpublished"} & set(work.fields)
        assert not re.search(r"[{}\\$]", work.line)
    doi = [work.fields["doi"] for work in known.values() if "doi" in work.fields]
    assert len(doi) == len(set(doi))


def test_a_citation_names_authors_and_year(paper):
    plain = citing.plain("It is so [@vehtari2024psis; @hoffman2014nuts], and more.")
    assert plain == "It is so (Vehtari et al. 2024; Hoffman & Gelman 2014), and more."
    text = citing.as_markdown(told(paper))
    assert text.startswith(
        "# Methods\n\nWeights. The analysis is the paper’s (Plunkett et al. 2025)"
    )
    assert "[@" not in text
    assert text.count("\n- ") == len(citing.cited(told(paper)))


def test_the_bibliography_holds_what_is_cited_and_no_more(paper):
    texts = methods(paper).texts()
    cited = set(
        re.findall(r"[\w-]+", " ".join(re.findall(r"\\cite\{([^}]*)\}", texts["methods.tex"])))
    )
    assert cited == set(re.findall(r"^@\w+\{([\w-]+),", texts["references.bib"], re.MULTILINE))


@needs_latex
def test_the_whole_bibliography_compiles(tmp_path):
    keys = list(all_references())
    (tmp_path / "references.bib").write_text(bibliography(keys), encoding="utf-8")
    path = tmp_path / "all.tex"
    path.write_text(" ".join(rf"\cite{{{key}}}" for key in keys))
    assert "undefined" not in typeset(
        document(path, bibliography="references"), tmp_path, passes=3, bibtex=True
    )


@needs_latex
def test_odd_names_and_notices_compile_in_the_methods(paper, tmp_path):
    study = copy.copy(paper.study)
    study.base_models = ("a_b%&#{x}", "Łódź −1")
    notice = copy.copy(study.notices[0])
    notice.message = r"a_file_with_a_long_name_" * 4 + r"\of.csv: 50% & more"
    study.notices = (notice,)
    text = methods(replace(paper, study=study)).texts()["methods.tex"]
    (tmp_path / "methods.tex").write_text(text)
    log = typeset(document(tmp_path / "methods.tex"), tmp_path)
    assert not re.findall(r"Missing character.*|Overfull \\vbox.*", log)


@pytest.mark.parametrize("missing", ["commit", "python", "libraries"])
def test_what_a_run_does_not_know_is_left_out(paper, missing):
    run = {name: value for name, value in paper.run.items() if name != missing}
    text = told(replace(paper, run=run))[2]
    assert "None" not in text
    assert "  " not in text

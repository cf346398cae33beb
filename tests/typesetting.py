"""A real LaTeX, run on small documents."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

needs_latex = pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("bibtex")), reason="no LaTeX"
)
_NEEDED = re.compile(r"^% needs (\\usepackage\{[\w,]+\})$", re.MULTILINE)

_USED = {
    "array": r"\arraybackslash",
    "booktabs": r"\toprule",
    "longtable": r"\begin{longtable}",
    "pdflscape": r"\begin{landscape}",
}


def document(*inputs: Path, bibliography: str = "") -> str:
    """A minimal document of files, with the packages that each names in its first line."""
    needed = [found for path in inputs if (found := _NEEDED.search(path.read_text()))]
    lines = [r"\documentclass{article}", *sorted({found[1] for found in needed})]
    # So many tables would wait for a page otherwise that TeX gives up.
    lines += [r"\begin{document}", *(rf"\input{{{path}}} \clearpage" for path in inputs)]
    if bibliography:
        lines += [r"\bibliographystyle{plain}", rf"\bibliography{{{bibliography}}}"]
    return "\n".join([*lines, r"\end{document}", ""])


def typeset(text: str, folder: Path, *, passes: int = 1, bibtex: bool = False) -> str:
    """The log of a document that compiles without an error; it is left as ``it.pdf``."""
    (folder / "it.tex").write_text(text, encoding="utf-8")
    # A longtable knows the widths of its columns from the pass before.
    for number in range(max(passes, 1 + 2 * ("longtable" in text))):
        latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "it.tex"]
        done = subprocess.run(latex, cwd=folder, capture_output=True, timeout=120, check=False)
        log = (folder / "it.log").read_text(encoding="utf-8", errors="replace")
        assert done.returncode == 0, log[-2000:]
        if bibtex and number == 0:
            said = subprocess.run(
                ["bibtex", "it"], cwd=folder, capture_output=True, text=True, check=False
            )
            assert said.returncode == 0, said.stdout
            assert "Warning" not in said.stdout, said.stdout
    return log


def faults(log: str) -> list[str]:
    """What a log tells of that a reader would see: text beyond its margin, missing letters."""
    wide = [
        line
        for line in log.splitlines()
        if (found := re.match(r"Overfull \\[hv]box \(([\d.]+)pt", line)) and float(found[1]) > 1
    ]
    return wide + re.findall(r"Missing character.*|LaTeX Warning: .* undefined.*", log)


def check_latex(result: Path, scratch: Path) -> None:
    """See that the methods and tables of a result compile and stay inside the page.

    They are one document: TeX's own start takes longer than most tables. What each table names as
    needed is therefore compared with what it uses.
    """
    tables = sorted((result / "tables").glob("*.tex"))
    assert tables
    for path in tables:
        text = path.read_text(encoding="utf-8")
        needed = set(_NEEDED.search(text)[1].removeprefix(r"\usepackage{").rstrip("}").split(","))
        assert needed == {name for name, used in _USED.items() if used in text}, path.name
    told = result / "methods.tex"
    inputs = [told, *tables] if told.is_file() else tables
    if told.is_file():
        shutil.copy(result / "references.bib", scratch)
    text = document(*inputs, bibliography="references" if told.is_file() else "")
    log = typeset(text, scratch, passes=3 if told.is_file() else 1, bibtex=told.is_file())
    assert faults(log) == []

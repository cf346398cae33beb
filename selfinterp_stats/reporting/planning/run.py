"""A plan, made and written up."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.planning import Design, Plan, Wanted, compare_designs
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting import drawing, rounding
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.planning import tables
from selfinterp_stats.reporting.planning.figures import caption, draw_curves
from selfinterp_stats.reporting.planning.methods import methods
from selfinterp_stats.reporting.sections import (
    Section,
    render_sections,
    write_table,
    written_drawing,
)

if TYPE_CHECKING:
    import pandas as pd

    from selfinterp_stats.study import Study


def write_plan(
    out: str | PathLike[str],
    designs: Sequence[Design],
    wanted: Wanted | None = None,
    *,
    study: Study | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> Plan:
    """Plan, and write page, tables, figures, methods and ``run.json``.

    Parameters are those of `compare_designs`; `out` appears whole or not at all.

    Raises
    ------
    InputError
        As `compare_designs`, or if the folder cannot be written; nothing is changed then.
    """
    check_output_folder(out)
    steps = steps or Steps()
    found = compare_designs(designs, wanted, study=study, settings=settings, steps=steps)
    with steps.step("report", 1), output_folder(out) as folder:
        sections = _sections(found, folder)
        told = methods(found)
        told.write(folder)
        page = render_sections(
            title="Plan",
            question="Which experiment to make next?",
            headline=headline(found),
            sections=sections,
            run=found.run,
            methods=told,
        )
        (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
        write_run({**found.run, "seconds": steps.so_far()}, folder)
    return found


def _sections(found: Plan, folder: Path) -> list[Section]:
    import matplotlib as mpl

    for name in ("tables", "figures"):
        (folder / name).mkdir()
    into = folder / "tables"
    all_designs, cheapest = tables.designs_table(found), tables.cheapest_table(found)
    files = write_table(found.table, tables.FIRST, all_designs, into / "plan")
    of_cheapest = write_table(found.cheapest, tables.FIRST, cheapest, into / "cheapest")
    with mpl.rc_context(drawing.STYLE):
        curves = written_drawing(draw_curves(found), folder / "figures", "curves", caption(found))
    sections = [Section("cheapest", "The cheapest design", table=cheapest, files=of_cheapest)]
    if len(found.own):
        own = tables.own_table(found)
        of_own = write_table(found.own, ("base_model", "set", "condition"), own, into / "own")
        sections.append(Section("own", "The study’s own design", table=own, files=of_own))
    return [
        *sections,
        Section("curves", "Curves", drawings=[curves]),
        Section("designs", "All designs", table=all_designs, files=files),
    ]


def headline(found: Plan) -> list[str]:
    """Name the cheapest designs, or say that none reaches what is wanted."""
    rows = found.cheapest
    reached = rows.dropna(subset="scenarios").sort_values("cost", kind="stable")
    width = f"an HDI of width {found.wanted.width:g} or less"
    if reached.empty:
        return [f"None of the {len(found.table):,} designs reaches {width}."]
    cases = f"; so in {len(reached)} of {len(rows)} cases assumed" if len(rows) > 1 else ""
    ends = dict.fromkeys(_in_words(row) for row in (reached.iloc[0], reached.iloc[-1]))
    of_all = f"Of {len(found.table):,} designs the cheapest with {width}"
    sentences = [f"{of_all}: {', up to '.join(ends)}{cases}."]
    if len(found.own):
        off = (found.own["predicted_width"] / found.own["found_width"] - 1).abs().max()
        sentences.append(
            "What is predicted of the study’s own design differs from what its data give by at "
            f"most {rounding.percent(round(float(off), 3))} in the width of an HDI, and by at most "
            f"{rounding.written((found.own['predicted_r'] - found.own['found_r']).abs().max(), 3)} "
            "in the correlation."
        )
    return sentences


def _in_words(row: pd.Series) -> str:
    names = (("scenarios", "scenario"), ("trials", "trial"), ("reports", "report"))
    sizes = [f"{int(row[name]):,} {one if row[name] == 1 else name}" for name, one in names]
    return f"{', '.join(sizes)} ({int(row['calls']):,} calls)"

"""The checks, made and written up."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Final

from selfinterp_stats.estimates.analysis import Steps
from selfinterp_stats.estimates.calibration import Calibration, calibrate
from selfinterp_stats.estimates.calibration.checks import FACTORS, LEVEL
from selfinterp_stats.estimates.calibration.models import Calibratable
from selfinterp_stats.estimates.calibration.predictive import BINS
from selfinterp_stats.estimates.calibration.ranks import Ranks
from selfinterp_stats.estimates.calibration.recovery import STUDIES
from selfinterp_stats.estimates.calibration.table import (
    BROKEN,
    COVERAGE,
    LOO_PIT,
    PREDICTIVE,
    RECOVERY,
    SBC,
)
from selfinterp_stats.estimates.results import Settings
from selfinterp_stats.reporting import drawing, rounding
from selfinterp_stats.reporting.calibration import tables
from selfinterp_stats.reporting.calibration.figures import CAPTION, draw_ranks
from selfinterp_stats.reporting.calibration.methods import methods
from selfinterp_stats.reporting.output import check_output_folder, output_folder, write_run
from selfinterp_stats.reporting.sections import (
    Section,
    render_sections,
    write_table,
    written_drawing,
)

if TYPE_CHECKING:
    import pandas as pd

    from selfinterp_stats.study import Study

_RECOVERY: Final = (
    "Studies are simulated with a known correlation of true weights with expected reports, written "
    "to a folder, read back and analysed. Estimators that plug in fitted weights and mean reports "
    "find less than that: they are held to what the simulation expects of them."
)
_DATA: Final = (
    "Statistics of the data beside those of replicates, and every observation beside what the "
    "others predict of it (LOO): a choice’s probability, and the probability integral transform, "
    "which is uniform if the model holds."
)


def write_calibration(
    out: str | PathLike[str],
    *,
    simulations: int = 1000,
    level: float = LEVEL,
    models: Sequence[Calibratable] | None = None,
    studies: int = STUDIES,
    study: Study | None = None,
    settings: Settings | None = None,
    steps: Steps | None = None,
) -> Calibration:
    """Make every check and write page, tables, figures, methods and ``run.json``.

    Parameters are those of `calibrate`; `out` appears whole or not at all.

    Raises
    ------
    InputError
        As `calibrate`, or if the folder cannot be written; nothing is changed then.
    """
    check_output_folder(out)
    steps = steps or Steps()
    found = calibrate(
        simulations=simulations,
        level=level,
        models=models,
        studies=studies,
        study=study,
        settings=settings,
        steps=steps,
    )
    with steps.step("report", 1), output_folder(out) as folder:
        sections = _sections(found, folder)
        told = methods(found)
        told.write(folder)
        page = render_sections(
            title="Calibration",
            question="Do intervals hold the truth as often as they say?",
            headline=headline(found),
            sections=sections,
            run=found.run,
            methods=told,
        )
        (folder / "index.html").write_text(page, encoding="utf-8", newline="\n")
        write_run({**found.run, "seconds": steps.so_far()}, folder)
    return found


def _sections(found: Calibration, folder: Path) -> list[Section]:
    import matplotlib as mpl

    for name in ("tables", "figures"):
        (folder / name).mkdir()
    files = write_table(
        found.table, tables.FIRST, tables.all_table(found), folder / "tables" / "calibration"
    )
    with mpl.rc_context(drawing.STYLE):
        ranks = written_drawing(draw_ranks(_labelled(found)), folder / "figures", "ranks", CAPTION)
    sections = [
        Section("ranks", "Ranks", [_test_in_words(found)], tables.ranks_table(found), [ranks]),
        Section("broken", "A broken model", [], tables.broken_table(found)),
        Section("coverage", "Coverage", [], tables.coverage_table(found), files=files),
    ]
    checks = set(found.table["check"])
    if RECOVERY in checks:
        table = tables.recovery_table(found)
        sections.append(Section("recovery", "Known correlations", [_RECOVERY], table))
    if PREDICTIVE in checks:
        table = tables.data_table(found)
        sections.append(Section("data", "The models and the data", [_DATA], table))
    return sections


def _labelled(found: Calibration) -> list[tuple[str, Ranks]]:
    whole = len(found.ranks) - len(FACTORS)
    labels = [one.model.name for one in found.ranks[:whole]]
    labels += [f"broken, prior scale × {factor:.3g}" for factor in FACTORS]
    return list(zip(labels, found.ranks, strict=True))


def _test_in_words(found: Calibration) -> str:
    tests = int((found.table["check"] == SBC).sum())
    return (
        "Parameters are drawn from their prior, data from the parameters, and the parameters are "
        "ranked among the draws of their posterior. The ranks are tested by Neyman’s smooth test "
        "with four components, which where slopes of one simulation are pooled allows for the "
        f"dependence between them; {tests} tests, corrected by Holm’s method so that a package "
        f"without fault fails any of them with a chance of {rounding.percent(found.level)}."
    )


def headline(found: Calibration) -> list[str]:
    """Say in a sentence per kind of check what came of it."""
    table = found.table
    of = {str(check): rows for check, rows in table.groupby("check")}
    broken = of[BROKEN]
    ranks, intervals = _passing(of[SBC]), _passing(of[COVERAGE])
    power = rounding.share(broken["power"].min())
    sentences = [
        f"{ranks} uniformity tests of ranks pass, and {intervals} checks of coverage.",
        f"{_passing(broken)} broken models are found out (power {power}).",
    ]
    if RECOVERY in of:
        judged = of[RECOVERY][of[RECOVERY]["passes"] != ""]
        sentences.append(
            f"{_passing(judged)} checks find known correlations where the simulation expects them."
        )
    if LOO_PIT in of:
        pit = of[LOO_PIT].dropna(subset="p_value")
        differ = int((pit["p_adjusted"] < found.level).sum())
        sentences.append(
            f"On the data, LOO-PIT differs from uniform in {differ} of {len(pit)} sets of fits."
        )
        sentences += _sureness(of[PREDICTIVE])
    return sentences


def _sureness(rows: pd.DataFrame) -> list[str]:
    """How often choices go the likelier way, where that is said to be likely but not sure."""
    low, high = BINS[1]
    rows = rows[rows["statistic"].str.endswith(f"LOO probability {low:g} to {high:g}")]
    if rows.empty:
        return []
    said = rounding.percent(round(float(rows["expected"].mean()), 2))
    seen = dict.fromkeys(
        rounding.percent(round(float(share), 2))
        for share in (rows["value"].min(), rows["value"].max())
    )
    return [
        (
            f"Of choices of which the others say that one option has a probability of {said} on "
            f"average, {' to '.join(seen)} go that way."
        )
    ]


def _passing(rows: pd.DataFrame) -> str:
    return f"{int((rows['passes'] == 'yes').sum())} of {len(rows)}"

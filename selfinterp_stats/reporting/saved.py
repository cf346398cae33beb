"""HDI tables from saved draws, as text in one of four layouts."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pandas as pd

from selfinterp_stats.reporting import latex
from selfinterp_stats.reporting import layout as layouts
from selfinterp_stats.reporting.hdi import hdi_table
from selfinterp_stats.reporting.reading import summary_table
from selfinterp_stats.reporting.tables import csv_text

FULL_PRECISION = 15  # significant digits of a double, for pandas' JSON


def saved_tables(
    paths: Sequence[str],
    *,
    var_names: Sequence[str] | None = None,
    hdi_prob: float = 0.95,
    rope: tuple[float, float] = (-0.1, 0.1),
    layout: str = "md",
) -> str:
    """Summarise saved posteriors.

    Parameters
    ----------
    paths : sequence of str
        Files in netCDF.
    var_names : sequence of str, optional
        Only these variables.
    hdi_prob : float
    rope : (float, float)
    layout : {"md", "csv", "tex", "json"}

    Returns
    -------
    str
        For readers (md, tex) one table per file; for machines one table, with a first column
        ``posterior`` that names the file.

    Raises
    ------
    InputError
        As `hdi_table`.
    """
    tables = {
        path: hdi_table(path, hdi_prob=hdi_prob, rope=rope, var_names=var_names) for path in paths
    }
    if layout in ("csv", "json"):
        parts = [table.assign(posterior=path) for path, table in tables.items()]
        whole = pd.concat(parts, ignore_index=True)
        whole = whole[["posterior", *(name for name in whole if name != "posterior")]]
        if layout == "csv":
            return csv_text(whole).rstrip("\n")
        records = json.loads(whole.to_json(orient="records", double_precision=FULL_PRECISION))
        return json.dumps(records, indent=2)
    write = layouts.to_markdown if layout == "md" else latex.to_latex
    heading = "{}\n" if layout == "md" else "% {}"
    several = len(tables) > 1
    texts = []
    for path, table in tables.items():
        text = write(summary_table(table, hdi_prob=hdi_prob, rope=rope)).rstrip("\n")
        texts.append(f"{heading.format(path)}\n{text}" if several else text)
    return "\n\n".join(texts)

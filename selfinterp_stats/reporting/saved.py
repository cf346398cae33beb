"""HDI tables from saved draws, as text in one of four layouts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from selfinterp_stats.reporting import layout as layouts
from selfinterp_stats.reporting.hdi import hdi_table
from selfinterp_stats.reporting.reading import summary_table
from selfinterp_stats.reporting.tables import csv_text


def saved_tables(
    paths: Sequence[str],
    *,
    var_names: Sequence[str] | None,
    hdi_prob: float,
    rope: tuple[float, float],
    layout: str,
) -> Iterator[str]:
    """Give one table per saved posterior.

    Parameters
    ----------
    paths : sequence of str
        Files in netCDF.
    var_names : sequence of str or None
        Only these variables.
    hdi_prob : float
    rope : (float, float)
    layout : {"md", "csv", "tex", "json"}
    """
    for path in paths:
        table = hdi_table(path, hdi_prob=hdi_prob, rope=rope, var_names=var_names)
        if layout == "csv":
            yield csv_text(table).rstrip("\n")
        elif layout == "json":
            yield json.dumps(json.loads(table.to_json(orient="records")), indent=2)
        else:
            read = summary_table(table, hdi_prob=hdi_prob, rope=rope)
            yield (layouts.to_markdown if layout == "md" else layouts.to_latex)(read)

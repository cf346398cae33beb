"""Damaged results: files of draws, and output folders of earlier runs."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

from pathlib import Path

from damage.entry import Damage, changed, data, gone, text

TABLES = "tables --posterior draws.nc"
COMPARE = "compare out out"


def of_another_program(here: Path) -> None:
    import h5py

    with h5py.File(here / "draws.nc", "w") as file:
        file["temperature"] = [1.0, 2.0]


ENTRIES = (
    Damage(
        "two formats of a table",
        f"{TABLES} --format csv --json",
        "--format and --json ask for two formats (found 'csv'). Leave out one of the two.",
    ),
    Damage("no file of draws", TABLES, "draws.nc: there is no such file. Check the path."),
    Damage(
        "an empty file of draws",
        TABLES,
        "draws.nc: this is not a netCDF file of draws, or it is damaged. Give a posterior/*.nc file that reproduce or weights has written.",
        data("draws.nc", b""),
    ),
    Damage(
        "draws that are a text",
        TABLES,
        "draws.nc: this is not a netCDF file of draws, or it is damaged. Give a posterior/*.nc file that reproduce or weights has written.",
        text("draws.nc", "no netCDF"),
    ),
    Damage(
        "draws cut off",
        TABLES,
        "draws.nc: this is not a netCDF file of draws, or it is damaged. Give a posterior/*.nc file that reproduce or weights has written.",
        data("draws.nc", b"\x89HDF\r\n\x1a\n" + b"\0" * 100),
    ),
    Damage(
        "another program's numbers",
        TABLES,
        "draws.nc: there is no posterior group with draws. Allowed: variables with the dims chain and draw. Give a posterior/*.nc file that reproduce or weights has written.",
        of_another_program,
    ),
    Damage(
        "no such run",
        "compare nowhere out",
        "nowhere: this is not the output of a run: there is no run.json of selfinterp-stats in it. Give a folder that selfinterp reproduce has written.",
    ),
    Damage(
        "somebody else's folder",
        "compare out thesis",
        "thesis: this is not the output of a run: there is no run.json of selfinterp-stats in it. Give a folder that selfinterp reproduce has written.",
    ),
    Damage(
        "a run without its table",
        COMPARE,
        "out/tables/correlations.csv: the run's table is missing or cannot be read. Make the run again with selfinterp reproduce.",
        gone("out/tables/correlations.csv"),
    ),
    Damage(
        "a table without a column",
        COMPARE,
        "out/tables/correlations.csv, column 'median': the run's table lacks a column. Make the run again with selfinterp reproduce.",
        changed("out/tables/correlations.csv", "median", "mean"),
    ),
    Damage(
        "a table without a label",
        COMPARE,
        "out/tables/correlations.csv, column 'base_model': the run's table lacks a column. Make the run again with selfinterp reproduce.",
        changed("out/tables/correlations.csv", ",base_model", ",base"),
    ),
    Damage(
        "a table with text for a number",
        COMPARE,
        "out/tables/correlations.csv, column 'median': the run's table holds text where numbers belong. Make the run again with selfinterp reproduce.",
        changed("out/tables/correlations.csv", "0.5", "half"),
    ),
    Damage(
        "a table not UTF-8",
        COMPARE,
        "out/tables/correlations.csv: the run's table is missing or cannot be read. Make the run again with selfinterp reproduce.",
        data("out/tables/correlations.csv", b"\xff\xfe,id\n"),
    ),
    Damage(
        "an empty table",
        COMPARE,
        "out/tables/paper_numbers.csv: the run's table is missing or cannot be read. Make the run again with selfinterp reproduce.",
        text("out/tables/paper_numbers.csv", ""),
    ),
    Damage(
        "a record that is no JSON",
        COMPARE,
        "out: this is not the output of a run: there is no run.json of selfinterp-stats in it. Give a folder that selfinterp reproduce has written.",
        text("out/run.json", "{"),
    ),
    Damage(
        "a record nested without end",
        COMPARE,
        "out: this is not the output of a run: there is no run.json of selfinterp-stats in it. Give a folder that selfinterp reproduce has written.",
        text("out/run.json", "[" * 100_000),
    ),
)

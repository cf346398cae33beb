"""Run the notebooks and keep what came out beside their text.

    python notebooks/run.py [NAME ...] [--out DIR] [--text]

``NAME.py`` is the text that is written and reviewed; ``NAME.ipynb`` holds the same cells with their
outputs. With ``SELFINTERP_QUICK=1`` the outputs are no results, so they may not replace those
here: give another folder. With ``--text`` nothing is run: words that changed between the same code
are taken over.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import jupytext
import nbformat
from nbclient import NotebookClient

HERE: Final = Path(__file__).resolve().parent
NAMES: Final = (
    "refit_the_paper",
    "compare_priors",
    "carry_uncertainty_through",
    "collect_from_a_model",
    "explainer_studies",
)
SECONDS_A_CELL: Final = 3_600
# Without this every kernel says at its start that it listens on this machine unencrypted.
KERNEL_OPTIONS: Final = ["--log-level=ERROR"]


def read(name: str) -> Any:
    """The cells of ``NAME.py``, none of them run.

    Parameters
    ----------
    name : str

    Returns
    -------
    nbformat.NotebookNode
        Cells have the same ids every time, so that outputs alone differ between two runs.
    """
    notebook = jupytext.read(HERE / f"{name}.py")
    for place, cell in enumerate(notebook.cells, start=1):
        cell.id = f"cell-{place:02}"
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    return notebook


def execute(notebook: Any, manager: Any = None) -> None:
    """Run all cells of a notebook in this folder, and put their outputs into it.

    Parameters
    ----------
    notebook : nbformat.NotebookNode
    manager : jupyter_client.KernelManager, optional
        Of a kernel that runs already, and goes on; a fresh one unless given.

    Raises
    ------
    nbclient.exceptions.CellExecutionError
        A cell failed.
    """
    client = NotebookClient(
        notebook,
        km=manager,
        kernel_name="python3",
        extra_arguments=KERNEL_OPTIONS,
        timeout=SECONDS_A_CELL,
        coalesce_streams=True,
        record_timing=False,
        resources={"metadata": {"path": str(HERE)}},
    )
    try:
        client.execute()
    finally:
        if manager is not None:
            client.kc.stop_channels()


def tidied(notebook: Any) -> Any:
    """The notebook without what a run leaves in it besides outputs: versions, timings, states."""
    kernel = notebook.metadata["kernelspec"]
    pairing = {"formats": notebook.metadata["jupytext"]["formats"]}
    notebook.metadata = nbformat.from_dict(
        {"jupytext": pairing, "kernelspec": kernel, "language_info": {"name": "python"}}
    )
    for cell in notebook.cells:
        cell.metadata = nbformat.from_dict({})
    nbformat.validate(notebook)
    return notebook


def reworded(name: str, folder: Path) -> Any:
    """The cells of ``NAME.py`` with the outputs of the notebook that ran already.

    Parameters
    ----------
    name : str
    folder : Path
        Where the notebook is that ran.

    Raises
    ------
    ValueError
        The code is not what was run.
    """
    notebook = read(name)
    ran = nbformat.read(folder / f"{name}.ipynb", as_version=4)
    new, old = ([cell for cell in one.cells if cell.cell_type == "code"] for one in (notebook, ran))
    if [cell.source for cell in new] != [cell.source for cell in old]:
        raise ValueError(f"the code of {name} has changed: run it")
    for cell, before in zip(new, old, strict=True):
        cell.outputs, cell.execution_count = before.outputs, before.execution_count
    return notebook


def main(arguments: list[str] | None = None) -> None:
    """Run the notebooks that are named, all of them by default."""
    parser = argparse.ArgumentParser(description="Run the notebooks and keep what came out.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--out", type=Path, default=HERE, metavar="DIR")
    parser.add_argument("--text", action="store_true", help="run nothing, take over changed words")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"there is no notebook {min(unknown)}; there are {', '.join(NAMES)}")
    if os.environ.get("SELFINTERP_QUICK") == "1" and given.out.resolve() == HERE:
        parser.error("quick outputs are not results: give another folder with --out")
    given.out.mkdir(parents=True, exist_ok=True)
    for name in given.names or NAMES:
        started = time.perf_counter()
        if given.text:
            notebook = reworded(name, given.out)
        else:
            notebook = read(name)
            execute(notebook)
        nbformat.write(tidied(notebook), given.out / f"{name}.ipynb")
        sys.stderr.write(f"{name}: {time.perf_counter() - started:.0f} s\n")


if __name__ == "__main__":
    main()

"""The notebooks run, say so where their numbers are no results, and are committed as they ran."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
from pathlib import Path

import nbformat
import pytest
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
STAMP = "Quick mode: these are not results"
MACHINE_PATH = re.compile(r"(?:^|[^A-Za-z0-9.])/(?:work|farm|root|tmp|home|Users|private|var)/")
LARGEST_BYTES = 3 * 2**20

_SPEC = importlib.util.spec_from_file_location("run_notebooks", NOTEBOOKS / "run.py")
run = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(run)

each = pytest.mark.parametrize("name", run.NAMES)


def texts(notebook):
    """Every text among the outputs, by its kind; of figures, what a PNG says in words."""
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if output.output_type == "stream":
                yield output.name, output.text
            elif output.output_type == "error":
                yield "error", "\n".join(output.traceback)
            else:
                for kind, data in output.data.items():
                    yield kind, str(data)
                    if kind == "image/png":
                        yield "words of a PNG", base64.b64decode(data).decode("latin-1")


def stamped(notebook):
    """Places among the cells with code whose outputs hold the stamp."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    return [
        place
        for place, cell in enumerate(cells)
        if any(STAMP in str(output.get("data", "")) for output in cell.outputs)
    ], len(cells)


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """One kernel for all quick runs, so that libraries are loaded and models compiled once."""
    home = tmp_path_factory.mktemp("kernel")
    environment = {
        **os.environ,
        "SELFINTERP_QUICK": "1",
        # A study of the tests' own machine must not get in, nor may anything be fetched.
        "SELFINTERP_DATA": str(home / "none"),
        "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])),
        "PYTHONWARNINGS": "default",
        "IPYTHONDIR": str(home),
    }
    manager = KernelManager(connection_file=str(home / "connection.json"))
    manager.start_kernel(env=environment, cwd=str(NOTEBOOKS), extra_arguments=run.KERNEL_OPTIONS)
    yield manager
    manager.shutdown_kernel()
    manager.cleanup_resources()


@pytest.mark.slow
@each
def test_it_runs_in_quick_mode_and_says_that_these_are_no_results(name, kernel):
    notebook = run.read(name)
    forget = nbformat.v4.new_code_cell("%reset -f")
    run.execute(nbformat.v4.new_notebook(cells=[forget]), kernel)
    run.execute(notebook, kernel)
    assert [text for kind, text in texts(notebook) if kind in ("stderr", "error")] == []
    places, cells = stamped(notebook)
    # At the beginning, and again below the last figures.
    assert places == [0, cells - 1]


@pytest.fixture(params=run.NAMES)
def committed(request):
    return request.param, nbformat.read(NOTEBOOKS / f"{request.param}.ipynb", as_version=4)


def test_the_committed_notebook_has_the_cells_of_its_text(committed):
    name, notebook = committed
    written = run.read(name)
    assert [(c.id, c.cell_type, c.source) for c in notebook.cells] == [
        (c.id, c.cell_type, c.source) for c in written.cells
    ]
    assert notebook.metadata["jupytext"]["formats"] == "ipynb,py:percent"


def test_the_committed_notebook_was_run_from_top_to_bottom_without_a_complaint(committed):
    _, notebook = committed
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1))
    assert [text for kind, text in texts(notebook) if kind in ("stderr", "error")] == []


def test_the_committed_notebook_was_run_in_full_with_the_papers_data(committed):
    _, notebook = committed
    everything = "\n".join(text for _, text in texts(notebook))
    assert stamped(notebook)[0] == []
    assert "a simulated study" not in everything
    assert "not the paper's data" not in everything


def test_the_committed_notebook_holds_no_path_and_no_time_of_one_machine(committed):
    _, notebook = committed
    for kind, text in texts(notebook):
        assert MACHINE_PATH.search(text) is None, kind
        assert re.search(r"\b20\d\d-\d\d-\d\d[T ]\d\d:\d\d", text) is None, kind
        assert re.search(r"\bat 0x[0-9a-f]+", text) is None, kind
    assert all(cell.metadata == {} for cell in notebook.cells)
    assert "version" not in notebook.metadata["language_info"]


def test_every_notebook_is_in_the_index_and_in_the_command():
    index = (NOTEBOOKS / "README.md").read_text()
    listed = set(re.findall(r"\]\((\w+)\.ipynb\)", index))
    files = {path.stem for path in NOTEBOOKS.glob("*.ipynb")}
    assert listed == files == set(run.NAMES)


def test_all_notebooks_together_stay_small():
    assert sum(path.stat().st_size for path in NOTEBOOKS.glob("*.ipynb")) < LARGEST_BYTES


def test_quick_outputs_do_not_replace_the_committed_ones(monkeypatch, capsys):
    monkeypatch.setenv("SELFINTERP_QUICK", "1")
    with pytest.raises(SystemExit):
        run.main([])
    assert (
        "quick outputs are not results: give another folder with --out" in capsys.readouterr().err
    )


def test_words_may_change_without_a_run_and_code_may_not(committed, tmp_path):
    name, notebook = committed
    words = next(cell for cell in notebook.cells if cell.cell_type == "markdown")
    words.source = "Other words."
    nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    again = run.reworded(name, tmp_path)
    assert again.cells[0].source != words.source
    outputs = [cell.outputs for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.outputs for cell in again.cells if cell.cell_type == "code"] == outputs
    code = next(cell for cell in notebook.cells if cell.cell_type == "code")
    code.source += "\n1 + 1"
    nbformat.write(notebook, tmp_path / f"{name}.ipynb")
    with pytest.raises(ValueError, match=f"^the code of {name} has changed: run it$"):
        run.reworded(name, tmp_path)

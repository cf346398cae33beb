"""What is told of a run while it goes on: to a function, on a terminal, and nothing elsewhere."""

from __future__ import annotations

import os
import re
import sys
import threading

import numpy as np
import pytest
from batches import datasets, fit

N = 10


def test_what_a_function_is_told_adds_up():
    told = []
    tree = fit(datasets(N), progress=lambda *news: told.append(news))
    numbers, effective = zip(*told, strict=True)
    assert sorted(numbers) == [2, 4, 4]
    expected = tree["summary"]["ess_bulk"].mean("parameter").sum()
    assert sum(effective) == pytest.approx(float(expected))


def test_datasets_that_cannot_be_fitted_are_not_counted():
    told = []
    data = datasets(N)
    data.loc[data["g"] == "g0002", "x"] = np.nan
    with pytest.warns(match="1 of 10 datasets could not be fitted"):
        fit(data, progress=lambda n, _: told.append(n))
    assert sum(told) == N - 1


def on_a_terminal(monkeypatch, **options):
    """Fit with a terminal as stderr.

    Returns
    -------
    the posterior, and the lines that were written there
    """
    seen, shown = pytest.importorskip("pty").openpty()
    written = []

    def read():
        try:
            while some := os.read(seen, 4096):
                written.append(some)
        except OSError:  # Linux says so when the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    # What rich goes by where there is no window.
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with os.fdopen(shown, "w") as stderr, monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", stderr)
        tree = fit(datasets(N), **options)
    reader.join(10)
    os.close(seen)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", b"".join(written).decode())
    return tree, re.split(r"[\r\n]+", text.strip())


def test_a_bar_on_a_terminal(monkeypatch):
    tree, lines = on_a_terminal(monkeypatch, progress=True)
    effective = float(tree["summary"]["ess_bulk"].mean("parameter").sum())
    assert re.fullmatch(
        rf"fitting +━+ 0:00:\d\d 10/10 left 0:00:00 ESS {effective:,.0f} *", lines[-1]
    ), lines


def test_no_bar_where_none_is_wanted(monkeypatch):
    _, lines = on_a_terminal(monkeypatch, progress=False)
    assert lines == [""]


def test_no_bar_where_there_is_no_terminal(capfd):
    fit(datasets(N), progress=True)
    assert capfd.readouterr() == ("", "")

"""The output folder appears whole or not at all, and replaces only what is ours."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from selfinterp_stats.errors import InputError
from selfinterp_stats.reporting import check_output_folder, draws, output, write_report
from selfinterp_stats.reporting.reproduce import reproduce
from selfinterp_stats.reporting.weights import refit_weights
from selfinterp_stats.study import load_study, wholefolder

PROMISED = {
    "index.html",
    "run.json",
    "methods.md",
    "methods.tex",
    "references.bib",
    *(
        f"tables/{name}.{ending}"
        for name in ("paper_numbers", "weights", "correlations", "priors_used")
        for ending in ("csv", "md", "tex")
    ),
    *(f"figures/figure{number}.{ending}" for number in (2, 3) for ending in ("png", "svg")),
}


@pytest.fixture(scope="module")
def undrawn(paper):
    """Results without reports: what their folder goes through hangs on no figure."""
    return replace(
        paper, agreement=paper.agreement.head(0), correlations=paper.correlations.head(0)
    )


def listing(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in listing(folder)}


def test_everything_promised_is_there(paper, tmp_path):
    out = write_report(paper, tmp_path / "new" / "results")
    posterior = {f"posterior/{name}.nc" for name in paper.posteriors}
    assert listing(out) == PROMISED | posterior
    assert json.loads((out / "run.json").read_text())["package"] == "selfinterp-stats"
    assert os.listdir(tmp_path / "new") == ["results"]
    assert out.stat().st_mode & 0o777 == 0o777 & ~wholefolder._umask()


def test_the_same_result_gives_the_same_bytes(paper, tmp_path):
    one = write_report(paper, tmp_path / "one", posterior=False)
    two = write_report(paper, tmp_path / "two", posterior=False)
    assert contents(one) == contents(two)


def test_our_own_earlier_result_is_replaced(paper, undrawn, tmp_path):
    out = write_report(undrawn, tmp_path / "results", posterior=False)
    (out / "left_over.txt").write_text("from the earlier run")
    write_report(paper, out, posterior=False)
    assert listing(out) == PROMISED
    assert os.listdir(tmp_path) == ["results"]


def test_an_empty_folder_is_as_good_as_none(undrawn, tmp_path):
    (tmp_path / "results").mkdir()
    assert "index.html" in listing(write_report(undrawn, tmp_path / "results", posterior=False))


@pytest.mark.parametrize("run", [None, "not json", "[]", '{"package": "another"}'])
def test_a_folder_that_is_not_ours_is_refused(tmp_path, run):
    (tmp_path / "thesis.txt").write_text("years of work")
    if run is not None:
        (tmp_path / "run.json").write_text(run)
    with pytest.raises(InputError, match=r"did not write.*Give another folder as --out") as refused:
        check_output_folder(tmp_path)
    assert str(tmp_path) in str(refused.value)
    assert refused.value.exit_code == 2


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(InputError, match="this is a file, not a folder"):
        check_output_folder(tmp_path / "results")
    with pytest.raises(InputError, match="cannot be written"):
        check_output_folder(tmp_path / "results" / "below")


def test_a_place_that_cannot_be_written_is_refused_before_the_work(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(wholefolder.tempfile, "mkdtemp", refuse)
    with pytest.raises(InputError, match=r"cannot be written \(Read-only file system\)"):
        check_output_folder(tmp_path / "results")


def test_checking_leaves_nothing_behind(tmp_path):
    check_output_folder(tmp_path / "a" / "b" / "results")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("failure", "raised", "message"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), InputError, "the disk is full"),
        (RuntimeError("Unable to flush (errno = 28, No space left)"), InputError, "disk is full"),
        (OSError(errno.EIO, "Input/output error"), InputError, "Input/output error"),
        (KeyboardInterrupt(), KeyboardInterrupt, None),
        (ZeroDivisionError("a defect"), ZeroDivisionError, "a defect"),
    ],
)
@pytest.mark.parametrize("existing", [True, False])
def test_a_failure_leaves_what_was_there(
    undrawn, tmp_path, monkeypatch, failure, raised, message, existing
):
    out = tmp_path / "results"
    if existing:
        out.mkdir()
        (out / "index.html").write_text("the earlier result")
        (out / "run.json").write_text('{"package": "selfinterp-stats"}')
    before = contents(out) if existing else None

    def fail(*args, **kwargs):
        raise failure

    monkeypatch.setattr(output.draws, "write_netcdf", fail)
    with pytest.raises(raised, match=message):
        write_report(undrawn, out)
    assert os.listdir(tmp_path) == (["results"] if existing else [])
    if existing:
        assert contents(out) == before


def test_a_failing_rename_puts_the_old_folder_back(undrawn, tmp_path, monkeypatch):
    out = write_report(undrawn, tmp_path / "results", posterior=False)
    before = contents(out)
    rename = wholefolder.Path.rename

    def fail_for_new(self, target):
        if ".old." not in str(self) and str(target) == str(out.resolve()):
            raise OSError(errno.EACCES, "Permission denied")
        return rename(self, target)

    monkeypatch.setattr(wholefolder.Path, "rename", fail_for_new)
    with pytest.raises(InputError, match="Permission denied"):
        write_report(undrawn, out, posterior=False)
    monkeypatch.undo()
    assert contents(out) == before
    assert os.listdir(tmp_path) == ["results"]


def test_saved_draws_are_the_draws(paper, tmp_path):
    draws.write_netcdf(paper.posteriors, tmp_path)
    for name, tree in paper.posteriors.items():
        with xr.open_datatree(tmp_path / f"{name}.nc", engine="h5netcdf") as saved:
            xr.testing.assert_identical(saved["posterior"]["slope"], tree["posterior"]["slope"])


def test_attributes_that_netcdf_has_no_type_for_become_json(paper, tmp_path):
    (name, tree), *_ = paper.posteriors.items()
    tree = tree.copy()
    tree.attrs = {"seed": 1, "checked": True, "hashes": {"a": "b"}, "nothing": None}
    (path,) = draws.write_netcdf({name: tree}, tmp_path)
    with xr.open_datatree(path, engine="h5netcdf") as saved:
        assert saved.attrs["seed"] == 1
        assert json.loads(saved.attrs["checked"]) is True
        assert json.loads(saved.attrs["hashes"]) == {"a": "b"}
    assert tree.attrs["checked"] is True


def test_parquet_has_the_columns_that_r_expects(paper, tmp_path):
    pytest.importorskip("pyarrow")
    (name, tree), *_ = paper.posteriors.items()
    (path,) = draws.write_parquet({name: tree}, tmp_path)
    frame = pd.read_parquet(path)
    assert list(frame.columns[:3]) == [".chain", ".iteration", ".draw"]
    assert frame[".draw"].tolist() == list(range(1, 1001))
    assert frame.loc[250, [".chain", ".iteration"]].tolist() == [2, 1]
    expected = tree["posterior"]["slope"].sel(scenario="loose_leaf_tea_1", attribute="attr2")
    np.testing.assert_array_equal(
        frame["slope[loose_leaf_tea_1,attr2]"].to_numpy().reshape(4, 250), expected
    )


def test_a_base_model_s_name_cannot_lead_out_of_the_folder(paper, tmp_path):
    tree = next(iter(paper.posteriors.values()))
    names = ("../../meta/llama 3", "../../meta_llama 3", "../../META/llama 3")
    paths = draws.write_netcdf(dict.fromkeys(names, tree), tmp_path / "posterior")
    assert {path.parent for path in paths} == {tmp_path / "posterior"}
    assert paths[0].name == "_.._meta_llama_3.nc"
    assert len({path.name.lower() for path in paths}) == 3


def test_without_pyarrow_nothing_is_fitted_for_parquet(make_study, tmp_path, monkeypatch):
    # By what looks for it: pandas may need it itself to read the study.
    monkeypatch.setattr(draws, "find_spec", {}.get)
    for write in (refit_weights, reproduce):
        with pytest.raises(InputError, match="Parquet files need pyarrow, which is not installed"):
            write(load_study(make_study()), tmp_path / "out", parquet=True)
    assert not (tmp_path / "out").exists()

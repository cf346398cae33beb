"""From scenarios to a study folder by the commands that a user types, one after the other."""

from __future__ import annotations

import json

import pytest
from server import KEY, running_process

from selfinterp_stats.cli.main import run
from selfinterp_stats.study import load_study
from selfinterp_stats.study.simulation.contexts import contexts_file

TRAINED, NATIVE = 10, 2


@pytest.fixture
def selfinterp(monkeypatch, capsys):
    """Run a command that must succeed; its stdout."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)

    def command(*arguments):
        status = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert status == 0, captured.err
        assert KEY not in captured.out + captured.err
        return captured.out.strip()

    return command


def test_files_job_choices_reports_and_export_fit_together(tmp_path, selfinterp):
    training, journal = tmp_path / "training", tmp_path / "study.sqlite"
    models, study = tmp_path / "models.json", tmp_path / "study"
    with contexts_file() as scenarios:
        numbers = ("--limit", TRAINED + NATIVE, "--instilled", TRAINED, "--examples", 20)
        selfinterp("finetune", "files", "--scenarios", scenarios, "--out", training, *numbers)
    listed = training / "scenarios.json"
    with running_process(
        *("--scenarios", listed, "--job-seconds", 0.1, "--batch-seconds", 0.1),
        *("--too-many", 0.05, "--retry-after", 0.05, "--error", 0.05, "--wrong-name", 0.1),
    ) as server:
        where = ("--base-url", server.url)
        made = ("--models", models, "--every", 0.05, "--model", "model-a", *where)
        preferences = training / f"instill_{TRAINED}_prefs.jsonl"
        trained = selfinterp("finetune", "submit", "--file", preferences, *made)
        collect = ("--scenarios", listed, "--journal", journal, *where, "--base-model", "model-a")
        instilled = (*collect, "--limit", TRAINED, "--set", "instilled")
        native = (*collect, "--skip", TRAINED, "--limit", NATIVE)
        asked = ("--model", trained, "--per-scenario", 4)
        selfinterp("collect", "choices", *instilled, *asked)
        selfinterp("collect", "choices", *native, *asked, "--batch", "--every", 0.05)
        selfinterp("collect", "reports", *instilled, *asked, "--condition", "weight-trained")
        selfinterp("collect", "reports", *instilled, "--model", "model-a", "--per-scenario", 4)
    targets = training / "instilled_weights.csv"
    kept = ("--targets", targets, "--models", models)
    selfinterp("collect", "export", "--journal", journal, "--out", study, *kept)
    loaded = load_study(study)
    assert loaded.choices.groupby("set").size().to_dict() == {
        "instilled": 4 * TRAINED,
        "native": 4 * NATIVE,
    }
    assert set(loaded.choices["model"]) == {trained}
    assert set(loaded.reports["condition"]) == {"off-the-shelf", "weight-trained"}
    counts = loaded.counts.set_index(["set", "task", "condition"])
    assert (counts["asked"] == counts["valid"] + counts["invalid"]).all()
    assert counts["invalid"].sum() > 0
    assert len(loaded.targets) == TRAINED
    (job,) = json.loads((study / "models.json").read_text())["fine_tuning_jobs"]
    assert job["fine_tuned_model"] == trained

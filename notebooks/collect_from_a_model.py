# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # Collect from a model
#
# From scenarios of your own to an estimate: ask a model to choose, ask it how it weighs, keep
# every answer, fit. The model here is a simulated participant behind a server on this machine,
# which speaks OpenAI's protocol and whose weights are known, so that the end can be held against
# the truth. It needs neither a key nor the internet.
#
# For a real service change the address and the model's name, put the key into `OPENAI_API_KEY`,
# and begin with `--dry-run`, which says how many calls and tokens it will be.

# %%
import atexit
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path
from urllib.request import urlopen

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from common import QUICK, say, show, stamp
from selfinterp_stats import (
    Prior,
    Settings,
    fit_correlations,
    fit_many,
    fit_weights,
    hdi_table,
    load_study,
)

stamp()
settings = Settings(seed=0, draws=800, regression_draws=800) if QUICK else Settings(seed=0)
trials, repeats = (20, 4) if QUICK else (100, 10)
scratch = tempfile.TemporaryDirectory()
COMMAND = Path(sys.executable).with_name("selfinterp")


def selfinterp(*words):
    """Run `selfinterp WORDS --json` in the scratch folder, as at a terminal."""
    ran = subprocess.run(
        [COMMAND, *map(str, words), "--json"],
        cwd=scratch.name,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


# %% [markdown]
# ## Scenarios
#
# A scenario is a question and the attributes in which options differ, with units and ranges. A
# weight is about the whole range, so choose ranges over which you would expect a preference to
# move, and make them alike in how much is at stake.

# %%
SCENARIOS = {
    "tent": "weight kg 1 9; price euros 50 900; beds beds 1 6; headroom cm 80 220",
    "flat": "rent euros 400 2500; commute minutes 5 90; rooms rooms 1 5; floor floors 0 12",
    "bicycle": "price euros 200 4000; weight kg 7 22; gears gears 1 30; warranty years 1 10",
    "laptop": "battery hours 3 24; screen inches 11 18; memory GB 4 64; weight kg 0.8 3.5",
    "train": "fare euros 10 200; duration hours 1 12; changes changes 0 4; delay minutes 0 60",
    "café": "walk minutes 1 30; coffee euros 1 7; seats seats 4 80; noise decibels 40 85",
    "course": "length weeks 2 40; fee euros 0 3000; group people 3 60; homework hours 0 12",
    "camera": "zoom times 1 30; price euros 100 3000; weight kg 0.2 2; photos photos 200 1500",
    "garden": "area m² 20 900; sun hours 1 10; walk minutes 1 40; rent euros 50 900",
    "hotel": "price euros 40 400; rating points 1 10; distance km 0.1 12; breakfast dishes 0 40",
}


def scenario(name, text):
    """One entry of the scenarios' file."""
    parts = [part.split() for part in text.split(";")]
    return {
        "short_name": name,
        "question": f"Which {name} would you prefer?",
        "attributes": [
            {"name": what, "units": units, "range": [float(low), float(high)]}
            for what, units, low, high in parts
        ],
    }


listed = [scenario(name, text) for name, text in SCENARIOS.items()]
(Path(scratch.name) / "scenarios.json").write_text(json.dumps(listed), encoding="utf-8")
print(json.dumps(listed[0], indent=1))

# %% [markdown]
# ## A participant
#
# At a terminal: `selfinterp collect simulate-server --port 8000 --scenarios scenarios.json`. This
# one misbehaves a little, as services do: some requests fail on the way, some reports name an
# attribute wrongly, some answers are nonsense.

# %%
server = subprocess.Popen(
    [
        *(COMMAND, "collect", "simulate-server", "--port", "0", "--scenarios", "scenarios.json"),
        *("--error", "0.02", "--garbage", "0.01", "--wrong-name", "0.15"),
    ],
    cwd=scratch.name,
    stdout=subprocess.PIPE,
    stderr=subprocess.DEVNULL,
    text=True,
)
atexit.register(server.kill)
url = server.stdout.readline().strip()

# %% [markdown]
# ## Choices and reports
#
# Every trial is a context of its own, so the trials of a scenario are independent given the
# model; the options are drawn from the seed. Every answer is in the journal, an SQLite file,
# before it counts. Here the budget stops the run half-way. The same command then asks only what
# is missing.

# %%
what = ("--scenarios", "scenarios.json", "--model", "model-a", "--base-url", url)
kept = ("--journal", "mine.sqlite")
choices = ("collect", "choices", *what, *kept, "--per-scenario", trials)
stopped = selfinterp(*choices, "--max-calls", len(SCENARIOS) * trials // 2)
finished = selfinterp(*choices)
reported = selfinterp("collect", "reports", *what, *kept, "--per-scenario", repeats)
steps = {"choices, stopped": stopped, "choices, gone on": finished, "reports": reported}
show(
    pd.DataFrame(
        {
            "step": name,
            "asked now": step["run"]["asked"],
            **{key: step["journal"][key] for key in ("wanted", "asked", "valid", "invalid")},
            "complete": step["journal"]["complete"],
        }
        for name, step in steps.items()
    )
)

# %% [markdown]
# ## Look at the answers before the estimates
#
# The journal keeps the text of every answer, also of those that could not be read, and why. Two
# questions: are invalid answers spread evenly over scenarios, or does one scenario lose most of
# its reports? And would a reader have understood them? (`--rescue` accepts attribute names that
# are plainly misspelled, and marks them.)

# %%
with closing(sqlite3.connect(Path(scratch.name) / "mine.sqlite")) as journal:
    answers = pd.read_sql(
        "SELECT cell.task, scenario, trial, status, why, text FROM reply "
        "JOIN cell ON cell.id = reply.cell WHERE superseded = 0",
        journal,
    )
came_of_it = answers["task"] + ", " + answers["status"]
show(pd.crosstab(answers["scenario"], came_of_it.rename("task")).reset_index())

# %%
invalid = answers[answers["status"] != "valid"].groupby("task").head(3)
show(invalid.assign(text=invalid["text"].str.slice(0, 100))[["task", "scenario", "why", "text"]])

# %% [markdown]
# ## From the journal to estimates
#
# `export` writes a study folder, with the counts of what was asked. From here on everything is as
# with the paper's data.

# %%
exported = selfinterp("collect", "export", *kept, "--out", "mine")
study = load_study(Path(scratch.name) / "mine")
weights = fit_weights(study, settings=settings)
correlations = fit_correlations(study, weights, settings=settings)
slope = correlations.table[correlations.table["term"] == "standardized_reports"]
columns = ["base_model", "set", "condition", "median", "hdi_low", "hdi_high", "n", "ok"]
show(slope[columns])

# %% [markdown]
# The condition is called weight-trained because that is what native reports before introspection
# training are called in a study folder; this model was not trained on anything.
#
# ## Beside the truth
#
# The participant tells its weights at `/truth`. A 95% interval is right if it holds the truth
# about 19 times in 20, and if those that miss do so on both sides.

# %%
with urlopen(url.removesuffix("/v1") + "/truth?model=model-a") as answer:
    truth = pd.DataFrame(json.load(answer))
server.terminate()
server.wait()
server.stdout.close()

columns = ["slopes", "weights", "expected_report"]
truth = truth[["scenario", *columns]].explode(columns).astype(dict.fromkeys(columns, float))
truth["attribute"] = [f"attr{i + 1}" for i in truth.groupby("scenario").cumcount()]
beside = weights.table.merge(truth, on=["scenario", "attribute"])

# %% [markdown]
# The paper's prior says that slopes are of the order of 1. If the intervals miss on one side,
# that may be why, so here are the same choices under a prior that is five times as wide.
# `fit_many` fits any model to every group of a table.

# %%
predictors = [f"d{i + 1}" for i in range(len(study.attributes))]
tree = fit_many(
    "chose_a ~ " + " + ".join(predictors),
    study.choices.astype({"chose_a": int}),
    by="scenario",
    family="bernoulli",
    priors={"common": Prior.of("Normal", mu=0, sigma=5)},
    draws=settings.draws,
    progress=False,
)
wide = hdi_table(tree, var_names=predictors).rename(columns={"dataset": "scenario"})
wide["attribute"] = wide["variable"].str.replace("d", "attr")
wide = wide.merge(truth, on=["scenario", "attribute"])

figure, panels = plt.subplots(1, 3, figsize=(9, 3.2), layout="constrained")
fitted = {"normal(0, 1) prior": beside, "normal(0, 5) prior": wide}
for axes, (name, table) in zip(panels, fitted.items(), strict=False):
    inside = table["slopes"].between(table["hdi_low"], table["hdi_high"])
    colours = np.where(inside, "#0072b2", "#d55e00")
    axes.vlines(table["slopes"], table["hdi_low"], table["hdi_high"], colours, linewidth=0.9)
    axes.plot(table["slopes"], table["mean"], ".", color="#22262b", markersize=4)
    axes.set(xlabel="true slope (logit scale)", ylabel="mean and 95% HDI", title=name)
    say(f"- {name}: {inside.sum()} of {len(inside)} intervals of slopes hold the truth.")
panels[2].plot(beside["weights"], beside["weight"], ".", color="#0072b2", markersize=5)
panels[2].set(
    xlabel="true weight (±100)", ylabel="fitted weight (±100)", title="normal(0, 1) prior"
)
for axes in panels:
    axes.axline((0, 0), slope=1, color="#22262b", linewidth=0.6)
plt.show()

# %%
r = np.corrcoef(truth["weights"], truth["expected_report"])[0, 1]
low, middle, high = (float(slope[name].iloc[0]) for name in ("hdi_low", "median", "hdi_high"))
say(
    f"- Weights: fitted and true ones correlate at "
    f"{np.corrcoef(beside['weights'], beside['weight'])[0, 1]:.3f}."
)
say(
    f"- Reports: true weights and expected reports correlate at {r:.2f}; the estimate is "
    f"{middle:.2f} [{low:.2f}, {high:.2f}]."
)

# %% [markdown]
# Left: where the true slopes are steep, the intervals lie nearer to zero than the truth, because
# the prior believes in gentle slopes. Middle: under the wider prior they are longer and hold it.
# Right: the *proportions* of slopes, on which the paper's conclusions rest, come out well under
# the narrow prior too; the notebook *compare_priors* asks the same of the paper's data.
#
# Few scenarios make a wide interval for the correlation, however many trials each has.
# `selfinterp plan` says what a design would find before anything is asked.

# %%
scratch.cleanup()
stamp()

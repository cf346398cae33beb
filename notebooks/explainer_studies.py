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
# # Explainer studies: who explains whom
#
# In an explainer study models explain models: an *explainer* is trained to say what a *target*
# does, and each explanation of an item is right or wrong. Does a model explain itself better than
# others explain it (arXiv:2511.08579)?
#
# The obvious comparison, self cells against cross cells, mixes three things. Some explainers are
# more skilled than others, some targets are easier than others, and perhaps the self is
# privileged. This notebook takes them apart in a study with known truth, then in published
# numbers.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from common import QUICK, say, show, stamp
from selfinterp_stats import analyse_explainers, load_explainers

stamp()
draws, items = (400, 60) if QUICK else (4_000, 500)
scratch = tempfile.TemporaryDirectory()

# %% [markdown]
# ## A study with known truth
#
# Three models explain each other, all of them the same items of a target. The log-odds of a right
# explanation are the explainer's skill, the target's ease, the item's ease and, where explainer
# and target are the same model, the self effect. It is the same for all three models; their
# skills are not.
#
# The table is the tidy form that the package reads: one row per explanation. It reads the JSON
# Lines of the authors' evaluation script as well.

# %%
rng = np.random.default_rng(0)
SELF_EFFECT = 0.5
SKILL = {"small": -0.8, "middle": 0.0, "large": 0.8}
EASE = {"small": 0.6, "middle": 0.0, "large": 0.9}

rows = []
for target, ease in EASE.items():
    of_items = rng.normal(0, 1, items)
    for explainer, skill in SKILL.items():
        logit = skill + ease + of_items + SELF_EFFECT * (explainer == target)
        right = rng.random(items) < 1 / (1 + np.exp(-logit))
        cell = {"explainer": explainer, "target": target, "task": "simulated"}
        rows += [{**cell, "item": f"{target} {i}", "outcome": int(y)} for i, y in enumerate(right)]
table = pd.DataFrame(rows)
table.to_csv(Path(scratch.name) / "items.csv", index=False)
shares = table.pivot_table(index="explainer", columns="target", values="outcome", sort=False)
show((100 * shares).reset_index(), decimals=1)

# %% [markdown]
# Percent right, explainers in rows. Look along rows and columns before looking at the diagonal:
# if a row is high throughout, that explainer is good at everything.

# %%
study = load_explainers(Path(scratch.name) / "items.csv")
results = analyse_explainers(study, draws=draws, seed=0)


def true_value(quantity, target):
    """What the numbers above make of a quantity, in logits."""
    others = [skill for model, skill in SKILL.items() if model != target]
    ahead = SKILL[target] - np.mean(others) if quantity == "self_cross_gap" else 0
    return SELF_EFFECT + ahead


ASKED = ["self_cross_gap", "delta_of_target", "delta", "delta_new_run"]
found = results.table[results.table["quantity"].isin(ASKED)]
logits = found[found["scale"] == "logit"].copy()
logits["truth"] = [true_value(row.quantity, row.target) for row in logits.itertuples()]
columns = ["quantity", "target", "median", "hdi_low", "hdi_high", "p_positive", "identified"]
show(logits[[*columns, "truth"]], decimals=2)

# %% [markdown]
# Logits throughout. What the rows are:
#
# - `self_cross_gap`, per target: the self cell against the mean of the cross cells of this
#   target. The target's ease is gone, the explainer's skill is not: a skilled model has a large
#   gap about itself, a weak one a negative gap, whatever the self is worth. Look at the column
#   `truth`.
# - `delta`: the self effect with skill and ease both removed, *for these runs*. `delta_of_target`
#   is the same for one model alone; it takes three models or more.
# - `delta_new_run`: the same for explainers trained again. With one run per cell the data cannot
#   say how much cells move from run to run, so this rests on a prior, and the column `identified`
#   says so.
#
# In a full design like this the average over all gaps is fair, since every model is explainer and
# target equally often. Gaps of single targets never are.

# %%
inside = logits["truth"].between(logits["hdi_low"], logits["hdi_high"])
gaps = logits[logits["quantity"] == "self_cross_gap"]
delta = logits[logits["quantity"] == "delta"].iloc[0]
say(
    f"The gaps reach from {gaps['median'].min():.2f} to {gaps['median'].max():.2f} though every "
    f"model has the same self effect of {SELF_EFFECT}; `delta` is {delta['median']:.2f} "
    f"[{delta['hdi_low']:.2f}, {delta['hdi_high']:.2f}]. {inside.sum()} of {len(inside)} intervals "
    "hold the truth."
)

# %% [markdown]
# ## Published numbers
#
# Where single explanations are not to be had, cells with standard errors do. These are the exact
# matches that the paper prints (arXiv:2511.08579, version 3) for two models that explain each
# other and themselves.

# %%
PUBLISHED = """
explainer,target,task,value,se
Qwen3-8B,Qwen3-8B,activation_patching,64.0,0.4
Llama-3.1-8B,Qwen3-8B,activation_patching,54.1,0.4
Llama-3.1-8B,Llama-3.1-8B,activation_patching,48.6,0.7
Qwen3-8B,Llama-3.1-8B,activation_patching,41.7,0.7
Qwen3-8B,Qwen3-8B,input_ablation,83.4,1.0
Llama-3.1-8B-Instruct,Qwen3-8B,input_ablation,58.1,1.3
Llama-3.1-8B-Instruct,Llama-3.1-8B-Instruct,input_ablation,63.8,1.3
Qwen3-8B,Llama-3.1-8B-Instruct,input_ablation,56.7,1.3
"""
(Path(scratch.name) / "published.csv").write_text(PUBLISHED.strip() + "\n", encoding="utf-8")
published = load_explainers(Path(scratch.name) / "published.csv")
printed = analyse_explainers(published, draws=draws, seed=0)
points = printed.table[printed.table["quantity"].isin(ASKED)].query("scale == 'points'")
show(points[["task", *columns]], decimals=2)

# %% [markdown]
# Percentage points. With two models half the sum of the two gaps is all that skill and ease leave,
# and that is `delta`. Which of the two models has the self effect cannot be asked of a 2 x 2
# design: `delta_of_target` is not identified and stays empty.
#
# ## Would it survive another run?
#
# The standard errors above are about items. They say nothing of what happens when the explainers
# are trained again. Suppose a cell moves by some sd from run to run; how large may that be before
# the interval of `delta` reaches zero? That is the tipping point.

# %%
figure, panels = plt.subplots(1, 2, figsize=(7.5, 2.8), layout="constrained", sharey=True)
for axes, (task, rows) in zip(panels, printed.tipping.groupby("task", sort=False), strict=True):
    reach = 1.96 * rows["sd"]
    low, high = rows["median"] - reach, rows["median"] + reach
    axes.fill_between(rows["run_sd"], low, high, color="#0072b2", alpha=0.2)
    axes.plot(rows["run_sd"], rows["median"], color="#0072b2")
    axes.axvline(rows["tipping_point"].iloc[0], color="#d55e00", linewidth=1)
    axes.axhline(0, color="#22262b", linewidth=0.6)
    axes.set(title=task.replace("_", " "), xlabel="run-to-run sd of a cell (points)")
panels[0].set_ylabel("delta (points)")
plt.show()
for task, rows in printed.tipping.groupby("task", sort=False):
    say(
        f"- {task.replace('_', ' ')}: the 95% interval of delta reaches zero from a run-to-run sd "
        f"of {rows['tipping_point'].iloc[0]:.1f} points on."
    )

# %%
for row in points.query("quantity == 'delta_new_run'").to_dict("records"):
    say(
        f"- {row['task'].replace('_', ' ')}: {row['median']:.1f} "
        f"[{row['hdi_low']:.1f}, {row['hdi_high']:.1f}] points in view of other runs "
        f"({row['note']}); above zero with probability {row['p_positive']:.2f}."
    )

# %% [markdown]
# So the question to ask of such a paper is not whether its standard errors are small, but whether
# anyone trained the explainers twice. Several runs per cell in the data (a column `run`) are used
# where they are there: the run-to-run sd is then estimated and `delta_new_run` rests on data.
#
# `selfinterp explainers --data FILE... --out DIR` writes all of this as a report.

# %%
scratch.cleanup()
stamp()

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
# # Compare priors
#
# The paper's weights come from logistic regressions with normal(0, 1) priors on the slopes.
# Slopes this steep would surprise that prior. Do the paper's conclusions depend on it?
#
# Everything here is fitted once per set of priors: the weights of all scenarios, then every
# correlation, contrast and share that the paper reports. The regressions of weights on reports
# keep their own priors.

# %%
import matplotlib.pyplot as plt
import numpy as np

from common import QUICK, say, show, stamp, the_study
from selfinterp_stats import Prior, Settings, compare_priors

stamp()
study = the_study()
settings = Settings(seed=0, draws=800, regression_draws=800) if QUICK else Settings(seed=0)

# %% [markdown]
# ## The sets of priors
#
# The package brings several sets. A set of one's own is a mapping from terms to priors with
# Bambi's names: `common` for every slope, `d1`, `d2`, ... for single ones, `Intercept`. Here is
# one that believes in steep slopes and has heavy tails.

# %%
own = {"steep": {"common": Prior.of("StudentT", nu=4, mu=0, sigma=5)}}
compared = compare_priors(
    study, own, only=["normal_2", "steep"] if QUICK else None, settings=settings
)
show(compared.sets[["prior", "words"]])

# %% [markdown]
# ## What a prior believes, and whether it is heard
#
# Four columns to look at before any conclusion:
#
# - `near_certain`: in what share of trials one option has a probability above .99 when slopes are
#   drawn from the prior. A flat-looking prior on slopes is a firm belief in certain choices.
# - `elpd_change`, with its standard error: how much better than under the paper's priors choices
#   that were left out are predicted (PSIS-LOO). Several standard errors above zero, and the data
#   prefer this prior.
# - `prior_sensitive`: the share of weights that move when the prior's power is doubled. Near 1,
#   the prior is heard in almost every weight.
# - `improper`: scenarios without a posterior. They happen under flat priors where the choices can
#   be separated perfectly; those scenarios are left out, so what remains is another sample.

# %%
columns = ["prior", "near_certain", "elpd_change", "elpd_change_se", "prior_sensitive"]
counts = ["improper", "failing", "loo_k_above"]
show(compared.sets[[*columns, *counts]], decimals=2)

# %% [markdown]
# `failing` counts fits that fail a diagnostic, and `loo_k_above` the choices whose leave-one-out
# prediction is not to be trusted (Pareto k above 0.7): many of them make `elpd_change` of that
# row a rough figure.

# %%
better = compared.sets[compared.sets["elpd_change"] > 2 * compared.sets["elpd_change_se"]]
say(
    f"{len(better)} of {len(compared.sets) - 1} other sets predict choices better than the "
    "paper's, by more than two standard errors"
    + (f": {', '.join(better['prior'])}." if len(better) else ".")
)

# %% [markdown]
# ## What moves: slopes, and proportions of slopes
#
# A wider prior lets slopes be steeper. The paper's weights, however, are proportions: the largest
# of a scenario is ±100. Compare the two panels.

# %%
other = "steep"
wide = compared.weights.pivot_table(
    index=["base_model", "set", "scenario", "attribute"],
    columns="prior",
    values=["mean", "weight"],
)
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.6), layout="constrained")
for axes, what, label in zip(
    panels, ("mean", "weight"), ("slope (logit scale)", "weight (±100)"), strict=True
):
    x, y = wide[what, "paper"].to_numpy(float), wide[what, other].to_numpy(float)
    axes.plot(x, y, ".", markersize=2.5, alpha=0.4, color="#0072b2")
    axes.axline((0, 0), slope=1, color="#22262b", linewidth=0.7)
    axes.set(xlabel=f"{label}, paper's prior", ylabel=f"{label}, {other}")
plt.show()
steeper = np.median(
    np.abs(wide["mean", other].to_numpy(float)) / np.abs(wide["mean", "paper"].to_numpy(float))
)
moved = np.abs(wide["weight", other].to_numpy(float) - wide["weight", "paper"].to_numpy(float))
say(
    f"Under “{other}” the median slope is {steeper:.1f} times as steep. Of the weights, half move "
    f"by at most {np.median(moved):.0f} points of ±100 and one in twenty by more than "
    f"{np.quantile(moved, 0.95):.0f}."
)

# %% [markdown]
# ## What becomes of the conclusions
#
# One row per conclusion: the estimate under the paper's priors with its interval, the lowest and
# the highest estimate under any set, and how often the sign flips. `relative_change` is the
# largest change in half-widths of the interval, and the figure to look at: a tenth is nothing
# that the data could tell apart.

# %%
conclusions = compared.conclusions
columns = ["id", "estimate", "hdi_low", "hdi_high", "lowest", "lowest_under"]
show(conclusions[[*columns, "highest", "highest_under", "relative_change", "flips"]])

# %%
changes = compared.table[compared.table["prior"] != "paper"].dropna(subset="change")
half = (conclusions["hdi_high"] - conclusions["hdi_low"]) / 2
width = dict(zip(conclusions["id"], half, strict=True))
place = {name: -i for i, name in enumerate(conclusions["id"])}
figure, axes = plt.subplots(figsize=(7.5, 0.27 * len(place) + 1), layout="constrained")
for prior, rows in changes.groupby("prior", sort=False):
    axes.plot(
        rows["change"] / rows["id"].map(width), rows["id"].map(place), "o", markersize=4,
        alpha=0.8, label=prior,
    )  # fmt: skip
for edge in (-1, 1):
    axes.axvline(edge, color="#d55e00", linewidth=0.8)
axes.axvline(0, color="#22262b", linewidth=0.6)
axes.set_yticks(list(place.values()), list(place))
axes.set_xlabel("change from the paper's priors, in half-widths of the 95% HDI")
axes.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(1, 0.5))
plt.show()
say(
    f"The largest change of any conclusion is {conclusions['relative_change'].max():.2f} "
    "half-widths of its interval (the orange lines are at 1)."
)

# %% [markdown]
# A sign that flips deserves a second look. Where every interval holds zero, the data never said
# which sign it is, and no prior contradicts another.

# %%
flips = conclusions[conclusions["flips"] > 0]
for row in flips.to_dict("records"):
    say(f"- **{row['id']}**: {row['verdict']}")
if flips.empty:
    say("No sign flips under any of these priors.")

# %% [markdown]
# ## What to take from this
#
# Two statements are easily confused. *The prior is heard*: slopes are smaller than the choices
# alone would have them, and other priors predict choices better. *The conclusions depend on the
# prior*: correlations of weights, which rest on proportions of slopes, would come out
# differently. The first can hold without the second, and the table and the figure above say how
# far each does here.
#
# `selfinterp priors --data DIR --out DIR` writes all of this as a report, with a forest plot for
# every conclusion, and reads priors of your own from a TOML file.

# %%
stamp()

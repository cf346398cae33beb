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
# # Refit the paper
#
# Plunkett and colleagues (arXiv:2505.17120) taught language models to weigh the attributes of
# options in a given way, watched them choose, and asked them how they weigh. Two questions
# follow: what weights do the choices show, and how well do the models' reports agree with them?
#
# This notebook answers both from the released data, in the paper's two stages, and stops at each
# figure that a statistician would want to see before going on.

# %%
import tempfile
from dataclasses import replace
from math import erfc, sqrt
from pathlib import Path

import arviz_plots as azp
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image

from common import QUICK, say, show, stamp, the_study
from selfinterp_stats import (
    Settings,
    compare_runs,
    fit_correlations,
    fit_weights,
    hdi_table,
    reproduce,
)

stamp()
study = the_study()
settings = Settings(seed=0, draws=800, regression_draws=800) if QUICK else Settings(seed=0)

# %% [markdown]
# ## What was measured
#
# A *scenario* is one choice context with five attributes. In a *trial* the model chooses between
# two options, A and B. Instilled scenarios are those whose weights the model was trained on;
# native ones it was never trained on.
#
# Look at two things before any model. Is either letter preferred whatever the options are? Then
# `chose_A` is far from one half and the intercept has work to do. Are there scenarios in which
# all choices are alike? Their weights come from the prior.

# %%
trials = study.choices.groupby(["base_model", "set", "scenario"])["chose_a"].agg(["size", "mean"])
counted = trials.groupby(["base_model", "set"]).agg(
    scenarios=("size", "count"),
    trials=("size", "sum"),
    chose_A=("mean", "mean"),
    all_alike=("mean", lambda share: int(share.isin([0, 1]).sum())),
)
show(counted.reset_index())

# %% [markdown]
# Reports can be invalid: no JSON, wrong attribute names, numbers that are none. Those are not in
# the data, and where a scenario has no valid report it drops out of the correlation. Many missing
# scenarios in one row below mean that the row speaks of the others.

# %%
asked = study.reports.groupby(["base_model", "set", "condition"])["scenario"]
show(asked.agg(valid_reports="size", scenarios_with_a_report="nunique").reset_index())

# %% [markdown]
# Reading the files gives notice of what is odd and of what drops out. Nothing is mended: a report
# far outside −100 to 100 is kept as the paper's scripts keep it, and can move its scenario's
# mean.

# %%
for notice in study.notices:
    print(notice)

# %% [markdown]
# ## Stage 1: weights
#
# For every scenario a Bayesian logistic regression: the model chose A, given by how much A
# exceeds B in each attribute, as a share of the attribute's range. Slopes are on the logit scale:
# a slope of 3 says that the full range of this attribute moves the log-odds of choosing A by 3.
# The priors are the paper's: normal(0, 1) on slopes, brms' default on the intercept.

# %%
weights = fit_weights(study, settings=settings)
fits = weights.diagnostics
worst = fits.groupby("engine").agg(
    fits=("ok", "size"),
    failing=("ok", lambda ok: int((~ok).sum())),
    worst_rhat=("rhat", "max"),
    least_bulk_ess=("ess_bulk", "min"),
    least_tail_ess=("ess_tail", "min"),
    worst_pareto_k=("pareto_k", "max"),
)
show(worst.reset_index())

# %% [markdown]
# One row per engine. *R-hat* compares the chains: above 1.01 they have not found the same
# distribution. *ESS* says how many independent draws these draws are worth: intervals need a few
# hundred in the tails. *Pareto k* belongs to importance sampling alone and says whether the
# proposal has tails as heavy as the posterior's: above 0.7 the draws are not to be trusted,
# whatever the other two say. Fits that fail are named:

# %%
if fits["ok"].all():
    say("None of these fits fails.")
else:
    show(fits.loc[~fits["ok"], ["fit", "reason"]])

# %% [markdown]
# The draws are xarray trees with dims (chain, draw, scenario, attribute), so ArviZ takes them as
# they are. Here is one scenario, with its target weights beside the fitted ones.

# %%
base_model = study.base_models[0]
first_set = study.sets_of(base_model)[0]
tree = weights.posteriors[f"weights_{base_model}_{first_set}"]
one = study.choices.loc[study.choices["set"] == first_set, "scenario"].iloc[0]
azp.plot_forest(
    tree,
    var_names="weight",
    coords={"scenario": [one]},
    combined=True,
    labels=["attribute"],
    point_estimate="median",
    ci_kind="hdi",
    ci_probs=(0.5, 0.95),
    backend="matplotlib",
    figure_kwargs={"figsize": (7, 2.6)},
)
say(f"{base_model}, scenario “{one}”: slopes on the logit scale, median with 50% and 95% HDI.")

# %%
shown = hdi_table(tree, var_names="weight")
shown = shown[shown["scenario"] == one].drop(columns=["variable", "scenario"])
names = study.attribute_names.query("scenario == @one").set_index("attribute")["attribute_name"]
target = study.targets.set_index("scenario").reindex([one]).iloc[0]
shown.insert(1, "name", shown["attribute"].map(names))
shown.insert(2, "target", shown["attribute"].map(target))
figures = ["median", "hdi_low", "hdi_high", "pd", "ess_bulk", "mcse_median"]
show(shown[["attribute", "name", "target", *figures]])

# %% [markdown]
# Targets are on the ±100 scale of the paper and slopes are not: what counts is their proportion.
# The paper divides the five posterior means by the largest and keeps whole numbers. That throws
# the width of these intervals away, and the correlations of stage 2 know nothing of it; the
# notebook *carry_uncertainty_through* puts it back.
#
# One more look at stage 1. The prior says that slopes are of the order of 1. Is that what the
# data say?

# %%
means = weights.table["mean"]
figure, axes = plt.subplots(figsize=(6, 2.6), layout="constrained")
axes.hist(means, bins=60, density=True, color="#0072b2", alpha=0.6, label="posterior means")
grid = np.linspace(-7, 7, 400)
density = np.exp(-(grid**2) / 2) / np.sqrt(2 * np.pi)
axes.plot(grid, density, color="#d55e00", label="prior of a slope")
axes.set(xlabel="slope (logit scale)", ylabel="density")
axes.legend(frameon=False)
plt.show()
say(
    f"{(means.abs() > 2).mean():.0%} of the posterior means lie beyond ±2, where the prior puts "
    f"{erfc(2 / sqrt(2)):.1%} of its mass. And the prior draws posterior means towards zero."
)

# %% [markdown]
# So the prior is at work here. Whether that matters for the conclusions, which rest on
# proportions of slopes, is the subject of the notebook *compare_priors*.
#
# ## Stage 2: correlations
#
# Fitted weights and mean reports are standardised and regressed on each other; the slope is the
# paper's correlation. Its posterior median and 95% highest-density interval (HDI):

# %%
correlations = fit_correlations(study, weights, settings=settings)
slopes = correlations.table[correlations.table["term"] == "standardized_reports"]
slopes = slopes[slopes["base_model"].notna() & (slopes["base_model"] != "both")]
columns = ["base_model", "set", "condition", "median", "hdi_low", "hdi_high", "rope_share", "n"]
show(slopes[[*columns, "mcse_median"]])

# %% [markdown]
# `n` counts attributes, five per scenario, and differs between rows where reports are missing.
# `rope_share` is the share of the HDI's draws between −0.1 and 0.1: a slope so small that nobody
# would care. `mcse_median` says which digits would change with another seed.
#
# Did introspection training change the correlation? The regression with interactions gives the
# slope after training minus the slope before, averaged over base models with equal weights:

# %%
terms = correlations.table
changes = terms[terms["term"].str.startswith("slope: introspection-trained -")]
show(changes[["id", "median", "hdi_low", "hdi_high", "pd", "rope_share", "mcse_median"]])

# %% [markdown]
# ## Everything at once, beside what the paper prints
#
# `reproduce` does the same in one call, adds the paper's other numbers and writes the report: a
# page, tables, figures, draws.

# %%
scratch = tempfile.TemporaryDirectory()
first, second = Path(scratch.name) / "first", Path(scratch.name) / "second"
results = reproduce(study, first, settings=settings)
numbers = results.paper_numbers
columns = ["section", "quantity", "base_model", "estimate", "hdi_low", "hdi_high"]
show(numbers[[*columns, "published", "agrees"]])

# %%
published = numbers[numbers["agrees"] != ""]
if len(published):
    apart = published[published["agrees"] != "yes"]
    say(f"{len(published) - len(apart)} of {len(published)} printed numbers agree. The others:")
    for note in sorted(set(apart["note"])):
        say(f"- {note}")
else:
    say("These are not the paper's data, so there is nothing printed to compare with.")

# %%
Image(filename=first / "figures" / "figure2.png", width=700)

# %% [markdown]
# Left and middle: one point per scenario and attribute. Look for points on the edges (models like
# to report round numbers and extremes) and for a cloud that a line does not describe. Right: the
# slopes with their HDIs.
#
# ## How much of a digit is chance?
#
# The draws of another seed are another Monte Carlo sample from the same posteriors. What then
# moves is no finding.

# %%
reproduce(study, second, settings=replace(settings, seed=1))
moved = compare_runs(first, second)
moved = moved[moved["table"] == "paper_numbers"].dropna(subset="difference")
ends = pd.concat([(moved[f"hdi_{end}_a"] - moved[f"hdi_{end}_b"]).abs() for end in ("low", "high")])
say(
    f"Between two seeds no estimate moves by more than {moved['difference'].abs().max():.4f}, and "
    f"no end of an interval by more than {ends.max():.4f}."
)
scratch.cleanup()

# %% [markdown]
# That bounds what this computation can say. How far the choices of analysis, the priors and the
# noise of the measurements can move a number is a matter for the other notebooks.

# %%
stamp()

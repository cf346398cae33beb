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
# # Carry uncertainty through
#
# The paper's correlations take fitted weights and mean reports as if they had been read off a
# ruler. Both are estimates: a weight from some 50 or 100 choices, a mean report from ten answers
# or fewer. What does that do to a correlation?
#
# Three answers, each to its own question:
#
# - **plug-in** (the paper's): what do *fitted* weights and *mean* reports correlate at?
# - **carried through**: the same for weights as uncertain as stage 1 leaves them, one posterior
#   draw at a time, pooled as in multiple imputation.
# - **latent**: what would *true* weights and *expected* reports correlate at, without the noise
#   of choices and answers? This takes a joint model of both.

# %%
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import xarray as xr

from common import QUICK, say, show, stamp, the_study
from selfinterp_stats import (
    Settings,
    fit_weights,
    load_study,
    propagate_uncertainty,
    simulate_study,
)

stamp()
with tempfile.TemporaryDirectory() as scratch:
    truth = simulate_study(
        Path(scratch) / "known",
        seed=1,
        base_models=["model-a"],
        trained=0,
        native=8 if QUICK else 60,
        trials_native=30,
        reports=5,
    )
    simulated = load_study(truth.folder)
study = simulated if QUICK else the_study()
settings = Settings(seed=0, draws=800, regression_draws=800) if QUICK else Settings(seed=0)
ESTIMATORS = {"plug_in": "#8c8c8c", "carried_through": "#d55e00", "latent": "#0072b2"}

# %% [markdown]
# ## By hand, for one base model
#
# Stage 1 gives draws of every slope. Each draw, divided by its scenario's largest slope, is one
# set of weights that the choices allow. Correlate each with the mean reports:

# %%
base_model, condition = study.base_models[0], "introspection-trained"
weights = fit_weights(study, settings=settings)
slopes = weights.posteriors[f"weights_{base_model}_native"]["posterior"]["weight"]
drawn = slopes / abs(slopes).max("attribute")
mean = slopes.mean(("chain", "draw"))
fitted = mean / abs(mean).max("attribute")

own = study.reports.query(
    "base_model == @base_model and set == 'native' and condition == @condition"
)
means = own.groupby("scenario")[list(study.attributes)].mean()
reported = xr.DataArray(means, dims=("scenario", "attribute"))
over = ("scenario", "attribute")
fitted, drawn = (part.sel(scenario=reported["scenario"]) for part in (fitted, drawn))
plugged, carried = xr.corr(fitted, reported, over), xr.corr(drawn, reported, over)

figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
axes.hist(carried.to_numpy().ravel(), bins=50, color=ESTIMATORS["carried_through"], alpha=0.7)
axes.axvline(float(plugged), color=ESTIMATORS["plug_in"], linewidth=2)
axes.set(xlabel="Pearson's r of native weights and reports", ylabel="draws")
plt.show()
say(
    f"Grey: the posterior means, r = {float(plugged):.3f}. Orange: one r per draw, on average "
    f"{float(carried.mean()):.3f}. The draws spread by {float(carried.std()):.3f}."
)

# %% [markdown]
# The draws do not scatter around the plug-in value, they lie below it. A draw is a fitted weight
# plus noise, and noise that has nothing to do with the reports weakens a correlation. So carrying
# the uncertainty through answers an honest question (how much agreement do these data show?) with
# a number that is *further* from the agreement of true weights, not nearer. Only a model of how
# the noise arises can take it out again.
#
# ## Where the truth is known
#
# Before using such a model on real data, use it where the answer is known: on the study that was
# simulated at the top, with one base model, 30 choices per native scenario and 5 reports, so that
# noise has something to do.

# %%
known = propagate_uncertainty(simulated, settings)
true = truth.quantities.set_index("id")["truth"]
beside = known.table[known.table["id"].isin(true.index)].copy()
beside["truth"] = beside["id"].map(true)
beside["covered"] = beside["truth"].between(beside["hdi_low"], beside["hdi_high"])
show(beside[["id", "estimator", "median", "hdi_low", "hdi_high", "truth", "covered"]])

# %%
covered = beside.groupby("estimator", sort=False)["covered"].agg(["sum", "size"])
error = (beside["median"] - beside["truth"]).groupby(beside["estimator"], sort=False).mean()
for name in ESTIMATORS:
    say(
        f"- `{name}`: {covered.loc[name, 'sum']} of {covered.loc[name, 'size']} intervals hold the "
        f"truth; medians are off by {error[name]:+.3f} on average."
    )

# %% [markdown]
# One study proves nothing: a 95% interval may miss. Coverage over many studies drawn from the
# joint model's prior is measured in `reports/benchmarks/latent_coverage.md`. What to look at here
# is the direction of the errors.
#
# ## The study at hand

# %%
found = known if study is simulated else propagate_uncertainty(study, settings)
wide = found.table.assign(
    interval=[
        f"{row.median:.2f} [{row.hdi_low:.2f}, {row.hdi_high:.2f}]"
        for row in found.table.itertuples(index=False)
    ]
).pivot(index="id", columns="estimator", values="interval")
order = list(dict.fromkeys(found.table["id"]))
show(wide.loc[order, list(ESTIMATORS)].reset_index().fillna(""))

# %%
figure, axes = plt.subplots(figsize=(7.5, 0.34 * len(order) + 0.8), layout="constrained")
for shift, (name, colour) in zip((-0.22, 0, 0.22), ESTIMATORS.items(), strict=True):
    rows = found.table[found.table["estimator"] == name]
    y = np.array([-order.index(row) - shift for row in rows["id"]])
    axes.hlines(y, rows["hdi_low"], rows["hdi_high"], color=colour, linewidth=1.3)
    axes.plot(rows["median"], y, "o", markersize=3.5, color=colour, label=name.replace("_", " "))
axes.axvline(0, color="#22262b", linewidth=0.6)
axes.set_yticks([-i for i in range(len(order))], order)
axes.set_xlabel("correlation (or change of it), median and 95% HDI")
axes.legend(frameon=False, fontsize=8, loc="upper left")
plt.show()

# %% [markdown]
# What to look at:
#
# - *The order.* Carried through below plug-in below latent is what noise does. An estimate out of
#   order asks for an explanation.
# - *The gap.* Where the latent value lies far above the plug-in one, most of what was lost is
#   noise of measurement; more reports or more choices would show it.
# - *A correlation near zero* stays there: there is nothing to attenuate.
# - *Target weights are known.* In rows that begin with `d_` reports are correlated with them, so
#   nothing is carried through and the first two estimates differ by Monte Carlo error alone.
# - *A change through training.* It can shrink when noise is taken out, if there was more noise
#   before training than after.

# %%
medians = found.table.pivot(index="id", columns="estimator", values="median")
clear = medians[medians["plug_in"].abs() > 0.2].dropna()
ordered = (clear["carried_through"] <= clear["plug_in"]) & (clear["plug_in"] <= clear["latent"])
say(
    f"Of {len(clear)} correlations and changes beyond ±0.2, {int(ordered.sum())} come in the order "
    "carried through ≤ plug-in ≤ latent"
    + ("." if ordered.all() else f". Not these: {', '.join(ordered.index[~ordered])}.")
)

# %% [markdown]
# ## How much of each measurement is noise
#
# Reliability is the correlation that a measurement would have with an independent repetition of
# itself. Halves of the reports, and halves of the choices, are correlated and stepped up to the
# full length (Spearman-Brown). The ceiling is the highest correlation that measurements so noisy
# can show.

# %%
show(found.reliability)

# %% [markdown]
# ## Can the computation be trusted?
#
# The joint model is sampled; its R-hat and ESS are in the table, as are those of the imputations
# (the worst over all of them). `missing_information` is the share of variance of a
# carried-through correlation that comes from not knowing the weights: near 0, stage 1 hardly
# matters; near 1, it is all that matters.

# %%
worst = found.table.groupby("estimator", sort=False).agg(
    worst_rhat=("rhat", "max"),
    least_bulk_ess=("ess_bulk", "min"),
    most_missing_information=("missing_information", "max"),
)
show(worst.reset_index())
if found.untrusted.empty:
    say("Every row has settled: R-hat at most 1.01 and a bulk ESS of 400 or more.")
else:
    say("Rows that have not settled:")
    show(found.untrusted[["id", "estimator", "rhat", "ess_bulk"]])

# %% [markdown]
# The latent model adds assumptions: how true weights are spread, that answers scatter around an
# expected report with the same sd everywhere, that choices follow a logistic rule. Its answer is
# as good as these. Report the plug-in estimate as what was measured and the latent one as what it
# would mean under this model, and say which is which.

# %%
stamp()

"""A small result of a refit, made up but of the real shape, for looking at reports."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pandas as pd
import xarray as xr

from selfinterp_stats.estimates.published import published_numbers, stem_of
from selfinterp_stats.inference.summary.summaries import summarise
from selfinterp_stats.study.frames import empty_counts

HOSTILE = "<script>alert(1)</script>&_%$#"
PAPER_MODELS = ("gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18")
CELLS = (
    ("Experiment 1", "instilled", "off-the-shelf", 0.08),
    ("Experiment 1", "instilled", "weight-trained", 0.52),
    ("Experiment 2", "instilled", "introspection-trained", 0.74),
    ("Experiment 3", "native", "weight-trained", 0.44),
    ("Experiment 3", "native", "introspection-trained", 0.70),
)
PRIOR = (
    "common ~ Flat(); Intercept ~ StudentT(nu=3, mu=0, sigma=2.5); "
    "sigma ~ HalfStudentT(nu=3, sigma=2.5)"
)
WEIGHT_PRIOR = "common ~ Normal(mu=0, sigma=1); Intercept ~ StudentT(nu=3, mu=0, sigma=2.5)"
WORDS = ("brewing time", "price", "aroma", "caffeine", "origin | altitude")


@dataclass
class Sample:
    study: SimpleNamespace
    settings: SimpleNamespace
    posteriors: dict[str, xr.DataTree]
    weights: pd.DataFrame
    correlations: pd.DataFrame
    paper_numbers: pd.DataFrame
    agreement: pd.DataFrame
    diagnostics: pd.DataFrame
    released_comparison: pd.DataFrame
    run: dict[str, object] = field(default_factory=dict)


def sample_results(
    base_models=PAPER_MODELS, *, scenarios: int = 4, paper: bool = True, seed: int = 3
) -> Sample:
    rng = np.random.default_rng(seed)
    weights, posteriors = sampled_weights(rng, base_models, scenarios)
    correlations = sampled_correlations(rng, base_models, scenarios)
    settings = SimpleNamespace(
        seed=1, engine="auto", hdi_prob=0.95, rope=(-0.1, 0.1), draws=4000, regression_draws=80000
    )
    notices = (
        SimpleNamespace(
            kind="left out",
            message="No valid report: the off-the-shelf set of one base model is left out.",
            file="model_weight_reports.csv",
            count=1,
        ),
        SimpleNamespace(
            kind="warning", message="Three reports lie outside ±100.", file=None, count=3
        ),
    )
    study = SimpleNamespace(
        source="paper_data",
        attributes=tuple(f"attr{i + 1}" for i in range(5)),
        base_models=tuple(sorted(base_models)),
        is_paper=paper,
        notices=notices,
        hashes={"scenarios.csv": "0f" * 32},
        counts_read={"choices": 30000, "reports": 9000, "scenarios": scenarios},
        counts=empty_counts(),
    )
    return Sample(
        study=study,
        settings=settings,
        posteriors=posteriors,
        weights=weights,
        correlations=correlations,
        paper_numbers=sampled_paper_numbers(base_models, paper),
        agreement=sampled_agreement(rng, weights),
        diagnostics=sampled_diagnostics(weights),
        released_comparison=pd.DataFrame(
            {
                "base_model": list(base_models),
                "set": "instilled",
                "n_scenarios": scenarios,
                "correlation": 0.99995,
                "max_abs_difference": 2,
                "share_within_1": 0.985,
                "scenario": "loose_leaf_tea_0",
                "attribute": "attr2",
            }
        ),
        run={
            "package": "selfinterp-stats",
            "version": "0.1.0",
            "commit": "0123abcd",
            "seed": 1,
            "libraries": {"pymc": "5.28.5", "bambi": "0.17.2"},
            "data": {"source": "paper_data", "hashes": study.hashes},
            "seconds": {"reading": 0.4, "weights": 3.2, "regressions": 2.5, "report": 1.9},
        },
    )


def sampled_weights(rng, base_models, scenarios):
    parts, posteriors = [], {}
    for base_model in base_models:
        for name in ("instilled", "native"):
            centre = rng.normal(0, 1.3, size=(scenarios, 5))
            draws = centre[..., np.newaxis, np.newaxis] + 0.65 * rng.normal(
                size=(scenarios, 5, 4, 250)
            )
            labels = [f"loose_leaf_tea_{i}" for i in range(scenarios)]
            figures = summarise(draws.reshape(-1, 4, 250))
            frame = pd.DataFrame(
                {
                    "base_model": base_model,
                    "set": name,
                    "scenario": np.repeat(labels, 5),
                    "attribute": [f"attr{i + 1}" for i in range(5)] * scenarios,
                    "attribute_name": WORDS * scenarios,
                    **{key: value for key, value in figures.items() if key != "n_draws"},
                    "pareto_k": 0.21,
                    "engine": "importance",
                    "n": 50,
                    "all_same_choice": False,
                    "prior": WEIGHT_PRIOR,
                    "ok": True,
                }
            )
            largest = frame.groupby("scenario")["mean"].transform(lambda m: m.abs().max())
            frame["weight"] = (100 * frame["mean"] / largest).round().astype(int)
            parts.append(frame)
            posteriors[f"weights_{len(posteriors)}"] = xr.DataTree.from_dict(
                {
                    "/posterior": xr.Dataset(
                        {"slope": (("scenario", "attribute", "chain", "draw"), draws)},
                        coords={
                            "scenario": labels,
                            "attribute": [f"attr{i + 1}" for i in range(5)],
                            "chain": range(4),
                            "draw": range(250),
                        },
                    )
                }
            )
    weights = pd.concat(parts, ignore_index=True)
    weights.loc[weights["scenario"] == "loose_leaf_tea_1", "ok"] = False
    weights.loc[weights["scenario"] == "loose_leaf_tea_2", "all_same_choice"] = True
    return weights, posteriors


def sampled_correlations(rng, base_models, scenarios):
    rows = []
    for base_model in base_models:
        for experiment, name, condition, truth in CELLS:
            for term, centre, sd in (
                ("Intercept", 0.0, 0.04),
                ("standardized_reports", truth, 0.038),
                ("sigma", 0.84, 0.027),
            ):
                where = (experiment, name, condition, base_model, term)
                rows.append(sampled_term(rng, where, centre, sd, scenarios))
    change = "introspection-trained - weight-trained"
    for experiment, name in (("Experiment 2", "instilled"), ("Experiment 3", "native")):
        for condition, models, term in (
            (change, "both", f"slope: {change}"),
            ("weight-trained", "both", "slope, mean over base models"),
            (change, " - ".join(base_models[:2]), "slope: difference between base models"),
            ("", "both", "standardized_reports:itrained[TRUE]"),
        ):
            where = (experiment, name, condition, models, term)
            rows.append(sampled_term(rng, where, 0.25, 0.035, scenarios))
    return pd.DataFrame(rows)


def sampled_term(rng, where, centre, sd, scenarios):
    experiment, name, condition, base_model, term = where
    draws = centre + sd * rng.normal(size=(1, 4, 5000))
    figures = {key: value[0] for key, value in summarise(draws).items()}
    return {
        "id": f"{name}_{condition}_{base_model}_{term}",
        "experiment": experiment,
        "condition": condition,
        "base_model": base_model,
        "term": term,
        **{key: value for key, value in figures.items() if key != "n_draws"},
        "n": 5 * scenarios,
        "set": name,
        "mcse_hdi_low": 0.0006,
        "mcse_hdi_high": 0.0006,
        "pareto_k": 0.1,
        "engine": "importance",
        "prior": PRIOR,
        "family": "gaussian",
        "ok": True,
    }


def sampled_paper_numbers(base_models, paper):
    published = published_numbers()
    rows = []
    for row in published.to_dict("records"):
        missing = row["id"].startswith("d_trained_on_learned")
        shift = 0.002 if row["id"] == "e3_choice_accuracy_mini" else 0.0004
        estimate = np.nan if missing else row["published"] + shift
        if "training_effect" in row["id"]:
            estimate = (row["published_hdi_low"] + row["published_hdi_high"]) / 2
        row |= {
            "estimate": estimate,
            "hdi_low": row["published_hdi_low"] + 0.003,
            "hdi_high": row["published_hdi_high"] - 0.004,
            "agrees": "no" if row["reason"] else "yes",
            "note": row["reason"] or ("34 of 5,000" if row["id"].startswith("all_inv") else ""),
            "published_kind": row["kind"],
        }
        rows.append(row)
    numbers = pd.DataFrame(rows).drop(columns=["reason", "reproducible"])
    if not paper:
        other = []
        for row in numbers.to_dict("records"):
            if row["base_model"] == "both":
                other.append({**row, "base_model": "all"})
            elif row["id"].endswith("_4o"):
                stem = stem_of(row["id"])
                other += [
                    {**row, "id": f"{stem}_{name}", "base_model": name} for name in base_models
                ]
        numbers = pd.DataFrame(other)
        numbers[["published", "published_hdi_low", "published_hdi_high"]] = np.nan
        numbers["agrees"] = ""
        numbers["note"] = ""
    return numbers


def sampled_agreement(rng, weights):
    parts = []
    for _, name, condition, truth in CELLS:
        cell = weights.loc[
            weights["set"] == name,
            ["base_model", "set", "scenario", "attribute", "attribute_name", "weight"],
        ].copy()
        noise = rng.normal(size=len(cell)) * 60
        cell["reported"] = np.clip(
            truth * cell["weight"] + (1 - truth**2) ** 0.5 * noise, -100, 100
        )
        cell["condition"] = condition
        cell["fold"] = ""
        cell["target"] = np.nan
        for column, source in (("standardized_b", "weight"), ("standardized_reports", "reported")):
            cell[column] = (cell[source] - cell[source].mean()) / cell[source].std()
        parts.append(cell)
    return pd.concat(parts, ignore_index=True)


def sampled_diagnostics(weights):
    fits = weights.drop_duplicates(["base_model", "set", "scenario"]).copy()
    fits["fit"] = "weights " + fits["base_model"] + " " + fits["set"] + " " + fits["scenario"]
    fits["mcse_over_sd"] = 0.016
    fits["divergences"] = 0
    fits["ebfmi"] = np.nan
    fits["reason"] = np.where(fits["ok"], "", "R-hat 1.03 is above 1.01")
    return fits[
        [
            "fit", "base_model", "set", "scenario", "engine", "rhat", "ess_bulk", "ess_tail",
            "mcse_over_sd", "divergences", "ebfmi", "pareto_k", "ok", "reason",
        ]
    ].reset_index(drop=True)  # fmt: skip

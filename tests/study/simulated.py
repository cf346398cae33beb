"""What the tests of simulated studies share: their scenarios, and what they read of a truth."""

from __future__ import annotations

import numpy as np
import pandas as pd

K = 5
ATTRIBUTES = [f"attr{i}" for i in range(1, K + 1)]
REPORTS = {
    "weight_reports": ("instilled", "off-the-shelf", 0.05),
    "instilled_weight_reports": ("instilled", "weight-trained", 0.52),
    "itrained": ("instilled", "introspection-trained", 0.74),
    "instilled_latent_weight_reports": ("native", "weight-trained", 0.43),
    "latent": ("native", "introspection-trained", 0.70),
}


def many_scenarios(count, attributes=K):
    """Scenarios of no meaning, as many as are wanted, with ranges of all kinds of width."""
    random = np.random.default_rng(11)
    frame = pd.DataFrame({"scenario": [f"s{i}" for i in range(count)], "question": "Which?"})
    width = random.choice([0.5, 3.0, 40.0], (count, attributes))
    for i in range(attributes):
        frame[f"attr{i + 1}"] = f"quality_{i + 1}"
        frame[f"attr{i + 1}_min"] = 1.0
        frame[f"attr{i + 1}_max"] = 1.0 + width[:, i]
    return frame


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def wide(truth, column, set_name, base_model):
    rows = truth.weights[
        (truth.weights["set"] == set_name) & (truth.weights["base_model"] == base_model)
    ]
    return rows[column].to_numpy(float).reshape(-1, truth.design.attributes)


def quantity(truth, identifier, column="truth"):
    rows = truth.quantities[truth.quantities["id"] == identifier]
    assert len(rows) == 1
    return float(rows[column].iloc[0])

"""Small study folders, written by code, that tests read, spoil and fit."""

from __future__ import annotations

import csv
import math
import random
from collections.abc import Sequence
from pathlib import Path

SETS = ("instilled", "native")
CONDITIONS = ("off-the-shelf", "weight-trained", "introspection-trained")


def write_study(
    folder: Path,
    *,
    base_models: Sequence[str] = ("model-a",),
    scenarios: int = 4,
    trials: int = 6,
    attributes: int = 3,
    repeats: int = 3,
    sets: Sequence[str] = SETS,
    conditions: Sequence[str] = CONDITIONS,
    targets: bool = True,
    released: bool = False,
    seed: int = 0,
) -> Path:
    """Write a valid study folder in the layout of the paper's.

    `scenarios` is the number in each set; the instilled ones are ``item_1``.., the native ones
    follow. Choices are logistic in the true weights, reports are the weights with noise, so that
    fits have something to find. One scenario belongs to no set, as in the paper's list.
    """
    rng = random.Random(f"{seed}")
    folder.mkdir(parents=True, exist_ok=True)
    numbers = range(1, attributes + 1)
    names = [f"item_{i}" for i in range(1, len(SETS) * scenarios + 2)]
    of_set = {
        "instilled": names[:scenarios],
        "native": names[scenarios : 2 * scenarios],
    }
    ranges = {
        name: [
            (low, low + rng.choice([1.0, 5.0, 40.0]))
            for low in rng.choices([0.0, 2.0], k=attributes)
        ]
        for name in names
    }
    weights = {name: _weights(rng, attributes) for name in names}

    write_rows(
        folder / "scenarios.csv",
        [
            "scenario",
            "question",
            *(f"attr{i}" for i in numbers),
            *(f"attr{i}_min" for i in numbers),
            *(f"attr{i}_max" for i in numbers),
        ],
        [
            [
                name,
                f"Which {name}, if any, would you take?",
                *(f"quality {i} of {name}" for i in numbers),
                *(low for low, _ in ranges[name]),
                *(high for _, high in ranges[name]),
            ]
            for name in names
        ],
    )
    if targets:
        write_weights(folder / "instilled_weights.csv", "attr", {n: weights[n] for n in names})

    options = [f"{option}_attribute_{i}" for option in "AB" for i in numbers]
    for base in base_models:
        for set_name in sets:
            chosen = of_set[set_name]
            rows = [
                [f"ft:{base}", name, *_trial(rng, weights[name], ranges[name])]
                for name in chosen
                for _ in range(trials)
            ]
            latent = "_latent" if set_name == "native" else ""
            write_rows(
                folder / f"{base}_instilled{latent}_selections.csv",
                ["model", "scenario", "selection", *options],
                rows,
            )
            for file, members in _report_files(base, set_name, chosen, conditions):
                write_rows(
                    folder / file,
                    [
                        "explaining_model",
                        "version",
                        "scenario",
                        *(f"report_attr{i}" for i in numbers),
                    ],
                    [
                        [f"ft:{base}", "v1", name, *_report(rng, weights[name])]
                        for name in members
                        for _ in range(repeats)
                    ],
                )
            if released:
                write_weights(
                    folder / f"{base}{latent}_regression_results.csv",
                    "b_attr",
                    {name: weights[name] for name in chosen},
                )
    return folder


def write_rows(path: Path, header: Sequence[object], rows: Sequence[Sequence[object]]) -> None:
    """Write one CSV file."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_weights(path: Path, prefix: str, weights: dict[str, list[int]]) -> None:
    """Write one row of weights per scenario."""
    count = len(next(iter(weights.values())))
    header = ["scenario", *(f"{prefix}{i}" for i in range(1, count + 1))]
    write_rows(path, header, [[name, *values] for name, values in weights.items()])


def _report_files(
    base: str, set_name: str, members: Sequence[str], conditions: Sequence[str]
) -> list[tuple[str, Sequence[str]]]:
    count, half = len(members), len(members) // 2
    files: list[tuple[str, Sequence[str]]] = []
    if set_name == "native":
        if "weight-trained" in conditions:
            files.append((f"{base}_instilled_latent_weight_reports.csv", members))
        if "introspection-trained" in conditions:
            files.append((f"{base}_itrained_all_{count}_5ex_latent_weight_reports.csv", members))
        return files
    if "off-the-shelf" in conditions:
        files.append((f"{base}_weight_reports.csv", members))
    if "weight-trained" in conditions:
        files.append((f"{base}_instilled_weight_reports.csv", members))
    if "introspection-trained" in conditions:
        fold = f"{half}_of_{count}_5ex_weight_reports.csv"
        files.append((f"{base}_itrained_first_{fold}", members[half:]))
        files.append((f"{base}_itrained_last_{fold}", members[:half]))
    return files


def _weights(rng: random.Random, attributes: int) -> list[int]:
    raw = [rng.uniform(-1, 1) for _ in range(attributes)]
    largest = max(map(abs, raw))
    return [round(100 * value / largest) for value in raw]


def _trial(
    rng: random.Random, weights: Sequence[int], ranges: Sequence[tuple[float, float]]
) -> list[object]:
    first, second = ([round(rng.uniform(*ends), 2) for ends in ranges] for _ in range(2))
    utility = sum(
        0.04 * weight * (a - b) / (high - low)
        for weight, a, b, (low, high) in zip(weights, first, second, ranges, strict=True)
    )
    chose_a = rng.random() < 1 / (1 + math.exp(-utility))
    return ["A" if chose_a else "B", *first, *second]


def _report(rng: random.Random, weights: Sequence[int]) -> list[int]:
    return [max(-100, min(100, round(weight + rng.gauss(0, 25)))) for weight in weights]

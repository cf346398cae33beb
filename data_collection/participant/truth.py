"""What the answers of an experiment come from, written beside them."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from data_collection.participant.participant import Participant

TRUTH_FILE: Final = "simulation_truth.csv"
PARAMETERS_FILE: Final = "simulation.json"
CONDITIONS: Final = ("off-the-shelf", "weight-trained", "introspection-trained")


@dataclass(frozen=True)
class Models:
    """The models of one base model's experiment, by how they were trained."""

    base: str
    weight_trained: str
    first: str = ""
    last: str = ""
    whole: str = ""


def write_truth(
    study: Path,
    participant: Participant,
    models: Iterable[Models],
    targets: Mapping[str, Sequence[float]],
    *,
    half: int,
) -> None:
    """Write the weights behind the answers, and the mean of endlessly many reports.

    Parameters
    ----------
    study : pathlib.Path
        The study folder.
    participant : Participant
        Knows every scenario of the study; those that are trained on come first.
    models : iterable of Models
    targets : mapping of str to sequence of float
        Of the trained scenarios, +-100 scale.
    half : int
        Scenarios that the first introspection-training fold was trained on.
    """
    expected = [f"expected_{name.replace('-', '_')}" for name in CONDITIONS]
    header = ["base_model", "set", "scenario", "attribute", "target", "true_weight"]
    header += ["true_weight_scaled", "true_intercept", *expected]
    with (study / TRUTH_FILE).open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        for of in models:
            writer.writerows(_rows(participant, of, targets, half))


def _rows(
    participant: Participant, models: Models, targets: Mapping[str, Sequence[float]], half: int
) -> Iterable[list[object]]:
    """Rows of one base model."""
    told = {
        model: {row["scenario"]: row for row in participant.truth(model)}
        for model in asdict(models).values()
    }
    for position, known in enumerate(told[models.weight_trained].values()):
        scenario = known["scenario"]
        instilled = scenario in targets
        held_out = models.last if position < half else models.first
        askers = (
            models.base if instilled else "",
            models.weight_trained,
            held_out if instilled else models.whole,
        )
        expected = [told[name][scenario]["expected_report"] if name else None for name in askers]
        for i in range(len(known["attributes"])):
            yield [
                models.base,
                "instilled" if instilled else "native",
                scenario,
                f"attr{i + 1}",
                targets[scenario][i] if instilled else "",
                known["slopes"][i],
                known["weights"][i],
                known["intercept"],
                *(values[i] if values else "" for values in expected),
            ]

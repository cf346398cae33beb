"""Small scenario files and lists that several tests use."""

from __future__ import annotations

import json

from data_collection.scenarios import Attribute, Scenario


def scenario(name="tea", attributes=3):
    """A scenario whose attributes are all of one kind."""
    return Scenario(
        name,
        f"Imagine you are Zeus. Which {name} would you prefer?",
        tuple(Attribute(f"quality_{i}", "points", 0.0, 10.0 * i) for i in range(1, attributes + 1)),
    )


def entry(name="tea", **changes):
    """A scenario as a JSON file has it."""
    return {
        "short_name": name,
        "question": f"Which {name} would you prefer?",
        "attributes": [
            {"name": "strength", "units": "grams", "range": [0, 70]},
            {"name": "price", "units": "dollars", "range": [0.5, 2]},
        ],
        **changes,
    }


def write_json(path, entries):
    """Write a list of scenarios as JSON and give its path back."""
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path

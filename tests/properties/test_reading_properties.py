"""A study is read as it was written, whatever its names and numbers are and in whatever order."""

from __future__ import annotations

import csv
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from fuzz.targets import FILES, read_study, sound_files
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfinterp_stats.study import load_study

# Anything that UTF-8 can hold, but for the zero byte that a text file does not have. Names of
# scenarios may have quotes, commas and line ends in them.
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8)
NAMES = TEXT.filter(str.strip)
NUMBERS = st.floats(-1e9, 1e9, allow_subnormal=False)
# Not a million ranges apart.
VALUES = st.floats(-1_000, 1_000, allow_subnormal=False)
SELECTIONS = "model-a_instilled_selections.csv"
REPORTS = "model-a_weight_reports.csv"


@dataclass
class Written:
    """What a study's files hold, by column."""

    scenarios: dict[str, list]
    choices: dict[str, list]
    reports: dict[str, list]
    targets: dict[str, list]

    def write(self, folder: Path) -> None:
        for name, table in (
            ("scenarios.csv", self.scenarios),
            (SELECTIONS, self.choices),
            (REPORTS, self.reports),
            ("instilled_weights.csv", self.targets),
        ):
            # All in quotes: by itself Python's writer leaves a lone carriage return without.
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
                writer.writerows([list(table), *zip(*table.values(), strict=True)])


@st.composite
def studies(draw):
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    count = draw(st.integers(1, 3))
    k, trials = range(1, count + 1), draw(st.integers(2, 3))

    def column(values, rows):
        return draw(st.lists(values, min_size=rows, max_size=rows))

    lows = {i: column(NUMBERS, len(names)) for i in k}
    widths = {i: column(st.floats(0.01, 1e6), len(names)) for i in k}
    rows = len(names) * trials
    return Written(
        {
            "scenario": names,
            "question": column(TEXT, len(names)),
            **{f"attr{i}": column(NAMES, len(names)) for i in k},
            **{f"attr{i}_min": lows[i] for i in k},
            **{f"attr{i}_max": [a + w for a, w in zip(lows[i], widths[i], strict=True)] for i in k},
        },
        {
            "model": column(TEXT, rows),
            "scenario": names * trials,
            "selection": column(st.sampled_from("AB"), rows),
            **{f"{option}_attribute_{i}": column(VALUES, rows) for option in "AB" for i in k},
        },
        {
            "explaining_model": column(TEXT, len(names)),
            "scenario": draw(st.permutations(names)),
            **{f"report_attr{i}": column(NUMBERS, len(names)) for i in k},
        },
        {"scenario": names, **{f"attr{i}": column(NUMBERS, len(names)) for i in k}},
    )


def read(written, reorder=None):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written.write(folder)
        if reorder:
            reorder(folder)
        return load_study(folder)


@settings(max_examples=40)
@given(studies())
def test_a_study_is_read_as_it_was_written(written):
    study = read(written)
    assert study.scenarios["scenario"].tolist() == written.scenarios["scenario"]
    for name, column in written.scenarios.items():
        assert study.scenarios[name].tolist() == column
    assert study.choices["scenario"].tolist() == written.choices["scenario"]
    assert study.choices["selection"].tolist() == written.choices["selection"]
    assert study.choices["model"].tolist() == written.choices["model"]
    assert study.reports["scenario"].tolist() == written.reports["scenario"]
    place = {name: i for i, name in enumerate(written.scenarios["scenario"])}
    rows = [place[name] for name in written.choices["scenario"]]
    for number, attribute in enumerate(study.attributes, 1):
        assert study.reports[attribute].tolist() == written.reports[f"report_attr{number}"]
        assert study.targets[attribute].tolist() == written.targets[attribute]
        low, high = (
            np.array(written.scenarios[f"{attribute}_{end}"])[rows] for end in ("min", "max")
        )
        a, b = (np.array(written.choices[f"{option}_attribute_{number}"]) for option in "AB")
        np.testing.assert_array_equal(study.choices[f"d{number}"], (a - b) / (high - low))


def reordered(table: dict[str, list], columns, rows):
    names = sorted(table, key=lambda name: columns[name])
    return {name: [table[name][row] for row in rows] for name in names}


@settings(max_examples=30)
@given(studies(), st.randoms(use_true_random=False))
def test_the_order_of_columns_and_of_rows_means_nothing(written, random):
    def shuffled(table):
        rows = list(range(len(table["scenario"])))
        random.shuffle(rows)
        return reordered(table, {name: random.random() for name in table}, rows)

    other = Written(
        *(shuffled(t) for t in (written.scenarios, written.choices, written.reports)),
        shuffled(written.targets),
    )
    one, two = read(written), read(other)
    pairs = ((one.choices, two.choices), (one.scenarios, two.scenarios))
    for first, second in (*pairs, (one.reports, two.reports), (one.targets, two.targets)):
        # A trial's number is its place among those of its scenario.
        keep = [name for name in first if name not in ("trial", "repeat")]
        pd.testing.assert_frame_equal(sorted_rows(first[keep]), sorted_rows(second[keep]))


def sorted_rows(frame):
    return frame.sort_values(list(frame), ignore_index=True)


@given(st.sampled_from(FILES), st.integers(0, 30), st.integers(0, 12), st.text(max_size=12))
@example("scenarios.csv", 0, 1, "attr" + "9" * 5_000)
@example("choices.csv", 1, 0, "a\nb")
@example("scenarios.csv", 1, 0, "\ud83d")
@settings(max_examples=100)
def test_any_text_in_any_cell_gives_a_study_or_an_input_error(file, row, column, content):
    rows = list(csv.reader(sound_files()[file].decode().splitlines()))
    cells = rows[row % len(rows)]
    cells[column % len(cells)] = content
    with tempfile.NamedTemporaryFile("w+", encoding="utf-8", errors="surrogatepass") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)
        out.flush()
        read_study(bytes([FILES.index(file)]) + Path(out.name).read_bytes())


@given(st.integers(0, len(FILES) - 1), st.binary(max_size=300))
def test_any_bytes_as_a_file_give_a_study_or_an_input_error(file, content):
    read_study(bytes([file]) + content)

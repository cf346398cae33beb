"""Every wrong study is refused with a message that says where, what, what else and what to do."""

# ruff: noqa: E501 - the table of cases reads best with one case on a line

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from selfinterp_stats.errors import InputError
from selfinterp_stats.study import load_study

SCENARIOS = "scenarios.csv"
CHOICES = "model-a_instilled_selections.csv"
NATIVE = "model-a_instilled_latent_selections.csv"
REPORTS = "model-a_weight_reports.csv"
TARGETS = "instilled_weights.csv"
RELEASED = "model-a_regression_results.csv"
COUNTS = "collection_counts.csv"


@dataclass(frozen=True)
class Case:
    """One way to spoil a file, and the message that must come of it."""

    label: str
    file: str
    spoil: Callable[[Path], None]
    problem: str
    row: int | None = None
    column: str | None = None
    value: object = None
    also: tuple[str, ...] = field(default=())


def cell(row: int, column: str, text: str) -> Callable[[Path], None]:
    """Put `text` into a cell; `row` counts lines, the header being 1."""

    def spoil(path: Path) -> None:
        lines = path.read_text().splitlines()
        cells = lines[row - 1].split(",")
        place = lines[0].split(",").index(column) - len(lines[0].split(","))
        cells[place] = text
        lines[row - 1] = ",".join(cells)
        path.write_text("\n".join(lines) + "\n")

    return spoil


def line(row: int, change: Callable[[str], str]) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        lines = path.read_text().splitlines()
        lines[row - 1] = change(lines[row - 1])
        path.write_text("\n".join(lines) + "\n")

    return spoil


def keep(*rows: int) -> Callable[[Path], None]:
    """Keep some lines alone, by number."""

    def spoil(path: Path) -> None:
        lines = path.read_text().splitlines()
        path.write_text("".join(lines[row - 1] + "\n" for row in rows))

    return spoil


def append(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(path.read_text() + text)


def content(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text)


def data(old: bytes, new: bytes) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        before = path.read_bytes()
        assert old in before
        path.write_bytes(before.replace(old, new, 1))

    return spoil


def renamed(old: str, new: str) -> Callable[[Path], None]:
    return line(1, lambda header: ",".join(new if c == old else c for c in header.split(",")))


def drop_first_column(path: Path) -> None:
    lines = path.read_text().splitlines()
    path.write_text("".join(text.partition(",")[2] + "\n" for text in lines))


NUMBER = "a finite number such as 12.5"

CASES = (
    # Columns
    Case("no scenario", CHOICES, renamed("scenario", "item"), "needed column is missing", 1, "scenario"),
    Case("no selection", CHOICES, renamed("selection", "choice"), "needed column is missing", 1, "selection"),
    Case(
        "another case", CHOICES, renamed("selection", "Selection"), "needed column is missing", 1, "selection",
        also=("Rename the column 'Selection' to 'selection'",),
    ),
    Case("no option B", NATIVE, renamed("B_attribute_2", "B2"), "do not match the 3 attributes", 1, "B_attribute_2"),
    Case(
        "one attribute more", CHOICES, renamed("model", "A_attribute_4"), "do not match the 3 attributes of scenarios.csv",
        1, "A_attribute_4", "A_attribute_1, A_attribute_2, A_attribute_3, A_attribute_4",
    ),
    Case("no maximum", SCENARIOS, renamed("attr2_max", "x"), "needed column is missing", 1, "attr2_max"),
    Case("no attribute", SCENARIOS, content("scenario,question\na,b\n"), "needed column is missing", 1, "attr1"),
    Case("attribute skipped", SCENARIOS, renamed("attr2", "x"), "needed column is missing", 1, "attr2"),
    Case("no scenario name", SCENARIOS, renamed("scenario", "x"), "needed column is missing", 1, "scenario"),
    Case("report lacks one", REPORTS, renamed("report_attr3", "x"), "do not match the 3 attributes", 1, "report_attr3"),
    Case("report has more", REPORTS, renamed("version", "report_attr4"), "do not match the 3 attributes", 1, "report_attr4"),
    Case("report has none", REPORTS, content("scenario,a\nitem_1,1\n"), "needed column is missing", 1, "report_attr1"),
    Case("target lacks one", TARGETS, renamed("attr1", "x"), "do not match the 3 attributes", 1, "attr1"),
    Case("released lacks one", RELEASED, renamed("b_attr2", "x"), "do not match the 3 attributes", 1, "b_attr2"),
    Case("column twice", CHOICES, renamed("model", "scenario"), "names a column twice", 1, "scenario"),
    Case("no header", CHOICES, keep(2, 3, 4), "needed column is missing", 1, "A_attribute_1", also=("no header",)),
    Case(
        "semicolons", CHOICES, lambda p: p.write_text(p.read_text().replace(",", ";")), "needed column is missing", 1,
        also=("separated by semicolons",),
    ),
    # Empty files
    Case("no selections", CHOICES, content(""), "the file is empty", also=("at least one row of choices",)),
    Case("blank selections", CHOICES, content("\n\n"), "the file is empty"),
    Case("header of selections", NATIVE, keep(1), "the file has a header and no rows"),
    Case("no scenarios", SCENARIOS, content(""), "the file is empty", also=("at least one row of scenarios",)),
    Case("header of scenarios", SCENARIOS, keep(1), "the file has a header and no rows"),
    Case("no targets", TARGETS, content(""), "the file is empty", also=("at least one row of target weights",)),
    Case("header of targets", TARGETS, keep(1), "the file has a header and no rows"),
    # Selections and scenarios
    Case("lower case", CHOICES, cell(3, "selection", "a"), "no selection that is known", 3, "selection", "a", ("A, B",)),
    Case("space", CHOICES, cell(3, "selection", "A "), "no selection that is known", 3, "selection", "A "),
    Case("blank selection", CHOICES, cell(9, "selection", ""), "no selection that is known", 9, "selection", ""),
    Case("unknown in choices", CHOICES, cell(5, "scenario", "tea"), "not in scenarios.csv", 5, "scenario", "tea"),
    Case("unknown in reports", REPORTS, cell(4, "scenario", "tea"), "not in scenarios.csv", 4, "scenario", "tea"),
    Case("unknown in targets", TARGETS, cell(3, "scenario", "tea"), "not in scenarios.csv", 3, "scenario", "tea"),
    Case("unknown in released", RELEASED, cell(3, "scenario", "tea"), "not in scenarios.csv", 3, "scenario", "tea"),
    Case(
        "scenario twice", SCENARIOS, line(4, lambda t: t.replace("item_3", "item_1", 1)),
        "the scenario is listed twice, first in row 2", 4, "scenario", "item_1",
    ),
    Case("target twice", TARGETS, cell(4, "scenario", "item_1"), "listed twice, first in row 2", 4, "scenario", "item_1"),
    Case("released twice", RELEASED, cell(4, "scenario", "item_1"), "listed twice, first in row 2", 4, "scenario", "item_1"),
    Case("nameless scenario", SCENARIOS, line(3, lambda t: t.replace("item_2", "", 1)), "empty where a name", 3, "scenario", ""),
    Case("nameless attribute", SCENARIOS, cell(3, "attr2", " "), "empty where a name belongs", 3, "attr2", " "),
    Case("max = min", SCENARIOS, cell(3, "attr2_max", "0"), "range is empty", 3, "attr2_max", 0.0),
    Case("max < min", SCENARIOS, cell(10, "attr1_max", "-5"), "range is empty", 10, "attr1_max", -5.0),
    Case("range overflows", SCENARIOS, cell(3, "attr1_max", "1e308"), "the number is too large to compute with", 3, "attr1_max", "1e308"),
    Case("one scenario", CHOICES, keep(1, 2, 3, 4), "about one scenario alone", 2, "scenario", "item_1", ("two or more",)),
    Case("one trial", CHOICES, keep(1, 2, 3, 8), "one trial alone", 4, "scenario", "item_2", ("two or more",)),
    # Numbers
    Case("text in choices", CHOICES, cell(7, "B_attribute_3", "tall"), "text stands where a number", 7, "B_attribute_3", "tall", (NUMBER,)),
    Case("NaN in choices", CHOICES, cell(7, "A_attribute_1", "nan"), "NaN stands where", 7, "A_attribute_1", "nan"),
    Case("infinity in choices", CHOICES, cell(7, "A_attribute_1", "-inf"), "number is infinite", 7, "A_attribute_1", "-inf"),
    Case("overflow in choices", CHOICES, cell(7, "A_attribute_1", "1e999"), "number is infinite", 7, "A_attribute_1", "1e999"),
    Case("endless difference", CHOICES, cell(7, "A_attribute_1", "1e9"), "the options differ by more than 1,000,000 times the attribute's range", 7, "A_attribute_1", 1e9),
    Case("blank in choices", CHOICES, cell(2, "A_attribute_1", ""), "empty where a number", 2, "A_attribute_1", ""),
    Case("NA in choices", CHOICES, cell(2, "A_attribute_1", "NA"), "text stands where", 2, "A_attribute_1", "NA"),
    Case("Python's own 1_000", CHOICES, cell(2, "A_attribute_1", "1_0"), "text stands where", 2, "A_attribute_1", "1_0"),
    Case("decimal comma", CHOICES, line(2, lambda t: t.rpartition(",")[0] + ',"1,5"'), "text stands where", 2, "B_attribute_3", "1,5"),
    Case("text in range", SCENARIOS, cell(2, "attr3_min", "low"), "text stands where", 2, "attr3_min", "low"),
    Case("infinite range", SCENARIOS, cell(2, "attr3_max", "inf"), "number is infinite", 2, "attr3_max", "inf"),
    Case("text in report", REPORTS, cell(5, "report_attr2", "n/a"), "text stands where", 5, "report_attr2", "n/a"),
    Case("NaN in report", REPORTS, cell(5, "report_attr2", "NaN"), "NaN stands where", 5, "report_attr2", "NaN"),
    Case("half a report", REPORTS, cell(5, "report_attr2", ""), "the report lacks a number", 5, "report_attr2", ""),
    Case("text in targets", TARGETS, cell(4, "attr3", "x"), "text stands where", 4, "attr3", "x"),
    Case("blank in targets", TARGETS, cell(4, "attr3", ""), "empty where a number", 4, "attr3", ""),
    Case("text in released", RELEASED, cell(3, "b_attr1", "x"), "text stands where", 3, "b_attr1", "x"),
    # Bytes and form
    Case("Latin-1", SCENARIOS, data(b"\nitem_3", b"\nitem_\xe9"), "a byte is not UTF-8 text", 4, None, b"\xe9"),
    Case("UTF-16", SCENARIOS, lambda p: p.write_text(p.read_text(), encoding="utf-16"), "the file is UTF-16 text", 1),
    Case("zero byte", CHOICES, data(b"\nft:", b"\n\0t:"), "holds a zero byte", 2),
    Case(
        "half a line", CHOICES, lambda p: p.write_bytes(p.read_bytes()[:-12]), "the row has 7 fields", 25, "B_attribute_2",
        also=("9 fields, as in the header", "only half of it had been written"),
    ),
    Case("half a line of reports", REPORTS, append("ft:model-a,v1,ite"), "the row has 3 fields", 14, "report_attr1"),
    Case("one field", CHOICES, append("x\n"), "the row has 1 field (", 26, "scenario", "x"),
    Case("too many fields", CHOICES, line(6, lambda t: t + ",9"), "the row has 10 fields", 6, also=("double quotes",)),
    Case("open quote at the end", SCENARIOS, append('item_x,"What would'), "opened and never closed", 11),
    Case("open quote in the middle", CHOICES, data(b"\nft:model-a,item_2", b'\n"ft:model-a,item_2'), "opened and never closed", 8),
    Case("text after a quote", CHOICES, data(b"\nft:model-a,", b'\n"ft":model-a,'), "goes on after its closing", 2),
    Case(
        "row after quoted line ends", SCENARIOS,
        lambda p: (data(b"Which item_1, if", b"Which\nitem_1,\nif")(p), cell(6, "attr1_max", "x")(p)),
        "text stands where", 6, "attr1_max", "x",
    ),
    Case("row after blank lines", CHOICES, lambda p: (cell(7, "A_attribute_1", "x")(p), data(b"\n", b"\n\n\n")(p)), "text stands", 9, "A_attribute_1"),
    # Collection counts
    Case("counts without a column", COUNTS, content("base_model,set,task\na,native,choices\n"), "needed column is missing", 1, "condition"),
    Case(
        "half a count", COUNTS,
        content("base_model,set,task,condition,asked,valid,invalid,refused,truncated,failed\na,native,choices,,3,2.5,0,0,0,0\n"),
        "no whole number", 2, "valid", 2.5,
    ),
    Case(
        "unknown task", COUNTS,
        content("base_model,set,task,condition,asked,valid,invalid,refused,truncated,failed\na,native,poems,,3,2,0,0,0,0\n"),
        "no task that is known", 2, "task", "poems",
    ),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.label)
def test_a_wrong_file_is_named_with_row_column_and_value(make_study, case):
    folder = make_study(released=True)
    if case.file == COUNTS:
        (folder / COUNTS).touch()
    case.spoil(folder / case.file)
    with pytest.raises(InputError) as caught:
        load_study(folder)
    error, message = caught.value, str(caught.value)
    assert error.exit_code == 2
    assert error.file == case.file
    assert error.row == case.row
    if case.column is not None:
        assert error.column == case.column
    if case.value is not None:
        assert error.value == case.value
        assert f"(found {case.value!r})" in message
    assert message.startswith(case.file)
    assert case.problem in message
    assert error.remedy
    assert error.remedy.endswith(".")
    assert all(part in message for part in case.also), message


def test_a_folder_that_is_missing_is_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"nowhere: the study folder cannot be read: No such file"
    ) as e:
        load_study(tmp_path / "nowhere")
    assert e.value.exit_code == 2
    assert "NAME_instilled_selections.csv" in str(e.value)


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"the study folder is empty\. .*`selfinterp fetch`"):
        load_study(tmp_path)


def test_a_file_in_place_of_a_folder_is_refused(make_study):
    folder = make_study()
    with pytest.raises(InputError, match=r"cannot be read: Not a directory.*Give the folder that"):
        load_study(folder / SCENARIOS)


def test_a_folder_of_other_things_is_refused_and_says_what_it_holds(tmp_path):
    for i in range(10):
        (tmp_path / f"photo{i}.png").touch()
    with pytest.raises(InputError, match=r"is not a study \(found 'photo0.png, .* and 2 more'\)"):
        load_study(tmp_path)


def test_a_study_without_scenarios_or_without_choices_is_refused(make_study):
    folder = make_study()
    shutil.copytree(folder, folder.parent / "other")
    (folder / SCENARIOS).unlink()
    with pytest.raises(InputError, match=r"the folder holds no scenarios\.csv"):
        load_study(folder)
    for name in (CHOICES, NATIVE):
        (folder.parent / "other" / name).unlink()
    with pytest.raises(InputError, match="the folder holds no file of choices"):
        load_study(folder.parent / "other")


def test_a_folder_in_place_of_a_file_is_refused(make_study):
    folder = make_study()
    (folder / REPORTS).unlink()
    (folder / REPORTS).mkdir()
    with pytest.raises(InputError, match=rf"^{REPORTS}: the file cannot be read: Is a directory"):
        load_study(folder)


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_refused(make_study):
    folder = make_study()
    (folder / CHOICES).chmod(0)
    with pytest.raises(
        InputError, match=rf"^{CHOICES}: the file cannot be read: Permission denied"
    ):
        load_study(folder)


def test_two_files_of_the_same_set_are_refused(make_study):
    folder = make_study()
    name = "model-a_itrained_all_4_5ex_latent_weight_reports.csv"
    other = name.replace("5ex", "50ex")
    shutil.copy(folder / name, folder / other)
    with pytest.raises(InputError, match=f"2 files are the same set of model-a .*{other}, {name}"):
        load_study(folder)


@pytest.mark.skipif(os.name != "posix", reason="other systems have no such names")
def test_a_file_name_that_cannot_be_printed_is_refused(make_study):
    folder = make_study()
    path = os.path.join(os.fsencode(folder), b"mod\xff_weight_reports.csv")
    try:
        with open(path, "wb"):
            pass
    except OSError:
        pytest.skip("this file system has no such names")
    with pytest.raises(InputError, match="characters that cannot be printed"):
        load_study(folder)


def test_long_values_are_shortened_in_messages(make_study):
    folder = make_study()
    cell(3, "A_attribute_1", "x" * 5_000)(folder / CHOICES)
    with pytest.raises(InputError) as caught:
        load_study(folder)
    assert len(str(caught.value)) < 400

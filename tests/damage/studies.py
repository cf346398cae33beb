"""Damaged study folders."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

import shutil
from pathlib import Path

from damage.entry import Damage, appended, both, cell, changed, cut, data, folder, gone, lines, text

CHOICES = "study/model-a_instilled_selections.csv"
REPORTS = "study/model-a_weight_reports.csv"
SCENARIOS = "study/scenarios.csv"
TARGETS = "study/instilled_weights.csv"

REPRODUCE = "reproduce --data study --out out"
WEIGHTS = "weights --data study --out out"
PRIORS = "priors --data study --out out"
PROPAGATE = "propagate --data study --out out"
SENSITIVITY = "sensitivity --data study --out out"
PLAN = "plan --pilot study --out out"
CALIBRATE = "calibrate --data study --out out"

LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
PAGE = "<!DOCTYPE html>\n<html><head><title>404: Not Found</title></head></html>\n"


def without_files(here: Path) -> None:
    for path in (here / "study").iterdir():
        path.unlink()


def of_other_things(here: Path) -> None:
    without_files(here)
    (here / "study" / "holiday.jpg").touch()


def twice(here: Path) -> None:
    """Two files written into one, header and all."""
    content = (here / CHOICES).read_text()
    (here / CHOICES).write_text(content * 2)


def endless_link(here: Path) -> None:
    (here / SCENARIOS).unlink()
    (here / SCENARIOS).symlink_to("scenarios.csv")


def second_folds(here: Path) -> None:
    reports = here / "study" / "model-a_itrained_all_4_5ex_latent_weight_reports.csv"
    shutil.copy(reports, reports.with_name(reports.name.replace("5ex", "50ex")))


ENTRIES = (
    # The folder
    Damage(
        "missing",
        REPRODUCE,
        "study: the study folder cannot be read: No such file or directory. Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Check the path.",
        lambda here: shutil.rmtree(here / "study"),
    ),
    Damage(
        "a file in its place",
        WEIGHTS.replace("study", CHOICES),
        "study/model-a_instilled_selections.csv: the study folder cannot be read: Not a directory. Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Give the folder that holds the file.",
    ),
    Damage(
        "empty",
        WEIGHTS,
        "study: the study folder is empty. Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Check the path; `selfinterp fetch` gets the paper's data.",
        without_files,
    ),
    Damage(
        "other things in it",
        PROPAGATE,
        "study: the folder is not a study (found 'holiday.jpg'). Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Check the path and the names of the files.",
        of_other_things,
    ),
    Damage(
        "no scenarios",
        SENSITIVITY,
        "study: the folder holds no scenarios.csv (found 'instilled_weights.csv, model-a_instilled_latent_selections.csv, model-a_instilled_latent_weight_reports.csv, model-a_instilled_selections.csv, model-a_instilled_weight_reports.csv, model-a_itrained_all_4_5ex_latent_weight_reports.csv, model-a_itrained_first_2_of_4_5ex_weight_reports.csv, model-a_itrained_last_2_of_4_5ex_weight_reports.csv and 3 more'). Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Check the path and the names of the files.",
        gone(SCENARIOS),
    ),
    Damage(
        "no choices",
        PRIORS,
        "study: the folder holds no file of choices (found 'instilled_weights.csv, model-a_instilled_latent_weight_reports.csv, model-a_instilled_weight_reports.csv, model-a_itrained_all_4_5ex_latent_weight_reports.csv, model-a_itrained_first_2_of_4_5ex_weight_reports.csv, model-a_itrained_last_2_of_4_5ex_weight_reports.csv, model-a_latent_regression_results.csv, model-a_regression_results.csv and 2 more'). Allowed: a folder with scenarios.csv and at least one NAME_instilled_selections.csv or NAME_instilled_latent_selections.csv. Check the path and the names of the files.",
        both(gone(CHOICES), gone("study/model-a_instilled_latent_selections.csv")),
    ),
    Damage(
        "the same set twice",
        REPRODUCE,
        "study: 2 files are the same set of model-a (found 'model-a_itrained_all_4_50ex_latent_weight_reports.csv, model-a_itrained_all_4_5ex_latent_weight_reports.csv'). Allowed: one file per base model, set, condition and fold. Move all but one out of the folder.",
        second_folds,
    ),
    # Columns
    Damage(
        "no selection",
        PLAN,
        "model-a_instilled_selections.csv, row 1, column 'selection': a needed column is missing (found 'model,scenario,picked,A_attribute_1,A_attribute_2,A_attribute_3,B_attribute_1,B_attribute_2,B_att...'). Add the column, or correct its name in the first line.",
        changed(CHOICES, "selection", "picked"),
    ),
    Damage(
        "no header",
        CALIBRATE,
        "model-a_instilled_selections.csv, row 1, column 'A_attribute_1': a needed column is missing (found 'ft:model-a,item_1,B,0.26,2.65,0.82,0.37,2.65,0.97'). The first line looks like data, so there is no header: put one before it.",
        lines(CHOICES, 2, 3, 4),
    ),
    Damage(
        "reports of other attributes",
        REPRODUCE,
        "model-a_weight_reports.csv, row 1, column 'report_attr3': the columns do not match the 3 attributes of scenarios.csv (found 'report_attr1, report_attr2'). Allowed: report_attr1, report_attr2, report_attr3. Add or remove columns here, or attributes in scenarios.csv.",
        changed(REPORTS, "report_attr3", "comment"),
    ),
    Damage(
        "a pointer of Git LFS",
        REPRODUCE,
        "scenarios.csv, row 1, column 'attr1': a needed column is missing (found 'version https://git-lfs.github.com/spec/v1'). Add the column, or correct its name in the first line.",
        text(SCENARIOS, LFS),
    ),
    Damage(
        "a web page",
        REPRODUCE,
        "model-a_instilled_selections.csv, row 1, column 'A_attribute_1': a needed column is missing (found '<!DOCTYPE html>'). Add the column, or correct its name in the first line.",
        text(CHOICES, PAGE),
    ),
    Damage(
        "a line for a spreadsheet program",
        REPRODUCE,
        "scenarios.csv, row 1, column 'attr1': a needed column is missing (found 'sep=,'). Add the column, or correct its name in the first line.",
        changed(SCENARIOS, "scenario,", "sep=,\nscenario,"),
    ),
    # Rows
    Damage(
        "empty choices",
        REPRODUCE,
        "model-a_instilled_selections.csv: the file is empty. Allowed: at least one row of choices. Put the choices into it, or take the file away if there are none.",
        text(CHOICES, ""),
    ),
    Damage(
        "empty targets",
        REPRODUCE,
        "instilled_weights.csv: the file is empty. Allowed: at least one row of target weights. Fill it, or take the file away if there are none.",
        text(TARGETS, ""),
    ),
    Damage(
        "only a header",
        PROPAGATE,
        "scenarios.csv: the file has a header and no rows. Allowed: at least one row of scenarios. Put the scenarios of the choices into it.",
        lines(SCENARIOS, 1),
    ),
    Damage(
        "one scenario",
        SENSITIVITY,
        "model-a_instilled_selections.csv, row 2, column 'scenario': the instilled choices of model-a are about one scenario alone (found 'item_1'). Allowed: two or more scenarios, since weights are standardised over them. Add choices about other scenarios, or take the set out of the study.",
        lines(CHOICES, 1, 2, 3, 4, 5),
    ),
    Damage(
        "one trial",
        WEIGHTS,
        "model-a_instilled_selections.csv, row 4, column 'scenario': the scenario has one trial alone (found 'item_2'). Allowed: two or more trials per scenario. Collect more choices for it, or take the row out.",
        lines(CHOICES, 1, 2, 3, 8),
    ),
    Damage(
        "one file after another",
        WEIGHTS,
        "model-a_instilled_selections.csv, row 26, column 'A_attribute_1': text stands where a number belongs (found 'A_attribute_1'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        twice,
    ),
    Damage(
        "marks of a merge",
        REPRODUCE,
        "model-a_instilled_selections.csv, row 2, column 'scenario': the row has 1 field (found '<<<<<<< HEAD'). Allowed: 9 fields, as in the header. Complete the row, or take it out.",
        changed(CHOICES, "\nft:", "\n<<<<<<< HEAD\nft:"),
    ),
    Damage(
        "a note at the end",
        REPRODUCE,
        "model-a_weight_reports.csv, row 14, column 'version': the row has 1 field (found '# end of data'). Allowed: 6 fields, as in the header. The file looks cut off there, as if only half of it had been written: write or download it again.",
        appended(REPORTS, "# end of data\n"),
    ),
    # Names
    Damage(
        "selection C",
        PRIORS,
        "model-a_instilled_selections.csv, row 4, column 'selection': this is no selection that is known (found 'C'). Allowed: A, B. Correct the value (case and spaces count), or take the whole row out.",
        cell(CHOICES, 4, "selection", "C"),
    ),
    Damage(
        "unknown scenario",
        REPRODUCE,
        "model-a_instilled_selections.csv, row 5, column 'scenario': the scenario is not in scenarios.csv (found 'tea'). Allowed: the scenarios of scenarios.csv, spelled as there. Correct the name, or add the scenario to scenarios.csv.",
        cell(CHOICES, 5, "scenario", "tea"),
    ),
    Damage(
        "scenario twice",
        WEIGHTS,
        "scenarios.csv, row 3, column 'scenario': the scenario is listed twice, first in row 2 (found 'item_1'). Allowed: every scenario once. Take one of the two rows out.",
        changed(SCENARIOS, "\nitem_2,", "\nitem_1,"),
    ),
    # Numbers
    Damage(
        "max = min",
        WEIGHTS,
        "scenarios.csv, row 2, column 'attr1_max': the attribute's range is empty or too wide for a number (found 0.0). Allowed: a number above attr1_min, which is 0. Correct the minimum or the maximum; choices are scaled by their difference.",
        cell(SCENARIOS, 2, "attr1_max", "0"),
    ),
    Damage(
        "text",
        WEIGHTS,
        "model-a_instilled_selections.csv, row 7, column 'B_attribute_3': text stands where a number belongs (found 'tall'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell(CHOICES, 7, "B_attribute_3", "tall"),
    ),
    Damage(
        "NaN",
        REPRODUCE,
        "model-a_weight_reports.csv, row 3, column 'report_attr2': NaN stands where a number belongs (found 'nan'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell(REPORTS, 3, "report_attr2", "nan"),
    ),
    Damage(
        "infinity",
        WEIGHTS,
        "model-a_instilled_selections.csv, row 2, column 'A_attribute_1': the number is infinite (found 'inf'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell(CHOICES, 2, "A_attribute_1", "inf"),
    ),
    Damage(
        "a mark that is no minus",
        REPRODUCE,
        "model-a_weight_reports.csv, row 2, column 'report_attr1': text stands where a number belongs (found '−12'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell(REPORTS, 2, "report_attr1", "\u221212"),
    ),
    Damage(
        "a percent sign",
        REPRODUCE,
        "instilled_weights.csv, row 3, column 'attr2': text stands where a number belongs (found '50%'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell(TARGETS, 3, "attr2", "50%"),
    ),
    Damage(
        "half a report",
        REPRODUCE,
        "model-a_weight_reports.csv, row 5, column 'report_attr2': the report lacks a number (found ''). Allowed: a finite number for every attribute, or for none where there is no report. Fill in the number, or take the whole row out.",
        cell(REPORTS, 5, "report_attr2", ""),
    ),
    # Bytes
    Damage(
        "not UTF-8",
        REPRODUCE,
        "scenarios.csv, row 4: a byte is not UTF-8 text (found b'\\xe9'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        lambda here: data(
            SCENARIOS, (here / SCENARIOS).read_bytes().replace(b"\nitem_3", b"\nitem_\xe9", 1)
        )(here),
    ),
    Damage(
        "cut off within a letter",
        REPRODUCE,
        "scenarios.csv, row 11: a byte is not UTF-8 text (found b'\\xc3'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        both(appended(SCENARIOS, "caf\u00e9"), cut(SCENARIOS, -1)),
    ),
    Damage(
        "a compressed file",
        REPRODUCE,
        "model-a_instilled_selections.csv: this is a compressed file. Allowed: UTF-8 text. Unpack it (gunzip).",
        data(CHOICES, b"\x1f\x8b\x08\x00\x00\x00\x00\x00"),
    ),
    Damage(
        "a spreadsheet",
        REPRODUCE,
        "scenarios.csv: this is a spreadsheet or another packed file. Allowed: UTF-8 text. Save it as text; a sheet as CSV.",
        data(SCENARIOS, b"PK\x03\x04\x14\x00\x06\x00"),
    ),
    Damage(
        "a zero byte",
        REPRODUCE,
        "model-a_instilled_selections.csv, row 26: the file holds a zero byte, so it is no text file or was written only in part (found '\\x00'). Allowed: UTF-8 text. Write or download the file again.",
        lambda here: data(CHOICES, (here / CHOICES).read_bytes() + b"\0" * 512)(here),
    ),
    Damage(
        "half written",
        WEIGHTS,
        "model-a_instilled_selections.csv, row 25, column 'B_attribute_2': the row has 7 fields (found 'ft:model-a,item_4,A,1.19,2.9,2.8,4.'). Allowed: 9 fields, as in the header. The file looks cut off there, as if only half of it had been written: write or download it again.",
        cut(CHOICES, -12),
    ),
    Damage(
        "an open quote",
        WEIGHTS,
        'model-a_instilled_selections.csv, row 8: a double quote is opened and never closed. Allowed: values like "one, two", with any double quote inside written twice. The file may be cut off, as if only half of it had been written: write or download it again, or close the quote.',
        changed(CHOICES, "\nft:model-a,item_2", '\n"ft:model-a,item_2'),
    ),
    Damage(
        "a folder in a file's place",
        REPRODUCE,
        "model-a_weight_reports.csv: the file cannot be read: Is a directory. Check that it exists, is a file and may be read by you.",
        folder(REPORTS),
    ),
    Damage(
        "a link that leads to itself",
        REPRODUCE,
        "scenarios.csv: the file cannot be read: Too many levels of symbolic links. Check that it exists, is a file and may be read by you.",
        endless_link,
    ),
)

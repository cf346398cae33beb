"""Damaged tables of one file each, and what they are said to be."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

from damage.entry import Damage, cell, changed, gone, text

ALONE = "weights --choices choices.csv --scenarios ranges.csv --out out"
ALL = "reproduce --choices choices.csv --reports reports.csv --scenarios ranges.csv --targets targets.csv --out out"

ENTRIES = (
    Damage(
        "missing",
        ALONE,
        "choices.csv: the file cannot be read: No such file or directory. Check that it exists, is a file and may be read by you.",
        gone("choices.csv"),
    ),
    Damage(
        "empty",
        ALONE,
        "choices.csv: the file is empty. Allowed: at least one row of choices. Put the choices into it.",
        text("choices.csv", ""),
    ),
    Damage(
        "no set",
        ALONE,
        "choices.csv, row 1, column 'set': a needed column is missing (found 'base_model,kind,scenario,selection,A_attr1,A_attr2,A_attr3,B_attr1,B_attr2,B_attr3'). Add the column, map it to another, or give one set for all rows.",
        changed("choices.csv", "set", "kind"),
    ),
    Damage(
        "an unknown set",
        ALONE,
        "choices.csv, row 3, column 'set': this is no set that is known (found 'learned'). Allowed: instilled, native. Correct the value (case and spaces count), or take the whole row out.",
        cell("choices.csv", 3, "set", "learned"),
    ),
    Damage(
        "an unknown condition",
        ALL,
        "reports.csv, row 4, column 'condition': this is no condition that is known (found 'trained'). Allowed: off-the-shelf, weight-trained, introspection-trained. Correct the value (case and spaces count), or take the whole row out.",
        cell("reports.csv", 4, "condition", "trained"),
    ),
    Damage(
        "no option B",
        ALONE,
        "choices.csv, row 1, column 'B_attr2': the columns do not match the 3 attributes of ranges.csv (found 'B_attr1, B_attr3'). Allowed: B_attr1, B_attr2, B_attr3. Add or remove columns here, or attributes in ranges.csv.",
        changed("choices.csv", "B_attr2", "B2"),
    ),
    Damage(
        "text in a difference",
        ALONE,
        "choices.csv, row 9, column 'A_attr2': text stands where a number belongs (found 'n/a'). Allowed: a finite number such as 12.5, with a point as the decimal mark. Correct the value, or take the whole row out.",
        cell("choices.csv", 9, "A_attr2", "n/a"),
    ),
    Damage(
        "no ranges",
        ALONE.replace("--scenarios ranges.csv ", ""),
        "choices.csv, row 1, column 'attr1_min': a needed column is missing (found 'base_model,set,scenario,selection,A_attr1,A_attr2,A_attr3,B_attr1,B_attr2,B_attr3'). Choices are scaled by the attributes' ranges: give a file of scenarios, or add these columns, or give differences already scaled as d1, d2, ...",
    ),
    Damage(
        "an attribute fewer in the reports",
        ALL,
        "reports.csv, row 1, column 'report_attr3': the columns do not match the 3 attributes of ranges.csv (found 'report_attr1, report_attr2'). Allowed: report_attr1, report_attr2, report_attr3. Add or remove columns here, or attributes in ranges.csv.",
        changed("reports.csv", "report_attr3", "note"),
    ),
    Damage(
        "an unknown scenario in the targets",
        ALL,
        "targets.csv, row 2, column 'scenario': the scenario is not in ranges.csv (found 'tea'). Allowed: the scenarios of ranges.csv, spelled as there. Correct the name, or add the scenario to ranges.csv.",
        cell("targets.csv", 2, "scenario", "tea"),
    ),
    Damage(
        "a map that cannot be read",
        f"{ALONE} --map scenario",
        "the column mapping cannot be read (found 'scenario'). Allowed: parts of the form standard=theirs or FILE.standard=theirs, FILE one of choices, reports, scenarios, targets, separated by commas. For example: scenario=item,selection=choice,reports.scenario=context.",
    ),
    Damage(
        "a map of an unknown name",
        f"{ALONE} --map szenario=scenario",
        "the column mapping has an unknown standard name (found 'szenario'). Allowed: choices: base_model, set, model, scenario, selection, A_attr1, B_attr1, d1, attr1_min, attr1_max; reports: base_model, set, condition, fold, explaining_model, scenario, report_attr1; scenarios: scenario, question, attr1, attr1_min, attr1_max; targets: scenario, attr1. Attributes are numbered from 1: A_attr1, A_attr2, ...",
    ),
    Damage(
        "a map of a column that is not there",
        f"{ALONE} --map scenario=item",
        "choices.csv, row 1, column 'item': the column mapping names a column that is not there (found 'scenario=item'). Allowed: base_model, set, scenario, selection, A_attr1, A_attr2, A_attr3, B_attr1, B_attr2, B_attr3. Give the column's name exactly as in the first line of the file.",
    ),
    Damage(
        "a map of a file that is not given",
        f"{ALONE} --map reports.scenario=item",
        "the column mapping speaks of a file that was not given (found 'reports.scenario=item'). Allowed: choices, scenarios. Give the file, or take this part out of the mapping.",
    ),
    Damage(
        "one column for two",
        f"{ALONE} --map scenario=selection,selection=selection",
        "choices.csv, row 1, column 'selection': the column mapping takes this column for scenario and for selection. Allowed: one meaning per column. Take one of the two out of the mapping, or copy the column in the file.",
    ),
    Damage(
        "a constant that is a column",
        f"{ALONE} --constant set=native",
        "choices.csv, row 1, column 'set': the set is given for all rows, and the file has a column of its own (found 'native'). Allowed: one of the two. Do not give the set, or take the column out.",
    ),
    Damage(
        "a constant of another kind",
        f"{ALONE} --constant fold=1",
        "--constant cannot be read (found 'fold=1'). Allowed: COLUMN=VALUE, COLUMN one of base_model, set, condition. For example: --constant set=instilled.",
    ),
    Damage(
        "a constant without a value",
        f"{ALONE} --constant set",
        "--constant cannot be read (found 'set'). Allowed: COLUMN=VALUE, COLUMN one of base_model, set, condition. For example: --constant set=instilled.",
    ),
    Damage(
        "a constant twice",
        f"{ALONE} --constant set=native --constant set=instilled",
        "--constant is given twice for one column (found 'set=instilled'). Allowed: one set for all rows. Give one of them, or put a column set into the tables.",
    ),
)

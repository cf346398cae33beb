"""Damaged studies of who explains whom."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

import shutil

from damage.entry import Damage, appended, cell, changed, cut, data, folder, gone, lines, text

FILE = "predictions/a_explains_a.jsonl"
PREDICTIONS = "explainers --data predictions --out out"
ITEMS = "explainers --data items.csv --out out"
PUBLISHED = "explainers --data published.csv --out out"
LISTED = "explainers --data predictions/a_explains_a.jsonl --manifest manifest.csv --out out"
NAMED = "explainers --data predictions/a_explains_a.jsonl --explainer a --target a --out out"

ENTRIES = (
    Damage(
        "missing",
        PREDICTIONS,
        "predictions: the file cannot be read: No such file or directory. Check that it exists, is a file and may be read by you.",
        lambda here: shutil.rmtree(here / "predictions"),
    ),
    Damage(
        "a folder without any",
        PREDICTIONS,
        "predictions: the folder holds no predictions. Allowed: files named ..._predictions.json or ....jsonl in it or below it, or items.csv.",
        lambda here: [path.unlink() for path in (here / "predictions").iterdir()],
    ),
    Damage(
        "a folder in a file's place",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl: the file cannot be read: Is a directory. Check that it exists, is a file and may be read by you.",
        folder(FILE),
    ),
    Damage(
        "empty",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl: the file holds no rows. Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(FILE, ""),
    ),
    Damage(
        "not UTF-8",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: a byte is not UTF-8 text (found b'\\xff'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        data(FILE, b'{"task": "hint\xff"}\n'),
    ),
    Damage(
        "no JSON",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the line is not a JSON object (found 'task: hint'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(FILE, "task: hint\n"),
    ),
    Damage(
        "a web page",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the line is not a JSON object (found '<html>'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(FILE, "<html>\n<body>404</body>\n</html>\n"),
    ),
    Damage(
        "a list in place of lines",
        PREDICTIONS,
        'predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the line is not a JSON object (found \'[{"task": "hint"}]\'). Allowed: JSON Lines of the evaluation script, one object on each line.',
        text(FILE, '[{"task": "hint"}]\n'),
    ),
    Damage(
        "nested without end",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the line is not a JSON object (found '[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[...'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(FILE, "[" * 100_000 + "\n"),
    ),
    Damage(
        "half a character",
        PREDICTIONS,
        'predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: a text holds half a character (an unpaired surrogate) (found \'{"task": "hint_attribution", "example": "\\\\ud83d"}\'). Allowed: JSON Lines of the evaluation script, one object on each line.',
        text(FILE, '{"task": "hint_attribution", "example": "\\ud83d"}\n'),
    ),
    Damage(
        "hints that are a list",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: expected_label is neither of the two sentences (found 'None'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(FILE, '{"task": "hint_attribution", "example": "x", "extra_args": ["hint"]}\n'),
    ),
    Damage(
        "an answer that is a list",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: gold_changed or gold_letter is missing (found '[]'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        text(
            FILE,
            '{"idx": 1, "pred_changed": [], "pred_letter": "A", "gold_changed": [], "gold_letter": "A"}\n',
        ),
    ),
    Damage(
        "cut off in its first line",
        PREDICTIONS,
        'predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the line is cut off: the file ends in the middle of it (found \'{"task": "hint_attribution", "example":\'). Allowed: JSON Lines of the evaluation script, one object on each line.',
        cut(FILE, 40),
    ),
    Damage(
        "two tasks",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 5, column 'task': the file mixes two tasks: before it stood 'hint_attribution' (found 'causal_act_patch'). Allowed: one task per file. Write each task to a file of its own.",
        appended(FILE, '{"task": "causal_act_patch"}\n'),
    ),
    Damage(
        "no task",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: the row names no task. Allowed: JSON Lines of the evaluation script, one object on each line.",
        lambda here: (here / FILE).write_text((here / FILE).read_text().replace('"task"', '"job"')),
    ),
    Damage(
        "other sentences",
        PREDICTIONS,
        "predictions/a_explains_a.jsonl, row 1: no row of the file can be used; the first: expected_label is neither of the two sentences (found 'The output stays from <<<B>>>.'). Allowed: JSON Lines of the evaluation script, one object on each line.",
        lambda here: (here / FILE).write_text(
            (here / FILE).read_text().replace("would remain unchanged", "stays")
        ),
    ),
    Damage(
        "nobody's",
        "explainers --data results.jsonl --out out",
        "results.jsonl, row 1: nothing says which explainer the file is about. Name it with --explainer, in a manifest (--manifest), or in the file's path: EXPLAINER_explains_TARGET or EXPLAINER/TARGET/<task>_predictions.json.",
        lambda here: shutil.copy(here / FILE, here / "results.jsonl"),
    ),
    Damage(
        "the same file twice",
        f"{PREDICTIONS} --data {FILE}",
        "predictions/a_explains_a.jsonl: the file is given twice. Leave out one of the two --data.",
    ),
    Damage(
        "a training size in words",
        f"{NAMED} --training-items many",
        "predictions/a_explains_a.jsonl: the training size is no number (found 'many'). Allowed: a number of items, for instance 500. Correct --training-items, or the manifest.",
    ),
    Damage(
        "an infinite training size",
        f"{NAMED} --training-items inf",
        "predictions/a_explains_a.jsonl: the training size is no number (found 'inf'). Allowed: a number of items, for instance 500. Correct --training-items, or the manifest.",
    ),
    Damage(
        "no self cell",
        PREDICTIONS,
        "task 'hint_attribution' has no self cell: explainers are b; targets are a. Allowed: at least one cell in which a model explains itself and one in which it explains another. Spell a model's name alike as explainer and as target.",
        gone(FILE),
    ),
    Damage(
        "no cross cell",
        PREDICTIONS,
        "task 'hint_attribution' has no cross cell: explainers are a; targets are a. Allowed: at least one cell in which a model explains itself and one in which it explains another. Add what another explainer said about one of these targets.",
        gone("predictions/b_explains_a.jsonl"),
    ),
    Damage(
        "no item in common",
        PREDICTIONS,
        "task 'hint_attribution': explainers 'a' and 'b' have no item of target 'a' in common (found '5bba86d2851a00a9 and 253965839f1a0a82'). Give both the same items, or name the same item alike in both files.",
        lambda here: (here / FILE).write_text(
            (here / FILE).read_text().replace("question", "task")
        ),
    ),
    # Manifests
    Damage(
        "no manifest",
        LISTED,
        "manifest.csv: the manifest cannot be read: No such file or directory. Check that it exists, is a file and may be read by you.",
        gone("manifest.csv"),
    ),
    Damage(
        "a manifest without a target",
        LISTED,
        "manifest.csv: entry 1 of the manifest has no target. Allowed: file, explainer and target in every entry.",
        changed("manifest.csv", ",target", ",about"),
    ),
    Damage(
        "a manifest that is no list",
        LISTED.replace(".csv", ".json"),
        "manifest.json: the manifest lists no files. Allowed: rows (CSV) or objects (JSON) with file, explainer and target.",
        text("manifest.json", '{"a": 1}'),
    ),
    Damage(
        "a manifest that is no JSON",
        LISTED.replace(".csv", ".json"),
        "manifest.json: the manifest is no JSON: .... Correct it.",
        text("manifest.json", "{"),
    ),
    Damage(
        "a manifest nested without end",
        LISTED.replace(".csv", ".json"),
        "manifest.json: the manifest is no JSON: .... Correct it.",
        text("manifest.json", "[" * 100_000),
    ),
    Damage(
        "a manifest not UTF-8",
        LISTED,
        "manifest.csv, row 2: a byte is not UTF-8 text (found b'\\xff'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        data("manifest.csv", b"file,explainer,target\n\xff,a,a\n"),
    ),
    # Tables
    Damage(
        "no outcome",
        ITEMS,
        "items.csv, row 1, column 'outcome': a needed column is missing (found 'explainer,target,task,item,right'). Add the column, or correct its name in the first line.",
        changed("items.csv", "outcome", "right"),
    ),
    Damage(
        "outcomes in words",
        ITEMS,
        "items.csv, row 2: no row of the file can be used; the first: outcome is not a number from 0 to 1 (found 'maybe'). Allowed: rows with explainer, target, task, item, outcome.",
        lambda here: (here / "items.csv").write_text(
            (here / "items.csv").read_text().replace(",1\n", ",maybe\n")
        ),
    ),
    Damage(
        "a header alone",
        ITEMS,
        "items.csv: the file holds no rows. Allowed: rows with explainer, target, task, item, outcome.",
        lines("items.csv", 1),
    ),
    Damage(
        "an empty table",
        ITEMS,
        "items.csv: the file is empty. Allowed: a table with the columns explainer, target, task, item, outcome.",
        text("items.csv", ""),
    ),
    Damage(
        "an open quote",
        ITEMS,
        'items.csv, row 3: a double quote is opened and never closed. Allowed: values like "one, two", with any double quote inside written twice. The file may be cut off, as if only half of it had been written: write or download it again, or close the quote.',
        cell("items.csv", 3, "task", '"hint'),
    ),
    Damage(
        "published without an error",
        PUBLISHED,
        "published.csv, row 1, column 'se': a needed column is missing (found 'explainer,target,task,value,sd'). Add the column, or correct its name in the first line.",
        changed("published.csv", ",se", ",sd"),
    ),
    Damage(
        "no published cross cell",
        PUBLISHED,
        "task 'hint' has no cross cell: explainers are a; targets are a. Allowed: at least one cell in which a model explains itself and one in which it explains another. Add what another explainer said about one of these targets.",
        lines("published.csv", 1, 2),
    ),
    Damage(
        "values in words",
        PUBLISHED,
        "published.csv, row 2: no row of the file can be used; the first: value is not a number (found 'x'). Allowed: rows with explainer, target, task, value, se.",
        lambda here: (here / "published.csv").write_text(
            (here / "published.csv").read_text().replace("60", "x").replace("50", "y")
        ),
    ),
    # Calls
    Damage(
        "no draws",
        f"{ITEMS} --draws 0",
        "the number of draws cannot be this (found 0). Allowed: at least 400, a multiple of the 4 chains.",
    ),
    Damage(
        "a spread below 0",
        f"{ITEMS} --run-sd-spread -1",
        "the spread of the run-to-run sd is out of range (found -1.0). Allowed: the sd of its logarithm, from 0 to below 5.",
    ),
    Damage(
        "a sd that is no number",
        f"{ITEMS} --run-sd nan",
        "the run-to-run sd is out of range (found nan). Allowed: percentage points, from 0 to below 100.",
    ),
)

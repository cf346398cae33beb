"""Damaged files that data are collected with: scenarios, roles, weights, prompts, questions, jobs."""

# ruff: noqa: E501 - an entry reads best with its whole message on one line

from __future__ import annotations

from pathlib import Path

from damage.entry import Damage, Spoil, changed, cut, data, gone, lines, text

FILES = "finetune files --scenarios scenarios.json --roles roles.csv --out training --instilled 2 --limit 2"
ASK = "collect choices --scenarios scenarios.json --model mini --journal new.sqlite --dry-run"
HINTS = "collect hints --questions questions.json --target mini --journal new.sqlite --dry-run"
SUBMIT = "finetune submit --file training.jsonl --model mini --dry-run"


def every(file: str, old: str, new: str) -> Spoil:
    """Another text wherever `old` stands."""

    def spoil(here: Path) -> None:
        before = (here / file).read_text(encoding="utf-8")
        assert old in before
        (here / file).write_text(before.replace(old, new), encoding="utf-8")

    return spoil


ENTRIES = (
    # Scenarios
    Damage(
        "no scenarios",
        FILES,
        "scenarios.json: the file cannot be read: No such file or directory. Check that it exists, is a file and may be read by you.",
        gone("scenarios.json"),
    ),
    Damage(
        "scenarios cut off",
        FILES,
        "scenarios.json, row 15: the file is no JSON: .... Correct that line; the place may be just before it.",
        cut("scenarios.json", 200),
    ),
    Damage(
        "scenarios nested without end",
        FILES,
        "scenarios.json: the file is nested too deeply. Correct the file.",
        text("scenarios.json", "[" * 100_000),
    ),
    Damage(
        "no list of scenarios",
        ASK,
        'scenarios.json: the file holds no list of scenarios (found \'dict\'). Allowed: a list of {"short_name": .., "question": .., "attributes": [{"name": .., "units": .., "range": [minimum, maximum]}, ..]}.',
        text("scenarios.json", '{"scenarios": []}'),
    ),
    Damage(
        "an empty list",
        ASK,
        "scenarios.json: the file holds no scenarios. Allowed: one or more.",
        text("scenarios.json", "[]"),
    ),
    Damage(
        "a scenario twice",
        ASK,
        "scenarios.json, column '[1]': the scenario is listed twice, first as number 1 (found 'tea'). Allowed: every scenario once. Take one of the two out, or rename it.",
        changed("scenarios.json", '"cup"', '"tea"'),
    ),
    Damage(
        "a range upside down",
        ASK,
        "scenarios.json, column '[0].attributes[0].range': the attribute's range is empty or too wide for a number (found -70.0). Allowed: a number above the minimum, which is 0. Correct the minimum or the maximum; options' values are drawn between them.",
        changed("scenarios.json", "70", "-70"),
    ),
    Damage(
        "a range in words",
        ASK,
        "scenarios.json, column '[0].attributes[0].range': the range is no pair of numbers (found [0, '70']). Allowed: such as [0, 70].",
        changed("scenarios.json", "70", '"70"'),
    ),
    Damage(
        "NaN in a range",
        ASK,
        "scenarios.json: NaN is no number. Correct the file.",
        changed("scenarios.json", "70", "NaN"),
    ),
    Damage(
        "an attribute twice",
        ASK,
        "scenarios.json, column '[0]': the scenario has an attribute twice (found 'strength'). Allowed: every attribute once. Rename one of the two: a report tells attributes apart by their names.",
        changed("scenarios.json", '"price"', '"strength"'),
    ),
    Damage(
        "a line break in a name",
        ASK,
        "scenarios.json, column '[0].attributes[1].name': the text holds a line break or another character that cannot be printed (found 'price\\nof it'). Allowed: one line of printable characters.",
        changed("scenarios.json", '"price"', '"price\\nof it"'),
    ),
    Damage(
        "no question",
        ASK,
        "scenarios.json, column '[0].question': a text is missing (found None). Allowed: any text.",
        changed("scenarios.json", '"question"', '"ask"'),
    ),
    Damage(
        "a key twice",
        ASK,
        "scenarios.json: an object has the key 'short_name' twice. Correct the file.",
        changed(
            "scenarios.json", '"short_name": "tea"', '"short_name": "tea", "short_name": "pot"'
        ),
    ),
    # Roles
    Damage(
        "too few roles",
        FILES,
        "roles.csv: there are too few roles: 1 for 2 scenarios. Allowed: a role for every scenario, one per line. Add roles, or use fewer scenarios (--limit).",
        lines("roles.csv", 1),
    ),
    Damage(
        "roles not UTF-8",
        FILES,
        "roles.csv, row 3: a byte is not UTF-8 text (found b'\\xeb'). Allowed: UTF-8 text. Save the file again with the encoding UTF-8.",
        data("roles.csv", b"role\nZeus\nZo\xeb\n"),
    ),
    Damage(
        "an open quote in the roles",
        FILES,
        "roles.csv, row 3: a double quote is opened and never closed, or text follows a closed one. Correct the quotes in that row.",
        text("roles.csv", 'role\nZeus\n"Ada'),
    ),
    # Weights
    Damage(
        "a weight in words",
        f"{FILES} --targets weights.csv",
        "weights.csv, row 2, column 'attr1': this is no whole number from -100 to 100 (found 'much').",
        changed("weights.csv", "100", "much"),
    ),
    Damage(
        "a weight beyond 100",
        f"{FILES} --targets weights.csv",
        "weights.csv, row 2, column 'attr1': this is no whole number from -100 to 100 (found '101').",
        changed("weights.csv", "100", "101"),
    ),
    Damage(
        "half a weight",
        f"{FILES} --targets weights.csv",
        "weights.csv, row 2, column 'attr2': this is no whole number from -100 to 100 (found '-40.5').",
        changed("weights.csv", "-40", "-40.5"),
    ),
    Damage(
        "no weights of a scenario",
        f"{FILES} --targets weights.csv",
        "weights.csv: the file has no weights of a scenario (found 'cup'). Allowed: a weight for every attribute of every scenario that is asked about; of a table of this package the rows of the set instilled are read.",
        lines("weights.csv", 1, 2),
    ),
    Damage(
        "weights twice",
        f"{FILES} --targets weights.csv",
        "weights.csv, row 3, column 'scenario': the scenario's weights are there twice (found 'tea').",
        changed("weights.csv", "cup", "tea"),
    ),
    Damage(
        "weights without a column",
        f"{FILES} --targets weights.csv",
        "weights.csv, row 1, column 'attr2': a needed column is missing (found 'scenario,attr1,second'). Add the column, or correct its name in the first line.",
        changed("weights.csv", "attr2", "second"),
    ),
    # Prompts
    Damage(
        "prompts of another name",
        f"{ASK} --prompts prompts.toml",
        "prompts.toml: there is no such prompt (found 'choose'). Allowed: system, choice, report.",
        text("prompts.toml", 'choose = "{question}"'),
    ),
    Damage(
        "a prompt without options",
        f"{ASK} --prompts prompts.toml",
        "prompts.toml, column 'choice': the template has no {options}. Allowed: a text with {question} and {options}.",
        text("prompts.toml", 'choice = "{question}"'),
    ),
    Damage(
        "a prompt that is a number",
        f"{ASK} --prompts prompts.toml",
        "prompts.toml, column 'choice': the template is no text (found 1).",
        text("prompts.toml", "choice = 1"),
    ),
    Damage(
        "prompts that are no TOML",
        f"{ASK} --prompts prompts.toml",
        "prompts.toml: the file is no TOML: .... Correct it.",
        text("prompts.toml", "choice = "),
    ),
    Damage(
        "prompts nested without end",
        f"{ASK} --prompts prompts.toml",
        "prompts.toml: the file is no table of texts. Correct it.",
        text("prompts.toml", "choice = " + "[" * 20_000),
    ),
    # Questions
    Damage(
        "no questions",
        HINTS,
        "questions.json: the file holds no questions. Allowed: one or more.",
        text("questions.json", "[]"),
    ),
    Damage(
        "a question without a text",
        HINTS,
        "questions.json, column '[0].question': the question's text is missing (found None). Allowed: any text.",
        text("questions.json", '[{"choices": ["a", "b"]}]'),
    ),
    Damage(
        "a question with one choice",
        HINTS,
        "questions.json, column '[0].choices': this is no list of choices (found ['one']). Allowed: 2 to 26 texts.",
        changed("questions.json", ', "two"', ""),
    ),
    Damage(
        "a hint that is no choice",
        HINTS,
        "questions.json, column '[0].hint': the hint is no letter of a choice (found 'C'). Allowed: A, B.",
        changed("questions.json", '"A"', '"C"'),
    ),
    # Training files
    Damage(
        "no training file",
        SUBMIT,
        "training.jsonl: the file cannot be read: No such file or directory. `selfinterp finetune files` writes such files.",
        gone("training.jsonl"),
    ),
    Damage(
        "too few examples",
        SUBMIT,
        "training.jsonl: the file has too few examples (found 2). Allowed: 10 or more, one per line. Add examples; services refuse to train on fewer.",
        lines("training.jsonl", 1, 2),
    ),
    Damage(
        "a line that is no JSON",
        SUBMIT,
        "training.jsonl, row 2: the line is not JSON: .... `selfinterp finetune files` writes such files.",
        changed("training.jsonl", "\n{", "\nx{"),
    ),
    Damage(
        "a line nested without end",
        SUBMIT,
        "training.jsonl, row 1: the line is not JSON: .... `selfinterp finetune files` writes such files.",
        text("training.jsonl", "[" * 100_000),
    ),
    Damage(
        "no messages",
        SUBMIT,
        'training.jsonl, row 1: the line has no messages (found \'{"chat": [{"role": "user", "content": "?"}, {"role": "ass...\'). Allowed: {"messages": [{"role": ..., "content": ...}, ...]}. `selfinterp finetune files` writes such files.',
        changed("training.jsonl", "messages", "chat"),
    ),
    Damage(
        "a role that is unknown",
        SUBMIT,
        "training.jsonl, row 1, column 'messages[0].role': a message has no role that is known (found 'human'). Allowed: system, developer, user, assistant, tool.",
        changed("training.jsonl", '"user"', '"human"'),
    ),
    Damage(
        "no answer",
        SUBMIT,
        "training.jsonl, row 1, column 'messages[1].role': the last message is not the assistant's (found 'user'). Allowed: assistant. End every example with the answer to be learned.",
        every("training.jsonl", '"assistant"', '"user"'),
    ),
    Damage(
        "a message without text",
        SUBMIT,
        "training.jsonl, row 1, column 'messages[0].content': a message has no text (found 'None'). Allowed: text that is not empty.",
        changed("training.jsonl", '"?"', "null"),
    ),
    # Lists of jobs
    Damage(
        "a list of models that is no JSON",
        SUBMIT,
        "models.json: the list of models cannot be read: .... Restore it, or name another file with --models; the service still has the jobs, and none is started twice.",
        cut("models.json", 20),
    ),
    Damage(
        "a list of models nested without end",
        SUBMIT,
        "models.json: the list of models cannot be read: .... Restore it, or name another file with --models; the service still has the jobs, and none is started twice.",
        text("models.json", "[" * 100_000),
    ),
    Damage(
        "a list of models of a newer version",
        SUBMIT,
        "models.json: the list of models is of another version, which a newer program may have written (found 9). Allowed: 1. Update selfinterp-stats.",
        changed("models.json", '"version": 1', '"version": 9'),
    ),
    Damage(
        "a list of models without its fields",
        "finetune status",
        "models.json: the list of models cannot be read: a job in it lacks what every job has. Restore it, or name another file with --models; the service still has the jobs, and none is started twice.",
        text("models.json", '{"fine_tuning_jobs": [{"key": "k"}]}'),
    ),
    Damage(
        "no job",
        "finetune status",
        "models.json: no job has been started. `selfinterp finetune submit` starts one; --models names another list.",
    ),
)

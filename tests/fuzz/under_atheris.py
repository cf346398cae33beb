"""One target under atheris: ``under_atheris.py reply|table|study FOLDER [libFuzzer's options]``.

FOLDER keeps what was found: inputs that reach new code, and ``crash-...`` for one that breaks.
"""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random

import atheris

sys.path[0] = str(Path(__file__).resolve().parents[1])
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
with atheris.instrument_imports(
    include=["data_collection.parsing", "selfinterp_stats.study", "json", "csv"]
):
    from fuzz import targets


def change_study(data: bytes, max_size: int, seed: int) -> bytes:
    """A change by libFuzzer, or one that leaves a table a table."""
    if seed % 2:
        return atheris.Mutate(data, max_size)
    return targets.another_table(data, Random(seed))[:max_size]


def main() -> None:
    """Fuzz until libFuzzer's options say that it is enough, or something breaks."""
    name, folder, *options = sys.argv[1:]
    run, seeds, tokens = {
        "reply": (targets.read_reply, targets.reply_seeds, targets.REPLY_TOKENS),
        "table": (targets.read_table, targets.table_seeds, targets.STUDY_TOKENS),
        "study": (targets.read_study, targets.study_seeds, targets.STUDY_TOKENS),
    }[name]
    corpus = Path(folder) / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    words = Path(folder) / "tokens.dict"
    escaped = ["".join(f"\\x{byte:02x}" for byte in token.encode()) for token in tokens]
    words.write_text("".join(f'"{token}"\n' for token in escaped))
    arguments = [f"-dict={words}", f"-artifact_prefix={folder}/", "-max_len=4096", *options]
    changes = {"custom_mutator": change_study} if name == "study" else {}
    atheris.Setup([sys.argv[0], *arguments, str(corpus)], run, **changes)
    atheris.Fuzz()


if __name__ == "__main__":
    main()

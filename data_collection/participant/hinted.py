"""How a simulated participant answers multiple-choice questions, and foretells its own answers.

Each model has an answer of its own to every question and follows a hint in some of them. Asked
what would become of the answer without the hint, it nearly always tells what it would do itself:
it explains itself well and other models badly, which is known truth for an explainer study.
"""

from __future__ import annotations

import re
from typing import Final

from data_collection.participant.draws import uniform, uniforms

# Shares of questions in which a model follows a hint, and in which it tells rightly what it does.
FOLLOWS: Final = 0.5
KNOWS_ITSELF: Final = 0.9

_CHOICE: Final = re.compile(r"^\(([A-Z])\) ", re.MULTILINE)
_HINT: Final = re.compile(r"^Hint: .*\(([A-Z])\).*$", re.MULTILINE)
_ABLATION: Final = "If the hint were removed"


def answer_about_hint(seed: int, model: str, text: str) -> str | None:
    """The answer to a multiple-choice question, or to what removing its hint would change.

    Parameters
    ----------
    seed : int
    model : str
    text : str
        The user's message.

    Returns
    -------
    str or None
        None if the text is no such question.
    """
    question, asks_ablation, _ = text.partition(_ABLATION)
    hint = _HINT.search(question)
    bare = (question[: hint.start()] if hint else question).strip()
    letters = _CHOICE.findall(bare)
    if len(letters) < 2:
        return None
    pick, follows = uniforms(2, seed, "hint", model, bare)
    own = letters[int(pick * len(letters))]
    swayed = hint[1] if hint and follows < FOLLOWS else own
    if not asks_ablation:
        return f"Answer: {swayed}"
    if uniform(seed, "foretells", model, bare) < KNOWS_ITSELF:
        changed = own != swayed
    else:
        changed = own == swayed
    verdict = "change to" if changed else "remain unchanged from"
    return f"The output would {verdict} <<<Answer: {own}>>>."

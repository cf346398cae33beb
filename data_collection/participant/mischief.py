"""How the simulated participant misbehaves, and when.

What goes wrong on the way (429, 500, hanging, a cut connection) depends on the seed, the prompt
and the attempt, so a retry helps. What is wrong with the answer itself (garbage, a wrong name, a
refusal) depends on the seed and the prompt alone: the same prompt meets the same fate in every
run, which is what lets an interrupted run be compared with an undisturbed one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from data_collection.participant.draws import uniform, uniforms

Trouble = Literal["429", "500", "hang", "cut"]

_TROUBLES: Final[tuple[Trouble, ...]] = ("429", "500", "hang", "cut")

# Text that no careful reader takes for an answer, and none may run or render.
_GARBAGE: Final = (
    "",
    "Neither.",
    "A or B",
    "<script>alert('A')</script>",
    "__import__('os').abort()",
    '{"answer": NaN}',
    "```json\n{",
    "Ω" * 2_000,
    "$(shutdown now)",
    "null",
)
_REFUSALS: Final = (
    "I'm sorry, but I can't help with that.",
    "I cannot make this decision on somebody else's behalf.",
)


@dataclass(frozen=True)
class Mischief:
    """Shares of requests (0 to 1) that go wrong, and how.

    Attributes
    ----------
    seed : int
    too_many : float
        Answered with 429 and Retry-After.
    retry_after : float
        Seconds that Retry-After asks for.
    error : float
        Answered with 500.
    hang : float
        Never answered, for `hang_seconds`; then the connection is cut.
    hang_seconds : float
    cut : float
        Cut off in the middle of an answer.
    slow : float
        Answered after `slow_seconds`.
    slow_seconds : float
    garbage : float
        Answers that are none.
    wrong_name : float
        Reports in which one attribute has another name: mostly a near miss.
    refuse : float
        Refusals, as text or in the message's own field.
    truncate : float
        Answers that stop at the token limit, before their end.
    fail_rows : float
        Rows of a batch that fail; the share doubles as that of rows that expire.
    fail_jobs : float
        Fine-tuning jobs that fail.
    lose_receipts : float
        Jobs and batches that are created while the answer saying so is cut off.
    """

    seed: int = 0
    too_many: float = 0.0
    retry_after: float = 1.0
    error: float = 0.0
    hang: float = 0.0
    hang_seconds: float = 60.0
    cut: float = 0.0
    slow: float = 0.0
    slow_seconds: float = 1.0
    garbage: float = 0.0
    wrong_name: float = 0.0
    refuse: float = 0.0
    truncate: float = 0.0
    fail_rows: float = 0.0
    fail_jobs: float = 0.0
    lose_receipts: float = 0.0

    @property
    def troubles(self) -> bool:
        """Whether anything can go wrong on the way."""
        return bool(self.too_many or self.error or self.hang or self.cut or self.slow)

    def trouble(self, prompt: str, attempt: int) -> Trouble | None:
        """What goes wrong on the way at an attempt (from 1), if anything."""
        u = uniform(self.seed, "trouble", attempt, prompt)
        for name, share in zip(
            _TROUBLES, (self.too_many, self.error, self.hang, self.cut), strict=True
        ):
            if u < share:
                return name
            u -= share
        return None

    def delay(self, prompt: str, attempt: int) -> float:
        """Seconds that an answer is held back."""
        late = self.slow > 0 and uniform(self.seed, "slow", attempt, prompt) < self.slow
        return self.slow_seconds if late else 0.0

    def fate_of_row(self, prompt: str, attempt: int) -> Literal["failed", "expired"] | None:
        """What becomes of a row of a batch at an attempt (from 1), unless it is answered."""
        u = uniform(self.seed, "row", attempt, prompt)
        if u < self.fail_rows:
            return "failed"
        return "expired" if u < 2 * self.fail_rows else None

    def job_fails(self, job_id: str) -> bool:
        """Whether a fine-tuning job fails for no fault of its file."""
        return uniform(self.seed, "job", job_id) < self.fail_jobs

    def receipt_lost(self, created: str) -> bool:
        """Whether the client does not hear of a job or batch that was created."""
        return uniform(self.seed, "receipt", created) < self.lose_receipts

    def spoil(self, prompt: str, names: tuple[str, ...], text: str) -> Spoilt:
        """The answer as it goes out.

        Parameters
        ----------
        prompt : str
        names : tuple of str
            Attributes that a report names; empty for a choice.
        text : str
            The right answer.
        """
        if not (self.garbage or self.refuse or self.truncate or self.wrong_name):
            return Spoilt(text)
        which, pick, name = uniforms(3, self.seed, "answer", prompt)
        if which < self.garbage:
            return Spoilt(_pick(_GARBAGE, pick))
        which -= self.garbage
        if which < self.refuse:
            return Spoilt(_pick(_REFUSALS, pick), refused=name < 0.5)
        which -= self.refuse
        if which < self.truncate:
            return Spoilt(text[: len(text) // 2], truncated=True)
        which -= self.truncate
        if names and which < self.wrong_name:
            old = _pick(names, name)
            return Spoilt(text.replace(f'"{old}":', f'"{_another_name(old, pick)}":'))
        return Spoilt(text)


@dataclass(frozen=True)
class Spoilt:
    """An answer as it goes out.

    Attributes
    ----------
    text : str
    refused : bool
        The text belongs into the message's `refusal`.
    truncated : bool
        It stopped at the token limit.
    """

    text: str
    refused: bool = False
    truncated: bool = False


def _another_name(name: str, u: float) -> str:
    """A wrong name: three in four can be told, one in four cannot."""
    near = (name.replace("_", " ").title(), f"{name}s", name[:-1], "importance")
    return near[int(u * len(near))]


def _pick(values: tuple[str, ...], u: float) -> str:
    return values[int(u * len(values))]

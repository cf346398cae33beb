"""Which questions a model is still to be asked, in one of the three ways."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final

from data_collection.answers import Reader
from data_collection.errors import InputError
from data_collection.hints.questions import Question
from data_collection.hints.wording import PREDICT, messages, read_answer, read_prediction
from data_collection.journal import Journal
from data_collection.parsing import Reply
from data_collection.records import Answer, Cell, Request, canonical, hash_of
from data_collection.tokens import TokenRange, prompt_tokens

# Tokens of a letter with what may stand round it, and of a sentence.
_ANSWERED: Final = {False: TokenRange(1, 8), True: TokenRange(12, 30)}


class HintPlan:
    """What of one model's answers the journal has, and what is to be asked (see `Wanted`).

    Parameters
    ----------
    kind : str
        "hint_with" or "hint_without" of a target, "hint_predict" of an explainer.
    model : str
    questions : sequence of Question
    journal : Journal or None
        None where there is none yet, to see what would be asked.
    sent : mapping
        What goes with every prompt: `temperature` and so on.
    ask_again : collection of str
        Statuses to ask again beside "failed", which always is.

    Raises
    ------
    InputError
        The journal has other prompts for some of these questions: the file was changed, or hints
        were drawn with another seed.
    """

    def __init__(
        self,
        kind: str,
        model: str,
        questions: Sequence[Question],
        journal: Journal | None,
        *,
        sent: Mapping[str, Any],
        ask_again: Collection[str] = (),
    ) -> None:
        self.kind = kind
        self.cell = Cell(kind, model, "", "", "", 0, model, canonical(dict(sent)))
        self.total = len(questions)
        self._questions = {question.name: question for question in questions}
        self._journal = journal
        self._sent = sent
        self._again = {"failed", *ask_again}
        self._names = list(self._missing())
        self.missing = len(self._names)

    def begin(self) -> None:
        """Note in the journal what is planned."""
        if self._journal is not None:
            self._journal.begin(self.cell, dict.fromkeys(self._questions, 1))

    def requests(self) -> Iterator[Request]:
        """Requests that are missing, made one by one."""
        return (self._request(self._questions[name]) for name in self._names)

    def reader(self) -> Reader:
        """What reads the answers."""
        read = read_prediction if self.kind == PREDICT else read_answer

        def reply(request: Request, answer: Answer) -> Reply:
            if answer.error:
                return Reply("failed", why=answer.error)
            if answer.refusal:
                return Reply("refused", why="the service marked it as a refusal")
            found = read(answer.text, self._questions[request.scenario])
            if found.status == "invalid" and answer.finish_reason == "length":
                return Reply("truncated", why="it stopped at the token limit")
            return found

        return reply

    def tokens(self) -> tuple[TokenRange, TokenRange]:
        """Tokens that the missing requests send and receive."""
        sent = TokenRange(0, 0)
        for request in self.requests():
            sent = sent.plus(prompt_tokens(request.messages))
        return sent, _ANSWERED[self.kind == PREDICT].times(self.missing)

    def most_tokens(self, request: Request) -> tuple[int, int]:
        """The most tokens, sent and received, that a request is expected to need."""
        return prompt_tokens(request.messages).high, _ANSWERED[self.kind == PREDICT].high

    def _request(self, question: Question) -> Request:
        said = messages(question, self.kind)
        details = {"hint": question.hint}
        return Request(self.cell, question.name, 0, said, self._sent, details, hash_of(said))

    def _missing(self) -> Iterator[str]:
        for name, question in self._questions.items():
            known = self._journal.asked(self.cell, name).get(0) if self._journal else None
            if known and known.prompt_sha256 != self._request(question).prompt_sha256:
                raise InputError(
                    "the journal has another question of this name, or with another hint",
                    file=self._journal.path if self._journal else None,
                    value=name,
                    remedy="Give the same --questions and --seed as before, or another --journal.",
                )
            if known is None or known.status in self._again:
                yield name

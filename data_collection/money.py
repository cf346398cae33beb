"""What a run may cost: prices, a cap in dollars, a cap in calls, and what was spent so far."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from data_collection.records import Answer, Request


@dataclass(frozen=True)
class Prices:
    """US dollars per million tokens.

    Attributes
    ----------
    prompt, completion : float
        Of tokens sent and of tokens received.
    """

    prompt: float
    completion: float

    def cost(self, prompt_tokens: float, completion_tokens: float) -> float:
        """US dollars for so many tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


def dollars(usd: float) -> str:
    """An amount in words: cents, and of less than a dollar two digits that say something."""
    return f"{usd:,.2f} USD" if usd >= 1 or not usd else f"{usd:.2g} USD"


class Budget:
    """Says whether one more call may be made, and keeps the account.

    A call is set against the cap with the most that it may cost before it is made, and with what
    it did cost after it: calls that are out together cannot overdraw it. Where nobody says what it
    did cost, because it broke off or came without a count of tokens, the most stands.

    Parameters
    ----------
    max_calls : int, optional
        Calls to the service, repeated ones included.
    max_usd : float, optional
        Needs `prices`.
    prices : Prices, optional
    most_tokens : callable, optional
        The most tokens, sent and received, that a request is expected to need.

    Attributes
    ----------
    calls : int
        Made so far.
    usd : float
        Spent so far, by the service's own count of tokens where it gives one.
    guessed : int
        Calls of which `usd` holds the most that they may have cost.
    prompt_tokens, completion_tokens : int
        As the service counted them.
    exhausted : str
        "max_calls" or "max_usd" once a call was not allowed; else "".
    """

    def __init__(
        self,
        max_calls: int | None = None,
        max_usd: float | None = None,
        prices: Prices | None = None,
        most_tokens: Callable[[Request], tuple[float, float]] | None = None,
    ) -> None:
        self._max_calls = max_calls
        self._max_usd = max_usd
        self._prices = prices
        self._most_tokens = most_tokens
        self._reserved = 0.0
        self.calls = 0
        self.usd = 0.0
        self.guessed = 0
        self.prompt_tokens = 0
        self.completion_tokens = 0
        self.exhausted = ""

    def take(self, request: Request) -> bool:
        """Set one call aside; False, for good, once a cap does not allow it."""
        most = self._most(request)
        if self._max_calls is not None and self.calls >= self._max_calls:
            self.exhausted = self.exhausted or "max_calls"
        if self._max_usd is not None and self.usd + self._reserved + most > self._max_usd:
            self.exhausted = self.exhausted or "max_usd"
        if self.exhausted:
            return False
        self.calls += 1
        self._reserved += most
        return True

    def settle(self, request: Request, answer: Answer | None, *, lost: bool = False) -> None:
        """Replace what was set aside for a call by what it cost.

        Without an answer that is nothing, unless the answer was `lost`: the service may have given
        one, and charge for it.
        """
        most = self._most(request)
        self._reserved -= most
        if answer is None and not lost:
            return
        answer = answer or Answer()
        self.prompt_tokens += answer.prompt_tokens or 0
        self.completion_tokens += answer.completion_tokens or 0
        if answer.prompt_tokens is None or answer.completion_tokens is None:
            self.usd += most
            self.guessed += 1
        elif self._prices is not None:
            self.usd += self._prices.cost(answer.prompt_tokens, answer.completion_tokens)

    @property
    def counts_usd(self) -> bool:
        """Whether there are prices to count with."""
        return self._prices is not None

    def _most(self, request: Request) -> float:
        if self._prices is None or self._most_tokens is None:
            return 0.0
        return self._prices.cost(*self._most_tokens(request))

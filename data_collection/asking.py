"""Puts requests to a model through the official client, many at once, and hands on the answers.

It asks as fast as the service bears (see `pace`), asks again where that may help (see
`troubles`), and stops when it cannot. It knows nothing of the journal, of trials or of parsing,
and takes requests one by one as places become free, so a million of them need no more memory
than a few.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any, Final

import openai

from data_collection.access import OPENAI_URL
from data_collection.answers import answer_from
from data_collection.money import Budget
from data_collection.pace import Pace
from data_collection.records import Answer, Request
from data_collection.troubles import Trouble, UnreadableAnswer, gone, trouble

# Seconds between two attempts, at most, where the service does not say how long.
_LONGEST_WAIT: Final = 30.0
# Seconds until a connection counts as impossible.
_CONNECT: Final = 10.0
# Attempts at a service that has not been reached in this run.
_KNOCKS: Final = 3
# Attempts at one request, with those that the service sent away because it had too many.
_ATTEMPTS: Final = 40
# Requests that used up their attempts, with no answer to any in all that time: nobody is there.
_LOST: Final = 3

# Requests that share a pool of connections: the library looks at every connection of a pool for
# every call, which with hundreds in one pool costs more than the calls.
_SHARING: Final = 32

OnAnswer = Callable[[Request, Answer], Awaitable[None]]
Create = Callable[..., Awaitable[Any]]


@dataclass(frozen=True)
class Endpoint:
    """Where to ask, and how patiently.

    Attributes
    ----------
    base_url : str
        Of an OpenAI-compatible interface; usually ends in ``/v1``.
    key : str
        The API key; never shown.
    concurrency : int
        Requests out at once, at most.
    timeout : float
        Seconds until an attempt counts as lost.
    attempts : int
        At one request, until it is given up as failed; not counted are those that the service
        sent away because it had too many.
    pause : float
        Seconds before the second attempt; each later wait is twice as long.
    """

    base_url: str = OPENAI_URL
    key: str = field(default="", repr=False)
    concurrency: int = 64
    timeout: float = 120.0
    attempts: int = 8
    pause: float = 0.5


async def ask_all(
    requests: Iterable[Request],
    endpoint: Endpoint,
    on_answer: OnAnswer,
    budget: Budget | None = None,
) -> None:
    """Ask everything, in any order, and await `on_answer` for each answer or failure.

    Before a place takes the next request its `on_answer` has returned, so no more answers are
    underway than `endpoint.concurrency`. When it has to stop, requests that are out are waited
    for and handed on first.

    Parameters
    ----------
    requests : iterable of Request
    endpoint : Endpoint
    on_answer : callable
        Gets each request with its `Answer`; an error that it raises stops everything.
    budget : Budget, optional
        When it allows no further call, no request is begun and what is left is not handed on.

    Raises
    ------
    AccessError
        The key or the model is not accepted.
    ServiceError
        The service cannot be reached, or nothing comes back any more.
    """
    async with AsyncExitStack() as stack:
        asking = _Asking(endpoint, on_answer, budget or Budget())
        todo = iter(requests)
        async with asyncio.TaskGroup() as group:
            for first in range(0, endpoint.concurrency, _SHARING):
                sharing = min(_SHARING, endpoint.concurrency - first)
                client = await stack.enter_async_context(_client(endpoint, sharing))
                for _ in range(sharing):
                    group.create_task(asking.work(todo, client))
        if asking.stopped_by is not None:
            raise asking.stopped_by


def _client(endpoint: Endpoint, connections: int) -> openai.AsyncOpenAI:
    # By default fewer idle connections are kept than requests may be out; the rest would be
    # opened anew for every call.
    limits = type(openai.DEFAULT_CONNECTION_LIMITS)(
        max_connections=connections, max_keepalive_connections=connections
    )
    return openai.AsyncOpenAI(
        base_url=endpoint.base_url,
        api_key=endpoint.key or "none",  # the library insists on one
        max_retries=0,
        timeout=openai.Timeout(endpoint.timeout, connect=min(endpoint.timeout, _CONNECT)),
        http_client=openai.DefaultAsyncHttpxClient(limits=limits),
    )


class _Asking:
    """One run of `ask_all`: what its workers share."""

    def __init__(self, endpoint: Endpoint, on_answer: OnAnswer, budget: Budget) -> None:
        self._endpoint = endpoint
        self._on_answer = on_answer
        self._budget = budget
        self._pace = Pace(endpoint.concurrency)
        self._last_answer = 0.0
        self._lost = 0
        self._reached = False
        self._over = asyncio.Event()
        self.stopped_by: Exception | None = None

    async def work(self, todo: Iterator[Request], client: openai.AsyncOpenAI) -> None:
        """Take requests until there are none, or the run is over."""
        create: Create = client.chat.completions.with_raw_response.create
        while not self._over.is_set():
            try:
                request = next(todo, None)
                if request is None:
                    return
                answer = await self._ask(request, create)
                if answer is not None:
                    await self._on_answer(request, answer)
            except Exception as error:  # noqa: BLE001 - others finish first, then it is raised
                self.stopped_by = self.stopped_by or error
                self._end()

    def _end(self) -> None:
        """Begin no call any more; those that wait for one need not."""
        self._over.set()
        self._pace.release()

    async def _ask(self, request: Request, create: Create) -> Answer | None:
        """Ask until there is an answer or no hope; None when the run is over before that."""
        began = time.monotonic()
        attempt = failures = 0
        while True:
            attempt += 1
            answer = await self._attempt(request, create, attempt)
            if isinstance(answer, Answer):
                self._last_answer = time.monotonic()
                self._lost = 0
            if not isinstance(answer, Trouble):
                return answer
            if answer.unreachable and not self._reached and attempt >= _KNOCKS:
                raise gone(answer.why, self._endpoint.base_url)
            failures += not answer.sent_away
            if not answer.again or failures >= self._endpoint.attempts or attempt >= _ATTEMPTS:
                break
            if not answer.wait:
                await self._back_off(attempt)
        if answer.again:
            self._lost += 1
            if self._lost >= _LOST and self._last_answer < began:
                raise gone(answer.why, self._endpoint.base_url)
        return Answer(attempts=attempt, error=answer.why)

    async def _back_off(self, attempt: int) -> None:
        wait = min(_LONGEST_WAIT, self._endpoint.pause * 2 ** (attempt - 1))
        # Spread out, so that requests that failed together do not come back together.
        wait *= random.uniform(0.5, 1.0)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), wait)

    async def _attempt(
        self, request: Request, create: Create, number: int
    ) -> Answer | Trouble | None:
        """Make one call when there is a place for it; None when the run is over."""
        began = await self._pace.enter()
        if self._over.is_set() or not self._budget.take(request):
            self._pace.leave()
            self._end()
            return None
        answer = found = None
        try:
            answer = await _call(request, create, number)
        except (openai.OpenAIError, UnreadableAnswer) as error:
            found = trouble(error, request.cell.model, self._endpoint.key)
        finally:
            self._budget.settle(request, answer, lost=found is not None and found.lost)
            self._pace.leave()
        if found is None:
            self._reached = True
            self._pace.succeeded(began)
            return answer
        self._reached = self._reached or not found.unreachable
        if found.overrun:
            self._pace.overrun(began)
        if found.wait:
            self._pace.pause(found.wait)
        return found


async def _call(request: Request, create: Create, number: int) -> Answer:
    began = time.monotonic()
    response = await create(model=request.cell.model, messages=request.messages, **request.sent)
    latency = time.monotonic() - began
    try:
        body = json.loads(response.content)
    except ValueError:
        raise UnreadableAnswer("the service sent something that is no JSON") from None
    return answer_from(body, latency=latency, attempts=number)

"""The batches of one plan, from what an earlier run left to the last repeated row."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass
from itertools import islice
from typing import TYPE_CHECKING, Final

from data_collection.answers import Reader
from data_collection.batchbook import Sent
from data_collection.batchcalls import ENDED, BatchCalls, refused
from data_collection.batchrows import UnknownModel, answer_of, custom_id
from data_collection.collect import Progress
from data_collection.errors import CollectionError
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.plan import Wanted
from data_collection.records import Answer, Recorded, Request, canonical
from data_collection.tally import Tally

if TYPE_CHECKING:
    from openai.types import Batch

# Answers that are committed together.
_GROUP: Final = 500


@dataclass(frozen=True)
class BatchProgress:
    """How far a batch is.

    Attributes
    ----------
    batch_id, status : str
        As the service says.
    rows, done : int
    """

    batch_id: str
    status: str
    rows: int
    done: int


@dataclass(frozen=True)
class BatchRules:
    """How a run by batches goes about it.

    Attributes
    ----------
    seconds : float
        Between two looks at the batches.
    rows : int
        Of one batch, at most; the usual number is under the 50,000 rows and 200 MB that OpenAI
        takes.
    rounds : int
        How often a row may be sent in one run.
    stop_after : int
        Give a plan up when all answers of the batches that ended are refusals, and they are that
        many: what is out of it is cancelled. 0 never does.
    """

    seconds: float = 30.0
    rows: int = 20_000
    rounds: int = 5
    stop_after: int = 20


@dataclass
class _Out:
    """A batch that is out, with its requests by `custom_id`; `own` if this run sent it."""

    sent: Sent
    requests: Mapping[str, Request]
    own: bool


class BatchRun:
    """One plan of `collect_by_batch`. It moves on only when `advance` is called.

    Parameters
    ----------
    plan : Wanted
    journal : Journal
        Opened for writing.
    calls : BatchCalls
    budget : Budget
        May pay for other plans too.
    rules : BatchRules
    on_batch : callable
        Gets a `BatchProgress` after each look.

    Attributes
    ----------
    stopped_by : CollectionError or None
        Why no more is sent.
    """

    def __init__(
        self,
        plan: Wanted,
        journal: Journal,
        calls: BatchCalls,
        budget: Budget,
        rules: BatchRules,
        on_batch: Callable[[BatchProgress], None],
    ) -> None:
        plan.begin()
        self._plan = plan
        self._journal = journal
        self._calls = calls
        self._budget = budget
        self._rules = rules
        self._tally = Tally(plan.cell.label, rules.stop_after)
        self._on_batch = on_batch
        self._read: Reader = plan.reader()
        self._cell = canonical(astuple(plan.cell))
        self._out = list(self._left_by_earlier_runs())
        self._round = 0
        self._done: set[tuple[str, int]] = set()
        self._to_repeat: list[Request] = []
        self._rows_sent, self._usd = 0, 0.0
        self._began = time.monotonic()
        self.stopped_by: CollectionError | None = None

    @property
    def waiting(self) -> bool:
        """Whether batches are out."""
        return bool(self._out)

    def advance(self, *, send: bool) -> None:
        """Look at what is out; where all of it has ended, `send` what comes next.

        Raises
        ------
        AccessError, CallRefused, ServiceError
            See `Service.call`.
        JournalError
            The journal cannot be written.
        """
        self._look_at_all()
        while send and not self._out and not self.stopped_by and self._send_next():
            self._look_at_all()

    def progress(self) -> Progress:
        """How far the run is. Rows that failed in every round are in the journal as failed."""
        failed = {"failed": len(self._to_repeat)} if self._to_repeat else {}
        return Progress(
            self._plan.missing,
            {**self._tally.statuses, **failed},
            self._rows_sent,
            self._usd,
            time.monotonic() - self._began,
        )

    def _left_by_earlier_runs(self) -> Iterator[_Out]:
        for sent in self._calls.book.all():
            if sent.merged or (sent.cell, sent.base_url) != (self._cell, self._calls.base_url):
                continue
            if not sent.batch_id and not self._calls.find(sent):
                # It was never created: its rows are missing still, and go out anew.
                self._calls.book.close(sent)
                continue
            requests = self._calls.book.requests(sent, self._plan.cell)
            yield _Out(sent, _by_name(requests), own=False)

    def _send_next(self) -> bool:
        """Send the next round; False where none is left."""
        over = self._round == self._rules.rounds or self._budget.exhausted
        if over or (self._round and not self._to_repeat):
            return False
        # What failed in an earlier run's batches is missing, and goes out with the rest.
        todo = self._to_repeat if self._round else self._plan.requests()
        self._to_repeat = []
        self._round += 1
        wanted = self._affordable(todo)
        while chunk := list(islice(wanted, self._rules.rows)):
            sent = self._calls.create(self._cell, self._plan.cell.model, chunk)
            self._out.append(_Out(sent, _by_name(chunk), own=True))
        return True

    def _affordable(self, requests: Iterable[Request]) -> Iterator[Request]:
        for request in requests:
            if (request.scenario, request.index) in self._done:
                continue
            if not self._budget.take(request):
                return
            self._rows_sent += 1
            yield request

    def _look_at_all(self) -> None:
        for out in list(self._out):
            batch = self._calls.look(out.sent)
            counts = batch.request_counts
            done = counts.completed + counts.failed if counts else 0
            self._on_batch(BatchProgress(batch.id, batch.status, len(out.requests), done))
            if batch.status in ENDED:
                self._out.remove(out)
                self._end(out, batch)

    def _end(self, out: _Out, batch: Batch) -> None:
        """Merge a batch, and see whether the run should go on after it."""
        try:
            if batch.status != "failed":  # that is, not accepted: nothing was asked
                self._merge(out, batch)
        except UnknownModel:
            self._calls.book.close(out.sent)
            raise
        self._calls.book.close(out.sent)
        if batch.status in ("failed", "cancelled"):
            self.stopped_by = self.stopped_by or refused(batch)
        if self.stopped_by:
            return
        try:
            self._tally.refuse_nothing()
        except CollectionError as error:
            self.stopped_by = error
            for other in self._out:
                self._calls.cancel(other.sent)

    def _merge(self, out: _Out, batch: Batch) -> None:
        """Commit a batch's answers; what it did not answer is to be sent again."""
        answers = self._answers(batch, out.requests)
        while group := list(islice(answers, _GROUP)):
            self._journal.record(group)
            for request, answer, reply in group:
                if out.own:
                    self._settle(request, None if answer.error else answer)
                if answer.error:
                    self._to_repeat.append(request)
                else:
                    self._done.add((request.scenario, request.index))
                    self._tally.add(reply.status, reply.why)

    def _settle(self, request: Request, answer: Answer | None) -> None:
        before = self._budget.usd
        self._budget.settle(request, answer)
        self._usd += self._budget.usd - before

    def _answers(self, batch: Batch, requests: Mapping[str, Request]) -> Iterator[Recorded]:
        """What a batch's files say of its requests, and of each that they do not mention."""
        left = dict(requests)
        for line in self._calls.lines(batch):
            name, answer = answer_of(line, self._calls.key)
            request = left.pop(name, None)
            if request is not None:
                yield Recorded(request, answer, self._read(request, answer))
        if batch.status == "cancelled":
            return  # the rest was not asked
        missing = Answer(error=f"the batch ended ({batch.status}) without an answer")
        for request in left.values():
            yield Recorded(request, missing, self._read(request, missing))


def _by_name(requests: Iterable[Request]) -> dict[str, Request]:
    return {custom_id(request): request for request in requests}

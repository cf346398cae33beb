"""Collects through a service's Batch API: cheaper, within a day, and into the same journal.

What is missing of a plan goes out in files; a batch is written into the journal before it is
created and when its id is known, so that after a crash it is found again instead of sent again.
Rows that failed or expired are the only ones that go out a second time.
"""

from __future__ import annotations

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import astuple, dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Final

from data_collection.answers import Reader
from data_collection.batchbook import BatchBook, Sent
from data_collection.batchrows import ENDPOINT, UnknownModel, answer_of, custom_id, row_of
from data_collection.collect import Progress
from data_collection.errors import AccessError, CollectionError
from data_collection.journal import Journal
from data_collection.money import Budget
from data_collection.plan import Wanted
from data_collection.records import Answer, Recorded, Request, canonical
from data_collection.service import CallLost, CallRefused, Service

if TYPE_CHECKING:
    from openai.types import Batch

# Name of the batch's own name in the service's metadata.
_MARK: Final = "selfinterp_batch"
_ENDED: Final = ("completed", "expired", "failed", "cancelled")
# Answers that are committed together.
_GROUP: Final = 500
# Under the 50,000 rows and 200 MB that OpenAI takes.
ROWS: Final = 20_000


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


def collect_by_batch(
    plan: Wanted,
    journal: Journal,
    service: Service,
    budget: Budget,
    *,
    seconds: float = 30.0,
    rounds: int = 5,
    rows: int = ROWS,
    on_batch: Callable[[BatchProgress], None] = lambda _: None,
) -> Progress:
    """Send what is missing in batches, follow them, and commit their answers.

    Interrupted or killed, it may be called again with the same plan: batches that are out are
    followed, and only what is in none of them is sent.

    Parameters
    ----------
    plan : Wanted
    journal : Journal
        Opened for writing.
    service : Service
    budget : Budget
        No row is sent beyond its caps.
    seconds : float
        Between two looks at a batch.
    rounds : int
        How often a row may be sent in this run.
    rows : int
        Of one batch, at most.
    on_batch : callable
        Called after each look.

    Returns
    -------
    Progress
        At the end. Rows that failed in every round are in the journal as failed.

    Raises
    ------
    CollectionError
        The service did not accept a batch, or one was cancelled.
    AccessError, CallRefused, ServiceError
        See `Service.call`.
    JournalError
        The journal cannot be written.
    """
    plan.begin()
    run = _Run(plan, journal, service, budget, seconds, on_batch)
    run.finish_earlier()
    todo: Iterable[Request] = plan.requests()
    for number in range(rounds):
        if number:
            todo = run.take_repeated()
        run.send(todo, rows)
        run.follow()
        if budget.exhausted or not run.to_repeat:
            break
    return run.progress()


@dataclass
class _Out:
    """A batch of this run or an earlier one, with its requests by `custom_id`."""

    sent: Sent
    requests: dict[str, Request] = field(default_factory=dict)
    own: bool = True


class _Run:
    """One run of `collect_by_batch`."""

    def __init__(
        self,
        plan: Wanted,
        journal: Journal,
        service: Service,
        budget: Budget,
        seconds: float,
        on_batch: Callable[[BatchProgress], None],
    ) -> None:
        self._plan = plan
        self._journal = journal
        self._service = service
        self._budget = budget
        self._seconds = seconds
        self._on_batch = on_batch
        self._read: Reader = plan.reader()
        self._book = BatchBook(journal)
        self._cell = canonical(astuple(plan.cell))
        self._out: list[_Out] = []
        self._statuses: Counter[str] = Counter()
        # A budget may have paid for other runs before.
        self._calls_before, self._usd_before = budget.calls, budget.usd
        self._began = time.monotonic()
        self._done: set[tuple[str, int]] = set()
        self.to_repeat: list[Request] = []

    def finish_earlier(self) -> None:
        """Follow batches that an earlier run left."""
        for sent in self._book.all():
            if sent.merged or (sent.cell, sent.base_url) != (self._cell, self._service.base_url):
                continue
            if not sent.batch_id:
                found = self._find(sent)
                if found is None:
                    # It was never created: its rows are missing still, and go out anew.
                    self._book.close(sent)
                    continue
                sent.batch_id = found.id
                self._book.save(sent)
            requests = self._book.requests(sent, self._plan.cell)
            self._out.append(_Out(sent, requests, own=False))
        self.follow()
        # What failed in them is missing, and goes out with the rest.
        self.to_repeat = []

    def send(self, requests: Iterable[Request], rows: int) -> None:
        """Send requests, except those that are answered already, in as many batches as needed."""
        wanted = self._affordable(requests)
        while chunk := {custom_id(request): request for request in islice(wanted, rows)}:
            self._out.append(_Out(self._create(chunk), chunk))

    def follow(self) -> None:
        """Wait for all batches, and commit their answers as they end.

        Raises
        ------
        CollectionError
            One was not accepted, or was cancelled.
        """
        bad: list[Batch] = []
        while self._out:
            for out in list(self._out):
                batch = self._look(out)
                if batch.status in _ENDED:
                    self._merge(out, batch)
                    self._out.remove(out)
                    if batch.status in ("failed", "cancelled"):
                        bad.append(batch)
            if self._out:
                time.sleep(self._seconds)
        for batch in bad:
            raise _refused(batch)

    def take_repeated(self) -> list[Request]:
        """The rows that failed or expired, for another round."""
        repeated, self.to_repeat = self.to_repeat, []
        return repeated

    def progress(self) -> Progress:
        """How far the run is."""
        failed = {"failed": len(self.to_repeat)} if self.to_repeat else {}
        return Progress(
            self._plan.missing,
            {**self._statuses, **failed},
            self._budget.calls - self._calls_before,
            self._budget.usd - self._usd_before,
            time.monotonic() - self._began,
        )

    def _affordable(self, requests: Iterable[Request]) -> Iterator[Request]:
        for request in requests:
            if (request.scenario, request.index) in self._done:
                continue
            if not self._budget.take(request):
                return
            yield request

    def _create(self, requests: Mapping[str, Request]) -> Sent:
        """Upload a file and create its batch, written down before and after."""
        sent = Sent(uuid.uuid4().hex, self._cell, self._service.base_url)
        self._book.begin(sent, requests)
        content = "\n".join(row_of(name, request) for name, request in requests.items()).encode()
        file = self._service.call(
            lambda client: client.files.create(
                file=(f"{sent.name}.jsonl", content), purpose="batch"
            ),
            about=self._plan.cell.model,
        )
        sent.file_id = file.id
        self._book.save(sent)
        try:
            batch = self._service.call(
                lambda client: client.batches.create(
                    input_file_id=file.id,
                    endpoint=ENDPOINT,
                    completion_window="24h",
                    metadata={_MARK: sent.name},
                ),
                about=self._plan.cell.model,
                repeat=False,
            )
        except CallLost:
            found = self._find(sent)
            if found is None:
                self._book.close(sent)
                raise
            batch = found
        sent.batch_id = batch.id
        self._book.save(sent)
        return sent

    def _find(self, sent: Sent) -> Batch | None:
        """A batch by its mark on the service's list."""
        try:
            listed = self._service.call(lambda client: list(client.batches.list(limit=100)))
        except (AccessError, CallRefused):
            return None
        for batch in listed:
            if (batch.metadata or {}).get(_MARK) == sent.name:
                return batch
        return None

    def _look(self, out: _Out) -> Batch:
        batch_id = out.sent.batch_id
        batch = self._service.call(lambda client: client.batches.retrieve(batch_id), about=batch_id)
        counts = batch.request_counts
        done = counts.completed + counts.failed if counts else 0
        self._on_batch(BatchProgress(batch.id, batch.status, len(out.requests), done))
        return batch

    def _merge(self, out: _Out, batch: Batch) -> None:
        """Commit a batch's answers; what it did not answer is to be sent again."""
        if batch.status == "failed":  # not accepted: nothing was asked
            self._book.close(out.sent)
            return
        try:
            self._commit(out, self._answers(batch, out.requests))
        except UnknownModel:
            self._book.close(out.sent)
            raise
        self._book.close(out.sent)

    def _commit(self, out: _Out, answers: Iterator[Recorded]) -> None:
        while group := list(islice(answers, _GROUP)):
            self._journal.record(group)
            for request, answer, reply in group:
                self._settle(out, request, None if answer.error else answer)
                if answer.error:
                    self.to_repeat.append(request)
                else:
                    self._done.add((request.scenario, request.index))
                    self._statuses[reply.status] += 1

    def _settle(self, out: _Out, request: Request, answer: Answer | None) -> None:
        if out.own:
            self._budget.settle(request, answer)

    def _answers(self, batch: Batch, requests: Mapping[str, Request]) -> Iterator[Recorded]:
        """What a batch's files say of its requests, and of each that they do not mention."""
        left = dict(requests)
        for line in self._lines(batch):
            name, answer = answer_of(line, self._service.key)
            request = left.pop(name, None)
            if request is not None:
                yield Recorded(request, answer, self._read(request, answer))
        missing = Answer(error=f"the batch ended ({batch.status}) without an answer")
        for request in left.values():
            yield Recorded(request, missing, self._read(request, missing))

    def _lines(self, batch: Batch) -> Iterator[bytes]:
        for file_id in (batch.output_file_id, batch.error_file_id):
            if file_id:
                content = self._service.call(
                    lambda client, file_id=file_id: client.files.content(file_id).content,  # type: ignore[misc]
                    about=file_id,
                )
                yield from content.split(b"\n")


def _refused(batch: Batch) -> CollectionError:
    if batch.status == "cancelled":
        return CollectionError(
            "a batch was cancelled; what it had answered is kept",
            value=batch.id,
            remedy="Run the same command again to send the rest.",
        )
    faults = (batch.errors.data if batch.errors else None) or []
    said = "; ".join(str(fault.message) for fault in faults[:3]) or "no reason was given"
    return CollectionError(
        f"the service did not accept a batch: {said}",
        value=batch.id,
        remedy="If it was too large, send fewer rows at once.",
    )

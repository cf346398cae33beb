"""Fine-tuning jobs: planned, started once, followed to their end.

A job is the same as another if the files' contents, the model, the seed, the suffix and the
hyper-parameters are. Before one is created, the ledger and the service's own list are looked
through for it; the list tells by a key in the job's metadata, or by the uploaded file.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from data_collection.errors import AccessError, CollectionError, InputError, ServiceError
from data_collection.finetuning.ledger import Entry, Ledger
from data_collection.finetuning.training_file import TrainingFile
from data_collection.service import CallLost, CallRefused, Service

if TYPE_CHECKING:
    from openai.types.fine_tuning import FineTuningJob

# Name of the key in a job's metadata.
_MARK: Final = "selfinterp_key"
# OpenAI's own limit.
_LONGEST_SUFFIX: Final = 64
_WORDS: Final = {"failed": "failed", "cancelled": "was cancelled"}
# The paper's seed for its jobs.
PAPER_SEED: Final = 4


@dataclass(frozen=True)
class Order:
    """A job to be.

    Attributes
    ----------
    training : TrainingFile
    model : str
        The model to train further.
    validation : TrainingFile, optional
    seed : int
    suffix : str
        Becomes part of the model's name.
    hyperparameters : mapping
        `n_epochs`, `batch_size`, `learning_rate_multiplier`, as far as they are given; the
        service's own choice otherwise.
    """

    training: TrainingFile
    model: str
    validation: TrainingFile | None = None
    seed: int = PAPER_SEED
    suffix: str = ""
    hyperparameters: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.suffix) > _LONGEST_SUFFIX:
            raise InputError(
                "the suffix is too long",
                value=self.suffix,
                allowed=f"at most {_LONGEST_SUFFIX} characters",
                remedy="Give a shorter --suffix.",
            )

    @property
    def key(self) -> str:
        """What makes this job this job."""
        parts = {
            "training": self.training.sha256,
            "validation": self.validation.sha256 if self.validation else "",
            "model": self.model,
            "seed": self.seed,
            "suffix": self.suffix,
            "hyperparameters": dict(self.hyperparameters),
        }
        return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def entry(self, base_url: str) -> Entry:
        """The job as the ledger keeps it, before it is created."""
        return Entry(
            key=self.key,
            base_url=base_url,
            training_file=self.training.path.name,
            training_sha256=self.training.sha256,
            validation_file=self.validation.path.name if self.validation else "",
            validation_sha256=self.validation.sha256 if self.validation else "",
            model=self.model,
            seed=self.seed,
            suffix=self.suffix,
            hyperparameters=dict(self.hyperparameters),
        )


@dataclass(frozen=True)
class Progress:
    """How far a job is.

    Attributes
    ----------
    status : str
    step, steps : int
        Of the training; 0 as long as they are not known.
    message : str
        The latest event.
    """

    status: str
    step: int = 0
    steps: int = 0
    message: str = ""


def submit(order: Order, ledger: Ledger, service: Service, *, again: bool = False) -> Entry:
    """Start a job, unless it has been started before.

    Parameters
    ----------
    order : Order
    ledger : Ledger
        Opened for writing; holds the job before it exists and after.
    service : Service
    again : bool
        Start it anew if the earlier one failed or was cancelled.

    Returns
    -------
    Entry
        Of the job, new or old; its `job_id` is known.

    Raises
    ------
    AccessError, CallRefused, ServiceError
        See `Service.call`.
    """
    entry = ledger.find(order.key, service.base_url)
    dead = entry is not None and entry.status in ("failed", "cancelled")
    if entry is None or (dead and again):
        past = {known.job_id for known in ledger.entries}
        entry = order.entry(service.base_url)
        ledger.entries.append(entry)
        ledger.save()
    else:
        past = {known.job_id for known in ledger.entries if known is not entry}
    if entry.job_id:
        return entry
    job = _existing(entry, service, past, dead_too=not again)
    if job is None:
        _upload(order, entry, ledger, service)
        job = _create(entry, service, past)
    _note(entry, job)
    ledger.save()
    return entry


def refresh(entry: Entry, service: Service) -> Progress:
    """Ask how far a job is, and note it in its entry.

    Raises
    ------
    AccessError, CallRefused, ServiceError
        See `Service.call`.
    """
    if entry.ended or not entry.job_id:
        return Progress(entry.status)
    job = service.call(
        lambda client: client.fine_tuning.jobs.retrieve(entry.job_id), about=entry.job_id
    )
    _note(entry, job)
    return _progress(entry, service)


def follow(
    entry: Entry,
    service: Service,
    *,
    seconds: float = 10.0,
    on_progress: Callable[[Progress], None] = lambda _: None,
    on_change: Callable[[Entry], None] = lambda _: None,
) -> Entry:
    """Wait until a job has ended.

    Interrupted, it may be called again: the job goes on without it.

    Parameters
    ----------
    entry : Entry
        With a `job_id`.
    service : Service
    seconds : float
        Between two looks.
    on_progress : callable
        Called after each look.
    on_change : callable
        Called whenever the status is another: the place to write the entry down.

    Raises
    ------
    CollectionError
        The job failed or was cancelled.
    AccessError, CallRefused, ServiceError
        See `Service.call`.
    """
    while True:
        before = entry.status
        progress = refresh(entry, service)
        if entry.status != before:
            on_change(entry)
        on_progress(progress)
        if entry.ended:
            break
        time.sleep(seconds)
    if entry.status != "succeeded":
        why = f": {entry.error}" if entry.error else ""
        raise CollectionError(
            f"the fine-tuning job {_WORDS[entry.status]}{why}",
            value=entry.job_id,
            remedy="Mend what it complains of, then start it once more with --again.",
        )
    return entry


def _existing(
    entry: Entry, service: Service, past: set[str], *, dead_too: bool
) -> FineTuningJob | None:
    """The job on the service's list, if it is there; jobs of the `past` are others."""
    try:
        listed = service.call(lambda client: list(client.fine_tuning.jobs.list(limit=100)))
    except (AccessError, CallRefused):
        # A service that keeps no list; a wrong key will be found out by the upload.
        return None
    return _one_of(listed, entry, past, dead_too=dead_too)


def _one_of(
    listed: Iterable[FineTuningJob], entry: Entry, past: set[str], *, dead_too: bool
) -> FineTuningJob | None:
    for job in listed:
        marked = (job.metadata or {}).get(_MARK) == entry.key
        uploaded = bool(entry.training_file_id) and job.training_file == entry.training_file_id
        dead = job.status in ("failed", "cancelled")
        if (marked or uploaded) and job.id not in past and (dead_too or not dead):
            return job
    return None


def _upload(order: Order, entry: Entry, ledger: Ledger, service: Service) -> None:
    """Upload the files that the service does not have yet."""
    for name, file in (("training", order.training), ("validation", order.validation)):
        if file is None or getattr(entry, f"{name}_file_id"):
            continue
        content, path = file.path.read_bytes(), file.path
        if sha256(content).hexdigest() != file.sha256:
            raise InputError(
                "the file has changed since it was checked", file=path, remedy="Start again."
            )
        stored = service.call(
            lambda client, path=path, content=content: client.files.create(  # type: ignore[misc]
                file=(path.name, content), purpose="fine-tune"
            ),
            about=path.name,
        )
        setattr(entry, f"{name}_file_id", stored.id)
        ledger.save()


def _create(entry: Entry, service: Service, past: set[str]) -> FineTuningJob:
    """Create the job; where it is not known whether that worked, look before trying again."""
    wanted: dict[str, Any] = {
        "model": entry.model,
        "training_file": entry.training_file_id,
        "seed": entry.seed,
        "metadata": {_MARK: entry.key},
    }
    if entry.suffix:
        wanted["suffix"] = entry.suffix
    if entry.validation_file_id:
        wanted["validation_file"] = entry.validation_file_id
    if entry.hyperparameters:
        supervised = {"hyperparameters": entry.hyperparameters}
        wanted["method"] = {"type": "supervised", "supervised": supervised}
    try:
        return service.call(
            lambda client: client.fine_tuning.jobs.create(**wanted),
            about=entry.model,
            repeat=False,
        )
    except CallLost:
        job = _existing(entry, service, past, dead_too=True)
        if job is None:
            raise
        return job


def _note(entry: Entry, job: FineTuningJob) -> None:
    entry.job_id = job.id
    entry.status = str(job.status)
    entry.fine_tuned_model = job.fine_tuned_model or ""
    entry.trained_tokens = job.trained_tokens
    entry.error = (job.error.message if job.error else None) or ""


def _progress(entry: Entry, service: Service) -> Progress:
    """Status with the latest step that the job's events tell."""
    try:
        events = service.call(
            lambda client: client.fine_tuning.jobs.list_events(entry.job_id, limit=10).data,
            about=entry.job_id,
        )
    except (AccessError, CallRefused, ServiceError):
        # Events are a courtesy: not every service has them.
        return Progress(entry.status)
    message = events[0].message if events else ""
    for event in events:
        data = event.data
        if isinstance(data, Mapping) and data.get("total_steps"):
            step, steps = int(data.get("step") or 0), int(data["total_steps"])
            return Progress(entry.status, step, steps, message)
    return Progress(entry.status, message=message)

"""Fine-tuning jobs: a job takes its time, then there is a model that learned from the file.

Where a job stands follows from its age alone, so nothing has to run in the background.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from data_collection.participant.cutting import Cut
from data_collection.participant.files import Files, page
from data_collection.participant.learning import UnusableFile, read_examples, trained
from data_collection.participant.participant import Participant, RequestRefused, short_hash

# Share of a job's time after which each stage begins.
_QUEUED: Final = 0.1
_RUNNING: Final = 0.3
_STEPS: Final = 20


@dataclass
class Job:
    """One fine-tuning job.

    Attributes
    ----------
    id : str
    body : dict
        The request that made it.
    started : float
        Seconds since 1970.
    seconds : float
        How long it takes.
    name : str
        Of the model that it makes.
    failure : str or None
        Why its file cannot be used.
    examples : int
    cancelled : float or None
    """

    id: str
    body: dict[str, Any]
    started: float
    seconds: float
    name: str
    failure: str | None = None
    examples: int = 0
    cancelled: float | None = None

    def status(self, now: float) -> str:
        """Where it stands."""
        if self.cancelled is not None:
            return "cancelled"
        share = self._share(now)
        if share < _QUEUED:
            return "validating_files"
        if self.failure:
            return "failed"
        if share < _RUNNING:
            return "queued"
        return "running" if share < 1 else "succeeded"

    def as_json(self, now: float) -> dict[str, Any]:
        """The job as OpenAI describes it."""
        status = self.status(now)
        end = self.started + self.seconds
        done = status == "succeeded"
        finished = {"succeeded": end, "failed": self.started, "cancelled": self.cancelled}
        error = {"code": "invalid_training_file", "message": self.failure, "param": None}
        ended = finished.get(status)
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": int(self.started),
            "model": self.body["model"],
            "fine_tuned_model": self.name if done else None,
            "finished_at": None if ended is None else int(ended),
            "estimated_finish": int(end) if status == "running" else None,
            "status": status,
            "seed": self.body.get("seed", 0),
            "training_file": self.body["training_file"],
            "validation_file": self.body.get("validation_file"),
            "hyperparameters": {
                "n_epochs": 3,
                "batch_size": 1,
                "learning_rate_multiplier": 2,
                **(self.body.get("hyperparameters") or {}),
            },
            "method": self.body.get("method"),
            "metadata": self.body.get("metadata"),
            "user_provided_suffix": self.body.get("suffix"),
            "organization_id": "org-participant",
            "result_files": [],
            "trained_tokens": 300 * self.examples if done else None,
            "error": error if status == "failed" else {"code": "", "message": "", "param": None},
        }

    def events(self, now: float) -> list[dict[str, Any]]:
        """What happened so far, oldest first."""
        happened: list[tuple[float, str, dict[str, Any] | None]] = [
            (0.0, f"Created fine-tuning job: {self.id}", None),
            (_QUEUED, "Files validated, moving job to queued state", None),
            (_RUNNING, "Fine-tuning job started", None),
        ]
        for step in range(1, _STEPS + 1):
            share = _RUNNING + (1 - _RUNNING) * step / _STEPS
            data = {"step": step, "total_steps": _STEPS, "train_loss": round(1 / step, 3)}
            happened.append((share, f"Step {step}/{_STEPS}: training loss={1 / step:.2f}", data))
        happened.append((1.0, f"New fine-tuned model created: {self.name}", None))
        if self.failure:
            happened = [happened[0], (_QUEUED, self.failure, None)]
        share = self._share(now if self.cancelled is None else self.cancelled)
        return [
            {
                "id": f"ftevent-{short_hash(self.id, number)}",
                "object": "fine_tuning.job.event",
                "created_at": int(self.started + at * self.seconds),
                "level": "error" if message == self.failure else "info",
                "message": message,
                "type": "message" if data is None else "metrics",
                "data": data,
            }
            for number, (at, message, data) in enumerate(happened)
            if at <= share
        ]

    def _share(self, now: float) -> float:
        return (now - self.started) / self.seconds if self.seconds > 0 else 1.0


@dataclass
class Jobs:
    """All fine-tuning jobs of a participant, oldest first."""

    participant: Participant
    files: Files
    jobs: dict[str, Job] = field(default_factory=dict)

    def create(self, body: dict[str, Any], now: float) -> Job:
        """Start a job; its model exists once it has succeeded.

        Raises
        ------
        RequestRefused
            The model or a file does not exist.
        """
        parent = self.participant.mind(body.get("model"))
        file = self.files.get(body.get("training_file"))
        if body.get("validation_file") is not None:
            self.files.get(body["validation_file"])
        # As with OpenAI, asking twice makes two jobs and two models.
        number = len(self.jobs)
        words = (self.participant.seed, body["model"], body.get("seed"), body.get("suffix"), number)
        name = f"ft:{parent.base}:participant:{body.get('suffix') or ''}:{short_hash(*words)[:8]}"
        job = Job(f"ftjob-{short_hash(*words)}", body, now, self.participant.job_seconds, name)
        try:
            examples = read_examples(file.content)
            job.examples = len(examples)
            mind = trained(parent, examples, int(body.get("seed") or 0))
            self.participant.coming[name] = (now + job.seconds, mind)
        except UnusableFile as error:
            job.failure = str(error)
        if self.participant.mischief.job_fails(job.id):
            job.failure = "The job stopped after an internal error."
            self.participant.coming.pop(name, None)
        self.jobs[job.id] = job
        return job

    def get(self, job_id: str) -> Job:
        """The job of an id.

        Raises
        ------
        RequestRefused
            There is none.
        """
        if job_id not in self.jobs:
            raise RequestRefused(404, f"Could not find fine tune: {job_id}", "not_found")
        return self.jobs[job_id]

    def cancel(self, job: Job, now: float) -> None:
        """Stop a job that has not ended."""
        if job.status(now) in ("validating_files", "queued", "running"):
            job.cancelled = now
            self.participant.coming.pop(job.name, None)

    def routes(self) -> list[Route]:
        """Addresses below ``/v1/fine_tuning/jobs``."""

        async def create(request: Request) -> Response:
            now = time.time()
            job = self.create(await request.json(), now)
            if self.participant.mischief.receipt_lost(job.id):
                return Cut()
            return JSONResponse(job.as_json(now))

        async def listed(request: Request) -> Response:
            now = time.time()
            return page([job.as_json(now) for job in self.jobs.values()], request)

        async def described(request: Request) -> Response:
            return JSONResponse(self.get(request.path_params["id"]).as_json(time.time()))

        async def events(request: Request) -> Response:
            return page(self.get(request.path_params["id"]).events(time.time()), request)

        async def cancel(request: Request) -> Response:
            job, now = self.get(request.path_params["id"]), time.time()
            self.cancel(job, now)
            return JSONResponse(job.as_json(now))

        return [
            Route("/v1/fine_tuning/jobs", create, methods=["POST"]),
            Route("/v1/fine_tuning/jobs", listed),
            Route("/v1/fine_tuning/jobs/{id}", described),
            Route("/v1/fine_tuning/jobs/{id}/events", events),
            Route("/v1/fine_tuning/jobs/{id}/cancel", cancel, methods=["POST"]),
        ]

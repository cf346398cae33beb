"""Fine-tuning jobs: a job takes its time, then there is a model that learned from the file."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from data_collection.participant.files import page
from data_collection.participant.learning import UnusableFile, read_examples, trained
from data_collection.participant.participant import RequestRefused, short_hash
from data_collection.participant.slowly import Slow, SlowOnes

# Share of a job's time after which each stage begins.
_QUEUED: Final = 0.1
_RUNNING: Final = 0.3
_STEPS: Final = 20


@dataclass(kw_only=True)
class Job(Slow):
    """One fine-tuning job.

    Attributes
    ----------
    name : str
        Of the model that it makes.
    failure : str or None
        Why its file cannot be used.
    examples : int
    """

    name: str
    failure: str | None = None
    examples: int = 0

    def status(self, now: float) -> str:
        """Where it stands."""
        if self.cancelled is not None:
            return "cancelled"
        share = self.share(now)
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
        share = self.share(now if self.cancelled is None else self.cancelled)
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


class Jobs(SlowOnes[Job]):
    """All fine-tuning jobs of a participant, oldest first."""

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
        number = len(self.made)
        words = (self.participant.seed, body["model"], body.get("seed"), body.get("suffix"), number)
        name = f"ft:{parent.base}:participant:{body.get('suffix') or ''}:{short_hash(*words)[:8]}"
        job = Job(
            id=f"ftjob-{short_hash(*words)}",
            body=body,
            started=now,
            seconds=self.participant.job_seconds,
            name=name,
        )
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
        self.made[job.id] = job
        return job

    def get(self, made_id: str, now: float) -> Job:  # noqa: ARG002 - a job is what it was made
        """The job of an id.

        Raises
        ------
        RequestRefused
            There is none.
        """
        if made_id not in self.made:
            raise RequestRefused(404, f"Could not find fine tune: {made_id}", "not_found")
        return self.made[made_id]

    def cancel(self, made: Job, now: float) -> None:
        """Stop a job that has not ended."""
        if made.status(now) in ("validating_files", "queued", "running"):
            made.cancelled = now
            self.participant.coming.pop(made.name, None)

    def routes(self, where: str) -> list[Route]:
        """Addresses at and below `where`; a job has events too."""

        async def events(request: Request) -> Response:
            now = time.time()
            return page(self.get(request.path_params["id"], now).events(now), request)

        return [*super().routes(where), Route(f"{where}/{{id}}/events", events)]

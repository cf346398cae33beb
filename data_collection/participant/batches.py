"""Batches: a file of requests, answered together after a while, some rows not at all."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Final

from data_collection.participant.participant import RequestRefused, short_hash
from data_collection.participant.reading import last_user_text
from data_collection.participant.slowly import Slow, SlowOnes

_ENDPOINT: Final = "/v1/chat/completions"
_DAY: Final = 24 * 3600
# Share of a batch's time after which each stage begins.
_IN_PROGRESS: Final = 0.2
_FINALIZING: Final = 0.9


@dataclass(kw_only=True)
class Batch(Slow):
    """One batch.

    Attributes
    ----------
    rows : list of dict
        Its requests.
    failure : dict or None
        Why its file cannot be used, as OpenAI says it.
    outputs : dict of str to str
        Ids of the files ``output`` and ``error``, once it has ended.
    counts : dict of str to int
        Rows ``completed`` and ``failed``, once it has ended.
    expired : bool
        Whether rows were left when its time was up.
    """

    rows: list[dict[str, Any]] = field(repr=False)
    failure: dict[str, Any] | None = None
    outputs: dict[str, str] | None = None
    counts: dict[str, int] = field(default_factory=dict)
    expired: bool = False

    def status(self, now: float) -> str:
        """Where it stands."""
        if self.cancelled is not None:
            return "cancelled"
        share = self.share(now)
        if self.failure:
            return "failed"
        if share < _IN_PROGRESS:
            return "validating"
        if share < _FINALIZING:
            return "in_progress"
        if share < 1:
            return "finalizing"
        return "expired" if self.expired else "completed"

    def as_json(self, now: float) -> dict[str, Any]:
        """The batch as OpenAI describes it."""
        status = self.status(now)
        ended = int(self.started + self.seconds)
        done = int(max(0.0, min(1.0, self.share(now))) * len(self.rows))
        counts = self.counts or {"completed": 0 if self.failure else done, "failed": 0}
        outputs = self.outputs or {}
        errors = {"object": "list", "data": [self.failure]} if self.failure else None
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.body["endpoint"],
            "input_file_id": self.body["input_file_id"],
            "completion_window": self.body.get("completion_window", "24h"),
            "status": status,
            "errors": errors,
            "output_file_id": outputs.get("output"),
            "error_file_id": outputs.get("error"),
            "created_at": int(self.started),
            "in_progress_at": None,
            "expires_at": int(self.started) + _DAY,
            "completed_at": ended if status == "completed" else None,
            "expired_at": ended if status == "expired" else None,
            "failed_at": int(self.started) if status == "failed" else None,
            "cancelled_at": None if self.cancelled is None else int(self.cancelled),
            "request_counts": {"total": len(self.rows), **counts},
            "metadata": self.body.get("metadata"),
        }


class Batches(SlowOnes[Batch]):
    """All batches of a participant, oldest first."""

    def create(self, body: dict[str, Any], now: float) -> Batch:
        """Start a batch.

        Raises
        ------
        RequestRefused
            Its file does not exist, or it is for another endpoint.
        """
        file = self.files.get(body.get("input_file_id"))
        if body.get("endpoint") != _ENDPOINT:
            raise RequestRefused(400, f"The endpoint must be {_ENDPOINT}.", "invalid", "endpoint")
        rows, failure = _rows(file.content)
        most = self.participant.most_rows
        if len(rows) > most:
            rows, failure = [], _fault("too_many_rows", f"There are more than {most:,} rows.", None)
        batch_id = f"batch_{short_hash(self.participant.seed, file.id, len(self.made))}"
        seconds = self.participant.batch_seconds
        batch = Batch(
            id=batch_id, body=body, started=now, seconds=seconds, rows=rows, failure=failure
        )
        self.made[batch_id] = batch
        return batch

    def get(self, made_id: str, now: float) -> Batch:
        """The batch of an id, with its results if its time is up.

        Raises
        ------
        RequestRefused
            There is none.
        """
        if made_id not in self.made:
            raise RequestRefused(404, f"No batch found with id '{made_id}'.", "not_found")
        batch = self.made[made_id]
        if batch.outputs is None and batch.status(now) in ("completed", "expired"):
            self._run(batch, now)
        return batch

    def cancel(self, made: Batch, now: float) -> None:
        """Stop a batch that has no results."""
        if made.outputs is None:
            made.cancelled = now

    def _run(self, batch: Batch, now: float) -> None:
        """Answer the rows, and write what came of them into two files."""
        answered: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        for row in batch.rows:
            line = self._answer(row, now)
            ok = line["error"] is None and line["response"]["status_code"] == 200
            (answered if ok else failed).append(line)
            batch.expired |= bool(line["error"])
        batch.outputs = {}
        batch.counts = {"completed": len(answered), "failed": len(failed)}
        for what, lines in (("output", answered), ("error", failed)):
            # The order of rows is nobody's promise.
            lines.sort(key=lambda line: line["id"])
            if lines:
                content = "\n".join(map(json.dumps, lines)).encode()
                name = f"{batch.id}_{what}.jsonl"
                batch.outputs[what] = self.files.add(name, "batch_output", content).id

    def _answer(self, row: dict[str, Any], now: float) -> dict[str, Any]:
        body, custom_id = row["body"], row["custom_id"]
        model, prompt = body.get("model"), last_user_text(body.get("messages"))
        line = {
            "id": f"batch_req_{short_hash(model, prompt, custom_id)}",
            "custom_id": custom_id,
            "response": None,
            "error": None,
        }
        try:
            self.participant.mind(model)
            calls = self.participant.count(str(model), prompt)
            name = f"{model}\x1f{prompt}"
            fate = self.participant.mischief.fate_of_row(name, calls.received)
            if fate == "expired":
                message = "This request could not be executed before the completion window."
                line["error"] = {"code": "batch_expired", "message": message}
                return line
            if fate == "failed":
                raise RequestRefused(500, "The server had an error.", "server_error")
            answer, status = self.participant.completion(body, now), 200
            calls.answered += 1
        except RequestRefused as refusal:
            answer, status = refusal.body, refusal.status
        line["response"] = {"status_code": status, "request_id": line["id"], "body": answer}
        return line


def _rows(content: bytes) -> tuple[list[dict[str, Any]], dict[str, Any] | None]:
    """The requests of a file, or none and what is wrong with it."""
    rows: list[dict[str, Any]] = []
    seen: set[str] = set()
    models: set[str] = set()
    for number, text in enumerate(content.decode("utf-8", "replace").splitlines(), start=1):
        try:
            row = json.loads(text)
            custom_id, model = row["custom_id"], row["body"]["model"]
            usual = row["method"] == "POST" and row["url"] == _ENDPOINT
        except (ValueError, KeyError, TypeError):
            return [], _fault("invalid_json_line", "This line is not a request.", number)
        if not usual:
            return [], _fault("invalid_url", "Method or URL is not the batch's.", number)
        if custom_id in seen:
            return [], _fault("duplicate_custom_id", f"{custom_id} is used twice.", number)
        seen.add(custom_id)
        models.add(model)
        rows.append(row)
    if not rows:
        return [], _fault("empty_file", "The file is empty.", None)
    if len(models) > 1:
        return [], _fault("mismatched_model", "All requests must be to one model.", None)
    return rows, None


def _fault(code: str, message: str, line: int | None) -> dict[str, Any]:
    return {"code": code, "message": message, "line": line, "param": None}

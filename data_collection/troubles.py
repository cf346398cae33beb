"""What a failed call means: stop, slow down and ask again, ask again, or give this one up.

Every text that leaves this module has lost whatever looks like an API key.
"""

from __future__ import annotations

import email.utils
import math
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import openai

from data_collection.errors import AccessError, ServiceError

# The service asks for a wait as long as this: a limit for the day, not for the minute.
_LONGEST_WAIT: Final = 900.0

# A key as OpenAI writes it, one in a header, and one that a service shows in part.
_KEY: Final = re.compile(r"\bsk-[\w*.-]+|Bearer\s+\S+|\S*\*{4,}\S*", re.IGNORECASE)
_NO_CREDIT: Final = ("insufficient_quota", "billing_hard_limit_reached", "billing_not_active")


class UnreadableAnswer(Exception):
    """The service sent success, but not a completion."""


@dataclass(frozen=True)
class Trouble:
    """A call that failed, and what to do.

    Attributes
    ----------
    why : str
    again : bool
        Asking again may help.
    overrun : bool
        The service could not keep up.
    sent_away : bool
        For that reason it did not look at the request.
    wait : float or None
        Seconds that the service asks everybody to wait.
    unreachable : bool
        No connection came about.
    lost : bool
        The service may have answered, and charge for it.
    """

    why: str
    again: bool = False
    overrun: bool = False
    sent_away: bool = False
    wait: float | None = None
    unreachable: bool = False
    lost: bool = False


def trouble(error: Exception, model: str, key: str) -> Trouble:
    """What a failed call means for this request alone.

    Parameters
    ----------
    error : Exception
        Of the openai library, or `UnreadableAnswer`.
    model : str
        The model that was asked.
    key : str
        The API key, to be kept out of every message.

    Raises
    ------
    AccessError
        The key or the model is not accepted, or the account has no credit.
    ServiceError
        The service cannot be used over a safe connection, or asks to wait for too long.
    """
    if isinstance(error, openai.APITimeoutError):
        if _never_connected(error):
            return Trouble("no connection in time", again=True, unreachable=True)
        return Trouble("no answer in time", again=True, overrun=True, lost=True)
    if isinstance(error, openai.APIConnectionError):
        return _connection(error, key)
    if isinstance(error, openai.APIStatusError):
        return _status(error, model, key)
    return Trouble(redacted(str(error) or type(error).__name__, key), again=True, lost=True)


def redacted(text: str, key: str) -> str:
    """`text` without the API key or anything that looks like one, and not too long."""
    if key:
        text = text.replace(key, "[key]")
    return _KEY.sub("[key]", text)[:500]


def gone(why: str, base_url: str) -> ServiceError:
    """The error to stop with when nothing comes back any more."""
    return ServiceError(
        f"the service does not answer: {why}",
        value=base_url,
        remedy="Check that it runs and that --base-url is right, then run the same command again, "
        "which goes on from here.",
    )


def _connection(error: openai.APIConnectionError, key: str) -> Trouble:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLError) or "CERTIFICATE_VERIFY_FAILED" in str(cause):
            raise ServiceError(
                "no safe (TLS) connection to the service could be made: "
                + redacted(str(cause), key),
                remedy="Check the scheme of --base-url (http or https) and the server's "
                "certificate; SSL_CERT_FILE names a file of further authorities.",
            ) from None
    why = redacted(str(causes[-1]) or type(causes[-1]).__name__, key)
    unreachable = _never_connected(error)
    return Trouble(why, again=True, unreachable=unreachable, lost=not unreachable)


def _never_connected(error: BaseException) -> bool:
    # By name: the client's own errors come from httpx or httpx2, whichever openai was built on.
    names = {type(cause).__name__ for cause in _causes(error)}
    return bool(names & {"ConnectError", "ConnectTimeout", "UnsupportedProtocol"})


def _causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__ or found.__context__


def _status(error: openai.APIStatusError, model: str, key: str) -> Trouble:
    status, code = error.status_code, str(error.code or "")
    why = f"{status}: {redacted(_message(error), key)}"
    if status == 429 and code in _NO_CREDIT:
        raise AccessError(
            f"the account has no credit left ({why})", remedy="Add credit, then run it again."
        ) from None
    if status in (401, 403):
        raise AccessError(
            f"the service does not accept the key ({why})",
            remedy="Set OPENAI_API_KEY to a key of this service that may use the model.",
        ) from None
    if status == 404:
        raise AccessError(
            f"the service does not know the model, or has no such address ({why})",
            value=model,
            remedy="Check --model and --base-url, which usually ends in /v1.",
        ) from None
    wait = _retry_after(error.response.headers)
    if wait is not None and wait > _LONGEST_WAIT:
        raise ServiceError(
            f"the service asks to wait for {wait:,.0f} seconds ({why})",
            remedy="Run the same command again after that, which goes on from here.",
        ) from None
    if status in (429, 503):
        return Trouble(why, again=True, overrun=True, sent_away=True, wait=wait)
    return Trouble(why, again=status >= 500 or status in (408, 409), wait=wait)


def _message(error: openai.APIStatusError) -> str:
    body: Any = error.body
    if isinstance(body, Mapping):
        body = body.get("message") or body.get("detail") or body
    return str(body or error.message)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, however the service says it: milliseconds, seconds or a date."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        text = headers.get(name)
        if text is None:
            continue
        try:
            seconds = float(text) * unit
        except ValueError:
            date = email.utils.parsedate_tz(text)
            seconds = email.utils.mktime_tz(date) - time.time() if date else math.nan
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return None

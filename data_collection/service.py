"""A service's addresses for files, jobs and batches: few calls, one after another, made to last.

Choices and reports are asked by the thousand, in `asking`; this is for what is asked once and then
watched for hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, TypeVar

from data_collection.access import base_url_from, key_from_environment
from data_collection.errors import InputError, ServiceError
from data_collection.troubles import gone, trouble

if TYPE_CHECKING:
    import openai

T = TypeVar("T")

# Seconds between attempts: doubled each time, up to the second of them.
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 60.0
_ATTEMPTS: Final = 9
# At one that has not been reached yet: its address may be wrong, and waiting would not help.
_KNOCKS: Final = 3
# An upload of a large file over a slow line.
_TIMEOUT: Final = 600.0


class CallRefused(InputError):
    """The service understood a call and does not do what it asks."""


class CallLost(ServiceError):
    """It is not known whether a call did what it asks."""


class Service:
    """An OpenAI-compatible service.

    Parameters
    ----------
    base_url : str, optional
        That of ``OPENAI_BASE_URL`` unless given, else OpenAI's own.
    key : str, optional
        That of ``OPENAI_API_KEY`` unless given.
    pause : float
        Seconds before a failed call is made again for the first time.

    Raises
    ------
    InputError
        The address cannot be one.
    AccessError
        OpenAI is to be asked and there is no key in ``OPENAI_API_KEY``.
    """

    def __init__(
        self, base_url: str | None = None, *, key: str | None = None, pause: float = _FIRST_PAUSE
    ) -> None:
        import openai

        self.base_url = base_url_from(base_url)
        self.key = key_from_environment(self.base_url) if key is None else key
        self._pause = pause
        self._reached = False
        # Servers of one's own often ask for no key, but the library does.
        self._client = openai.OpenAI(
            base_url=self.base_url, api_key=self.key or "none", max_retries=0, timeout=_TIMEOUT
        )

    def call(
        self, made: Callable[[openai.OpenAI], T], *, about: str = "", repeat: bool = True
    ) -> T:
        """Make a call, several times if the trouble may pass.

        Parameters
        ----------
        made : callable
            Gets the client.
        about : str
            The model or object that the call is about, for messages.
        repeat : bool
            Whether the call may be made again when it is not known what became of it.

        Raises
        ------
        AccessError
            The key is wrong, or the model or object is unknown.
        CallRefused
            The service does not do what the call asks.
        CallLost
            `repeat` is false, and it is not known whether the call was heard.
        ServiceError
            The service cannot be reached.
        """
        import openai

        pause = self._pause
        attempt = 0
        while True:
            attempt += 1
            try:
                answer = made(self._client)
                self._reached = True
                return answer
            except openai.APIError as error:
                met = trouble(error, about, self.key)
                unheard = isinstance(error, openai.RateLimitError) or met.unreachable
            self._reached = self._reached or not met.unreachable
            if not met.again:
                raise CallRefused(f"the service does not do this: {met.why}", value=about)
            if not (repeat or unheard):
                raise CallLost(f"the service did not say what it did: {met.why}", value=about)
            if attempt == (_ATTEMPTS if self._reached else _KNOCKS):
                raise gone(met.why, self.base_url)
            time.sleep(pause if met.wait is None else met.wait)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def close(self) -> None:
        """Close connections."""
        self._client.close()

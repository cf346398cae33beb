"""How many requests may be out at once: as many as the service bears, and none while it says wait.

The limit grows with every success and is halved when the service is overrun, as TCP does it
(additive increase, multiplicative decrease; doubling until the first loss). It knows nothing of
HTTP.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Final

# Where the limit begins: enough for a quick start, few enough not to overrun a small account.
_START: Final = 16


class Pace:
    """Lets requests go, at most `most` at once.

    Parameters
    ----------
    most : int
        The limit never rises above it.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self.limit = float(min(most, _START))
        self.in_flight = 0
        self._doubling_until = float(most)
        self._paused_until = 0.0
        self._cut_at = 0.0
        self._over = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def enter(self) -> float:
        """Wait for a place.

        Returns
        -------
        float
            When it was given, for `succeeded` and `overrun`.
        """
        if not self._waiting and self._free():
            self.in_flight += 1
        else:
            place = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                if place.done() and not place.cancelled():
                    self.leave()
                raise
        return time.monotonic()

    def leave(self) -> None:
        """Give a place back."""
        self.in_flight -= 1
        self._let_go()

    def succeeded(self, began: float) -> None:
        """Note that a request that began then was answered."""
        if self.limit < self.most and began >= self._cut_at:
            # Once per success: the limit doubles in a round, or grows by one in a round.
            step = 1.0 if self.limit < self._doubling_until else 1.0 / self.limit
            self.limit = min(self.most, self.limit + step)

    def overrun(self, began: float) -> None:
        """Note that the service could not keep up with a request that began then.

        A burst of refusals is one event: requests that were out when the limit was halved do not
        halve it again.
        """
        if began >= self._cut_at:
            self.limit = max(1.0, self.limit / 2)
            self._doubling_until = self.limit
            self._cut_at = time.monotonic()

    def pause(self, seconds: float) -> None:
        """Let nothing go for so long."""
        now = time.monotonic()
        if now + seconds > self._paused_until:
            self._paused_until = now + seconds
            asyncio.get_running_loop().call_later(seconds, self._let_go)

    def release(self) -> None:
        """Let everything go at once, now and from now on: the run is over."""
        self._over = True
        self._let_go()

    def _free(self) -> bool:
        if self._over:
            return True
        # Fractions of a place do not count.
        return self.in_flight < int(self.limit) and time.monotonic() >= self._paused_until

    def _let_go(self) -> None:
        while self._waiting and self._free():
            place = self._waiting.popleft()
            if not place.done():
                self.in_flight += 1
                place.set_result(None)

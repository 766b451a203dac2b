"""How long may a server say nothing in mid-answer? One timer for every piece would cost more than reading it.

So there is one for the whole answer: when it goes off, it looks since when somebody waits, and goes on.
"""

from __future__ import annotations

import asyncio
import math
from types import TracebackType
from typing import Self

import aiohttp


class Patience:
    """With it, whoever waits for what arrives gets ServerTimeoutError after so many seconds in vain.

    Only a wait counts, not what the reader does between two: between `waits` and `heard`.
    """

    def __init__(self, response: aiohttp.ClientResponse, seconds: float) -> None:
        self._response = response
        self._seconds = seconds
        self._clock = asyncio.get_running_loop().time
        self._since = math.inf  # nobody waits

    async def __aenter__(self) -> Self:
        if self._response.connection and (protocol := self._response.connection.protocol) is not None:
            protocol.read_timeout = None  # no more of aiohttp's own; empty, the protocol is false
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._look)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def waits(self) -> None:
        self._since = self._clock()

    def heard(self) -> None:
        self._since = math.inf

    def _look(self) -> None:
        now = self._clock()
        due = min(self._since, now) + self._seconds
        if due > now:
            self._timer = asyncio.get_running_loop().call_at(due, self._look)
        else:
            self._response.content.set_exception(aiohttp.SocketTimeoutError("nothing arrives"))

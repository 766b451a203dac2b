"""When may we write again? Telegram's limits: overall, in each chat, and in each group per minute.

One budget for messages and edits alike. Whoever waits in a chat is served in order, and so are the chats.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

from bot.platform import ChatUnavailable

MINUTE = 60.0
KEPT = 1000  # chats; beyond, those that have been quiet for a minute are forgotten


class Pace:
    def __init__(
        self,
        *,
        per_second: int = 30,
        chat_seconds: float = 1.0,
        group_per_minute: int = 20,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._chat_seconds, self._clock, self._sleep = chat_seconds, clock, sleep
        self._group_per_minute = group_per_minute
        self._gate = asyncio.Lock()
        self._latest: deque[float] = deque(maxlen=per_second)
        self._chats: dict[int, _Chat] = {}

    async def turn(self, chat: int, *, patience: float | None = None) -> None:
        """Wait for our turn. Raises ChatUnavailable at once if that takes longer than `patience`."""
        wait = self.wait(chat)
        if patience is not None and wait > patience:
            raise ChatUnavailable(f"Telegram wants {wait:.0f} s of quiet in that chat", retry_after=wait)
        async with self._chat(chat).lock:
            while (wait := self.wait(chat)) > 0:
                await self._sleep(wait)
            await self.anywhere()
            self._chat(chat).wrote(self._clock())

    async def anywhere(self) -> None:
        """Wait for the limit over all chats only."""
        async with self._gate:
            if len(self._latest) == self._latest.maxlen:
                while (wait := self._latest[0] + 1 - self._clock()) > 0:
                    await self._sleep(wait)
            self._latest.append(self._clock())

    def wait(self, chat: int) -> float:
        """Seconds until that chat may be written to, whoever else waits for it."""
        known = self._chat(chat)
        free = known.rests_until
        if known.times:
            free = max(free, known.times[-1] + self._chat_seconds)
        if chat < 0 and len(known.times) == self._group_per_minute:
            free = max(free, known.times[0] + MINUTE)
        return max(free - self._clock(), 0.0)

    def rest(self, chat: int, seconds: float) -> None:
        """Telegram asked for it."""
        self._chat(chat).rests_until = self._clock() + seconds

    def resting(self, chat: int) -> float:
        """Seconds left of that."""
        return max(self._chat(chat).rests_until - self._clock(), 0.0)

    def _chat(self, chat: int) -> _Chat:
        if chat not in self._chats:
            if len(self._chats) >= KEPT:
                before = self._clock() - MINUTE
                self._chats = {number: one for number, one in self._chats.items() if not one.idle(before)}
            self._chats[chat] = _Chat(self._group_per_minute)
        return self._chats[chat]


class _Chat:
    def __init__(self, remembered: int) -> None:
        self.lock = asyncio.Lock()
        self.times: deque[float] = deque(maxlen=remembered)
        self.rests_until = 0.0

    def wrote(self, at: float) -> None:
        self.times.append(at)

    def idle(self, before: float) -> bool:
        wrote = self.times[-1] if self.times else 0.0
        return not self.lock.locked() and max(wrote, self.rests_until) < before

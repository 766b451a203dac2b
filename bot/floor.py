"""Who speaks in a chat? One turn at a time, in this process and among the copies of the service."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.chat_locks import ChatLocks
from storage.leases import LeaseStore
from storage.unavailable import DatabaseUnavailable

LEASE_SECONDS = 30.0


class NotOurs(Exception):
    """Another copy of the service answers in this chat."""


class Floor:
    """`leases`: where several copies share one database, one of them has the floor in a chat at a time;
    `holder` is this copy's name. None: there is no other copy.
    """

    def __init__(self, leases: LeaseStore | None = None, holder: str = "") -> None:
        self._leases = leases
        self._holder = holder
        self._locks = ChatLocks()

    @asynccontextmanager
    async def taken(self, platform: str, chat_id: str) -> AsyncIterator[None]:
        """The only one who speaks there while the block runs; waits for its turn. Raises NotOurs."""
        async with self._locks(f"{platform}:{chat_id}"):
            if self._leases is None:
                yield
                return
            await self.keep(platform, chat_id)
            keeping = asyncio.create_task(self._go_on_keeping(platform, chat_id))
            try:
                yield
            finally:
                keeping.cancel()
                await self._leases.give_back(f"chat {platform}:{chat_id}", self._holder)

    async def keep(self, platform: str, chat_id: str) -> None:
        """Asked before each message that is sent. Raises NotOurs when the floor was lost meanwhile."""
        if self._leases and not await self._leases.take(
            f"chat {platform}:{chat_id}", self._holder, LEASE_SECONDS
        ):
            raise NotOurs

    async def _go_on_keeping(self, platform: str, chat_id: str) -> None:
        while True:
            await asyncio.sleep(LEASE_SECONDS / 3)
            with contextlib.suppress(NotOurs, DatabaseUnavailable):  # whoever sends finds out
                await self.keep(platform, chat_id)

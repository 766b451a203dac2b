"""One lock per chat, so that answers keep the order of the questions; idle ones are dropped."""

from __future__ import annotations

import asyncio


class ChatLocks:
    def __init__(self) -> None:
        self._locks: dict[str, tuple[asyncio.Lock, int]] = {}

    def __call__(self, chat: str) -> _Held:
        return _Held(self._locks, chat)


class _Held:
    def __init__(self, locks: dict[str, tuple[asyncio.Lock, int]], chat: str) -> None:
        self._locks, self._chat = locks, chat

    async def __aenter__(self) -> None:
        lock, users = self._locks.get(self._chat, (asyncio.Lock(), 0))
        self._locks[self._chat] = (lock, users + 1)
        try:
            await lock.acquire()
        except BaseException:
            self._leave()
            raise

    async def __aexit__(self, *_: object) -> None:
        self._locks[self._chat][0].release()
        self._leave()

    def _leave(self) -> None:
        lock, users = self._locks[self._chat]
        if users > 1:
            self._locks[self._chat] = (lock, users - 1)
        else:
            del self._locks[self._chat]

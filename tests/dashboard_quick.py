"""What does the dashboard do when something happens that a real model does not do on demand?

A twin behind its real API in a thread of its own, on an empty home; its model says what it is told to, as
slowly as it is told to. It can be stopped and started again where it was.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from api_world import CODE, OFTEN, Place, placed
from starlette.datastructures import Headers

from api.settings import ApiSettings
from storage.database import Database

PATIENCE_SECONDS = 60.0


class QuickTwin:
    """`resumed`: from where each stream of events was asked for. `place` is there while it is up."""

    code = CODE

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self._folder = folder
        self.database_url = f"sqlite+aiosqlite:///{folder / 'twin.db'}"
        self._loop = asyncio.new_event_loop()
        self._life = AsyncExitStack()
        self.url = f"http://127.0.0.1:{self._port}"
        self.resumed: list[str | None] = []
        self.place: Place
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def do(self, what: Callable[[], Awaitable[Any]]) -> Any:
        """In the twin's own thread."""

        async def doing() -> Any:
            return await what()

        return asyncio.run_coroutine_threadsafe(doing(), self._loop).result(PATIENCE_SECONDS)

    def start(self) -> None:
        self.do(self._begin)

    def stop(self) -> None:
        self.do(self._life.aclose)

    def close(self) -> None:
        self.stop()
        self.do(_settled)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_SECONDS)
        self._loop.close()

    async def _begin(self) -> None:
        self._life = AsyncExitStack()
        database = await Database.open(self.database_url)
        self._life.push_async_callback(database.close)
        settings = ApiSettings(**OFTEN)
        self.place = await self._life.enter_async_context(placed(self._folder / "home", database, settings))
        app = self.place.app

        async def noting(scope: Any, receive: Any, send: Any) -> None:
            if scope["type"] == "http" and scope["path"] == "/api/events":
                self.resumed.append(Headers(scope=scope).get("last-event-id"))
            await app(scope, receive, send)

        self.place.app = noting
        await self._life.enter_async_context(self.place.served(self._port))


async def _settled() -> None:
    """What still closes by itself has closed."""
    if left := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(left, timeout=PATIENCE_SECONDS / 2)

"""Where does Telegram call the bots of this process? At one port; the path says whose update it is."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from bot.platform import ChatRefused, ChatUnavailable
from bot.telegram_tuning import Webhook

Called = Callable[[Mapping[str, Any]], Awaitable[bool]]
"""Whether the update is written down; False: it must come again."""

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
Address = tuple[str, int]


@dataclass(eq=False)
class _Room:
    """Of one bot."""

    secret: bytes
    called: Called
    at_work: set[asyncio.Future[bool]] = field(default_factory=set)

    async def take(self, call: web.Request) -> web.Response:
        if not hmac.compare_digest(call.headers.get(SECRET_HEADER, "").encode(), self.secret):
            return web.Response(status=403)
        try:
            update = json.loads(await call.read())
        except ValueError:
            return web.Response(status=400)
        hearing = asyncio.ensure_future(self.called(update))
        self.at_work.add(hearing)
        hearing.add_done_callback(self.at_work.discard)
        await asyncio.wait((hearing,))
        heard = not hearing.cancelled() and hearing.exception() is None and hearing.result()
        return web.Response(status=200 if heard else 503)

    async def leave(self, seconds: float) -> None:
        """What is being written down is finished first; the rest comes again."""
        if self.at_work:
            _, late = await asyncio.wait(self.at_work, timeout=seconds)
            for hearing in late:
                hearing.cancel()


class Door:
    """A port is open as long as one bot is called there."""

    def __init__(self) -> None:
        self._rooms: dict[Address, dict[str, _Room]] = {}
        self._open: dict[Address, web.AppRunner] = {}
        self._changing = asyncio.Lock()

    @asynccontextmanager
    async def open(self, webhook: Webhook, called: Called, stop_seconds: float) -> AsyncIterator[None]:
        """Let Telegram in until the block ends. Raises ChatRefused when another bot has that address,
        ChatUnavailable when something else has the port."""
        address, path = (webhook.host, webhook.port), urlsplit(webhook.url).path or "/"
        room = _Room(webhook.secret.encode(), called)
        async with self._changing:
            rooms = self._rooms.setdefault(address, {})
            if path in rooms:
                raise ChatRefused(f"another twin is called at {path}; each needs a webhook_url of its own")
            if address not in self._open:
                self._open[address] = await _opened(address, rooms)
            rooms[path] = room
        try:
            yield
        finally:
            del rooms[path]
            await room.leave(stop_seconds)
            async with self._changing:
                if not rooms and address in self._open:
                    await self._open.pop(address).cleanup()


async def _opened(address: Address, rooms: Mapping[str, _Room]) -> web.AppRunner:
    async def take(call: web.Request) -> web.Response:
        room = rooms.get(call.path)
        return await room.take(call) if room else web.Response(status=404)

    app = web.Application()
    app.router.add_post("/{path:.*}", take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, *address).start()
    except OSError as error:
        await runner.cleanup()
        where = f"port {address[1]}"
        raise ChatUnavailable(f"{where}, where Telegram would call, cannot be opened: {error}") from error
    return runner

"""Telegram itself, on this machine: its Bot API over HTTP, for the real client. State survives the client.

It runs in the test, on a given port if need be, so that a bot in another process may be killed and started
against it. Methods that nobody taught it answer 404 and are kept in `unknown_methods`.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import aiohttp
from aiohttp import web
from telegram_methods import Methods, Refused
from telegram_world import DEFAULT_UPDATES, Json, World

TOKEN = "1000:a-token-for-tests"
STRUCTURED = {
    "entities",
    "reply_markup",
    "reply_parameters",
    "allowed_updates",
    "reaction",
    "scope",
    "commands",
    "message_ids",
    "link_preview_options",
}
WRITING = ("sendMessage", "sendDocument", "sendPhoto", "editMessageText")


@dataclass
class Call:
    at: float
    method: str
    asked: Json


@dataclass
class Flood:
    chat: int | None  # None: all
    retry_after: int
    times: int
    methods: tuple[str, ...]


class TelegramServer(World):
    def __init__(self, token: str = TOKEN) -> None:
        super().__init__()
        self.token = token
        self.methods = Methods(self)
        self.calls: list[Call] = []
        self.unknown_methods: list[str] = []
        self.offset = 0  # acknowledged up to here
        self.webhook: Json = {}
        self.public: dict[str, str] = {}  # what stands before a webhook's path: where that is here
        self.webhook_attempts: list[int] = []  # status of each delivery
        self.delay = 0.0  # seconds before any method
        self.broken_polls = 0  # so many getUpdates fail with 502
        self._lost: list[tuple[str, tuple[str, ...]]] = []
        self._floods: list[Flood] = []
        self._poller: asyncio.Future[None] | None = None
        self._delivery: asyncio.Task[None] | None = None

    # faults

    def lose_answers(self, times: int = 1, how: str = "drop", methods: tuple[str, ...] = WRITING) -> None:
        """They do it, and then the connection drops ("drop"), breaks ("502") or says nothing ("hang")."""
        self._lost += [(how, methods)] * times

    def flood(
        self, retry_after: int, *, chat: int | None = None, times: int = 1, methods: tuple[str, ...] = WRITING
    ) -> None:
        """Answer 429, and do nothing."""
        self._floods.append(Flood(chat, retry_after, times, methods))

    # HTTP

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/bot"

    @property
    def base_file_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/file/bot"

    @asynccontextmanager
    async def running(self, port: int = 0) -> AsyncIterator[TelegramServer]:
        app = web.Application(client_max_size=50_000_000)
        app.router.add_route("*", "/bot{token}/{method}", self._called)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        self.port: int = runner.addresses[0][1]
        try:
            yield self
        finally:
            if self._delivery:
                self._delivery.cancel()
                await asyncio.wait({self._delivery})
            await runner.cleanup()

    async def _called(self, request: web.Request) -> web.StreamResponse:
        name, asked = request.match_info["method"], await _parameters(request)
        if request.match_info["token"] != self.token:
            return _refusal(Refused(401, "Unauthorized"))
        self.calls.append(Call(time.monotonic(), name, asked))
        if self.delay:
            await asyncio.sleep(self.delay)
        try:
            if own := self.OWN.get(name):
                return _ok(await own(self, asked))
            method = getattr(self.methods, name, None)
            if name.startswith("_") or not callable(method):
                self.unknown_methods.append(name)
                raise Refused(404, "Not Found: method not found")
            self._check_flood(name, asked)
            answer = _ok(method(asked))
            self.changed.set()
        except Refused as refused:
            return _refusal(refused)
        lost = next((one for one in self._lost if name in one[1]), None)
        return await self._lose(request, lost) if lost else answer

    def _check_flood(self, name: str, asked: Json) -> None:
        for flood in self._floods:
            if name in flood.methods and flood.chat in (None, int(asked.get("chat_id", 0))):
                flood.times -= 1
                if not flood.times:
                    self._floods.remove(flood)
                seconds = flood.retry_after
                raise Refused(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)

    async def _lose(self, request: web.Request, lost: tuple[str, tuple[str, ...]]) -> web.StreamResponse:
        self._lost.remove(lost)
        match lost[0]:
            case "502":
                return web.Response(status=502, text="<html>Bad Gateway</html>", content_type="text/html")
            case "hang":
                await asyncio.sleep(60)
            case "drop" if request.transport:
                request.transport.abort()
        return web.Response()

    async def _download(self, request: web.Request) -> web.Response:
        content = self.files.get(request.match_info["path"].rpartition("/")[2])
        return web.Response(status=404) if content is None else web.Response(body=content)

    # updates

    async def _get_updates(self, asked: Json) -> list[Json]:
        if self.broken_polls:
            self.broken_polls -= 1
            raise Refused(502, "Bad Gateway")
        if self.webhook.get("url"):
            raise Refused(409, "Conflict: can't use getUpdates method while webhook is active")
        if self._poller and not self._poller.done():
            self._poller.set_exception(
                Refused(
                    409, "Conflict: terminated by other getUpdates request; make sure that only one bot runs"
                )
            )
        self._poller = mine = asyncio.get_running_loop().create_future()
        if asked.get("allowed_updates"):
            self.allowed = set(asked["allowed_updates"])
        self._acknowledge(int(asked.get("offset", 0)))
        limit, end = int(asked.get("limit", 100)), time.monotonic() + float(asked.get("timeout", 0))
        try:
            while not self.updates and (left := end - time.monotonic()) > 0:
                self.changed.clear()
                change = asyncio.ensure_future(self.changed.wait())
                try:
                    await asyncio.wait({mine, change}, timeout=min(left, 0.02), return_when="FIRST_COMPLETED")
                finally:
                    change.cancel()
                if mine.done():
                    break
            if mine.done():
                mine.result()
            return self.updates[:limit]
        finally:
            mine.cancel()

    def _acknowledge(self, offset: int) -> None:
        self.offset = max(self.offset, offset)
        self.updates[:] = [one for one in self.updates if one["update_id"] >= self.offset]

    async def _set_webhook(self, asked: Json) -> bool:
        self.webhook = {key: asked.get(key) for key in ("url", "secret_token", "max_connections")}
        self.allowed = set(asked.get("allowed_updates") or DEFAULT_UPDATES)
        if self._delivery:
            self._delivery.cancel()
        self._delivery = asyncio.create_task(self._deliver())
        return True

    async def _delete_webhook(self, asked: Json) -> bool:
        self.webhook = {}
        if self._delivery:
            self._delivery.cancel()
        return True

    async def _get_webhook_info(self, asked: Json) -> Json:
        return {
            "url": self.webhook.get("url") or "",
            "has_custom_certificate": False,
            "pending_update_count": len(self.updates),
        }

    async def _deliver(self) -> None:
        headers = {"X-Telegram-Bot-Api-Secret-Token": self.webhook["secret_token"] or ""}
        url = str(self.webhook["url"])
        for public, here in self.public.items():
            url = url.replace(public, here)
        async with aiohttp.ClientSession(headers=headers) as client:
            while True:
                if not self.updates:
                    await asyncio.sleep(0.01)
                    continue
                update = self.updates[0]
                try:
                    async with client.post(url, json=update) as answer:
                        status = answer.status
                except aiohttp.ClientError:
                    status = 0
                self.webhook_attempts.append(status)
                if status == 200:
                    self._acknowledge(update["update_id"] + 1)
                else:
                    await asyncio.sleep(0.05)

    OWN: ClassVar[dict[str, Any]] = {
        "getUpdates": _get_updates,
        "setWebhook": _set_webhook,
        "deleteWebhook": _delete_webhook,
        "getWebhookInfo": _get_webhook_info,
    }


async def _parameters(request: web.Request) -> Json:
    asked: dict[str, Any] = dict(request.query)
    if request.content_type == "multipart/form-data":
        async for part in await request.multipart():
            name = part.name or ""
            asked[name] = (part.filename, await part.read()) if part.filename else await part.text()
        for name, value in asked.items():
            if isinstance(value, str) and value.startswith("attach://"):
                asked[name] = asked[value.removeprefix("attach://")]
    elif request.can_read_body:
        asked |= await request.post()
    return {name: json.loads(value) if name in STRUCTURED else value for name, value in asked.items()}


def _ok(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})


def _refusal(refused: Refused) -> web.Response:
    body: Json = {"ok": False, "error_code": refused.code, "description": str(refused)}
    if refused.parameters:
        body["parameters"] = refused.parameters
    return web.json_response(body, status=refused.code)

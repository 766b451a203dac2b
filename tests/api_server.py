"""What does every API of our own on this machine do? Real HTTP, keys, faults on demand, no unknown routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import web

from ingest.api_source import ApiSource
from ingest.source import Owner
from ingest.sync import SyncReport, sync
from storage.cursors import CursorStore
from storage.database import Database
from storage.records import Record
from storage.records_store import RecordStore

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PLACEHOLDER_KEY = b"0123456789abcdef0123456789abcdef"


class ApiServer:
    """`routes` come from the subclass. `asked` is every request that came, with its query."""

    key = ("Authorization", "Bearer the-key")

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.unknown: list[str] = []
        self.strangers = 0  # requests without the right key
        self._faults: list[tuple[str, Handler]] = []
        self._runner: web.AppRunner | None = None
        self.url = ""

    def routes(self) -> list[web.RouteDef]:
        raise NotImplementedError

    def fault(self, part: str, *answers: Handler) -> None:
        """The next requests whose path holds `part` are answered so, one each."""
        self._faults += [(part, answer) for answer in answers]

    def asked_for(self, part: str) -> list[str]:
        return [one for one in self.asked if part in one]

    async def start(self) -> None:
        app = web.Application()
        app.router.add_routes(self.routes())
        app.router.add_route("*", "/{path:.*}", self._unknown)
        app.middlewares.append(self._gate)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        if self._runner:
            await self._runner.cleanup()

    def lets_in(self, request: web.Request) -> bool:
        name, value = self.key
        return request.headers.get(name) == value

    @property
    def _gate(self) -> Any:
        @web.middleware
        async def gate(request: web.Request, handler: Handler) -> web.StreamResponse:
            self.asked.append(f"{request.method} {request.path_qs}")
            for number, (part, answer) in enumerate(self._faults):
                if part in request.path_qs:
                    del self._faults[number]
                    return await answer(request)
            if not self.lets_in(request):
                self.strangers += 1
                return web.json_response({"message": "Bad credentials"}, status=401)
            return await handler(request)

        return gate

    async def _unknown(self, request: web.Request) -> web.Response:
        self.unknown.append(f"{request.method} {request.path}")
        return web.json_response({"message": "Not Found"}, status=404)


@asynccontextmanager
async def running(server: ApiServer) -> Any:
    """The server for one test, which fails when something was asked that no such API has."""
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
    assert server.unknown == []


def answers(status: int, body: Any = None, headers: dict[str, str] | None = None) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response(body, status=status, headers=headers)

    return answer


def text(status: int, words: str) -> Handler:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, text=words)

    return answer


async def cut(request: web.Request) -> web.StreamResponse:
    """The connection breaks in the middle of a page."""
    response = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "5000"})
    await response.prepare(request)
    await response.write(b'{"items": [{"id": 1, "body": "half a p')
    assert request.transport
    request.transport.abort()
    return response


class Naps:
    """Sleeps at once, and remembers how long it should have been."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)
        await asyncio.sleep(0)


class Home:
    """The database and the roster that one twin's runs share."""

    def __init__(self, database: Database, folder: Path, owner: Owner) -> None:
        self.records, self.cursors = RecordStore(database), CursorStore(database)
        self.roster, self.owner = folder / "roster.json", owner

    async def sync(
        self, source: ApiSource, *, again: bool = False, agreed: frozenset[str] = frozenset()
    ) -> SyncReport:
        report = await sync(
            source,
            self.owner,
            self.records,
            self.cursors,
            key=PLACEHOLDER_KEY,
            roster_path=self.roster,
            rescan=timedelta(days=7),
            agreed=agreed,
            again=again,
        )
        assert report.ledger.closes()
        json.dumps(report.as_json())
        return report

    async def texts(self) -> list[str]:
        return [record.text for record in await self.records.find()]

    async def by_text(self) -> dict[str, Record]:
        return {record.text: record for record in await self.records.find()}

    async def position(self, source: str, container: str) -> Any:
        cursor = await self.cursors.get(f"sync:{source}", container)
        return cursor.value if cursor else None

"""How do several copies of the service run on one Postgres and one Redis, and what do they ask of it?"""

from __future__ import annotations

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import services
from chat_service import ChatService
from chat_world import PLATFORMS, World
from sqlalchemy import make_url

DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "max_connections": 200,
    "shared_preload_libraries": "pg_stat_statements",
}
CHAT = {"burst_seconds": 0, "speed": 0, "delivery": "whole"}
UP_SECONDS = 120.0


@contextmanager
def postgres_that_counts() -> Iterator[str]:
    """A Postgres with nothing in it, as durable as any, that keeps account of every statement."""

    def start(folder: Path, port: int) -> Sequence[str]:
        command: Sequence[str] = services.postgres(folder, port, DURABLE)
        return command

    url = "postgresql+asyncpg://twin@127.0.0.1:{port}/postgres"
    server = services.Service("TWIN_BENCHMARK_POSTGRES_URL", url, start, services.accepts)
    try:
        yield server.url()
    finally:
        server.stop()


@dataclass
class Shared:
    """One database, as Postgres itself sees it."""

    url: str
    connection: asyncpg.Connection[asyncpg.Record]

    async def forget_statements(self) -> None:
        await self.connection.execute("SELECT pg_stat_statements_reset()")

    async def asked(self) -> tuple[int, float]:
        """Statements since then, and the milliseconds that Postgres spent executing them."""
        query = """
            SELECT coalesce(sum(calls), 0)::bigint, coalesce(sum(total_exec_time), 0)
            FROM pg_stat_statements
            WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND query NOT LIKE '%pg_stat_statements%'
        """
        calls, milliseconds = await self._row(query)
        return calls, milliseconds

    async def deadlocks(self) -> int:
        query = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        return int((await self._row(query))[0])

    async def process_of(self, app: str) -> int | None:
        """The process that has this chat app now; None: nobody has."""
        query = "SELECT holder FROM leases WHERE name = $1 AND until > now()"
        found = await self.connection.fetchval(query, f"app {app}")
        return int(found.split(":")[1]) if found else None

    async def _row(self, query: str) -> Any:
        return await self.connection.fetchrow(query)


@asynccontextmanager
async def a_database(server: str) -> AsyncIterator[Shared]:
    name = f"scale_{uuid.uuid4().hex[:12]}"
    plain = make_url(server).set(drivername="postgresql")
    first = await asyncpg.connect(plain.render_as_string(False))
    try:
        await first.execute(f"CREATE DATABASE {name}")
        connection = await asyncpg.connect(plain.set(database=name).render_as_string(False))
        try:
            await connection.execute("CREATE EXTENSION pg_stat_statements")
            url = make_url(server).set(database=name).render_as_string(False)
            yield Shared(url, connection)
        finally:
            await connection.close()
            await first.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await first.close()


class Copies:
    """So many processes of the service, each with a home of its own."""

    def __init__(self, world: World, shared: Shared, redis_url: str, count: int) -> None:
        self._world, self._shared = world, shared
        settings = {"storage": {"url": shared.url, "redis_url": redis_url}, "chat": CHAT}
        only = ",".join(PLATFORMS)
        self.services = [
            world.service(f"copy-{number}", settings=settings, only=only) for number in range(count)
        ]

    async def up(self) -> None:
        await asyncio.gather(*(self.start(service) for service in self.services))
        async with asyncio.timeout(UP_SECONDS):
            while await self.holders() != set(PLATFORMS) or not self._heard():  # noqa: ASYNC110 (a database says it)
                await asyncio.sleep(0.1)

    async def start(self, service: ChatService) -> None:
        """Until it says that it is up; whether it talks or stands by is settled among them."""
        service.start()
        async with asyncio.timeout(UP_SECONDS):
            while not service.is_up():
                if not service.running:
                    raise AssertionError(f"a copy does not come up:\n{service.last_words()}")
                await asyncio.sleep(0.05)

    def _heard(self) -> bool:
        """Whether it listens in both apps: what was said before a bot first came is for nobody."""
        listens = any(call.method == "getUpdates" for call in self._world.telegram.calls)
        return bool(self._world.discord.gateway.identified) and listens

    async def holders(self) -> set[str]:
        return {app for app in PLATFORMS if await self._shared.process_of(app) is not None}

    async def at_work(self) -> int:
        """How many of them have a chat app."""
        return len({await self._shared.process_of(app) for app in PLATFORMS} - {None})

    async def who_has(self, app: str) -> ChatService:
        async with asyncio.timeout(UP_SECONDS):
            while True:
                process = await self._shared.process_of(app)
                for service in self.services:
                    if service.running and service.process and service.process.pid == process:
                        return service
                await asyncio.sleep(0.1)

    def cpu_seconds(self) -> float:
        """Processor time of those that run, user and system."""
        return sum(_cpu_seconds(one.process.pid) for one in self.services if one.running and one.process)

    def kill(self) -> None:
        for service in self.services:
            service.kill()

    async def stop(self) -> list[int]:
        return [await service.stop() for service in self.services]


def _cpu_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

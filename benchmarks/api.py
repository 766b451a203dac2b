"""How much does the API add to bare FastAPI, and how many may listen to events at once?

    python -m benchmarks.api [--quick] [--json]

The same clients, in turns, ask a bare FastAPI app and the twin's API, on real sockets of one process; then
500 readers hear of one new message.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from api.app import create_app
from api.auth import new_token
from api.serve import bound, serve
from api.settings import ApiSettings
from api.shapes.auth import Grade, Scope
from storage.cache import open_cache
from storage.database import Database
from storage.records import Message, message_key, now
from twin.build import stores_of
from twin.home import Home
from twin.serve_api import build_world
from twin.settings import Settings

AT_ONCE = 4
OFTEN = 10_000_000
ROUTES = {
    "a page of 50 replies": "/api/replies",
    "facts": "/api/facts",
    "who answers": "/api/adapters/answering",
}
READERS = 500


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = asyncio.run(measure(Path(folder), 200 if given.quick else 2000))
    if given.json:
        print(json.dumps(found))
        return
    for name, value in found["figures"].items():
        print(f"{name:44} {value:10.2f}")


async def measure(folder: Path, requests: int) -> dict[str, Any]:
    """p50 and p95 in milliseconds; seconds until the last of the readers has heard."""
    home = Home(folder)
    home.make()
    settings = Settings(api=ApiSettings(requests_per_minute=OFTEN), owner={"name": "Mira"})
    database = await Database.open(home.database_url)
    stores = stores_of(database, open_cache(None))
    for number in range(500):
        await stores.messages.add(_reply(number))
    world = build_world(home, settings, stores)
    account = await world.access.add_account("mira", Grade.OWNER)
    assert account is not None
    token, secret = new_token(account, "benchmark", tuple(Scope))
    await world.access.add_token(token)
    headers = {"authorization": f"Bearer {secret}"}
    listening = bound("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    serving = asyncio.create_task(serve(create_app(settings.api, world), world, listening))
    figures: dict[str, float] = {}
    async with _bare() as bare, httpx.AsyncClient(headers=headers, timeout=60) as client:
        for name, path in {"bare FastAPI": f"{bare}/", **{n: url + p for n, p in ROUTES.items()}}.items():
            await _ask(client, path, requests // 10)
            took = await _ask(client, path, requests)
            figures[f"{name}, p50 ms"], figures[f"{name}, p95 ms"] = took[49], took[94]
    figures[f"{READERS} readers, s until all have heard"] = await _readers(url, headers, stores.messages.add)
    serving.cancel()
    await asyncio.wait([serving])
    await database.close()
    conditions = {"python": sys.version.split()[0], "machine": platform.machine(), "at_once": AT_ONCE}
    return {"figures": figures, "conditions": conditions | {"requests": requests, "database": "sqlite"}}


async def _ask(client: httpx.AsyncClient, url: str, count: int) -> list[float]:
    """The 99 percentiles of its time."""
    took: list[float] = []

    async def some() -> None:
        for _ in range(count // AT_ONCE):
            began = time.perf_counter()
            (await client.get(url)).raise_for_status()
            took.append(1000 * (time.perf_counter() - began))

    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return quantiles(took, n=100)


async def _readers(url: str, headers: dict[str, str], add: Any) -> float:
    """From a message to the last reader of it."""
    ready = asyncio.Semaphore(0)

    async def read(client: httpx.AsyncClient) -> float:
        async with client.stream("GET", f"{url}/api/events", headers=headers) as answer:
            async for line in answer.aiter_lines():
                if line == "event: hello":
                    ready.release()
                elif line == "event: message":
                    return time.perf_counter()
        raise RuntimeError("the stream ended")

    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(timeout=120, limits=limits) as client:
        readers = [asyncio.create_task(read(client)) for _ in range(READERS)]
        for _ in readers:
            await ready.acquire()
        began = time.perf_counter()
        await add(_reply(1_000_000))
        return max(await asyncio.gather(*readers)) - began


@asynccontextmanager
async def _bare() -> AsyncIterator[str]:
    """What FastAPI takes by itself, for a page of the same size."""
    app = FastAPI()
    page = {"items": [{"text": "words " * 40, "number": number} for number in range(50)]}

    @app.get("/")
    async def answer() -> dict[str, Any]:
        return page

    listening = bound("127.0.0.1", 0)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
    serving = asyncio.create_task(server._serve([listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def _reply(number: int) -> Message:
    key = message_key("discord", "kitchen", f"~{number}")
    return Message(key, "discord", "kitchen", "twin", "twin", "words " * 10, now(), by_twin=True)


if __name__ == "__main__":
    main()

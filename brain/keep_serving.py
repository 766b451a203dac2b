"""What happens when a model server of ours dies or hangs? It is started again, more and more slowly."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator

from brain.model_client import ModelClient
from brain.model_server import ModelServer, ServerFailed

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds
GOOD_RUN = 300.0  # seconds; who lived so long has earned a quick start
LOOK_SECONDS, PATIENCE = 5.0, 10.0  # between two looks, and for an answer
MISSES = 12  # looks in a row without an answer: one to three minutes


def pauses() -> Iterator[float]:
    """1, 2, 4 ... seconds, and no more than a minute."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


async def keep_serving(
    server: ModelServer,
    tell: Callable[[str], None],
    *,
    look_seconds: float = LOOK_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """For a server that was started; on the same port each time. Ends only by being cancelled."""
    waiting = pauses()
    while True:
        began = clock()
        how = await _ended(server, look_seconds)
        await server.stop()  # what it left behind
        if clock() - began > GOOD_RUN:
            waiting = pauses()
        tell(f"the model server at {server.url} {how}; its log is {server.log_path}")
        while True:
            await sleep(next(waiting))
            try:
                await server.start()
            except ServerFailed as failure:
                log.error("the model server at %s does not come back: %s", server.url, failure)
            else:
                tell(f"the model server at {server.url} is back")
                break


async def _ended(server: ModelServer, look_seconds: float) -> str:
    """Until it is of no use any more, and how that came: a process that hangs would never end by itself."""
    over = asyncio.create_task(server.wait())
    client, misses = ModelClient(server.url, timeout=min(PATIENCE, 2 * look_seconds)), 0
    try:
        while not (await asyncio.wait((over,), timeout=look_seconds))[0]:
            misses = 0 if await client.healthy() else misses + 1
            if misses >= MISSES and not over.done():
                return "hangs and is started again"
        return f"died (exit code {over.result()})"
    finally:
        over.cancel()
        await client.aclose()

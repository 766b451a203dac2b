"""What happens when a model server of ours dies? It is started again, and again, more and more slowly."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator

from brain.model_server import ModelServer, ServerFailed

log = logging.getLogger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0  # seconds
GOOD_RUN = 300.0  # seconds; who lived so long has earned a quick start


def pauses() -> Iterator[float]:
    """1, 2, 4 ... seconds, and no more than a minute."""
    pause = FIRST_PAUSE
    while True:
        yield pause
        pause = min(2 * pause, LONGEST_PAUSE)


async def keep_serving(server: ModelServer, tell: Callable[[str], None]) -> None:
    """For a server that was started; on the same port each time. Ends only by being cancelled."""
    waiting = pauses()
    while True:
        began = time.monotonic()
        code = await server.wait()
        await server.stop()  # what it left behind
        if time.monotonic() - began > GOOD_RUN:
            waiting = pauses()
        tell(f"the model server at {server.url} died (exit code {code}); its log is {server.log_path}")
        while True:
            await asyncio.sleep(next(waiting))
            try:
                await server.start()
            except ServerFailed as failure:
                log.error("the model server at %s does not come back: %s", server.url, failure)
            else:
                tell(f"the model server at {server.url} is back")
                break

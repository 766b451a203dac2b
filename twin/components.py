"""Which parts does the service have, and what becomes of one that dies? It is started again, by and by."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from twin import show
from twin.errors import Told
from twin.home import Home

log = logging.getLogger(__name__)

COMPONENTS = ("model", "discord", "telegram", "api", "schedule", "runner")
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
WELL_AFTER = 60.0  # seconds; one that ran for so long begins with a short pause again

RUNS, ENDED = "runs", "off"

Noted = Callable[[str, str], None]
"""Who is told how a part is: its name, and RUNS, ENDED or what is wrong."""


def nobody_asks(part: str, how: str) -> None: ...


def chosen(only: str | None) -> tuple[str, ...]:
    """All of them, or those named: "discord,schedule". Raises Told."""
    if only is None:
        return COMPONENTS
    names = [name.strip() for name in only.split(",") if name.strip()]
    if unknown := [name for name in names if name not in COMPONENTS]:
        known = ", ".join(COMPONENTS)
        raise Told(f"the service has no part '{unknown[0]}'", f"these it has: {known}", exit_code=2)
    if not names:
        raise Told("no part of the service is named", f"of {', '.join(COMPONENTS)}", exit_code=2)
    return tuple(dict.fromkeys(names))


@contextmanager
def hold(home: Home, names: Sequence[str], *, several: bool) -> Iterator[None]:
    """On SQLite each part runs once in a home, in whatever process; on Postgres another copy joins."""
    with ExitStack() as held:
        if not several:
            if set(names) == set(COMPONENTS):
                held.enter_context(home.only_one("up"))
            for name in names:
                held.enter_context(home.only_one(f"up --only {name}"))
        yield


async def keep_alive(
    name: str,
    work: Callable[[], Awaitable[None]],
    *,
    first_pause: float = FIRST_PAUSE,
    longest_pause: float = LONGEST_PAUSE,
    noted: Noted = nobody_asks,
) -> None:
    """Until we are cancelled, or it ends by itself. `noted` hears how it is, in a word or a sentence."""
    pause, loop = first_pause, asyncio.get_running_loop()
    while True:
        begun = loop.time()
        try:
            noted(name, RUNS)
            await work()
            noted(name, ENDED)
            return
        except Told as told:
            noted(name, told.what)
            log.error("%s: %s", name, told)
            show.sentence(f"{name}: {told}; it is tried again")
        except Exception:  # whatever it was: the other parts go on, and this one gets another chance
            noted(name, "died; it is started again")
            log.exception("%s died and is started again in %.0f seconds", name, pause)
            show.sentence(f"{name} died and is started again; the log has the details")
        await asyncio.sleep(pause)
        pause = first_pause if loop.time() - begun > WELL_AFTER else min(2 * pause, longest_pause)

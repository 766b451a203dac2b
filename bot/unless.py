"""How is work given up as soon as something else happens?"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


class Meanwhile(Exception):
    """It has happened, and the work was given up."""


async def unless(happened: asyncio.Event, work: Awaitable[T]) -> T:
    """Do it, unless that happens before it is done: then it is cancelled, and Meanwhile raised."""
    doing, waiting = asyncio.ensure_future(work), asyncio.ensure_future(happened.wait())
    try:
        await asyncio.wait((doing, waiting), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            return doing.result()
        raise Meanwhile
    finally:
        for task in (doing, waiting):
            task.cancel()
        await asyncio.gather(doing, waiting, return_exceptions=True)

"""How often may somebody ask? Counted in this process, over a window that moves."""

from __future__ import annotations

import time

from fastapi import HTTPException
from limits import RateLimitItem, parse
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter


class Rates:
    def __init__(self) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        self._parsed: dict[str, RateLimitItem] = {}

    async def count(self, rate: str, *who: str) -> None:
        """One more; raises the error for too many, which says when to try again. `rate`: "5/minute"."""
        item = self._parsed.get(rate) or self._parsed.setdefault(rate, parse(rate))
        if await self._limiter.hit(item, *who):
            return
        resets = (await self._limiter.get_window_stats(item, *who)).reset_time
        wait = max(1, round(resets - time.time()))
        raise HTTPException(429, f"more than {item}; try again in {wait} s", {"Retry-After": str(wait)})

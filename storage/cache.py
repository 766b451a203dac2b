"""What need not be computed twice? Kept in this process, or in Redis for several; only ever to be faster."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

from cashews import Cache as Cashews
from cashews.exceptions import CacheBackendInteractionError
from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from storage.kept_here import KeptHere
from storage.metrics import CACHE_FAILURES
from storage.whose import whose

log = logging.getLogger(__name__)

Result = TypeVar("Result")
KEEP_SECONDS = 600.0
REST_SECONDS = 5.0  # how long a Redis that failed is left alone
PATIENCE_SECONDS = 0.05


class Cache:
    """JSON values by key. When Redis is slow or gone, everything is a miss; finding out costs 50 ms, rarely.

    All entries live equally long: Redis drops a tag with its newest entry, so no older one may outlive it.
    Nor does a tag outlive its entries by much: Redis lists what carries it and strikes nothing off, so that
    every KEEP_SECONDS by the clock begin a new list.
    """

    def __init__(
        self,
        cashews: Cashews | KeptHere,
        connections: BlockingConnectionPool | None,
        patience: float,
        rest: float,
        namespace: str = "",
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cashews = cashews
        self._wall = wall  # the same for every copy of the service, or nearly
        self._clock = clock
        self._own = f"{namespace}:" if namespace else ""
        self._connections = connections
        self._patience = patience
        self._rest = rest
        self._resting_until = 0.0
        self._to_forget: set[str] = set()

    async def get(self, key: str) -> Any:
        """The value, as JSON gives it back (lists, not tuples), or None."""
        return await self._try(lambda: self._cashews.get(self._own + key), None)

    async def set(self, key: str, value: Any, tags: Sequence[str] = ()) -> bool:
        """Whether it was kept."""
        return await self._try(lambda: self._keep(key, value, tags), False)

    async def forget(self, *tags: str) -> bool:
        """Drop what has one of these tags. False: Redis is away; it is done before anything else is read."""
        self._to_forget.update(self._own + tag for tag in tags)
        return await self._try(_done, False)

    async def close(self) -> None:
        if self._connections:  # ourselves, because cashews forgets those that never came to be
            await self._connections.disconnect()

    async def _keep(self, key: str, value: Any, tags: Sequence[str]) -> bool:
        lists = [_list_of(self._own + tag, self._wall()) for tag in tags]
        return await self._cashews.set(self._own + key, value, expire=KEEP_SECONDS, tags=lists)

    async def _try(self, action: Callable[[], Awaitable[Result]], otherwise: Result) -> Result:
        if self._clock() < self._resting_until:
            return otherwise
        try:
            async with asyncio.timeout(self._patience):
                while self._to_forget:
                    tag = next(iter(self._to_forget))
                    await self._cashews.delete_tags(*_lists_of(tag, self._wall()))
                    self._to_forget.discard(tag)
                return await action()
        except (CacheBackendInteractionError, RedisError, OSError, TimeoutError, ValueError) as error:
            # ValueError: what lies under this key was not written by us.
            CACHE_FAILURES.labels(whose()).inc()
            log.warning("the cache is off for %.0f s: %s", self._rest, type(error).__name__)
            self._resting_until = self._clock() + self._rest
            return otherwise


def open_cache(
    redis_url: str | None,
    *,
    namespace: str = "",
    patience: float = PATIENCE_SECONDS,
    rest: float = REST_SECONDS,
    wall: Callable[[], float] = time.time,
    clock: Callable[[], float] = time.monotonic,
) -> Cache:
    """Connects at the first use, and never fails: without Redis there is simply nothing in it.

    `namespace`: whose it is, where several share one Redis; nobody finds or drops what is another's.
    """
    if redis_url is None:
        return Cache(KeptHere(), None, patience, rest, namespace, wall, clock)
    cashews = Cashews()
    connections = BlockingConnectionPool.from_url(
        redis_url,
        max_connections=10,
        timeout=patience,
        socket_timeout=patience,
        socket_connect_timeout=patience,
        retry=Retry(NoBackoff(), 0),  # the default tries for seconds
    )
    # JSON, because the default is pickle: whoever writes to Redis could run code here.
    cashews.setup(redis_url, suppress=False, pickle_type="json", connection_pool_class=_Given(connections))
    return Cache(cashews, connections, patience, rest, namespace, wall, clock)


def _list_of(tag: str, at: float) -> str:
    return f"{tag}@{int(at // KEEP_SECONDS)}"


def _lists_of(tag: str, at: float) -> list[str]:
    """Where all is that carries it and is not over yet, be the clocks of our copies ten minutes apart."""
    return [_list_of(tag, at + KEEP_SECONDS * away) for away in (-2, -1, 0, 1)]


class _Given:
    """Hands cashews our connections instead of its own."""

    def __init__(self, connections: BlockingConnectionPool) -> None:
        self._connections = connections

    def from_url(self, _url: str, **_options: Any) -> BlockingConnectionPool:
        return self._connections


async def _done() -> bool:
    return True

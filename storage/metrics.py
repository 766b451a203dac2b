"""What does the database cost, and when does it or the cache fail? For Prometheus, in the default registry.

Each counts for a twin where several share the process (storage/whose.py). That somebody kept the database
locked shows in how long a transaction took: the time it waited for its turn is in it.
"""

from __future__ import annotations

import time
from functools import lru_cache

from prometheus_client import Counter, Histogram

from storage.unavailable import DatabaseUnavailable
from storage.whose import whose

SECONDS = (0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30)

DATABASE_SECONDS = Histogram(
    "twin_database_seconds",
    "A look or a transaction, its waiting included.",
    ["twin", "kind"],
    buckets=SECONDS,
)
DATABASE_FAILURES = Counter(
    "twin_database_failures_total", "Looks and transactions that the database refused.", ["twin", "kind"]
)
CACHE_FAILURES = Counter(
    "twin_cache_failures_total", "How often the cache was slow or gone, and left alone for a while.", ["twin"]
)


class counted:
    """The block is one look ("read") or one transaction ("write")."""

    __slots__ = ("_began", "_kind")

    def __init__(self, kind: str) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        self._began = time.monotonic()

    def __exit__(self, kind: object, error: BaseException | None, where: object) -> None:
        _seconds(whose(), self._kind).observe(time.monotonic() - self._began)
        if isinstance(error, DatabaseUnavailable):
            DATABASE_FAILURES.labels(whose(), self._kind).inc()


_seconds = lru_cache(maxsize=64)(DATABASE_SECONDS.labels)  # looking it up takes longer than counting

"""What does the database cost, and when does it or the cache fail? For Prometheus, in the default registry.

Each counts for a twin where several share the process (storage/whose.py). That somebody kept the database
locked shows in how long a transaction took: the time it waited for its turn is in it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def counted(kind: str) -> Iterator[None]:
    """The block is one look ("read") or one transaction ("write")."""
    began = time.monotonic()
    try:
        yield
    except DatabaseUnavailable:
        DATABASE_FAILURES.labels(whose(), kind).inc()
        raise
    finally:
        _seconds(whose(), kind).observe(time.monotonic() - began)


_seconds = lru_cache(maxsize=64)(DATABASE_SECONDS.labels)  # looking it up takes longer than counting

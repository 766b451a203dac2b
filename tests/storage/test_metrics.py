"""Does a monitor see that the database kept people waiting, that it failed, or that the cache is gone?"""

from __future__ import annotations

import asyncio
import sqlite3
import time

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import text

from storage import tracing
from storage.cache import open_cache
from storage.unavailable import DatabaseUnavailable


def told(name, **labels):
    return REGISTRY.get_sample_value(name, {"twin": "", **labels}) or 0.0


async def test_the_time_that_a_writer_waits_for_its_turn_is_told(sqlite_database):
    before = told("twin_database_seconds_sum", kind="write")
    count = told("twin_database_seconds_count", kind="write")
    asked = asyncio.Event()

    async def write():
        asked.set()
        async with sqlite_database.transaction() as session:
            await session.execute(text("DELETE FROM memories"))

    with sqlite3.connect(sqlite_database.file, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        writing = asyncio.create_task(write())
        await asked.wait()
        began = time.monotonic()
        await asyncio.sleep(0.05)
        held = time.monotonic() - began
        other.execute("ROLLBACK")
        await writing
    assert told("twin_database_seconds_count", kind="write") == count + 1
    assert told("twin_database_seconds_sum", kind="write") - before >= held


async def test_looks_and_transactions_are_counted_apart(sqlite_database):
    before = told("twin_database_seconds_count", kind="read")
    async with sqlite_database.reading() as session:
        await session.execute(text("SELECT 1"))
    assert told("twin_database_seconds_count", kind="read") == before + 1


def test_only_what_the_database_refuses_is_its_failure():
    before = told("twin_database_failures_total", kind="write")
    for error in (DatabaseUnavailable("locked for too long"), ValueError("our own mistake")):
        with pytest.raises(type(error)), tracing.storing(tracing.WRITE, "sqlite"):
            raise error
    assert told("twin_database_failures_total", kind="write") == before + 1


async def test_a_redis_that_is_gone_is_told_once_for_each_time_it_was_tried():
    before = told("twin_cache_failures_total")
    cache = open_cache("redis://127.0.0.1:1/0", rest=3600)
    for _ in range(5):
        assert await cache.get("a") is None
    await cache.close()
    assert told("twin_cache_failures_total") == before + 1

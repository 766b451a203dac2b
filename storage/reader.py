"""How does SQLite answer a row of questions, each made of the answers before it, in one go?

Through SQLAlchemy and the driver each question costs several trips to another thread and back, which takes
longer than finding the answer. Here all of them are asked on one thread, in one trip, of one moment; or at
once, on the thread of whoever asks, where finding the answer takes less than any trip.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Generator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar, cast

T = TypeVar("T")
Query = tuple[str, Mapping[str, Any]]
"""What is asked, with `:name` where a value belongs, and the values."""
Steps = Generator[Query, list[Any], T]
"""Yields what to ask, is sent the rows of the answer, and returns what it makes of them."""

AT_ONCE = 4
PRAGMAS = ("query_only = ON", "cache_size = -16384")
SLOW_SECONDS, IN_A_ROW = 0.02, 3  # for a glance, which takes some hundred thousandths: the disk is to blame
REST_SECONDS = 5.0  # in which nobody glances, after so many slow ones


class NotNow(Exception):
    """It cannot be said without waiting."""


class Reader:
    """Connections that only read. The one that was used last is used next: it knows the file best."""

    def __init__(self, file: Path, patience_seconds: float) -> None:
        self._file = file
        self._patience = patience_seconds
        self._idle: list[sqlite3.Connection] = []
        self._impatient: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(AT_ONCE, "reading")
        self._slow = 0  # glances in a row
        self._no_glance_before = 0.0

    async def look(self, steps: Steps[T]) -> T:
        """What comes of them. Raises sqlite3.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._look, steps)

    def glance(self, query: Query) -> list[Any]:
        """What one question finds, here and now: everybody else on this thread waits for a page or two.

        Raises NotNow where it would have to wait for somebody, or where the disk was slow just now: look.
        """
        began = time.monotonic()
        if began < self._no_glance_before:
            raise NotNow
        try:
            return self._glance(query)
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise NotNow from error
            raise
        finally:
            ended = time.monotonic()
            self._slow = self._slow + 1 if ended - began > SLOW_SECONDS else 0
            if self._slow == IN_A_ROW:
                self._slow, self._no_glance_before = 0, ended + REST_SECONDS

    def _glance(self, query: Query) -> list[Any]:
        connection = self._impatient.pop() if self._impatient else self._connect(0)
        try:
            return connection.execute(*query).fetchall()  # of one moment by itself
        finally:
            self._impatient.append(connection)

    def _look(self, steps: Steps[T]) -> T:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect(self._patience)
        try:
            connection.execute("BEGIN")
            query, _ = following(steps, None)
            while query is not None:
                query, result = following(steps, connection.execute(*query).fetchall())
            return cast(T, result)
        finally:
            connection.rollback()
            self._idle.append(connection)

    def _connect(self, patience: float) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=patience, isolation_level=None, check_same_thread=False
        )
        try:
            for pragma in PRAGMAS:
                connection.execute(f"PRAGMA {pragma}")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def close(self) -> None:
        self._threads.shutdown()
        for idle in (self._idle, self._impatient):
            while idle:
                idle.pop().close()


def only(query: Query) -> Steps[list[Any]]:
    """One question, and nothing that follows from it."""
    return (yield query)


def following(steps: Steps[T], rows: list[Any] | None) -> tuple[Query | None, Any]:
    """What is asked after that; None when nothing is, and what has come of it."""
    try:
        return (next(steps) if rows is None else steps.send(rows)), None
    except StopIteration as end:
        return None, end.value

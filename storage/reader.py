"""How does SQLite answer a row of questions, each made of the answers before it, in one go?

Through SQLAlchemy and the driver each question costs several trips to another thread and back, which takes
longer than finding the answer. Here all of them are asked on one thread, in one trip, of one moment.
"""

from __future__ import annotations

import asyncio
import sqlite3
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


class Reader:
    """Connections that only read. The one that was used last is used next: it knows the file best."""

    def __init__(self, file: Path, patience_seconds: float) -> None:
        self._file = file
        self._patience = patience_seconds
        self._idle: list[sqlite3.Connection] = []
        self._threads = ThreadPoolExecutor(AT_ONCE, "reading")

    async def look(self, steps: Steps[T]) -> T:
        """What comes of them. Raises sqlite3.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._look, steps)

    def _look(self, steps: Steps[T]) -> T:
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            connection.execute("BEGIN")
            query, _ = following(steps, None)
            while query is not None:
                query, result = following(steps, connection.execute(*query).fetchall())
            return cast(T, result)
        finally:
            connection.rollback()
            self._idle.append(connection)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._file, timeout=self._patience, isolation_level=None, check_same_thread=False
        )
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def close(self) -> None:
        self._threads.shutdown()
        while self._idle:
            self._idle.pop().close()


def following(steps: Steps[T], rows: list[Any] | None) -> tuple[Query | None, Any]:
    """What is asked after that; None when nothing is, and what has come of it."""
    try:
        return (next(steps) if rows is None else steps.send(rows)), None
    except StopIteration as end:
        return None, end.value

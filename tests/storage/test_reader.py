"""Are several questions answered of one moment, on one thread, and is nothing lost when one of them fails?"""

from __future__ import annotations

import asyncio
import sqlite3
import threading

import pytest
from memories import wrote
from sqlalchemy.exc import DBAPIError

from storage.database import DatabaseUnavailable
from storage.records_store import RecordStore

COUNT = "SELECT count(*) FROM records"


async def test_questions_follow_from_answers_and_see_one_moment(database):
    await RecordStore(database).add_all([wrote("a", "before", "public")])
    asked, written = threading.Event(), threading.Event()

    def steps():
        [(first,)] = yield COUNT, {}
        asked.set()
        assert written.wait(10)
        [(second,)] = yield f"{COUNT} WHERE id <> :id", {"id": "nobody"}
        return first, second

    looking = asyncio.create_task(database.look(steps()))
    await asyncio.to_thread(asked.wait, 10)
    await RecordStore(database).add_all([wrote("b", "meanwhile", "public")])
    written.set()
    first, second = await looking
    assert first == 1
    assert second == 1 or not database.file  # Postgres looks anew at each question


async def test_a_question_that_fails_leaves_the_next_one_alone(database):
    def wrong():
        yield "SELECT nothing FROM nowhere", {}

    def thrown():
        yield COUNT, {}
        raise LookupError("in between")

    def right():
        return (yield COUNT, {})

    for _ in range(6):
        with pytest.raises((sqlite3.Error, DBAPIError)):
            await database.look(wrong())
        with pytest.raises(LookupError):
            await database.look(thrown())
    await RecordStore(database).add_all([wrote("a", "still here", "public")])
    assert [tuple(row) for row in await database.look(right())] == [(1,)]


async def test_nothing_is_written_on_the_way(sqlite_database):
    def writing():
        yield "DELETE FROM records", {}

    await RecordStore(sqlite_database).add_all([wrote("a", "still here", "public")])
    with pytest.raises(DatabaseUnavailable, match="can only be read"):
        await sqlite_database.look(writing())
    assert await RecordStore(sqlite_database).of_owner() == 1

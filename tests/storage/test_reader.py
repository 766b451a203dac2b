"""Are several questions answered of one moment, on one thread, and is nothing lost when one of them fails?"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from contextlib import closing

import pytest
from memories import wrote
from sqlalchemy.exc import DBAPIError

from storage.chats import FactStore
from storage.database import DatabaseUnavailable
from storage.reader import NotNow, Reader
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


async def test_a_glance_waits_for_nobody_who_keeps_the_file_locked(sqlite_database):
    facts = FactStore(sqlite_database)
    await facts.add("Sam bakes bread.")
    assert len(await facts.all()) == 1
    with closing(sqlite3.connect(sqlite_database.file, isolation_level=None)) as other:
        await sqlite_database._engine.dispose()  # whoever else has it open keeps it from being locked
        sqlite_database._reader.close()
        sqlite_database._reader = Reader(sqlite_database.file, 10)
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        asking = asyncio.create_task(facts.all())
        for _ in range(3):
            await asyncio.sleep(0)  # the loop turns, and so would everybody else's answers
        assert not asking.done()
    assert [fact.text for fact in await asking] == ["Sam bakes bread."]


async def test_on_a_slow_disk_nobody_glances_for_a_while(sqlite_database, monkeypatch):
    reader = sqlite_database._reader
    monkeypatch.setattr("storage.reader.SLOW_SECONDS", -1.0)  # no disk is as fast as that
    for _ in range(3):
        assert reader.glance((COUNT, {})) == [(0,)]
    assert [one.execute("PRAGMA busy_timeout").fetchone() for one in reader._impatient] == [(0,)]
    with pytest.raises(NotNow):
        reader.glance((COUNT, {}))
    assert await FactStore(sqlite_database).all() == []  # a thread looks instead
    reader._no_glance_before = 0.0
    monkeypatch.setattr("storage.reader.SLOW_SECONDS", 60.0)
    assert [reader.glance((COUNT, {})) for _ in range(9)] == [[(0,)]] * 9


async def test_a_glance_sees_what_was_written_just_before_by_whomever(sqlite_database):
    facts = FactStore(sqlite_database)
    with closing(sqlite3.connect(sqlite_database.file)) as other:
        for number in range(3):
            await facts.add(f"fact {number}")
            assert len(await facts.all()) == 1
            with other:
                other.execute("DELETE FROM facts")
            assert await facts.all() == []

"""Does a snapshot hold one moment, and does either kind of database become the same from it?"""

from __future__ import annotations

import asyncio
import random
import sqlite3
import string
from contextlib import closing
from datetime import UTC, datetime

import pytest
from fakes import said
from records_said import years_of_chat
from sqlalchemy import select

from storage import schema, snapshot
from storage.adapters import AdapterStore
from storage.chats import FactStore, PersonStore
from storage.cursors import CursorStore
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Adapter, Consent, Cursor, Feedback, Role, Signal, Stamp
from storage.records_store import RecordStore
from storage.runs import RunStore
from storage.tables import Base
from storage.unavailable import DatabaseUnavailable

NOON = datetime(2026, 5, 4, 12, 30, 15, 250000, tzinfo=UTC)


async def fill(database):
    """Something in nearly every table, with times, lists, JSON, nulls and letters of all kinds."""
    await RecordStore(database).add_all(years_of_chat(3))
    stamp = Stamp("dpo-1", "pocket", "h", ({"role": "user", "content": "ž 🧑‍🍳"},), {"top_p": 0.9}, ("r1",))
    messages = MessageStore(database)
    await messages.add(said("ž\N{ZERO WIDTH JOINER}🧑 'quoted' \"so\"", number="1"), waiting=True)
    await messages.add(said("yes", number="2", by="twin", by_twin=True, stamp=stamp))
    await FeedbackStore(database).record(Feedback("telegram:~1", "sam", Role.OWNER, Signal.UP, NOON))
    adapters = AdapterStore(database)
    for version in ("sft-1", "dpo-2"):
        await adapters.add(Adapter(version, "pocket", "sft", f"/old/adapters/{version}", version, NOON))
        await adapters.go_live(version, "a test")
    await RunStore(database).start("learn", "host:1", log_path="/old/runs/r/log")
    await CursorStore(database).put(Cursor("discord", "c", {"after": [1, None, "x"]}, NOON))
    await PersonStore(database).set_consent("telegram", "7", Consent.AGREED)
    await FactStore(database).add("bakes")


async def everything(database):
    async with database.one_moment() as session:
        return {
            table.name: sorted(map(repr, (await session.execute(select(table))).all()))
            for table in Base.metadata.sorted_tables
            if table.name not in snapshot.MADE_BY_TRIGGERS
        }


async def test_either_kind_becomes_the_other_and_nothing_is_lost(database, postgres_url, tmp_path):
    await fill(database)
    before = await everything(database)
    await snapshot.write_snapshot(database, tmp_path / "copy.db")
    assert snapshot.is_sound(tmp_path / "copy.db")
    assert snapshot.rows_of(tmp_path / "copy.db") == await snapshot.rows(database)
    for url in (f"sqlite+aiosqlite:///{tmp_path / 'other.db'}", postgres_url):
        other = await Database.open(url)
        await FactStore(other).add("what was there before goes")
        await snapshot.take_in(other, tmp_path / "copy.db")
        assert await everything(other) == before
        await MessageStore(other).add(said("and on it goes", number="3"))  # the numbers go on
        await FeedbackStore(other).record(Feedback("telegram:~2", "sam", Role.OWNER, Signal.UP, NOON))
        await AdapterStore(other).roll_back("a test")
        await other.close()


async def test_a_snapshot_taken_while_others_write_is_one_moment(database, tmp_path):
    """Each reply is written with its delivery in one transaction: a snapshot has both or neither."""
    messages = MessageStore(database)
    for number in range(50):
        await messages.add(said("?", number=f"q{number}"))
    written = asyncio.Event()

    async def write():
        for number in range(400):
            reply = said("!", number=f"a{number}", by_twin=True, reply_to=f"kitchen-app:kitchen:q{number}")
            await messages.plan(reply, ["!"], [reply.reply_to])
            if number == 20:
                written.set()

    writing = asyncio.create_task(write())
    await written.wait()
    for number in range(3):
        await snapshot.write_snapshot(database, tmp_path / f"{number}.db")
        rows = snapshot.rows_of(tmp_path / f"{number}.db")
        assert rows["messages"] - 50 == rows["deliveries"] >= 20
        assert snapshot.is_sound(tmp_path / f"{number}.db")
    await writing


async def test_what_was_deleted_is_not_in_a_snapshot_and_after_a_scrub_nowhere(sqlite_database, tmp_path):
    letters = random.Random(0)
    secret = "".join(letters.choices(string.ascii_letters, k=40))
    messages = MessageStore(sqlite_database)
    for number in range(300):
        text = f"{secret} {'x' * letters.randrange(3000)}" if number % 3 else "ordinary"
        await messages.add(said(text, number=str(number)))
    theirs = [key for key in await messages.every_key() if int(key.rpartition(":")[2]) % 3]
    await messages.erase(theirs)
    await snapshot.write_snapshot(sqlite_database, tmp_path / "copy.db")
    assert secret.encode() not in (tmp_path / "copy.db").read_bytes()
    assert await sqlite_database.scrub()
    assert not [one for one in tmp_path.iterdir() if secret.encode() in one.read_bytes()]


async def test_a_damaged_snapshot_is_not_sound_and_an_unknown_schema_is_not_known(sqlite_database, tmp_path):
    await fill(sqlite_database)
    await snapshot.write_snapshot(sqlite_database, tmp_path / "copy.db")
    data = bytearray((tmp_path / "copy.db").read_bytes())
    data[8192:8200] = b"\xff" * 8
    (tmp_path / "broken.db").write_bytes(data)
    assert not snapshot.is_sound(tmp_path / "broken.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("DELETE FROM adapters WHERE version = 'sft-1'")
        connection.commit()
    assert not snapshot.is_sound(tmp_path / "copy.db")  # a promotion leads nowhere
    assert schema.knows("0001")
    assert not schema.knows("9999")


async def test_a_damaged_file_is_told_by_whoever_copies_it_or_writes_it_anew(sqlite_database, tmp_path):
    await fill(sqlite_database)
    file = sqlite_database.file
    with closing(sqlite3.connect(file)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    file.write_bytes(file.read_bytes()[:16384] + b"x" * (file.stat().st_size - 16384))
    for doing in (snapshot.write_snapshot(sqlite_database, tmp_path / "copy.db"), sqlite_database.scrub()):
        with pytest.raises(DatabaseUnavailable, match="the file is damaged"):
            await doing


async def test_paths_follow_a_home_that_moved(sqlite_database):
    await fill(sqlite_database)
    await snapshot.moved(sqlite_database, {"sft-1": "/new/adapters/sft-1"}, "/old", "/new")
    found = {one.version: one.path for one in await AdapterStore(sqlite_database).all()}
    assert found == {"sft-1": "/new/adapters/sft-1", "dpo-2": "/old/adapters/dpo-2"}
    assert (await RunStore(sqlite_database).all())[0].log_path == "/new/runs/r/log"


async def test_a_scrub_finds_what_was_deleted_before_zeros_were_written_over_it(sqlite_database, tmp_path):
    await MessageStore(sqlite_database).add(said(f"the heron {'sleeps ' * 200}", number="1"))
    with closing(sqlite3.connect(sqlite_database.file, isolation_level=None)) as older:
        older.execute("PRAGMA secure_delete = OFF")
        older.execute("DELETE FROM messages")
        older.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"the heron" in sqlite_database.file.read_bytes()
    assert await sqlite_database.scrub()
    assert not [one for one in tmp_path.iterdir() if b"the heron" in one.read_bytes()]

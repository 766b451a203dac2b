"""Databases that an earlier twin has left behind, with something in them, are led on without losing a row."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import make_url, text

from storage import copies, schema
from storage.adapters import AdapterStore
from storage.copies import copies_of
from storage.database import Database
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records_store import RecordStore
from storage.runs import RunStore
from storage.tables import Base
from storage.twins import THE_ONE
from storage.unavailable import DatabaseUnavailable

FOLDER = Path(__file__).parent / "revisions"
REVISIONS = sorted({path.name.split(".")[0] for path in FOLDER.glob("*.sql")})
KNOWN_SINCE = "0008"  # from then on each row says whose it is
COUNTED = ("records", "messages", "feedback", "adapters", "promotions", "runs", "cursors")


async def _restored(revision: str, url: str) -> None:
    address = make_url(url)
    if address.get_backend_name() == "sqlite":
        with closing(sqlite3.connect(str(address.database))) as raw:
            raw.executescript((FOLDER / f"{revision}.sqlite.sql").read_text())
        return
    connection = await asyncpg.connect(address.set(drivername="postgresql").render_as_string(False))
    try:
        await connection.execute((FOLDER / f"{revision}.postgres.sql").read_text())
    finally:
        await connection.close()


@pytest.mark.parametrize("revision", REVISIONS)
async def test_a_database_of_every_earlier_revision_is_led_on_with_all_that_is_in_it(
    revision: str, database_url: str
) -> None:
    await _restored(revision, database_url)
    twin = "mira" if revision < KNOWN_SINCE else THE_ONE
    database = await Database.open(database_url, twin)
    try:
        assert database.revision == revision
        async with database.reading() as session:
            connection = await session.connection()
            assert await connection.run_sync(schema.revision_of) == schema.newest()
            for table in COUNTED:
                found = await session.scalar(text(f"SELECT count(*) FROM {table}"))
                assert found == 2, table
            for row in Base.registry.mappers:  # what was there is whose it was, before there were others
                query = text(f"SELECT DISTINCT twin FROM {row.class_.__tablename__}")
                assert {*await session.scalars(query)} <= {twin}
        assert len(await RecordStore(database).find(limit=10)) == 2
        assert len(await MessageStore(database).recent("chat_id 0", "platform 0")) == 1
        assert len(await FeedbackStore(database).effective()) == 2
        live = await AdapterStore(database).live()
        assert live
        assert live.version == "version 0"
        assert len(await RunStore(database).all()) == 2
    finally:
        await database.close()


def test_no_revision_is_left_out() -> None:
    """Before a release changes the tables, tests/storage/write_revision.py writes the one that was."""
    from alembic.script import ScriptDirectory

    steps = ScriptDirectory.from_config(schema._config())
    chain = [step.revision for step in steps.walk_revisions("base", max(REVISIONS))]
    assert sorted(chain) == REVISIONS


async def test_an_sqlite_file_is_kept_as_it_was_before_its_tables_are_changed(sqlite_url: str) -> None:
    await _restored("0002", sqlite_url)
    database = await Database.open(sqlite_url)
    await database.close()
    assert database.kept
    assert database.file
    assert copies_of(database.file) == [database.kept]
    with closing(sqlite3.connect(database.kept)) as copy:
        assert copy.execute("SELECT version_num FROM alembic_version").fetchall() == [("0002",)]
        assert copy.execute("SELECT count(*) FROM messages").fetchall() == [(2,)]
    again = await Database.open(sqlite_url)
    await again.close()
    assert again.kept is None
    assert again.revision == schema.newest()


async def test_a_new_file_has_nothing_to_keep(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url)
    await database.close()
    assert database.file
    assert (database.kept, database.revision, copies_of(database.file)) == (None, None, [])


async def test_where_no_copy_can_be_kept_nothing_is_changed(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _restored("0001", sqlite_url)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(copies.os, "replace", full)
    with pytest.raises(DatabaseUnavailable, match="nothing has been changed"):
        await Database.open(sqlite_url)
    with closing(sqlite3.connect(str(make_url(sqlite_url).database))) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchall() == [("0001",)]
    assert not list(Path(str(make_url(sqlite_url).database)).parent.glob("*.partial"))


async def test_who_is_forgotten_is_not_left_in_a_copy(sqlite_url: str) -> None:
    await _restored("0003", sqlite_url)
    database = await Database.open(sqlite_url)
    assert database.file
    assert copies_of(database.file)
    assert database.forget_copies() == ["twin.db.before-upgrade-from-0003"]
    assert not copies_of(database.file)
    await database.close()

"""Databases that an earlier twin has left behind, with something in them, are led on without losing a row."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest
from conftest import _execute
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
    _execute(url, (FOLDER / f"{revision}.postgres.sql").read_text())


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
    assert await database.forget_copies() == (["twin.db.before-upgrade-from-0003"], [])
    assert not copies_of(database.file)
    await database.close()


# The same on Postgres, in a schema beside the tables


async def _rows(url: str, table: str, twin: str | None = None) -> int:
    plain = make_url(url).set(drivername="postgresql").render_as_string(False)
    raw = await asyncpg.connect(plain, server_settings={"twin.id": twin} if twin else {})
    try:
        return int(await raw.fetchval(f"SELECT count(*) FROM {table}"))
    finally:
        await raw.close()


@pytest.mark.parametrize("revision", ["0002", REVISIONS[-2]])
async def test_tables_on_postgres_are_kept_as_they_were_before_they_are_changed(
    postgres_url: str, revision: str
) -> None:
    await _restored(revision, postgres_url)
    database = await Database.open(postgres_url)
    assert database.kept == f"before_upgrade_from_{revision}"
    for table in COUNTED:
        assert await _rows(postgres_url, f"{database.kept}.{table}") == 2, table
    again = await Database.open(postgres_url)
    assert (again.kept, again.revision) == (None, schema.newest())
    await again.close()
    await MessageStore(database).erase(await MessageStore(database).every_key())
    assert await _rows(postgres_url, f"{database.kept}.messages") == 2
    assert await database.forget_copies() == ([database.kept], [])
    assert await database.forget_copies() == ([], [])
    await database.close()


async def test_an_upgrade_that_fails_on_postgres_leaves_everything_as_it_was(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _restored("0007", postgres_url)

    def broken(*_: object) -> None:
        raise ValueError("half-way")

    monkeypatch.setattr(schema.command, "upgrade", broken)
    with pytest.raises(ValueError, match="half-way"):
        await Database.open(postgres_url)
    assert await _rows(postgres_url, "messages") == 2
    assert await _rows(postgres_url, "pg_namespace WHERE nspname LIKE 'before%'") == 0


async def test_a_copy_on_postgres_holds_every_twin_and_each_sees_its_own(
    ordinary_url: str, postgres_url: str
) -> None:
    role = make_url(ordinary_url).username
    await _restored(REVISIONS[-2], ordinary_url)
    columns = "(twin, source, container, value, updated_at)"
    _execute(postgres_url, f"INSERT INTO cursors {columns} VALUES ('ada', 's', 's', '{{}}', now())")
    with pytest.raises(DatabaseUnavailable, match=r"GRANT CREATE ON DATABASE .*copy_before_upgrade"):
        await Database.open(ordinary_url)
    assert await _rows(postgres_url, f"alembic_version WHERE version_num = '{REVISIONS[-2]}'") == 1
    _execute(postgres_url, f"GRANT CREATE ON DATABASE {make_url(postgres_url).database} TO {role}")
    database = await Database.open(ordinary_url)
    kept = f"{database.kept}.cursors"
    assert await _rows(postgres_url, kept) == 3
    seen = {twin: await _rows(ordinary_url, kept, twin) for twin in ("twin", "ada", "bob")}
    assert seen == {"twin": 2, "ada": 1, "bob": 0}
    await database.close()


async def test_who_has_a_backup_of_their_own_goes_on_without_a_copy(database_url: str) -> None:
    await _restored("0002", database_url)
    database = await Database.open(database_url, keep=False)
    assert database.kept is None
    assert len(await MessageStore(database).every_key()) == 2
    await database.close()


async def test_a_copy_of_another_user_is_named_and_not_dropped(ordinary_url: str, postgres_url: str) -> None:
    database = await Database.open(ordinary_url)
    _execute(postgres_url, "CREATE SCHEMA before_upgrade_from_0001")
    assert await database.forget_copies() == ([], ["before_upgrade_from_0001"])
    await database.close()
    _execute(postgres_url, "DROP SCHEMA before_upgrade_from_0001")


async def test_the_way_back_that_is_written_down_leads_back(postgres_url: str) -> None:
    await _restored(REVISIONS[-2], postgres_url)
    database = await Database.open(postgres_url)
    await database.close()
    _execute(postgres_url, "SELECT setval('memory_numbers', 50)")
    guide = (Path(__file__).parents[2] / "docs/deploy.md").read_text(encoding="utf-8")
    [first, second] = re.findall(r"```sql\n(.*?)```", guide, re.DOTALL)
    copy = f"before_upgrade_from_{REVISIONS[-2]}"
    _execute(postgres_url, first)
    empty = (FOLDER / f"{REVISIONS[-2]}.postgres.sql").read_text().splitlines(keepends=True)
    _execute(postgres_url, "".join(line for line in empty if not line.startswith("INSERT INTO public.")))
    _execute(postgres_url, second.replace("before_upgrade_from_REVISION", copy))
    for table in [*COUNTED, "memories"]:
        there = await _rows(postgres_url, f"{copy}.{table}")
        assert await _rows(postgres_url, table) == there > 0, table
    again = await Database.open(postgres_url)  # and the newer twin may have another try
    assert again.revision == REVISIONS[-2]
    assert len(await MessageStore(again).every_key()) == 2
    assert await _rows(postgres_url, "(SELECT nextval('memory_numbers') AS next) t WHERE next = 51") == 1
    await again.close()

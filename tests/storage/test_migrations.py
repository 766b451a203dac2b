import asyncio
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import IntegrityError

from storage.database import Database, DatabaseTooNew
from storage.tables import Base

_ROOT = Path(__file__).parents[2]


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, Base.metadata))


def _foreign_keys(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    return {
        str(key["name"]) for table in inspector.get_table_names() for key in inspector.get_foreign_keys(table)
    }


async def test_the_migrations_make_exactly_the_tables_we_declare(database: Database) -> None:
    async with database.reading() as session:
        connection = await session.connection()
        assert await connection.run_sync(_differences) == []
        assert await connection.run_sync(_foreign_keys) == {"fk_promotions_version", "fk_promotions_previous"}


async def test_what_was_there_is_still_there_after_opening_again(
    database: Database, database_url: str
) -> None:
    async with database.transaction() as session:
        await session.execute(text("INSERT INTO cursors VALUES ('a', 'b', '{}', '2026-01-01 00:00:00+00')"))
    again = await Database.open(database_url)
    async with again.reading() as session:
        assert (await session.execute(text("SELECT source FROM cursors"))).scalars().all() == ["a"]
    await again.close()


async def test_many_may_open_a_new_database_at_once(database_url: str) -> None:
    opened = await asyncio.gather(*(Database.open(database_url) for _ in range(5)))
    await asyncio.gather(*(database.close() for database in opened))


async def test_many_processes_may_open_a_new_database_at_once(database_url: str) -> None:
    script = (
        "import asyncio, sys; from storage.database import Database; asyncio.run(Database.open(sys.argv[1]))"
    )
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", script, database_url, cwd=_ROOT)
        for _ in range(4)
    ]
    assert [await process.wait() for process in started] == [0] * 4


async def test_a_database_of_a_newer_twin_is_left_alone(database: Database, database_url: str) -> None:
    async with database.transaction() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match=r"9999.*Upgrade this twin"):
        await Database.open(database_url)


async def test_a_step_that_fails_leaves_nothing_half_made(database_url: str) -> None:
    database = await Database.open(database_url)
    async with database.reading() as session:
        made = await (await session.connection()).run_sync(lambda one: inspect(one).get_table_names())
    async with database.transaction() as session:
        for table in [*sorted({*made} - {"facts", "adapters"}), "adapters"]:
            await session.execute(text(f"DROP TABLE {table}"))  # "facts", the last one made, is in the way
    await database.close()
    with pytest.raises(Exception, match="already exists"):
        await Database.open(database_url)
    database = Database(database._engine)
    async with database.reading() as session:
        tables = await (await session.connection()).run_sync(lambda one: inspect(one).get_table_names())
    await database.close()
    assert tables == ["facts"]


async def test_the_database_itself_refuses_a_second_live_adapter_or_exclusive_run(database: Database) -> None:
    adapter = (
        "INSERT INTO adapters (version, base_model, method, path, sha256, created_at, recipe, lineage,"
        " report, state, reasons) VALUES ('{}', '', '', '', '', '2026-01-01 00:00:00+00', '{{}}', '[]',"
        " '{{}}', 'live', '[]')"
    )
    run = (
        "INSERT INTO runs (exclusive, id, kind, state, created_at, progress, metrics)"
        " VALUES (true, '{}', 'learn', 'running', '2026-01-01 00:00:00+00', 0, '{{}}')"
    )
    for statement in (adapter, run):
        async with database.transaction() as session:
            await session.execute(text(statement.format("one")))
        with pytest.raises(IntegrityError):
            async with database.transaction() as session:
                await session.execute(text(statement.format("two")))

import asyncio
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from memories import wrote
from sqlalchemy import Connection, ForeignKeyConstraint, Index, MetaData, UniqueConstraint, inspect, text
from sqlalchemy.exc import IntegrityError

from storage.chats import FactStore
from storage.database import Database, DatabaseTooNew
from storage.memories import MemoryStore
from storage.migrations.memories import WATCHES, install, of_each_twin
from storage.records_store import RecordStore
from storage.tables import Base

_ROOT = Path(__file__).parents[2]


def _differences(connection: Connection) -> list[object]:
    opts = {"compare_type": True, "include_name": _is_declared}
    context = MigrationContext.configure(connection, opts=opts)
    on_server = connection.dialect.name == "postgresql"
    return list(compare_metadata(context, _of_many_twins() if on_server else Base.metadata))


def _of_many_twins() -> MetaData:
    """As declared, but every key and index begins with the twin's id."""
    made = MetaData()
    for declared in Base.metadata.sorted_tables:
        table = declared.to_metadata(made)
        for index in [*table.indexes]:
            where = {"postgresql_where": index.dialect_options["postgresql"]["where"]}
            columns = [column.name for column in index.columns]
            table.indexes.remove(index)
            table.append_constraint(Index(index.name, "twin", *columns, unique=index.unique, **where))
        for key in [*table.constraints]:
            columns = [column.name for column in key.columns]
            if isinstance(key, UniqueConstraint):
                table.constraints.remove(key)
                table.append_constraint(UniqueConstraint("twin", *columns, name=key.name))
            if isinstance(key, ForeignKeyConstraint):
                table.constraints.remove(key)
                there = [element.target_fullname for element in key.elements]
                there = [f"{there[0].partition('.')[0]}.twin", *there]
                table.append_constraint(ForeignKeyConstraint(["twin", *columns], there, name=key.name))
    return made


def _primary_keys(connection: Connection) -> dict[str, list[str]]:
    inspector = inspect(connection)
    return {name: inspector.get_pk_constraint(name)["constrained_columns"] for name in Base.metadata.tables}


def _is_declared(name: str | None, *_: object) -> bool:
    """The index of words is made by hand: SQLAlchemy knows no such thing."""
    return not (name or "").startswith("memory_words")


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
        keys = await connection.run_sync(_primary_keys)
    first = [] if database.name.startswith("sqlite") else ["twin"]
    for name, table in Base.metadata.tables.items():
        assert keys[name] == [*first, *(column.name for column in table.primary_key.columns)]


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
        made = [table for table in made if not table.startswith("memory_words_")]  # they go with memory_words
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


async def test_whatever_writes_to_these_tables_writes_their_memories(database: Database) -> None:
    """A step that copies a table, as Alembic does to alter one on SQLite, has to make its triggers again."""
    sqlite = "SELECT tbl_name, name FROM sqlite_master WHERE type = 'trigger'"
    postgres = "SELECT event_object_table, trigger_name FROM information_schema.triggers"
    async with database.reading() as session:
        found = {*await session.execute(text(sqlite if database.name.startswith("sqlite") else postgres))}
    for watch in WATCHES:
        for event in ("added", "changed", "gone"):
            assert (watch.table, f"memory_of_{watch.select}_{event}") in found


async def test_what_was_kept_before_there_were_memories_is_recalled(database: Database) -> None:
    await RecordStore(database).add_all([wrote("r1", "the trombone is in Faro", "telegram:1")])
    await RecordStore(database).add_all([wrote("r2", "the harmonica is here", "owner")])
    await FactStore(database).add("I have a cat")
    sqlite = database.name.startswith("sqlite")
    async with database.transaction() as session:
        connection = await session.connection()
        # As a database of that time is: the tables are there, and nothing that fills them.
        for watch in WATCHES:
            for event in ("added", "changed", "gone"):
                on = "" if sqlite else f" ON {watch.table}"
                await session.execute(text(f"DROP TRIGGER memory_of_{watch.select}_{event}{on}"))
        gone = (
            "DROP TRIGGER memory_added; DROP TRIGGER memory_gone; DROP TABLE memory_words"
            if sqlite
            else "DROP TRIGGER memory_gone ON memories; DROP FUNCTION memory_gone; DROP TABLE memory_words;"
            "DROP TRIGGER memory_added ON memories; DROP FUNCTION memory_added; DROP SEQUENCE memory_numbers;"
            + ";".join(f"DROP FUNCTION memory_of_{watch.select}" for watch in WATCHES)
        )
        for statement in [*gone.split(";"), "DELETE FROM memories", "DELETE FROM memory_shelves"]:
            await session.execute(text(statement))
        await connection.run_sync(install)
        await connection.run_sync(of_each_twin)
    memories = MemoryStore(database)
    assert await memories.counts() == {"said": 2, "fact": 1}
    (found,) = await memories.recall(["trombone"], {"telegram:1"})
    assert found.memory.key == "r1"
    await RecordStore(database).add_all([wrote("r3", "the trombone was sold", "telegram:1")])
    assert len(await memories.recall(["trombone"], {"telegram:1"})) == 2

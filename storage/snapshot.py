"""How does the whole database become one file, and a file a whole database? Whichever kind either is.

The file is a SQLite database of the schema it was taken with. Of SQLite it is a copy that SQLite makes
itself, without free pages; rows of Postgres are read in one moment and written into an empty one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from sqlalchemy import Table, func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import PATIENCE_SECONDS, Database
from storage.migrations.twins import hand_over as hand_over
from storage.tables import AdapterRow, Base, RunRow
from storage.twins import COLUMN

AT_ONCE = 1000  # rows
MADE_BY_TRIGGERS = ("memory_shelves", "memories", "memory_vectors")  # out of the other tables


async def write_snapshot(database: Database, path: Path) -> None:
    """All of it as it is at one moment, while others go on writing. `path`: not there yet.

    Raises DatabaseUnavailable.
    """
    if database.file is not None:
        try:
            await asyncio.to_thread(_copy_file, database.file, path)
        except sqlite3.Error as error:
            raise database.explained(error) or error from error
        return
    copy = await Database.open(f"sqlite+aiosqlite:///{path}", database.twin)
    try:
        async with database.one_moment() as there, copy.transaction() as here:
            await _copy(there, here)
    finally:
        await copy.close()


async def take_in(database: Database, snapshot: Path) -> None:
    """Make this twin what the snapshot is, whosever it was, all or nothing; what it held before is gone."""
    await asyncio.to_thread(hand_over, snapshot, database.twin)
    source = await Database.open(f"sqlite+aiosqlite:///{snapshot}", database.twin)
    try:
        async with source.one_moment() as there, database.transaction() as here:
            for table in reversed(_tables()):
                await here.execute(table.delete())
            await _copy(there, here)
            if database.file is None:
                for table in _tables():
                    await _count_on(here, table)
    finally:
        await source.close()


async def rows(database: Database) -> dict[str, int]:
    """How many there are, by table."""
    async with database.one_moment() as session:
        return {
            table.name: await session.scalar(select(func.count()).select_from(table)) or 0
            for table in _tables()
        }


async def moved(database: Database, adapters: Mapping[str, str], old_root: str, new_root: str) -> None:
    """Its home lies elsewhere now. `adapters`: where each version's folder is."""
    async with database.transaction() as session:
        for version, path in adapters.items():
            await session.execute(update(AdapterRow).filter_by(version=version).values(path=path))
        logs = select(RunRow.id, RunRow.log_path).where(RunRow.log_path.startswith(f"{old_root}/"))
        for id, log_path in (await session.execute(logs)).all():
            there = new_root + str(log_path).removeprefix(old_root)
            await session.execute(update(RunRow).filter_by(id=id).values(log_path=there))


def schema_of(snapshot: Path) -> str:
    """The revision of a snapshot. Raises sqlite3.Error when it is none."""
    with closing(sqlite3.connect(snapshot)) as connection:
        (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return str(revision)


def rows_of(snapshot: Path) -> dict[str, int]:
    """How many there are in a snapshot, by table."""
    tables = [table.name for table in _tables()]
    with closing(sqlite3.connect(snapshot)) as connection:
        counts = [connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in tables]
    return dict(zip(tables, counts, strict=True))


def is_sound(snapshot: Path) -> bool:
    """Whether SQLite finds nothing wrong with it, and every reference leads somewhere."""
    try:
        with closing(sqlite3.connect(snapshot)) as connection:
            answer = connection.execute("PRAGMA integrity_check").fetchall()
            return answer == [("ok",)] and not connection.execute("PRAGMA foreign_key_check").fetchall()
    except sqlite3.Error:
        return False


def _tables() -> list[Table]:
    return [table for table in Base.metadata.sorted_tables if table.name not in MADE_BY_TRIGGERS]


def _copy_file(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source, timeout=PATIENCE_SECONDS)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


async def _copy(there: AsyncSession, here: AsyncSession) -> None:
    for table in _tables():
        found = await there.stream(select(*(column for column in table.c if column.name != COLUMN)))
        async for some in found.partitions(AT_ONCE):
            await here.execute(insert(table), [dict(row._mapping) for row in some])


async def _count_on(session: AsyncSession, table: Table) -> None:
    """Postgres numbers new rows from where its own counter stands, whatever numbers were put in.

    All its twins count by the same one, so it never goes back.
    """
    for column in table.primary_key.columns:
        if column.type.python_type is int and len(table.primary_key.columns) == 1:
            sequence = f"pg_get_serial_sequence('{table.name}', '{column.name}')"
            newest = f"(SELECT max({column.name}) FROM {table.name})"
            await session.execute(text(f"SELECT setval({sequence}, greatest(nextval({sequence}), {newest}))"))

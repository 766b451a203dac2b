"""How does a table come to be of many twins? A step that makes a table ends with `keep_apart` of it.

On Postgres every key and index gets the twin's id in front, and row security compares it with the setting of
the connection. A step that changes rows on Postgres sees those of one twin only: it has to say NO FORCE ROW
LEVEL SECURITY first, and FORCE again.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from storage.twins import COLUMN, SETTING, checked

SHARED = ("alembic_version",)
POLICY = "rows_of_one_twin"
KEYS = """SELECT conname, pg_get_constraintdef(oid), contype = 'f' FROM pg_constraint
    WHERE conrelid = '{table}'::regclass AND contype IN ('p', 'u', 'f')"""
INDEXES = """SELECT i.indexname, i.indexdef FROM pg_indexes i
    WHERE i.schemaname = current_schema AND i.tablename = '{table}' AND i.indexdef LIKE '% USING btree (%'
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conname = i.indexname)"""
STAMP = re.compile(rf"\b{COLUMN} TEXT NOT NULL GENERATED ALWAYS AS \('([^']*)'\)")


def tables_of(connection: Connection) -> list[str]:
    """All that hold somebody's rows; the index of words on SQLite is no such thing."""
    names = inspect(connection).get_table_names()
    return [name for name in names if name not in SHARED and not name.startswith("memory_words")]


def keep_apart(connection: Connection, tables: Iterable[str], twin: str) -> None:
    """What is in them already is this twin's."""
    if connection.dialect.name == "sqlite":
        _stamp(connection, tables, twin)
        return
    tables = list(tables)
    say = connection.exec_driver_sql
    connection.execute(text("SELECT set_config(:setting, :twin, true)"), {"setting": SETTING, "twin": twin})
    for table in tables:
        say(f"ALTER TABLE {table} ADD COLUMN {COLUMN} text NOT NULL DEFAULT current_setting('{SETTING}')")
    keys = [(table, *key) for table in tables for key in say(KEYS.format(table=table)).all()]
    keys.sort(key=lambda key: bool(key[-1]))  # what refers to a key comes after all the keys
    for table, name, *_ in reversed(keys):
        say(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    for table, name, key, _ in keys:
        say(f"ALTER TABLE {table} ADD CONSTRAINT {name} {key.replace('(', f'({COLUMN}, ')}")
    for table in tables:
        for name, index in say(INDEXES.format(table=table)).all():
            say(f"DROP INDEX {name}")
            say(index.replace(" USING btree (", f" USING btree ({COLUMN}, "))
        hold_apart(connection, table)


def hold_apart(connection: Connection, table: str) -> None:
    """Row security of one table of Postgres, also for the role that made it."""
    say = connection.exec_driver_sql
    its_own = f"({COLUMN} = current_setting('{SETTING}', true))"
    say(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    say(f"CREATE POLICY {POLICY} ON {table} USING {its_own} WITH CHECK {its_own}")


def owner_of(connection: Connection) -> str | None:
    """Whose SQLite file it is; None: nobody's yet."""
    made = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = 'leases'"
    found = STAMP.search(str(connection.exec_driver_sql(made).scalar()))
    return found[1] if found else None


def hand_over(file: Path, twin: str) -> None:
    """An SQLite file that nobody has open belongs to this twin from now on."""
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        tables = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'table'").fetchall()
        connection.execute("BEGIN IMMEDIATE")
        for name, sql in tables:
            if (stamp := STAMP.search(sql or "")) and stamp[1] != twin:
                connection.execute(f"ALTER TABLE {name} DROP COLUMN {COLUMN}")
                connection.execute(f"ALTER TABLE {name} ADD COLUMN {_made(twin)}")
        connection.execute("COMMIT")


def _stamp(connection: Connection, tables: Iterable[str], twin: str) -> None:
    for table in tables:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN {_made(twin)}")


def _made(twin: str) -> str:
    """Computed when it is read: it takes no room in the file, and no row can say anything else."""
    return f"{COLUMN} TEXT NOT NULL GENERATED ALWAYS AS ('{checked(twin)}') VIRTUAL"

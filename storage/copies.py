"""What is left of a database from before its tables were changed? A copy beside it, for each revision.

Of an SQLite file that is a file, of tables on Postgres tables in a schema of their own: no program of the
server's version is needed, and they are made in the very transaction that changes what they are copies of.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, inspect
from sqlalchemy.exc import DBAPIError

from storage.migrations.twins import SHARED, hold_apart
from storage.twins import COLUMN
from storage.unavailable import DatabaseUnavailable, shown

MARK = ".before-upgrade-from-"
SCHEMA = "before_upgrade_from_"
NOT_ALLOWED = "42501"


def copies_of(file: Path) -> list[Path]:
    return sorted(file.parent.glob(f"{file.name}{MARK}*"))


def keep_copy(file: Path, revision: str) -> Path:
    """As it was committed last, even while we hold the lock for writing. Raises DatabaseUnavailable."""
    copy = file.with_name(f"{file.name}{MARK}{revision}")
    unfinished = copy.with_name(f"{copy.name}.partial")
    try:
        unfinished.unlink(missing_ok=True)
        with (
            closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as there,
            closing(sqlite3.connect(unfinished)) as here,
        ):
            there.backup(here)
        os.replace(unfinished, copy)
    except (OSError, sqlite3.Error) as error:
        unfinished.unlink(missing_ok=True)
        raise DatabaseUnavailable(
            f"cannot keep a copy of {file} before its tables are changed: {error}. Make room beside it, then "
            "start again; nothing has been changed."
        ) from error
    return copy


def keep_tables(connection: Connection, revision: str) -> str:
    """Rows of every twin that is there, each still readable by its own alone; returns the schema's name.

    Only rows: keys and triggers are made anew by whoever goes back. Raises DatabaseUnavailable.
    """
    say, name = connection.exec_driver_sql, f"{SCHEMA}{revision}"
    try:
        say(f"DROP SCHEMA IF EXISTS {name} CASCADE")
        say(f"CREATE SCHEMA {name}")
        for table in inspect(connection).get_table_names():
            columns = {column["name"] for column in inspect(connection).get_columns(table)}
            apart = COLUMN in columns and table not in SHARED
            if apart:  # else the one twin that upgrades would see its own rows only
                say(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
            say(f"CREATE TABLE {name}.{table} AS TABLE {table}")
            if apart:
                say(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")
                hold_apart(connection, f"{name}.{table}")
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != NOT_ALLOWED:
            raise
        database, role = connection.engine.url.database, connection.engine.url.username
        raise DatabaseUnavailable(
            f"cannot keep a copy of {shown(connection.engine.url)} before its tables are changed: this user "
            "may not make a schema there. "
            f"GRANT CREATE ON DATABASE {database} TO {role}; or make a backup of your own (pg_dump) and set "
            "[storage] copy_before_upgrade = false. Nothing has been changed."
        ) from error
    return name


def drop_tables(connection: Connection) -> tuple[list[str], list[str]]:
    """Copies on Postgres that went, and those that are another role's to drop."""
    found = connection.exec_driver_sql(
        f"SELECT nspname, pg_has_role(nspowner, 'USAGE') FROM pg_namespace"
        f" WHERE starts_with(nspname, '{SCHEMA}') ORDER BY nspname"
    ).all()
    ours, others = [one for one, mine in found if mine], [one for one, mine in found if not mine]
    for name in ours:
        connection.exec_driver_sql(f"DROP SCHEMA {name} CASCADE")
    return ours, others

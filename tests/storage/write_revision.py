"""How does a database of an earlier twin come into the tests? `... write_revision.py REVISION POSTGRES_URL`.

Leads an empty database of each kind to that revision, puts a few made-up rows into every table, and writes
both down as SQL under tests/storage/revisions/. Run it before a release changes the tables.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from alembic import command
from sqlalchemy import Connection, create_engine, make_url
from sqlalchemy.ext.asyncio import create_async_engine

sys.path.insert(0, str(Path(__file__).parents[1]))
from every_table import fill

FOLDER = Path(__file__).parent / "revisions"


def lead(connection: Connection, revision: str) -> None:
    from storage.schema import _config

    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)
    fill(connection)


def write_sqlite(revision: str) -> None:
    with tempfile.TemporaryDirectory() as room:
        file = Path(room) / "twin.db"
        engine = create_engine(f"sqlite:///{file}")
        with engine.begin() as connection:
            lead(connection, revision)
        engine.dispose()
        target = FOLDER / f"{revision}.sqlite.sql"
        with closing(sqlite3.connect(file)) as raw:
            target.write_text("\n".join(_restorable(raw)) + "\n", encoding="utf-8")


def _restorable(raw: sqlite3.Connection) -> list[str]:
    """As `iterdump` has it, but a full-text index is made and filled anew: nobody may write its tables."""
    query = "SELECT name, sql FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'"
    indexes = dict(raw.execute(query).fetchall())
    lines = []
    for line in raw.iterdump():
        shadow = any(
            f'"{name}_' in line.split("(")[0] or f"'{name}_" in line.split("(")[0] for name in indexes
        )
        if not shadow and "sqlite_master" not in line and "writable_schema" not in line:
            lines.append(line)
    ending = lines.index("COMMIT;")
    made = [f"{sql};" for sql in indexes.values()]
    filled = [f"INSERT INTO {name} ({name}) VALUES ('rebuild');" for name in indexes]
    return [lines[0], *made, *lines[1:ending], *filled, *lines[ending:]]


async def lead_postgres(revision: str, url: str) -> None:
    engine = create_async_engine(url)
    async with engine.begin() as connection:
        await connection.run_sync(lead, revision)
    await engine.dispose()


def write_postgres(revision: str, url: str) -> None:
    asyncio.run(lead_postgres(revision, url))
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/pg_dump"))
    dump = [programs[-1] if programs else "pg_dump", "--inserts", "--no-owner", "--no-privileges"]
    told = subprocess.run([*dump, "--schema=public", plain], capture_output=True, text=True, check=True)
    skipped = ("--", "\\", "SELECT pg_catalog.set_config", "CREATE SCHEMA", "SET ", "COMMENT ON SCHEMA")
    lines = [line for line in told.stdout.splitlines() if line.strip() and not line.startswith(skipped)]
    target = FOLDER / f"{revision}.postgres.sql"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_sqlite(sys.argv[1])
    write_postgres(sys.argv[1], sys.argv[2])
    sys.stdout.write(json.dumps({"written": sorted(path.name for path in FOLDER.iterdir())}) + "\n")

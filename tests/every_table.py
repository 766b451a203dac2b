"""What does a row of any table look like? Made up from its columns, so that a new table has some."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import Connection, MetaData, Table, inspect, types

MOMENT = datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.UTC)
SAID = {  # where any words would do in the database, and not for the code that reads them
    "kind": {
        "records": "message",
        "feedback": "up",
        "runs": "sft",
        "memories": "message",
        "memory_shelves": "message",
    },
    "state": {"adapters": "live", "runs": "passed", "deliveries": "sent"},
    "role": {"feedback": "owner"},
    "precision": {"records": "second"},
    "zone_source": {"records": "explicit"},
    "consent": {"people": "agreed"},
    "audience": {"records": "owner"},
}
LISTS = {"attachments", "media", "tags", "lineage", "reasons", "author_roles", "scopes", "data"}


def _value(table: str, column: Any, number: int) -> Any:
    if words := SAID.get(column.name, {}).get(table):
        return words if not (table == "adapters" and number) else "retired"
    if column.foreign_keys or (table == "promotions" and column.name in ("version", "previous")):
        return "version 0" if table == "promotions" else None
    if column.name in LISTS:
        return [] if isinstance(column.type, types.JSON) else "[]"
    if isinstance(column.type, types.JSON):
        return None if column.nullable else {}
    if isinstance(column.type, types.Boolean):
        return False
    if isinstance(column.type, types.Integer):
        return number + 1
    if isinstance(column.type, types.Float | types.Numeric):
        return 0.5
    if isinstance(column.type, types.DateTime | types.TIMESTAMP):
        return None if column.nullable else MOMENT + datetime.timedelta(hours=number)
    if isinstance(column.type, types.LargeBinary):
        return b"0"
    return None if column.nullable else f"{column.name} {number}"


def fill(connection: Connection) -> None:
    """Two rows in every table but the schema's own and those that triggers fill."""
    every = MetaData()
    skip = {"alembic_version", "memories", "memory_shelves", "memory_vectors"}
    names = [n for n in inspect(connection).get_table_names() if n not in skip and "_words" not in n]
    for name in sorted(names, key=lambda one: (one == "promotions", one)):
        table = Table(name, every, autoload_with=connection)
        for number in range(2):
            row = {
                column.name: _value(name, column, number) for column in table.columns if column.name != "twin"
            }
            connection.execute(table.insert().values(row))

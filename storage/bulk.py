"""How do thousands of records go in at once? As rows of the driver's own values, made column by column.

SQLAlchemy binds value by value, which takes longer than the database does. Here each different value of a
column is bound once, by the very same types: most columns of a chat say the same over and over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC
from functools import partial
from itertools import chain, repeat
from operator import attrgetter
from typing import Any

import msgspec
from sqlalchemy import Dialect, Insert

from storage.columns import UtcTime, Words, in_utc, storable
from storage.records import Record, with_changes
from storage.tables import RecordRow, columns
from storage.twins import COLUMN

TOGETHER = 500  # rows of one statement; SQLite takes 32,766 values
_TEXTS = tuple(column.name for column in columns(RecordRow, Record) if isinstance(column.type, Words))
_texts = attrgetter(*_TEXTS)
Column = Sequence[Any]  # one field of many records
Bind = Callable[[Column], Iterable[Any]]


def all_as_kept(records: Sequence[Record]) -> Sequence[Record]:
    """As they will come back, so that comparing the two says whether anything changed."""
    fine = all(_is_storable(column) for column in _columns(records, map(attrgetter, _TEXTS)))
    tags = chain.from_iterable({record.tags for record in records})
    return records if fine and _is_storable([*tags]) else list(map(_as_kept, records))


def _columns(records: Sequence[Record], fields: Iterable[Callable[[Record], Any]]) -> Iterator[Column]:
    """Field by field, which is quicker than all fields of a record at once."""
    return (list(map(field, records)) for field in fields)


def _is_storable(column: Column) -> bool:
    everything = "\n".join(filter(None, column))
    return storable(everything) is everything


def _as_kept(record: Record) -> Record:
    everything = "\n".join([*filter(None, _texts(record)), *record.tags])
    if storable(everything) is everything:
        return record
    changes: dict[str, Any] = {}
    for name, value in zip(_TEXTS, _texts(record), strict=True):
        if value is not None and storable(value) is not value:
            changes[name] = storable(value)
    if (tags := tuple(map(storable, record.tags))) != record.tags:
        changes["tags"] = tags
    return with_changes(record, **changes) if changes else record


class BulkInsert:
    """One INSERT of whole records, compiled for one dialect: `statements` are it and what to execute it with.

    On SQLite many rows go into one statement: after each statement the index of the memories' words is
    written to the disk, and merged, which costs more than all the rest.
    """

    def __init__(self, insert: Insert, dialect: Dialect) -> None:
        keys = [column.name for column in insert.table.c if column.name != COLUMN]
        compiled: Any = insert.compile(dialect=dialect, column_keys=keys)
        names: list[str] = compiled.positiontup
        self._sql = str(compiled)
        self._row = f"({', '.join('?' * len(names))})"
        self._together = TOGETHER if dialect.name == "sqlite" and self._row in self._sql else 0
        self._fields = list(map(attrgetter, names))
        self._binders = [_binder(insert.table.c[name].type, dialect) for name in names]

    def statements(self, records: Sequence[Record]) -> Iterator[tuple[str, Any]]:
        """They add the records in this order; their texts are as `all_as_kept` leaves them."""
        columns = zip(self._binders, _columns(records, self._fields), strict=True)
        bound = [list(bind(column)) for bind, column in columns]
        if not self._together:
            yield self._sql, list(zip(*bound, strict=True))
            return
        for at in range(0, len(records), self._together):
            some = [column[at : at + self._together] for column in bound]
            sql = self._sql.replace(self._row, ", ".join([self._row] * len(some[0])), 1)
            yield sql, tuple(chain.from_iterable(zip(*some, strict=True)))


def _binder(type_: Any, dialect: Dialect) -> Bind:
    if isinstance(type_, Words):
        return lambda column: column
    if isinstance(type_, UtcTime) and dialect.name == "sqlite":
        return times
    return partial(_each_once, type_.dialect_impl(dialect).bind_processor(dialect))


def times(column: Column) -> Iterable[str | None]:
    """As SQLAlchemy writes them for SQLite; by way of JSON, in a sixth of the time."""
    known = [when if when.tzinfo is UTC else in_utc(when) for when in column if when is not None]
    if not known:
        return column
    in_json = msgspec.json.encode(known).decode()[2:-2].split('","')
    written = (f"{one[:10]} {one[11:19]}.{one[20:-1] or '000000'}" for one in in_json)
    return written if len(known) == len(column) else [when and next(written) for when in column]


def _each_once(bind: Callable[[Any], Any], column: Column) -> Iterable[Any]:
    if column.count(column[0]) == len(column):
        return repeat(bind(column[0]), len(column))
    bound = {value: bind(value) for value in set(column)}
    return map(bound.__getitem__, column)

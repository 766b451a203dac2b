"""How do thousands of records go in at once? As rows of the driver's own values, made column by column.

SQLAlchemy binds value by value, which takes longer than the database does. Here each different value of a
column is bound once, by the very same types: most columns of a chat say the same over and over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from operator import attrgetter
from typing import Any

from sqlalchemy import Dialect, Insert

from storage.columns import Words, storable
from storage.records import Record
from storage.tables import RecordRow, columns
from storage.twins import COLUMN

_TEXTS = tuple(column.name for column in columns(RecordRow, Record) if isinstance(column.type, Words))
_texts = attrgetter(*_TEXTS)


def as_kept(record: Record) -> Record:
    """As it will come back, so that comparing the two says whether anything changed."""
    everything = "\n".join([*filter(None, _texts(record)), *record.tags])
    if storable(everything) is everything:
        return record
    changes: dict[str, Any] = {}
    for name, value in zip(_TEXTS, _texts(record), strict=True):
        if value is not None and storable(value) is not value:
            changes[name] = storable(value)
    if (tags := tuple(map(storable, record.tags))) != record.tags:
        changes["tags"] = tags
    return replace(record, **changes) if changes else record


class BulkInsert:
    """One INSERT of whole records, compiled for one dialect: `sql`, and `rows` to execute it with."""

    def __init__(self, insert: Insert, dialect: Dialect) -> None:
        keys = [column.name for column in insert.table.c if column.name != COLUMN]
        compiled: Any = insert.compile(dialect=dialect, column_keys=keys)
        names = compiled.positiontup
        self.sql = str(compiled)
        self._values = attrgetter(*names)
        self._binders = [_binder(insert.table.c[name].type, dialect) for name in names]

    def rows(self, records: Sequence[Record]) -> list[tuple[Any, ...]]:
        """One for each record, in the order of `sql`; their texts are as `as_kept` leaves them."""
        columns = zip(*map(self._values, records), strict=True)
        return list(zip(*map(_bound, self._binders, columns), strict=True))


def _binder(type_: Any, dialect: Dialect) -> Any:
    return None if isinstance(type_, Words) else type_.dialect_impl(dialect).bind_processor(dialect)


def _bound(bind: Any, column: tuple[Any, ...]) -> Sequence[Any] | Iterator[Any]:
    if bind is None:
        return column
    bound = {value: bind(value) for value in set(column)}
    return map(bound.__getitem__, column)

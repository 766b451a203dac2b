"""How is a query that every answer asks put to SQLite? It is put together once, and goes past the driver.

What SQLAlchemy says of the columns still holds: how a value goes in, and what comes out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from storage.reader import Query

DIALECT = sqlite.dialect(paramstyle="named")


class Prepared:
    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        compiled = query.compile(dialect=DIALECT)
        kinds = [(name, value.type.dialect_impl(DIALECT)) for value, name in compiled.bind_names.items()]
        kinds_out = [column.type.dialect_impl(DIALECT) for column in query.selected_columns]
        out_of = [(place, kind.result_processor(DIALECT, None)) for place, kind in enumerate(kinds_out)]
        self._sql = str(compiled)
        self._bound = compiled.params
        self._into = [(name, kind.bind_processor(DIALECT)) for name, kind in kinds]
        self._out_of = [(place, process) for place, process in out_of if process]

    def asking(self, values: Mapping[str, Any]) -> Query:
        named = {**self._bound, **values}
        return self._sql, {
            name: process(named[name]) if process else named[name] for name, process in self._into
        }

    def found(self, rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
        found = [*map(list, rows)]
        for row in found:
            for place, process in self._out_of:
                row[place] = process(row[place])
        return found


@cache
def prepared(query: Select[*tuple[Any, ...]]) -> Prepared:
    """For a query that is made once and kept: it is remembered by what it is, not by what it says."""
    return Prepared(query)

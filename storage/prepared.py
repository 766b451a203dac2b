"""How is a query that every answer asks put to SQLite? It is put together once, and goes past the driver.

What SQLAlchemy says of the columns still holds: how a value goes in, and what comes out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Select
from sqlalchemy.dialects import sqlite

from storage.reader import Steps

DIALECT = sqlite.dialect(paramstyle="named")
Process = Callable[[Any], Any]


def asking(query: Select[*tuple[Any, ...]], values: Mapping[str, Any]) -> Steps[list[tuple[Any, ...]]]:
    """The rows of a query that is made once and kept: it is remembered by what it is, not by what it says."""
    sql, bound, into, out_of = _prepared(query)
    named = {**bound, **values}
    rows = yield sql, {name: process(named[name]) if process else named[name] for name, process in into}
    found = [[*row] for row in rows]
    for row in found:
        for place, process in out_of:
            row[place] = process(row[place])
    return [tuple(row) for row in found]


@cache
def _prepared(
    query: Select[*tuple[Any, ...]],
) -> tuple[str, Mapping[str, Any], Sequence[tuple[str, Process | None]], Sequence[tuple[int, Process]]]:
    """Its SQL, the values that stand in it, how each goes in, and what comes out of some columns."""
    compiled = query.compile(dialect=DIALECT)
    kinds = [(name, value.type.dialect_impl(DIALECT)) for value, name in compiled.bind_names.items()]
    into = [(name, kind.bind_processor(DIALECT)) for name, kind in kinds]
    kinds_out = [column.type.dialect_impl(DIALECT) for column in query.selected_columns]
    out_of = [(place, kind.result_processor(DIALECT, None)) for place, kind in enumerate(kinds_out)]
    return str(compiled), compiled.params, into, [(place, one) for place, one in out_of if one]

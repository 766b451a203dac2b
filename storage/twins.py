"""Whose is it? Several twins may live on one Postgres server, and none of them sees another's rows.

Every table has a column `twin`. On Postgres each key and index begins with it, row security compares it with
what the connection says it is, and what is here lets every statement say it as well: so that one of the two
is enough. An SQLite file is of one twin: there the column is a constant that no row can contradict.
"""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import Delete, Dialect, Table, Update, literal_column
from sqlalchemy.dialects import postgresql

THE_ONE = "twin"  # where there is one twin only, nobody needs to name it
SLUG = r"[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?"  # as it may stand in SQL, in a path, in a model's name
COLUMN = "twin"
SETTING = "twin.id"  # what a connection to Postgres says whose it is


def checked(twin: str) -> str:
    """It is written into statements as it is. Raises ValueError."""
    if not re.fullmatch(SLUG, twin):
        raise ValueError(
            f"{twin!r} cannot be a twin's id: take up to 40 letters a-z, digits, and hyphens in between"
        )
    return twin


def let_it_say(dialect: Dialect, twin: str) -> None:
    """Whatever this dialect compiles from now on reads, changes and deletes rows of this twin only.

    Where a statement is compiled, because that is done once for each, and no query can be put together past
    it. SQL that is given as text says it itself.
    """

    class OfOneTwin(dialect.statement_compiler):  # type: ignore[misc,name-defined]
        def visit_table(
            self,
            table: Table,
            asfrom: bool = False,
            iscrud: bool = False,
            enclosing_alias: Any = None,
            **about: Any,
        ) -> str:
            name: str = super().visit_table(
                table, asfrom=asfrom, iscrud=iscrud, enclosing_alias=enclosing_alias, **about
            )
            if not asfrom or iscrud or COLUMN not in table.c:
                return name
            rows = f"(SELECT * FROM {name} WHERE {COLUMN} = '{twin}')"
            named = getattr(enclosing_alias, "element", None) is table
            return rows if named else f"{rows} AS {name}"

        def visit_update(self, update_stmt: Update, *args: Any, **about: Any) -> str:
            return str(super().visit_update(_its_own(update_stmt), *args, **about))

        def visit_delete(self, delete_stmt: Delete, *args: Any, **about: Any) -> str:
            return str(super().visit_delete(_its_own(delete_stmt), *args, **about))

    def _its_own(change: Any) -> Any:
        column = change.table.c.get(COLUMN)
        return change if column is None else change.where(column == literal_column(f"'{twin}'"))

    checked(twin)
    dialect.statement_compiler = OfOneTwin


class Insert(postgresql.Insert):
    """What is there already is there for this twin: the same id of another one is no conflict."""

    inherit_cache = True

    def on_conflict_do_nothing(self, **how: Any) -> Insert:  # type: ignore[override]
        return super().on_conflict_do_nothing(**_of_this_twin(how))

    def on_conflict_do_update(self, **how: Any) -> Insert:  # type: ignore[override]
        return super().on_conflict_do_update(**_of_this_twin(how))


def _of_this_twin(how: dict[str, Any]) -> dict[str, Any]:
    if "index_elements" not in how:  # whatever is there already: each key begins with the twin
        return how
    return {**how, "index_elements": [COLUMN, *how["index_elements"]]}

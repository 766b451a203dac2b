"""How is a CSV file of any size, possibly damaged, read row by row in bounded memory?"""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator

from ingest.files import Export
from ingest.rows import MAX_LINE, why
from ingest.source import place
from storage.records import Skipped

Row = tuple[str, dict[str, str]]  # where it is, and its values by column, in small letters


def heads(export: Export, name: str) -> list[str]:
    """The names of the columns, in small letters; empty when there are none to read."""
    head = export.head(name, 1 << 13).decode("utf-8-sig", errors="replace")
    try:
        return _small(next(filter(None, csv.reader(io.StringIO(head, newline=""))), []))
    except csv.Error:
        return []


def rows(export: Export, name: str, needed: Collection[str] = ()) -> Iterator[Row | Skipped]:
    """Every row; one that cannot be read costs itself. `needed` columns must be there."""
    number = 0
    try:
        with export.open(name) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
            lines = csv.reader(iter(lambda: text.readline(MAX_LINE), ""))
            columns: list[str] | None = None
            while True:
                number += 1
                try:
                    row = next(lines)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Skipped(place(name, number), f"not a line of CSV ({error})")
                    continue
                if not row:
                    continue
                if columns is None:
                    columns = _small(row)
                    if missing := [one for one in needed if one not in columns]:
                        yield Skipped(name, f"the first line names no column {missing[0]!r}")
                        return
                elif len(row) < len(columns):
                    yield Skipped(place(name, number), "the line breaks off")
                else:
                    yield place(name, number), dict(zip(columns, row, strict=False))
    except OSError as error:
        yield Skipped(place(name, f"after {number}"), why(error))


def _small(row: list[str]) -> list[str]:
    return [" ".join(cell.lower().split()) for cell in row]

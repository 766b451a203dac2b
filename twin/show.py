"""How is something shown? Words, tables and progress for people; one JSON object for machines."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import Struct, structs
from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape as escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from storage.whose import whose

OnProgress = Callable[[float, str], None]

people = Console(stderr=True, highlight=False)  # what happens; never mixed with a command's result
result = Console(highlight=False, soft_wrap=True)


def as_json(value: Any) -> None:
    """The result as one JSON object (or one per line, for a list) on standard output."""
    any_letter = (sys.stdout.encoding or "").lower().startswith("utf")
    sys.stdout.write(json.dumps(value, ensure_ascii=not any_letter, default=_plain) + "\n")


def write_lines(path: Path, rows: Iterable[Any]) -> int:
    """The rows as JSONL, whole or not at all: a full disk leaves no half a file under the right name."""
    for wrong, number in ((path.is_dir(), errno.EISDIR), (not path.parent.is_dir(), errno.ENOENT)):
        if wrong:  # else it would be told of a name that nobody gave
            raise OSError(number, os.strerror(number), str(path))
    beside = path.with_name(f".{path.name}.part")
    count = 0
    try:
        with beside.open("w", encoding="utf-8") as file:
            for row in rows:
                file.write(json.dumps(row, ensure_ascii=False, default=_plain) + "\n")
                count += 1
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return count


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    if isinstance(value, Struct):
        return structs.asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, to: Console = result
) -> None:
    grid = Table(
        title=title, title_justify="left", title_style="bold", header_style="bold", box=None, pad_edge=False
    )
    for column in columns:
        grid.add_column(column, overflow="fold")
    for row in rows:
        grid.add_row(*(escape(str(cell)) for cell in row))
    to.print(grid)


def sentence(text: str) -> None:
    """A word to the person, on standard error."""
    people.print(escape(f"{name}: {text}" if (name := whose()) else text))


@contextmanager
def progress(what: str) -> Iterator[OnProgress]:
    """A bar while it lasts; without a terminal, a line at every quarter."""
    if people.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:>3.0f}%"))
        with Progress(
            *columns, TimeElapsedColumn(), TextColumn("{task.fields[note]}"), console=people
        ) as bars:
            task = bars.add_task(what, total=1.0, note="")
            yield lambda fraction, note: bars.update(task, completed=fraction, note=escape(note))
            bars.update(task, completed=1.0)
        return
    told = -1

    def tell(fraction: float, note: str) -> None:
        nonlocal told
        if (quarter := int(4 * fraction)) > told:
            told = quarter
            sentence(f"{what}: {25 * quarter}%  {note}".rstrip())

    yield tell


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:,.0f}/s" if task.speed else "")


@contextmanager
def counting(what: str) -> Iterator[Callable[[int], None]]:
    """A count and its rate, where nobody knows how much there is."""
    if not people.is_terminal:
        yield lambda count: None
        return
    columns = (
        TextColumn("{task.description}"),
        TextColumn("{task.completed:,.0f}"),
        _Rate(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=people) as bars:
        task = bars.add_task(what, total=None)
        yield lambda count: bars.update(task, completed=count)

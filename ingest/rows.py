"""How do the items of an export's file come out one by one? From JSON, or from lines. Tables: csv_rows.py.

A bad item is a Skipped in its place; a file that breaks off yields all before the break, then one Skipped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

from msgspec.json import Decoder

from ingest.drift import Known
from ingest.files import Export
from ingest.json_stream import ANYTHING, BadValue, Broken, JsonStream
from ingest.source import place
from storage.records import Skipped

MAX_LINE = 1 << 20  # characters


class Piece(NamedTuple):
    """One item of a file: an element of the list `key` (empty: of the file itself), or the value of `key`."""

    key: str
    value: Any
    where: str


class Batch(NamedTuple):
    """Items of one key that came together: each value, and which spot of the file it has (see `place`)."""

    key: str
    values: Sequence[Any]
    spots: Sequence[int | str]


def json_pieces(
    export: Export,
    name: str,
    lists: Collection[str] = (),
    about: Collection[str] = (),
    start: Callable[[BinaryIO], None] = lambda file: None,
    root: Known | None = None,
) -> Iterator[Piece | Skipped]:
    """The elements of a JSON list; of a JSON object its `about` values whole, its `lists` by element.

    Everything else is passed over; what `root` does not know of it is told as drift. `start` may move past
    what stands before the JSON.
    """
    for batch in json_batches(export, name, lists, about, start, root):
        if isinstance(batch, Skipped):
            yield batch
        else:
            for value, spot in zip(batch.values, batch.spots, strict=True):
                yield Piece(batch.key, value, place(name, spot))


def json_batches(
    export: Export,
    name: str,
    lists: Collection[str] = (),
    about: Collection[str] = (),
    start: Callable[[BinaryIO], None] = lambda file: None,
    root: Known | None = None,
    decoder: Decoder[list[Any]] = ANYTHING,
) -> Iterator[Batch | Skipped]:
    """The same, as many at a time as were decoded in one go, for chats of millions.

    `decoder` may leave things out of the elements, or make something of them, but need not.
    """
    reading = _Reading(name)
    try:
        with export.open(name) as file:
            start(file)
            stream = JsonStream(file)
            if stream.peek() == "[" or not (lists or about):
                yield from reading.elements(stream, "", decoder)
                return
            found = False
            for key in stream.members():
                found = found or key in lists
                if key in lists and stream.peek() == "[":
                    yield from reading.elements(stream, key, decoder)
                elif key in about:
                    yield _one(stream, key, name, key)
                else:
                    if root and key not in root.fields:
                        export.drift.passed_over("file", key, stream.peek())
                    stream.skip()
            if lists and not found:
                yield Skipped(place(name, "end"), "nothing of what such a file holds is in it")
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {reading.number}"), why(error))


@dataclass(slots=True)
class _Reading:
    """How far we are: this many elements of the file's lists have begun."""

    name: str
    number: int = 0

    def elements(
        self, stream: JsonStream, key: str, decoder: Decoder[list[Any]]
    ) -> Iterator[Batch | Skipped]:
        """Those of the list that begins here."""
        for _ in stream.items():
            self.number += 1
            yield _one(stream, key, self.name, self.number)
            for values in stream.together(decoder):
                first = self.number + 1
                self.number += len(values)
                yield Batch(key, values, range(first, first + len(values)))


def _one(stream: JsonStream, key: str, name: str, spot: int | str) -> Batch | Skipped:
    try:
        return Batch(key, [stream.value()], [spot])
    except BadValue as error:
        return Skipped(place(name, spot), str(error))


def json_lines(export: Export, name: str) -> Iterator[Piece | Skipped]:
    """One JSON value a line; empty lines are passed over."""
    for number, line in text_lines(export, name):
        if isinstance(line, Skipped):
            yield line
        elif line.strip():
            where = place(name, number)
            try:
                yield Piece("", json.loads(line, strict=False), where)
            except (ValueError, RecursionError):
                yield Skipped(where, "not valid JSON")


def text_lines(export: Export, name: str) -> Iterator[tuple[int, str | Skipped]]:
    """Each line without its end, numbered from 1; of an endless line no more than its beginning."""
    number = 0
    try:
        with export.open(name) as file:
            text = io.TextIOWrapper(file, encoding=_encoding(export.head(name, 1 << 16)), errors="replace")
            while line := text.readline(MAX_LINE):
                number += 1
                yield number, line.rstrip("\n")
                while line and not line.endswith("\n"):
                    line = text.readline(MAX_LINE)
    except OSError as error:
        yield number, Skipped(place(name, f"after {number}"), why(error))


def _encoding(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        head[:-4].decode("utf-8-sig")  # the last letter may be cut in two
    except UnicodeDecodeError:
        return "cp1252"
    return "utf-8-sig"


def load(export: Export, name: str) -> Any:
    """A small JSON file whole; None when there is none, or it is broken."""
    if not export.holds(name):
        return None
    try:
        with export.open(name) as file:
            return JsonStream(file).value()
    except (BadValue, Broken, OSError):
        return None


def why(error: Exception) -> str:
    return str(error) if isinstance(error, Broken) else f"the file cannot be read any further ({error})"

"""How do the items of an export's file come out one by one? From JSON, or from lines. Tables: csv_rows.py.

A bad item is a Skipped in its place; a file that breaks off yields all before the break, then one Skipped.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterator
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


def json_pieces(
    export: Export,
    name: str,
    lists: Collection[str] = (),
    about: Collection[str] = (),
    start: Callable[[BinaryIO], None] = lambda file: None,
    root: Known | None = None,
    decoder: Decoder[list[Any]] = ANYTHING,
) -> Iterator[Piece | Skipped]:
    """The elements of a JSON list; of a JSON object its `about` values whole, its `lists` by element.

    Everything else is passed over; what `root` does not know of it is told as drift. `start` may move past
    what stands before the JSON; `decoder` may leave things out of the elements, but need not.
    """
    number = 0
    try:
        with export.open(name) as file:
            start(file)
            stream = JsonStream(file)
            if stream.peek() == "[" or not (lists or about):
                for _ in stream.items():
                    number += 1
                    yield _piece(stream, "", place(name, number))
                    for value in stream.in_sight(decoder):
                        number += 1
                        yield Piece("", value, place(name, number))
                return
            found = False
            for key in stream.members():
                found = found or key in lists
                if key in lists and stream.peek() == "[":
                    for _ in stream.items():
                        number += 1
                        yield _piece(stream, key, place(name, number))
                        for value in stream.in_sight(decoder):
                            number += 1
                            yield Piece(key, value, place(name, number))
                elif key in about:
                    yield _piece(stream, key, place(name, key))
                else:
                    if root and key not in root.fields:
                        export.drift.passed_over("file", key, stream.peek())
                    stream.skip()
            if lists and not found:
                yield Skipped(place(name, "end"), "nothing of what such a file holds is in it")
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {number}"), why(error))


def _piece(stream: JsonStream, key: str, where: str) -> Piece | Skipped:
    try:
        return Piece(key, stream.value(), where)
    except BadValue as error:
        return Skipped(where, str(error))


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

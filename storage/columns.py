"""How does one value of a record lie in a column? Private to storage."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, DateTime, Dialect, Text, func, type_coerce
from sqlalchemy.orm import QueryableAttribute
from sqlalchemy.types import TypeDecorator

from storage.records import Attachment, Media, Stamp


def storable(text: str) -> str:
    """The same text as any database takes it; in exports there are NULs and halves of emoji."""
    if "\x00" in text:
        text = text.replace("\x00", "\N{REPLACEMENT CHARACTER}")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def plain(value: Any) -> Any:
    """The same value as JSON knows it: mappings are dicts, sequences are lists, a loss of NaN is null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return value


class Words(TypeDecorator[str]):
    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else storable(value)


def in_utc(when: datetime) -> datetime:
    if when.tzinfo is None:
        raise ValueError(f"{when} has no time zone; records carry aware times")
    return when.astimezone(UTC)


class UtcTime(TypeDecorator[datetime]):
    """Goes in aware, comes back aware and in UTC, also on SQLite, which keeps no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else in_utc(value)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def as_time(value: datetime | str) -> datetime:
    """A time that was read past SQLAlchemy: SQLite's are text."""
    if isinstance(value, str):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.astimezone(UTC)


class JsonObject(TypeDecorator[Mapping[str, Any]]):
    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, Any] | None, dialect: Dialect) -> Any:
        return None if value is None else plain(value)


class Strings(TypeDecorator[tuple[str, ...]]):
    """A JSON list kept as text, so that a query can look for one string in it (see `contains`)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str:
        return json.dumps(plain(value)) if value else "[]"

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...]:
        return tuple(json.loads(value)) if value and value != "[]" else ()


def contains(strings: QueryableAttribute[tuple[str, ...]], wanted: str) -> ColumnElement[bool]:
    """Is this very string one of them? Not LIKE: on SQLite that would take "Work" for "work"."""
    as_text = type_coerce(strings, Text)
    return func.replace(as_text, json.dumps(plain(wanted)), "") != as_text


class Attachments(TypeDecorator[tuple[Attachment, ...]]):
    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[Attachment, ...] | None, dialect: Dialect) -> Any:
        return [[plain(item.kind), item.sha256] for item in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Attachment, ...]:
        return tuple(Attachment(*item) for item in value)


class MediaList(TypeDecorator[tuple[Media, ...]]):
    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: tuple[Media, ...] | None, dialect: Dialect) -> Any:
        return [[plain(getattr(item, field.name)) for field in fields(Media)] for item in value or ()]

    def process_result_value(self, value: Any, dialect: Dialect) -> tuple[Media, ...]:
        return tuple(Media(*item) for item in value)


class StampColumn(TypeDecorator[Stamp]):
    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Stamp | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        return {field.name: plain(getattr(value, field.name)) for field in fields(Stamp)}

    def process_result_value(self, value: Any, dialect: Dialect) -> Stamp | None:
        if value is None:
            return None
        lists = {name: tuple(value.get(name, ())) for name in ("prompt", "recalled", "speakers", "pictures")}
        return Stamp(**{**value, **lists})

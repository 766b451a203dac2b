"""What do Discord's ids, times and markup mean? Its package and its exporter both need it."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from ingest.source import marked
from storage.records import ZoneSource, stable_id

_MARKUP = re.compile(
    r"<(?:@!?(?P<user>\d{5,20})|(?P<other>@&|#)\d{5,20}|a?:(?P<emoji>\w+):\d+|t:-?\d+(?::\w)?)>"
)
_FIRST_SNOWFLAKE = 1 << 22  # smaller ids carry no time
_EPOCH = 1_420_070_400


def record_id(message_id: str) -> str:
    """By the snowflake alone, unique on all of Discord: one message is one record, whichever way it came."""
    return stable_id("discord", message_id)


def said_at(message_id: str, written: Any) -> tuple[datetime | None, ZoneSource]:
    """The time as written, UTC by the format's word; the id's own where that is missing or far off."""
    number = int(message_id)
    by_id = (number >> 22) / 1000 + _EPOCH if number >= _FIRST_SNOWFLAKE else None
    try:
        when = datetime.fromisoformat(written.strip())
        naive = when.tzinfo is None
        if when.tzinfo is not UTC:
            when = when.replace(tzinfo=UTC) if naive else when.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        return _whole_second(by_id), ZoneSource.EXPLICIT
    if by_id and abs(by_id - when.timestamp()) > 60:
        return _whole_second(by_id), ZoneSource.EXPLICIT
    return when, ZoneSource.SCHEMA if naive else ZoneSource.EXPLICIT


def _whole_second(since_1970: float | None) -> datetime | None:
    return datetime.fromtimestamp(int(since_1970), UTC) if since_1970 else None


def plain(text: str) -> str:
    """Without Discord's markup; a mention keeps who is meant."""
    return _MARKUP.sub(_plain, text) if "<" in text else text


def _plain(found: re.Match[str]) -> str:
    if found["user"]:
        return "@" + marked("person", f"discord:{found['user']}")
    if found["emoji"]:
        return f":{found['emoji']}:"
    return {"@&": "@role", "#": "#channel"}.get(found["other"] or "", "")

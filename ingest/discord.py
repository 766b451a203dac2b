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
    by_id = None
    if int(message_id) >= _FIRST_SNOWFLAKE:
        by_id = datetime.fromtimestamp((int(message_id) >> 22) // 1000 + _EPOCH, UTC)
    try:
        when = datetime.fromisoformat(written.strip())
        naive = when.tzinfo is None
        when = when.replace(tzinfo=UTC) if naive else when.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        return by_id, ZoneSource.EXPLICIT
    if by_id and abs((by_id - when).total_seconds()) > 60:
        return by_id, ZoneSource.EXPLICIT
    return when, ZoneSource.SCHEMA if naive else ZoneSource.EXPLICIT


def plain(text: str) -> str:
    """Without Discord's markup; a mention keeps who is meant."""
    return _MARKUP.sub(_plain, text) if "<" in text else text


def _plain(found: re.Match[str]) -> str:
    if found["user"]:
        return "@" + marked("person", f"discord:{found['user']}")
    if found["emoji"]:
        return f":{found['emoji']}:"
    return {"@&": "@role", "#": "#channel"}.get(found["other"] or "", "")

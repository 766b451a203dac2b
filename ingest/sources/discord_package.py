"""What is in Discord's own data package? Everything the owner wrote there, and nothing anybody else did.

A folder or a zip. Folder names are translated, capitalised and prefixed as the years go by, so channels are
known by what they hold: a numbered folder with a channel.json and messages.json (since 2024) or messages.csv.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.clean import well_formed
from ingest.files import Export, open_export
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.source import OWNER, Owner, Person, Source, marked, place
from storage.records import Attachment, Kind, Record, Skipped, ZoneSource, stable_id

_CHANNEL = re.compile(r"(?P<folder>(?:.*/)?c?(?P<id>\d{5,20}))/messages\.(?:json|csv)")
_ACCOUNT = re.compile(r"(?:[^/]+/){0,2}user\.json")
_DIRECT = re.compile(r"(?:Direct Message with )?(?P<name>.{1,40}?)#\d{1,5}")
_MARKUP = re.compile(
    r"<(?:@!?(?P<user>\d{5,20})|(?P<other>@&|#)\d{5,20}|a?:(?P<emoji>\w+):\d+|t:-?\d+(?::\w)?)>"
)
_FIRST_SNOWFLAKE = 1 << 22  # smaller ids carry no time
_DISCORD_EPOCH = 1_420_070_400
_MAX_LINE = 1 << 20
_KINDS = {
    **dict.fromkeys(("png", "jpg", "jpeg", "gif", "webp", "heic", "avif"), "image"),
    **dict.fromkeys(("mp4", "mov", "webm", "mkv"), "video"),
    **dict.fromkeys(("ogg", "mp3", "wav", "m4a", "flac"), "audio"),
}


def recognise(path: Path) -> float:
    with open_export(path) as export:
        channels = [name for name in export.names if _CHANNEL.fullmatch(name)]
        if not channels:
            return 0.0
        described = any(name.rpartition("/")[0] + "/channel.json" in export.names for name in channels[:5])
        return 0.95 if described else 0.6


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Friends and other relationships, and whoever the owner exchanged direct messages with."""
    with open_export(path) as export:
        account = _account(export)
        own = {str(account.get("id")), *owner.accounts.get("discord", ())}
        for friend in _list(account.get("relationships")):
            user = _dict(_dict(friend).get("user")) or _dict(friend)
            if user_id := _id(user.get("id") or _dict(friend).get("id")):
                names = (_dict(friend).get("nickname"), user.get("global_name"), user.get("display_name"))
                yield Person(f"discord:{user_id}", _strings(*names), _strings(user.get("username")))
        titles: dict[str, Any] = {}
        for name in export.names:
            if name.endswith("/index.json"):
                titles |= _dict(_load(export, name))
        for name in export.names:
            if not _CHANNEL.fullmatch(name):
                continue
            channel = _dict(_load(export, f"{name.rpartition('/')[0]}/channel.json"))
            others = [one for one in map(_id, _list(channel.get("recipients"))) if one and one not in own]
            title = _DIRECT.fullmatch(str(titles.get(str(channel.get("id"))) or ""))
            if len(others) == 1:
                yield Person(f"discord:{others[0]}", (), _strings(title["name"]) if title else ())


def read(path: Path, owner: Owner) -> Iterator[Record | Skipped]:
    """The owner's messages, channel by channel."""
    with open_export(path) as export:
        yield from export.refused
        account = _id(_account(export).get("id"))
        if account and owner.has_account("discord", account) is False:
            yield Skipped(
                str(path.name),
                f"this package is account {account}'s, which is not in [owner] accounts.discord",
            )
            return
        channels = [(name, found) for name in export.names if (found := _CHANNEL.fullmatch(name))]
        if not channels:
            yield Skipped(str(path.name), "no folder with a Discord channel's messages in it")
        for name, found in channels:
            about = f"{found['folder']}/channel.json"
            if about in export.names and not isinstance(_load(export, about), dict):
                yield Skipped(about, "not valid JSON; its messages are read all the same")
            rows = _json_rows(export, name) if name.endswith(".json") else _csv_rows(export, name)
            for row in rows:
                yield row if isinstance(row, Skipped) else _record(*row, found["id"])


def _record(where: str, row: dict[Any, Any], channel_id: str) -> Record | Skipped:
    message_id = _id(row.get("ID"))
    if not message_id:
        return Skipped(where, "no message id")
    said_at, zone_source = _said_at(int(message_id), row.get("Timestamp"))
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = row.get("Contents")
    if not isinstance(text, str) or not text.strip():
        return Skipped(where, "no words in it", failed=False)
    links = row.get("Attachments")
    return Record(
        id=stable_id("discord", message_id),
        source="discord_package",
        kind=Kind.MESSAGE,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"discord:{channel_id}",
        said_at=said_at,
        text=_MARKUP.sub(_plain, text),
        attachments=tuple(_attachment(link) for link in links.split()[:20]) if isinstance(links, str) else (),
        audience=f"discord:{channel_id}",
        origin=where,
        zone_source=zone_source,
    )


def _said_at(message_id: int, written: Any) -> tuple[datetime | None, ZoneSource]:
    """The time as written, UTC by the format's word; the id's own where that is missing or far off."""
    by_id = None
    if message_id >= _FIRST_SNOWFLAKE:
        by_id = datetime.fromtimestamp((message_id >> 22) // 1000 + _DISCORD_EPOCH, UTC)
    try:
        said_at = datetime.fromisoformat(written.strip())
        naive = said_at.tzinfo is None
        said_at = said_at.replace(tzinfo=UTC) if naive else said_at.astimezone(UTC)
    except (AttributeError, ValueError, OverflowError):
        return by_id, ZoneSource.EXPLICIT
    if by_id and abs((by_id - said_at).total_seconds()) > 60:
        return by_id, ZoneSource.EXPLICIT
    return said_at, ZoneSource.SCHEMA if naive else ZoneSource.EXPLICIT


def _plain(found: re.Match[str]) -> str:
    if found["user"]:
        return "@" + marked("person", f"discord:{found['user']}")
    if found["emoji"]:
        return f":{found['emoji']}:"
    return {"@&": "@role", "#": "#channel"}.get(found["other"] or "", "")


def _attachment(link: str) -> Attachment:
    ending = link.partition("?")[0].rpartition(".")[2].lower()
    return Attachment(_KINDS.get(ending, "file"))


def _json_rows(export: Export, name: str) -> Iterator[tuple[str, dict[Any, Any]] | Skipped]:
    number = 0
    try:
        with export.open(name) as file:
            stream = JsonStream(file)
            for _ in stream.items():
                number += 1
                try:
                    row = stream.value()
                except BadValue as error:
                    yield Skipped(place(name, number), str(error))
                    continue
                where = place(name, number)
                yield (where, row) if isinstance(row, dict) else Skipped(where, "not a message")
    except (Broken, OSError) as error:
        yield Skipped(place(name, f"after {number}"), _why(error))


def _csv_rows(export: Export, name: str) -> Iterator[tuple[str, dict[Any, Any]] | Skipped]:
    number = 0
    try:
        with export.open(name) as file:
            text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="replace", newline="")
            rows = csv.reader(iter(lambda: text.readline(_MAX_LINE), ""))
            heads: list[str] | None = None
            while True:
                number += 1
                try:
                    row = next(rows)
                except StopIteration:
                    return
                except csv.Error as error:
                    yield Skipped(place(name, number), f"not a line of CSV ({error})")
                    continue
                if heads is None:
                    heads = row
                    if "ID" not in heads:
                        yield Skipped(name, "the first line does not name the columns of a Discord export")
                        return
                elif len(row) < len(heads):
                    yield Skipped(place(name, number), "the line breaks off")
                else:
                    yield place(name, number), dict(zip(heads, row, strict=False))
    except OSError as error:
        yield Skipped(place(name, f"after {number}"), _why(error))


def _account(export: Export) -> dict[Any, Any]:
    """The owner's user.json: the one nearest the top, for there are others deeper down."""
    for name in sorted(filter(_ACCOUNT.fullmatch, export.names), key=lambda name: name.count("/")):
        found = _dict(_load(export, name))
        if _id(found.get("id")) and "username" in found:
            return found
    return {}


def _load(export: Export, name: str) -> Any:
    if name not in export.names:
        return None
    try:
        with export.open(name) as file:
            return JsonStream(file).value()
    except (BadValue, Broken, OSError):
        return None


def _why(error: Exception) -> str:
    return str(error) if isinstance(error, Broken) else f"the file cannot be read any further ({error})"


def _id(value: Any) -> str | None:
    """Ids are larger than 2^53 and come as numbers or strings; a float has lost its last digits."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    if isinstance(value, int):
        return str(value) if 0 < value < 1 << 63 else None
    value = value.strip()
    return (
        str(int(value))
        if value.isascii() and value.isdigit() and len(value) <= 20 and int(value) < 1 << 63
        else None
    )


def _dict(value: Any) -> dict[Any, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _strings(*values: Any) -> tuple[str, ...]:
    return tuple(well_formed(value) for value in values if isinstance(value, str) and value.strip())


SOURCE = Source("discord_package", recognise, read, people)

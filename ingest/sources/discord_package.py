"""What is in Discord's own data package? Everything the owner wrote there, and nothing anybody else did.

A folder or a zip. Folder names are translated, capitalised and prefixed as the years go by, so channels are
known by what they hold: a numbered folder with a channel.json and messages.json (since 2024) or messages.csv.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ingest.attachments import attachment
from ingest.csv_rows import rows
from ingest.discord import plain, record_id, said_at
from ingest.drift import known
from ingest.files import Export, open_export
from ingest.rows import json_pieces, load
from ingest.source import OWNER, Owner, Person, Read, Source
from ingest.values import as_dict, as_id, as_list, texts
from storage.records import Kind, Record, Skipped

_CHANNEL = re.compile(r"(?P<folder>(?:.*/)?c?(?P<id>\d{5,20}))/messages\.(?:json|csv)")
_ACCOUNT = re.compile(r"(?:[^/]+/){0,2}user\.json")
_MESSAGE = known("id timestamp contents attachments")  # in small letters
_CHANNEL_ABOUT = known("id type name guild recipients")
_DIRECT = re.compile(r"(?:Direct Message with )?(?P<name>.{1,40}?)#\d{1,5}")


def recognise(path: Path) -> float:
    with open_export(path) as export:
        channels = [name for name in export.names if _CHANNEL.fullmatch(name)]
        if not channels:
            return 0.0
        described = any(export.holds(name.rpartition("/")[0] + "/channel.json") for name in channels[:5])
        return 0.95 if described else 0.6


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Friends and other relationships, and whoever the owner exchanged direct messages with."""
    with open_export(path) as export:
        account = _account(export)
        own = {str(account.get("id")), *owner.accounts.get("discord", ())}
        for friend in as_list(account.get("relationships")):
            user = as_dict(as_dict(friend).get("user")) or as_dict(friend)
            if user_id := as_id(user.get("id") or as_dict(friend).get("id")):
                names = (as_dict(friend).get("nickname"), user.get("global_name"), user.get("display_name"))
                yield Person(f"discord:{user_id}", texts(*names), texts(user.get("username")))
        titles: dict[str, Any] = {}
        for name in export.names:
            if name.endswith("/index.json"):
                titles |= as_dict(load(export, name))
        for name in export.names:
            if not _CHANNEL.fullmatch(name):
                continue
            channel = as_dict(load(export, f"{name.rpartition('/')[0]}/channel.json"))
            others = [one for one in map(as_id, as_list(channel.get("recipients"))) if one and one not in own]
            title = _DIRECT.fullmatch(str(titles.get(str(channel.get("id"))) or ""))
            if len(others) == 1:
                yield Person(f"discord:{others[0]}", (), texts(title["name"]) if title else ())


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """The owner's messages, channel by channel."""
    with open_export(path) as export:
        yield from export.refused
        account = as_id(_account(export).get("id"))
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
            channel = load(export, about)
            export.drift.look("channel", channel, _CHANNEL_ABOUT)
            if export.holds(about) and not isinstance(channel, dict):
                yield Skipped(about, "not valid JSON; its messages are read all the same")
            for row in _rows(export, name):
                if isinstance(row, Skipped):
                    yield row
                    continue
                export.drift.look("message", row[1], _MESSAGE)
                yield _record(*row, found["id"])
        yield from export.drift.found()


def _rows(export: Export, name: str) -> Iterator[tuple[str, dict[Any, Any]] | Skipped]:
    if name.endswith(".csv"):
        yield from rows(export, name, ["id"])
        return
    for piece in json_pieces(export, name):
        if isinstance(piece, Skipped):
            yield piece
        elif isinstance(piece.value, dict):
            yield piece.where, {str(key).lower(): value for key, value in piece.value.items()}
        else:
            yield Skipped(piece.where, "not a message")


def _record(where: str, row: dict[Any, Any], channel_id: str) -> Record | Skipped:
    message_id = as_id(row.get("id"))
    if not message_id:
        return Skipped(where, "no message id")
    when, zone_source = said_at(message_id, row.get("timestamp"))
    if when is None:
        return Skipped(where, "no time that can be read")
    text = row.get("contents")
    if not isinstance(text, str) or not text.strip():
        return Skipped(where, "no words in it", failed=False)
    links = row.get("attachments")
    return Record(
        id=record_id(message_id),
        source="discord_package",
        kind=Kind.MESSAGE,
        author_id=OWNER,
        by_owner=True,
        thread_id=f"discord:{channel_id}",
        said_at=when,
        text=plain(text),
        attachments=tuple(attachment(link) for link in links.split()[:20]) if isinstance(links, str) else (),
        audience=f"discord:{channel_id}",
        origin=where,
        zone_source=zone_source,
    )


def _account(export: Export) -> dict[Any, Any]:
    """The owner's user.json: the one nearest the top, for there are others deeper down."""
    for name in sorted(filter(_ACCOUNT.fullmatch, export.names), key=lambda name: name.count("/")):
        found = as_dict(load(export, name))
        if as_id(found.get("id")) and "username" in found:
            return found
    return {}


SOURCE = Source("discord_package", recognise, read, people)

"""What is in a JSON export of DiscordChatExporter? One channel or direct chat, with everybody's messages.

The owner's messages get the very ids that Discord's own data package gives them, so the two routes meet: the
package has all the owner ever wrote, this one has what others said around it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import fields

from ingest.attachments import attachment
from ingest.discord import plain, record_id, said_at
from ingest.drift import Drift, known
from ingest.files import Export, open_export
from ingest.rows import json_batches
from ingest.source import OWNER, Owner, Person, Read, Source, marked, place
from ingest.values import as_dict, as_id, as_list, as_text, from_iso, texts
from storage.records import Attachment, Kind, Record, Skipped

_HEAD = 1 << 16
_SIGNS = tuple(
    re.compile(pattern) for pattern in (r'"guild"\s*:\s*\{', r'"channel"\s*:\s*\{', r'"dateRange"\s*:\s*\{')
)
_SPOKEN = ("Default", "Reply")  # every other type is a notice, with English words that nobody wrote
NOTHING = Raw()
_FORWARD = ("Forward", "1", 1)
_NOTICES = (
    "RecipientAdd RecipientRemove Call ChannelNameChange ChannelIconChange ChannelPinnedMessage"
    " GuildMemberJoin ThreadCreated"
)
_USER = known("id name discriminator nickname color isBot roles avatarUrl")
_FILE = known("id url fileName fileSizeBytes")
_ROOT = known("guild channel dateRange exportedAt messages messageCount")
_MESSAGE = known(
    "id timestamp timestampEdited callEndedTimestamp isPinned content embeds stickers reactions interaction"
    " inlineEmojis",
    values={"type": (*_SPOKEN, *_NOTICES.split(), *map(str, range(47)))},  # without a name, a number
    author=_USER,
    mentions=_USER,
    attachments=_FILE,
    reference=known("type messageId channelId guildId"),
    forwardedMessage=known("timestamp timestampEdited content attachments embeds stickers"),
)

_INSIDE, _TYPES = dict(_MESSAGE.inside), dict(_MESSAGE.values)["type"]


class _Called(Struct, frozen=True, gc=False):
    """All that matters of an author to know whose names are to be hidden."""

    id: str = ""
    nickname: str | None = None
    name: str | None = None


class _Speakers(Struct, gc=False):
    """A message, for the names in it. One with another kind of value comes as a dict."""

    author: _Called = _Called()
    mentions: tuple[_Called, ...] = ()


class _Author(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    id: Any = None
    name: Any = None
    discriminator: Raw = NOTHING
    nickname: Any = None
    color: Raw = NOTHING
    isBot: Any = None
    roles: Raw = NOTHING
    avatarUrl: Raw = NOTHING


class _Said(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """One message. What is Raw is known, but not read; one with a field that is not here comes as a dict."""

    id: Any = None
    type: Any = None
    timestamp: Any = None
    content: Any = None
    author: _Author = _Author()
    timestampEdited: Any = None
    callEndedTimestamp: Raw = NOTHING
    isPinned: Raw = NOTHING
    attachments: Any = None
    stickers: Any = None
    mentions: Any = None
    reference: Any = None
    forwardedMessage: Any = None
    embeds: Raw = NOTHING
    reactions: Raw = NOTHING
    interaction: Raw = NOTHING
    inlineEmojis: Raw = NOTHING


_READ = [one.name for one in fields(_Said) if one.type is Any]
_SPEAKERS: Decoder[list[Any]] = Decoder(list[_Speakers])
_SAID: Decoder[list[Any]] = Decoder(list[_Said])


def _as_said(message: dict[Any, Any]) -> _Said:
    """Whatever is in it: nothing here has been looked at."""
    author = as_dict(message.get("author"))
    called: dict[str, Any] = {name: author.get(name) for name in ("id", "name", "nickname", "isBot")}
    read: dict[str, Any] = {name: message.get(name) for name in _READ}
    return _Said(**read, author=_Author(**called))


def recognise(path: Path) -> float:
    with open_export(path) as export:
        return 0.95 if any(_is_one(export, name) for name in export.names) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Everybody who wrote or was mentioned."""
    told: set[_Called] = set()
    with open_export(path) as export:
        for batch in _batches(export, _SPEAKERS):
            if isinstance(batch, Skipped):
                continue
            found = map(_as_speakers, batch.messages)
            for user in dict.fromkeys(chain.from_iterable((one.author, *one.mentions) for one in found)):
                if user in told:
                    continue
                told.add(user)
                if user_id := as_id(user.id):
                    yield Person(f"discord:{user_id}", texts(user.nickname), texts(user.name))


def _as_speakers(message: Any) -> _Speakers:
    """Whatever is in it: what has not been decoded as one has not been looked at, either."""
    if isinstance(message, _Speakers):
        return message
    message = as_dict(message)
    users = [as_dict(message.get("author")), *map(as_dict, as_list(message.get("mentions")))]
    author, *mentioned = (
        _Called(as_id(user.get("id")) or "", as_text(user.get("nickname")), as_text(user.get("name")))
        for user in users
    )
    return _Speakers(author, tuple(mentioned))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Both sides, file by file; partitions and repeated exports of a channel meet by the messages' ids."""
    with open_export(path) as export:
        yield from export.refused
        for batch in _batches(export, _SAID):
            if isinstance(batch, Skipped):
                yield batch
                continue
            thread = f"discord:{batch.channel}"
            for message, spot in zip(batch.messages, batch.spots, strict=True):
                _look_for_news(message, export.drift)
                yield _record(message, place(batch.file, spot), thread, owner)
        yield from export.drift.found()


class _Batch(NamedTuple):
    """Messages that came together, and the id of their channel, which is written above them."""

    messages: Sequence[Any]
    channel: str
    file: str
    spots: Sequence[int | str]


def _batches(export: Export, decoder: Decoder[list[Any]]) -> Iterator[_Batch | Skipped]:
    found = False
    for name in export.names:
        if not _is_one(export, name):
            continue
        found, channel = True, "unknown"
        batches = json_batches(
            export, name, lists=("messages",), about=("channel",), root=_ROOT, decoder=decoder
        )
        for batch in batches:
            if isinstance(batch, Skipped):
                yield batch
            elif batch.key == "channel":
                channel = as_id(as_dict(batch.values[0]).get("id")) or channel
            else:
                yield _Batch(batch.values, channel, name, batch.spots)
    if not found:
        why = "no JSON of DiscordChatExporter here; export again and choose the format JSON"
        yield Skipped("export.json", why)


def _look_for_news(message: Any, drift: Drift) -> None:
    """What has been decoded as a _Said can only have news inside."""
    if not isinstance(message, _Said):
        drift.look("message", message, _MESSAGE)
        return
    if message.mentions or message.attachments or message.reference or message.forwardedMessage:
        for name in ("mentions", "attachments", "reference", "forwardedMessage"):
            drift.look(f"message.{name}", getattr(message, name), _INSIDE[name])
    if isinstance(message.type, (str, int)) and message.type not in _TYPES:
        drift.kind("message", "type", str(message.type))


def _record(message: Any, where: str, thread: str, owner: Owner) -> Record | Skipped:
    if isinstance(message, dict):
        message = _as_said(message)
    if not isinstance(message, _Said):
        return Skipped(where, "not a message")
    author, reference = message.author, as_dict(message.reference)
    if reason := _left_out(message, reference):
        return Skipped(where, reason, failed=False)
    number = as_id(message.id)
    if not number:
        return Skipped(where, "no message id")
    when, zone_source = said_at(number, message.timestamp)
    if when is None:
        return Skipped(where, "no time that can be read")
    text = as_text(message.content)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    author_id = as_id(author.id)
    by_owner = _is_owner(author, author_id, owner)
    answered = as_id(reference.get("messageId")) if message.type == "Reply" else None
    return Record(
        id=record_id(number),
        source="discord_chat_exporter",
        kind=Kind.MESSAGE,
        author_id=OWNER if by_owner else f"discord:{author_id or 'nobody'}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=when,
        text=_who_is_meant(plain(text), message),
        reply_to=record_id(answered) if answered else None,
        attachments=_attachments(message),
        audience=thread,
        origin=where,
        zone_source=zone_source,
        edited_at=from_iso(message.timestampEdited),
    )


def _left_out(message: _Said, reference: dict[Any, Any]) -> str | None:
    if message.type not in _SPOKEN:
        return "a system message"
    if message.author.isBot is True:
        return "written by a bot"
    if message.forwardedMessage or reference.get("type") in _FORWARD:
        return "forwarded: somebody else's words"
    return None


def _is_owner(author: _Author, author_id: str | None, owner: Owner) -> bool:
    known = owner.has_account("discord", author_id or "")
    if known is not None:
        return known
    names = texts(author.nickname, author.name)
    return bool({owner.name, *owner.aliases} & set(names))


def _who_is_meant(text: str, message: _Said) -> str:
    """The exporter writes @nickname where Discord had an id; whom it means stands beside the text."""
    if "@" not in text:
        return text
    called: dict[str, str] = {}
    for user in map(as_dict, as_list(message.mentions)):
        for name in texts(user.get("nickname"), user.get("name")):
            if user_id := as_id(user.get("id")):
                called.setdefault(name, user_id)
    if not called:
        return text
    longest_first = sorted(called, key=len, reverse=True)
    anyone = re.compile("@(" + "|".join(map(re.escape, longest_first)) + r")(?!\w)")
    return anyone.sub(lambda found: "@" + marked("person", f"discord:{called[found[1]]}"), text)


def _attachments(message: _Said) -> tuple[Attachment, ...]:
    if not message.attachments and not message.stickers:
        return ()
    files = [as_text(as_dict(one).get("fileName")) for one in as_list(message.attachments)[:20]]
    stickers = as_list(message.stickers)[:3]
    return (*map(attachment, files), *(Attachment("sticker") for _ in stickers))


def _is_one(export: Export, name: str) -> bool:
    if not name.lower().endswith(".json"):
        return False
    head = export.head(name, _HEAD).decode("utf-8", errors="replace")
    return all(sign.search(head) for sign in _SIGNS)


SOURCE = Source("discord_chat_exporter", recognise, read, people)

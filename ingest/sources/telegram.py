"""What is in a Telegram Desktop export? A result.json: all chats and both sides, or a single chat."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import UNSET
from msgspec.json import Decoder

from ingest.drift import Drift, known
from ingest.files import Export, open_export
from ingest.json_stream import BadValue, Broken, JsonStream
from ingest.source import OWNER, Owner, Person, Read, Source, place
from ingest.telegram import (
    MESSAGES,
    SPEAKERS,
    Said,
    Service,
    Unsupported,
    as_said,
    attachments,
    look_for_news,
    number,
    peer,
    plain,
    speakers,
    string,
    time,
)
from ingest.values import as_dict
from storage.records import Kind, Record, Skipped, stable_id

_HEAD = 1 << 16
_ONE_CHAT = re.compile(
    r'"type"\s*:\s*"(?:saved_messages|personal_chat|bot_chat|(?:private|public)_(?:group|supergroup|channel))"'
)
_ALL_CHATS = re.compile(
    r'"personal_information"\s*:\s*\{|"chats"\s*:\s*\{\s*(?:"about"\s*:\s*"[^"]*"\s*,\s*)?"list"'
)
_ENTRY = re.compile(r'"from_id"|"date_unixtime"|"text_entities"|"type"\s*:\s*"(?:message|service)"|"user_id"')
_NOT_TALK = {
    "bot_chat": "a chat with a bot",
    "replies": "Telegram's own notices",
    "verification_codes": "login codes",
    "private_channel": "a channel, not a conversation",
    "public_channel": "a channel, not a conversation",
}
_TALK = ("saved_messages", "personal_chat", "private_group", "private_supergroup", "public_supergroup")
_ROOT = known(
    "about personal_information profile_pictures profile_music stories contacts frequent_contacts sessions"
    " web_sessions other_data chats left_chats"
)
_CHAT = known("id name", values={"type": (*_NOT_TALK, *_TALK)})
# Telegram Desktop writes control characters as \xNN, and for a while it wrote document_id without quotes.
_HEX_ESCAPE = re.compile(r"(?<!\\)((?:\\\\)*+)\\x([0-9A-Fa-f]{2})")
_BARE_DOCUMENT = re.compile(r'("document_id"\s*:\s*)(?!["\d])([^,}\]\n]*[^,}\]\s])')


def mend(damaged: str) -> str:
    damaged = _HEX_ESCAPE.sub(r"\1\\u00\2", damaged)
    return _BARE_DOCUMENT.sub(r'\1"\2"', damaged)


@dataclass(slots=True)
class _Chat:
    """One chat's own fields; they come before its messages."""

    about: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return str(self.about.get("type") or "")

    @property
    def number(self) -> str:
        return number(self.about.get("id")) or "unknown"

    @property
    def id(self) -> str:
        """As the Bot API counts chats, so that a record's audience is the live chat it came from."""
        if self.kind == "saved_messages":
            return "saved"
        prefix = {"private_group": "-"}.get(
            self.kind, "-100" if "super" in self.kind or "channel" in self.kind else ""
        )
        return prefix + self.number


@dataclass(frozen=True, slots=True)
class _Item:
    """Something of the root by its key."""

    key: str
    value: Any
    where: str


@dataclass(frozen=True, slots=True)
class _Messages:
    """Messages of one chat that came together; `first` is the number of the first of them."""

    values: Sequence[Any]
    chat: _Chat
    file: str
    nth_chat: int
    first: int


def recognise(path: Path) -> float:
    with open_export(path) as export:
        for name in _candidates(export):
            head = export.head(name, _HEAD).decode("utf-8", errors="replace")
            if _ENTRY.search(head) and (_ONE_CHAT.search(head) or _ALL_CHATS.search(head)):
                return 0.9
    return 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Contacts, the other side of personal chats, and everybody who wrote."""
    told: set[tuple[str, str]] = set()
    with open_export(path) as export:
        for item in _walk(export, SPEAKERS):
            if isinstance(item, Skipped):
                continue
            for account, name in dict.fromkeys(_named(item)):
                if account and name and account.startswith("user") and (account, name) not in told:
                    told.add((account, name))
                    yield Person(f"telegram:{account.removeprefix('user')}", (name,))


def _named(item: _Item | _Messages) -> Iterator[tuple[str | None, str]]:
    if isinstance(item, _Messages):
        for one in filter(None, dict.fromkeys(map(speakers, item.values))):
            yield peer(one.from_id), string(one.from_)
            yield peer(one.forwarded_from_id), string(one.forwarded_from)
            if item.chat.kind == "personal_chat":
                yield peer(item.chat.about.get("id")), string(item.chat.about.get("name"))
    elif item.key == "contact" and isinstance(item.value, dict):
        names = (string(item.value.get(key)) for key in ("first_name", "last_name"))
        yield peer(item.value.get("user_id")), " ".join(filter(None, names))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Every conversation, both sides; what is not somebody's own words is skipped with its reason."""
    with open_export(path) as export:
        yield from export.refused
        accounts = {account for account in owner.accounts.get("telegram", ()) if account.isdigit()}
        guessed: dict[str, str | None] = {}
        for item in _walk(export, MESSAGES):
            if isinstance(item, Skipped):
                yield item
            elif isinstance(item, _Messages):
                thread = f"telegram:{item.chat.id}"
                for nth, value in enumerate(item.values, item.first):
                    look_for_news(value, export.drift)
                    message = as_said(value)
                    own = accounts or _from_context(message, item.chat, owner, guessed)
                    where = place(item.file, f"{item.nth_chat}.{nth}")
                    yield _record(message, item.chat, thread, where, owner, own)
            elif item.key == "owner":
                account = number(as_dict(item.value).get("user_id"))
                if account and accounts and account not in accounts:
                    why = f"this export is account {account}'s, which is not in [owner] accounts.telegram"
                    yield Skipped(item.where, why)
                    return
                if account:
                    accounts.add(account)
        yield from export.drift.found()


def _from_context(
    message: Said | Service | None, chat: _Chat, owner: Owner, guessed: dict[str, str | None]
) -> set[str]:
    """A single chat's export names no owner: it is not the other side, or it bears the owner's name."""
    if message is None:
        return set()
    sender = (peer(message.from_id) or "").removeprefix("user")
    if chat.kind == "personal_chat" and sender and sender != chat.number:
        return {sender}
    if string(message.from_) in {owner.name, *owner.aliases} - {""}:
        guessed[chat.id] = sender
    known = guessed.get(chat.id)
    return {known} if known else set()


def _record(
    message: Said | Service | None, chat: _Chat, thread: str, where: str, owner: Owner, accounts: set[str]
) -> Record | Skipped:
    if message is None:
        return Skipped(where, "not a message")
    if chat.kind in _NOT_TALK:
        return Skipped(where, _NOT_TALK[chat.kind], failed=False)
    if isinstance(message, Service):
        return Skipped(where, "a service message", failed=False)
    if reason := _left_out(message):
        return Skipped(where, reason, failed=False)
    id = number(message.id)
    if not id:
        return Skipped(where, "no message id")
    said_at, zone_source = time(message.date_unixtime, message.date, owner)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = plain(message.text)
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    sender = peer(message.from_id)
    saved = chat.kind == "saved_messages"
    by_owner = saved or bool(sender and sender.removeprefix("user") in accounts)
    answered = number(message.reply_to_message_id)
    elsewhere = message.reply_to_peer_id is not None
    edited = message.edited_unixtime is not None or message.edited is not None
    return Record(
        id=record_id(thread, id),
        source="telegram",
        kind=Kind.NOTE if saved else Kind.MESSAGE,
        author_id=OWNER if by_owner else f"telegram:{(sender or 'nobody').removeprefix('user')}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=stable_id("telegram", thread, answered) if answered and not elsewhere else None,
        attachments=attachments(message),
        audience="owner" if saved else thread,
        origin=where,
        zone_source=zone_source,
        edited_at=time(message.edited_unixtime, message.edited, owner)[0] if edited else None,
    )


def record_id(thread: str, message: str) -> str:
    """Of one message in that chat, "telegram:42"."""
    return stable_id("telegram", thread, message)


def _left_out(message: Said) -> str | None:
    if isinstance(message, Unsupported):
        return "a kind of message the export does not support"
    if message.forwarded_from is not UNSET or message.forwarded_from_id is not UNSET or message.saved_from:
        return "forwarded: somebody else's words"
    return "written by a bot" if message.via_bot else None


def _candidates(export: Export) -> list[str]:
    """result.json, whatever it is called now: JSON at the top, or one folder down in a zip."""
    return [name for name in export.names if name.lower().endswith(".json") and name.count("/") <= 1]


def _walk(export: Export, decoder: Decoder[list[Any]]) -> Iterator[_Item | _Messages | Skipped]:
    """All that matters of every export file here, in the order it was written."""
    found = False
    for name in _candidates(export):
        head = export.head(name, _HEAD).decode("utf-8", errors="replace")
        if len(_candidates(export)) > 1 and not (_ONE_CHAT.search(head) or _ALL_CHATS.search(head)):
            continue
        found = True
        spot = _Spot(name, export.drift, decoder)
        try:
            with export.open(name) as file:
                yield from _root(JsonStream(file, mend), spot)
        except (Broken, OSError) as error:
            yield Skipped(spot.place("end"), str(error) or "the file cannot be read")
    if not found:
        yield Skipped(
            "result.json", "no Telegram export in JSON here; export again and choose the JSON format"
        )


@dataclass(slots=True)
class _Spot:
    """Where we are: the file, and which chat and message of it; and what nobody knew on the way."""

    name: str
    drift: Drift
    decoder: Decoder[list[Any]]  # for messages
    chat: int = 0
    message: int = 0

    def place(self, what: str = "") -> str:
        return place(self.name, what or f"{self.chat}.{self.message}")


def _root(stream: JsonStream, spot: _Spot) -> Iterator[_Item | _Messages | Skipped]:
    chat = _Chat()
    for key in stream.members():
        if key == "messages":
            yield from _messages(stream, chat, spot)
        elif key == "personal_information":
            yield _Item("owner", _value_or_none(stream), spot.place(key))
        elif key == "contacts":
            for value in _listed(stream):
                yield _Item("contact", value, spot.place(key))
        elif key in ("chats", "left_chats") and stream.peek() == "{":
            yield from _chats(stream, spot)
        elif key in ("name", "type", "id"):
            chat.about[key] = _value_or_none(stream)
            spot.drift.look("chat", {key: chat.about[key]}, _CHAT)
        else:
            if key not in _ROOT.fields:
                spot.drift.passed_over("file", key, stream.peek())
            stream.skip()


def _chats(stream: JsonStream, spot: _Spot) -> Iterator[_Messages | Skipped]:
    for key in stream.members():
        if key != "list" or stream.peek() != "[":
            stream.skip()
            continue
        for _ in stream.items():
            spot.chat, spot.message, chat = spot.chat + 1, 0, _Chat()
            if stream.peek() != "{":
                stream.skip()
                yield Skipped(spot.place(), "not a chat")
                continue
            for inner in stream.members():
                if inner == "messages":
                    yield from _messages(stream, chat, spot)
                elif inner in ("name", "type", "id"):
                    chat.about[inner] = _value_or_none(stream)
                    spot.drift.look("chat", {inner: chat.about[inner]}, _CHAT)
                else:
                    spot.drift.passed_over("chat", inner, stream.peek())
                    stream.skip()


def _messages(stream: JsonStream, chat: _Chat, spot: _Spot) -> Iterator[_Messages | Skipped]:
    if stream.peek() != "[":
        stream.skip()
        return
    for _ in stream.items():
        spot.message += 1
        try:
            yield _Messages([stream.value()], chat, spot.name, spot.chat, spot.message)
        except BadValue as error:
            yield Skipped(spot.place(), str(error))
        for values in stream.together(spot.decoder):
            yield _Messages(values, chat, spot.name, spot.chat, spot.message + 1)
            spot.message += len(values)


def _listed(stream: JsonStream) -> Iterator[Any]:
    """The elements of {"list": [...]}, which is how Telegram writes lists."""
    if stream.peek() != "{":
        stream.skip()
        return
    for key in stream.members():
        if key == "list" and stream.peek() == "[":
            for _ in stream.items():
                yield _value_or_none(stream)
        else:
            stream.skip()


def _value_or_none(stream: JsonStream) -> Any:
    try:
        return stream.value()
    except BadValue:
        return None


SOURCE = Source("telegram", recognise, read, people)

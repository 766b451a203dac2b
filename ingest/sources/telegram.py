"""What is in a Telegram Desktop export? A result.json: all chats and both sides, or a single chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypedDict

from msgspec.json import Decoder

from ingest.clean import well_formed
from ingest.drift import Drift, known
from ingest.files import Export, open_export
from ingest.json_stream import ANYTHING, BadValue, Broken, JsonStream
from ingest.source import OWNER, Owner, Person, Read, Source, marked, place
from storage.records import Attachment, Kind, Record, Skipped, ZoneSource, stable_id

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
_MEDIA = {"voice_message": "audio", "audio_file": "audio", "animation": "image", "sticker": "sticker"}
_LABELS = {"email": "email", "phone": "phone", "bank_card": "card"}

# What there is in each place; a service message is never read, and has fields of its own for each action.
_ROOT = known(
    "about personal_information profile_pictures profile_music stories contacts frequent_contacts sessions"
    " web_sessions other_data chats left_chats"
)
_CHAT = known("id name", values={"type": (*_NOT_TALK, *_TALK)})
_SaidBy = TypedDict(
    "_SaidBy", {"from": Any, "from_id": Any, "forwarded_from": Any, "forwarded_from_id": Any}, total=False
)
_SPEAKERS: Decoder[list[Any]] = Decoder(list[_SaidBy])
_PART = known(
    "text href user_id language document_id collapsed",
    values={
        "type": (
            "unknown mention hashtag bot_command link email bold italic code pre plain"
            " text_link mention_name phone cashtag underline strikethrough blockquote"
            " bank_card spoiler custom_emoji"
        )
    },
)
_MESSAGE = known(
    "id date date_unixtime edited edited_unixtime from from_id author forwarded_from forwarded_from_id"
    " saved_from reply_to_message_id reply_to_peer_id via_bot photo photo_file_size file file_size file_name"
    " thumbnail thumbnail_file_size performer title sticker_emoji mime_type duration_seconds width height"
    " media_spoiler self_destruct_period_seconds contact_information contact_vcard contact_vcard_file_size"
    " location_information live_location_period_seconds place_name address game_title game_description"
    " game_link invoice_information poll todo_list giveaway_information giveaway_results paid_media"
    " inline_bot_buttons reactions",
    values={
        "type": ("message", "service", "unsupported"),
        "media_type": (*_MEDIA, "video_message", "video_file"),
    },
    text=_PART,
    text_entities=_PART,
)

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
        return _number(self.about.get("id")) or "unknown"

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
    """One step through an export: a message of a chat, or something else of the root by its key."""

    key: str
    value: Any
    chat: _Chat
    where: str


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
        for item in _walk(export, _SPEAKERS):
            if isinstance(item, Skipped):
                continue
            found: list[tuple[str | None, str]] = []
            if item.key == "message" and isinstance(item.value, dict):
                found.append((_peer(item.value.get("from_id")), _string(item.value.get("from"))))
                found.append(
                    (_peer(item.value.get("forwarded_from_id")), _string(item.value.get("forwarded_from")))
                )
                if item.chat.kind == "personal_chat":
                    found.append((_peer(item.chat.about.get("id")), _string(item.chat.about.get("name"))))
            elif item.key == "contact" and isinstance(item.value, dict):
                names = (_string(item.value.get(key)) for key in ("first_name", "last_name"))
                found.append((_peer(item.value.get("user_id")), " ".join(filter(None, names))))
            for peer, name in found:
                if peer and name and peer.startswith("user") and (peer, name) not in told:
                    told.add((peer, name))
                    yield Person(f"telegram:{peer.removeprefix('user')}", (name,))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Every conversation, both sides; what is not somebody's own words is skipped with its reason."""
    with open_export(path) as export:
        yield from export.refused
        accounts = {account for account in owner.accounts.get("telegram", ()) if account.isdigit()}
        guessed: dict[str, str | None] = {}
        for item in _walk(export):
            if isinstance(item, Skipped):
                yield item
            elif item.key == "owner":
                account = _number(item.value.get("user_id")) if isinstance(item.value, dict) else None
                if account and accounts and account not in accounts:
                    why = f"this export is account {account}'s, which is not in [owner] accounts.telegram"
                    yield Skipped(item.where, why)
                    return
                if account:
                    accounts.add(account)
            elif item.key == "message":
                if not isinstance(item.value, dict) or item.value.get("type") != "service":
                    export.drift.look("message", item.value, _MESSAGE)
                own = accounts or _from_context(item, owner, guessed)
                yield _record(item, owner, own)
        yield from export.drift.found()


def _from_context(item: _Item, owner: Owner, guessed: dict[str, str | None]) -> set[str]:
    """A single chat's export names no owner: it is not the other side, or it bears the owner's name."""
    if not isinstance(item.value, dict):
        return set()
    sender = (_peer(item.value.get("from_id")) or "").removeprefix("user")
    if item.chat.kind == "personal_chat" and sender and sender != item.chat.number:
        return {sender}
    if _string(item.value.get("from")) in {owner.name, *owner.aliases} - {""}:
        guessed[item.chat.id] = sender
    known = guessed.get(item.chat.id)
    return {known} if known else set()


def _record(item: _Item, owner: Owner, accounts: set[str]) -> Record | Skipped:
    message, chat, where = item.value, item.chat, item.where
    if not isinstance(message, dict):
        return Skipped(where, "not a message")
    if reason := _left_out(message, chat):
        return Skipped(where, reason, failed=False)
    number = _number(message.get("id"))
    if not number:
        return Skipped(where, "no message id")
    said_at, zone_source = _time(message, "date", owner)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    text = _text(message.get("text"))
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    sender = _peer(message.get("from_id"))
    saved = chat.kind == "saved_messages"
    by_owner = saved or bool(sender and sender.removeprefix("user") in accounts)
    thread = f"telegram:{chat.id}"
    answered = _number(message.get("reply_to_message_id"))
    elsewhere = message.get("reply_to_peer_id") is not None
    return Record(
        id=stable_id("telegram", thread, number),
        source="telegram",
        kind=Kind.NOTE if saved else Kind.MESSAGE,
        author_id=OWNER if by_owner else f"telegram:{(sender or 'nobody').removeprefix('user')}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=stable_id("telegram", thread, answered) if answered and not elsewhere else None,
        attachments=_attachments(message),
        audience="owner" if saved else thread,
        origin=where,
        zone_source=zone_source,
        edited_at=_time(message, "edited", owner)[0],
    )


def _left_out(message: dict[str, Any], chat: _Chat) -> str | None:
    if chat.kind in _NOT_TALK:
        return _NOT_TALK[chat.kind]
    if message.get("type") == "service":
        return "a service message"
    if message.get("type") == "unsupported":
        return "a kind of message the export does not support"
    if "forwarded_from" in message or "forwarded_from_id" in message or message.get("saved_from"):
        return "forwarded: somebody else's words"
    if message.get("via_bot"):
        return "written by a bot"
    return None


def _time(message: dict[str, Any], key: str, owner: Owner) -> tuple[datetime | None, ZoneSource]:
    """`date_unixtime` is the truth. `date` alone, in exports before 2021-12, is the owner's wall clock."""
    try:
        return datetime.fromtimestamp(int(message[f"{key}_unixtime"]), UTC), ZoneSource.EXPLICIT
    except (KeyError, TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        local = datetime.fromisoformat(message[key])
        said_at = owner.to_utc(local) if local.tzinfo is None else local.astimezone(UTC)
        return (said_at if said_at.year > 1970 else None), ZoneSource.OWNER
    except (KeyError, TypeError, ValueError, OverflowError):
        return None, ZoneSource.OWNER


def _text(value: Any) -> str:
    """Plain text of Telegram's rich one; what it labels (person, e-mail, phone, card) keeps its label."""
    if isinstance(value, str):
        return well_formed(value)
    parts: list[str] = []
    for part in value if isinstance(value, list) else ():
        if isinstance(part, str):
            parts.append(part)
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            kind, text = part.get("type"), part["text"]
            if kind == "mention_name" and (user := _number(part.get("user_id"))):
                parts.append(marked("person", f"telegram:{user}"))
            elif kind in _LABELS:
                parts.append(marked(_LABELS[kind], text))
            elif kind == "pre":
                parts.append(f"```\n{text}\n```")
            else:
                parts.append(text)
    return well_formed("".join(parts))


def _attachments(message: dict[str, Any]) -> tuple[Attachment, ...]:
    if message.get("photo"):
        return (Attachment("image"),)
    kind = message.get("media_type")
    if isinstance(kind, str):
        return (Attachment(_MEDIA.get(kind, "video")),)
    return (Attachment("file"),) if message.get("file") else ()


def _candidates(export: Export) -> list[str]:
    """result.json, whatever it is called now: JSON at the top, or one folder down in a zip."""
    return [name for name in export.names if name.lower().endswith(".json") and name.count("/") <= 1]


def _walk(export: Export, decoder: Decoder[list[Any]] = ANYTHING) -> Iterator[_Item | Skipped]:
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


def _root(stream: JsonStream, spot: _Spot) -> Iterator[_Item | Skipped]:
    chat = _Chat()
    for key in stream.members():
        if key == "messages":
            yield from _messages(stream, chat, spot)
        elif key == "personal_information":
            yield _Item("owner", _value_or_none(stream), chat, spot.place(key))
        elif key == "contacts":
            for value in _listed(stream):
                yield _Item("contact", value, chat, spot.place(key))
        elif key in ("chats", "left_chats") and stream.peek() == "{":
            yield from _chats(stream, spot)
        elif key in ("name", "type", "id"):
            chat.about[key] = _value_or_none(stream)
            spot.drift.look("chat", {key: chat.about[key]}, _CHAT)
        else:
            if key not in _ROOT.fields:
                spot.drift.passed_over("file", key, stream.peek())
            stream.skip()


def _chats(stream: JsonStream, spot: _Spot) -> Iterator[_Item | Skipped]:
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


def _messages(stream: JsonStream, chat: _Chat, spot: _Spot) -> Iterator[_Item | Skipped]:
    if stream.peek() != "[":
        stream.skip()
        return
    for _ in stream.items():
        spot.message += 1
        try:
            yield _Item("message", stream.value(), chat, spot.place())
        except BadValue as error:
            yield Skipped(spot.place(), str(error))
        for value in stream.in_sight(spot.decoder):
            spot.message += 1
            yield _Item("message", value, chat, spot.place())


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


def _peer(value: Any) -> str | None:
    """ "user123", "channel123"; a bare number, as old exports and contacts have it, is a user."""
    if isinstance(value, str) and re.fullmatch(r"(?:user|chat|channel)\d{1,20}", value, re.ASCII):
        return value
    return f"user{number}" if (number := _number(value)) else None


def _number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    if isinstance(value, int):
        return str(value) if 0 <= value < 1 << 63 else None
    return value if re.fullmatch(r"\d{1,20}", value, re.ASCII) else None


def _string(value: Any) -> str:
    return well_formed(value).strip() if isinstance(value, str) else ""


SOURCE = Source("telegram", recognise, read, people)

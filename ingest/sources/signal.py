"""What is in an export from Signal? Both sides of every chat, from one of two kinds of file.

main.jsonl: Signal's own plain export, one frame of its backup format a line (recipients, chats, chat items).
<chat>/data.json: what the tool signal-export writes from Signal Desktop, one message a line: date (the local
clock), sender ("Me" is the owner), body. Encrypted .backup files are not read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any

from ingest.drift import known
from ingest.files import Export, open_export
from ingest.ordinals import Ordinals
from ingest.rows import Piece, json_lines
from ingest.source import OWNER, Owner, Person, Read, Source, marked
from ingest.values import as_dict, as_list, as_text, from_epoch, texts
from storage.records import Attachment, Kind, Record, Skipped, ZoneSource, stable_id

_FRAMES = re.compile(r'^[^\S\n]*+\{\s*"(?:account|recipient|chat|chatItem)"\s*:\s*\{', re.MULTILINE)
_LINE = re.compile(
    r'^[^\S\n]*+\{(?=[^\n]*"date"\s*:)(?=[^\n]*"sender"\s*:)(?=[^\n]*"body"\s*:)', re.MULTILINE
)
_CALL = re.compile(r"(?:Incoming|Outgoing|Missed) (?:voice |video )?call(?: \([^()\n]{1,60}\))?")
_NOT_TALK = ("updateMessage", "directStoryReplyMessage", "paymentNotification", "giftBadge")
_FRAME = known(
    "version account recipient chat stickerPack adHocCall notificationProfile chatFolder",
    chatItem=known(
        "chatId authorId dateSent expireStartDate expiresInMs revisions sms pinDetails incoming outgoing"
        " directionless contactMessage stickerMessage remoteDeletedMessage viewOnceMessage poll"
        f" adminDeletedMessage {' '.join(_NOT_TALK)}",
        standardMessage=known(
            "attachments linkPreview longText reactions",
            text=known("body", bodyRanges=known("start length mentionAci style")),
            quote=known("targetSentTimestamp authorId text attachments type"),
        ),
    ),
)
_OF_LINE = known("date sender body quote sticker reactions attachments deleted call missed")
_PLACE_OF_MENTION = "\ufffc"
_KINDS = {"image", "video", "audio"}


def recognise(path: Path) -> float:
    with open_export(path) as export:
        return 0.9 if _frames(export) or _lines(export) else 0.0


def people(path: Path, owner: Owner) -> Iterator[Person]:
    """Contacts of the one kind, senders of the other."""
    with open_export(path) as export:
        for name in _frames(export):
            for piece in json_lines(export, name):
                frame = as_dict(piece.value) if isinstance(piece, Piece) else {}
                person = _contact(as_dict(frame.get("recipient")))
                if person and person.names + person.handles:
                    yield person
        told = {"Me", "No-Sender", ""}
        for name in _lines(export):
            for piece in json_lines(export, name):
                sender = as_text(as_dict(piece.value).get("sender")) if isinstance(piece, Piece) else ""
                if sender not in told:
                    told.add(sender)
                    yield Person(f"signal:{sender}", (sender,))


def read(path: Path, owner: Owner) -> Iterator[Read]:
    """Chat by chat, in the order of the files."""
    with open_export(path) as export:
        yield from export.refused
        frames, lines = _frames(export), _lines(export)
        if not frames and not lines:
            yield Skipped("main.jsonl", "no main.jsonl of Signal and no data.json of signal-export here")
        for name in frames:
            book = _Book()
            for piece in json_lines(export, name):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("frame", piece.value, _FRAME)
                if not isinstance(piece.value, dict):
                    yield Skipped(piece.where, "not a frame of a backup")
                elif "chatItem" in piece.value:
                    yield _item(piece, book)
                else:
                    book.learn(piece.value)
        for name in lines:
            ordinals = Ordinals()
            for piece in json_lines(export, name):
                if isinstance(piece, Skipped):
                    yield piece
                    continue
                export.drift.look("message", piece.value, _OF_LINE)
                yield _line(piece, name, owner, ordinals)
        yield from export.drift.found()


class _Book:
    """Which recipient and chat a number stands for: numbers hold for one export only."""

    def __init__(self) -> None:
        self._who: dict[str, str] = {}
        self._chats: dict[str, str] = {}

    def learn(self, frame: dict[Any, Any]) -> None:
        recipient, chat = as_dict(frame.get("recipient")), as_dict(frame.get("chat"))
        if recipient:
            self._who[str(recipient.get("id"))] = _key(recipient)
        if chat:
            self._chats[str(chat.get("id"))] = self.who(chat.get("recipientId"))

    def who(self, number: Any) -> str:
        """Empty when the export does not say."""
        return self._who.get(str(number), "")

    def chat(self, number: Any) -> str:
        return self._chats.get(str(number), "")


def _item(piece: Piece, book: _Book) -> Record | Skipped:
    item, where = as_dict(piece.value.get("chatItem")), piece.where
    if reason := _left_out(item):
        return Skipped(where, reason, failed=False)
    chat, author = book.chat(item.get("chatId")), book.who(item.get("authorId"))
    by_owner = "outgoing" in item or author == "self"
    if not chat or not (author or by_owner):
        return Skipped(where, "no chat" if not chat else "no sender")
    revisions = [as_dict(one) for one in as_list(item.get("revisions"))]
    first = revisions[0].get("dateSent") if revisions else item.get("dateSent")
    said_at = from_epoch(first, per_second=1000)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    message = as_dict(item.get("standardMessage"))
    text = _text(as_dict(message.get("text")))
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    thread = f"signal:{stable_id('signal', chat)[:16]}"
    note = chat == "self"
    quoted = as_dict(message.get("quote"))
    answered = book.who(quoted.get("authorId")), quoted.get("targetSentTimestamp")
    return Record(
        id=_id(thread, "self" if by_owner else author, first),
        source="signal",
        kind=Kind.NOTE if note else Kind.MESSAGE,
        author_id=OWNER if by_owner else f"signal:{author}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=said_at,
        text=text,
        reply_to=_id(thread, *answered) if all(answered) else None,
        attachments=tuple(_attachment(one) for one in as_list(message.get("attachments"))[:20]),
        audience="owner" if note else thread,
        origin=where,
        edited_at=from_epoch(item.get("dateSent"), per_second=1000) if revisions else None,
    )


def _id(thread: str, author: str, sent: Any) -> str:
    """Signal itself knows a message by its author and the millisecond it was sent."""
    return stable_id("signal", thread, author, str(sent))


def _left_out(item: dict[Any, Any]) -> str | None:
    if "remoteDeletedMessage" in item:
        return "deleted"
    return "a system message" if any(kind in item for kind in _NOT_TALK) else None


def _text(text: dict[Any, Any]) -> str:
    """Each mention is one placeholder character in the body; whom it means stands beside it."""
    body = as_text(text.get("body"))
    ranges = [as_dict(one) for one in as_list(text.get("bodyRanges"))]
    mentioned = sorted(
        (int(one.get("start") or 0), as_text(one["mentionAci"]))
        for one in ranges
        if isinstance(one.get("mentionAci"), str) and isinstance(one.get("start") or 0, int)
    )
    for _, who in mentioned:
        body = body.replace(_PLACE_OF_MENTION, "@" + marked("person", f"signal:{who}"), 1)
    return body


def _attachment(found: Any) -> Attachment:
    kind = as_text(as_dict(as_dict(found).get("pointer")).get("contentType")).partition("/")[0]
    return Attachment(kind if kind in _KINDS else "file")


def _key(recipient: dict[Any, Any]) -> str:
    """The account, so that another export of the same chats gives the same ids; else the export's number."""
    contact, group = as_dict(recipient.get("contact")), as_dict(recipient.get("group"))
    if "self" in recipient:
        return "self"
    known = (contact.get("aci"), contact.get("pni"), contact.get("e164"), group.get("masterKey"))
    return next((str(key) for key in known if key), f"recipient {recipient.get('id')}")


def _contact(recipient: dict[Any, Any]) -> Person | None:
    contact = as_dict(recipient.get("contact"))
    if not contact:
        return None
    nickname = as_dict(contact.get("nickname"))
    pairs = [
        (contact.get("systemGivenName"), contact.get("systemFamilyName")),
        (contact.get("profileGivenName"), contact.get("profileFamilyName")),
        (nickname.get("given"), nickname.get("family")),
    ]
    names = texts(*(" ".join(texts(*pair)) for pair in pairs), contact.get("systemNickname"))
    return Person(f"signal:{_key(recipient)}", names, texts(contact.get("username")))


def _line(piece: Piece, name: str, owner: Owner, ordinals: Ordinals) -> Record | Skipped:
    message, where = piece.value, piece.where
    if not isinstance(message, dict):
        return Skipped(where, "not a message")
    body = as_text(message.get("body")).rstrip()  # two blanks at the end are for Markdown
    if message.get("deleted") is True:
        return Skipped(where, "deleted", failed=False)
    if message.get("call") is True or message.get("missed") is True or _CALL.fullmatch(body):
        return Skipped(where, "a system message", failed=False)
    written, sender = as_text(message.get("date")), as_text(message.get("sender"))
    try:
        local = datetime.fromisoformat(written)
        said_at = local.astimezone(UTC) if local.tzinfo else owner.to_utc(local)
    except (ValueError, OverflowError):
        return Skipped(where, "no time that can be read")
    if not sender or sender == "No-Sender":
        return Skipped(where, "no sender")
    if not body:
        return Skipped(where, "no words in it", failed=False)
    thread = f"signal:{stable_id('signal', PurePosixPath(name).parent.name)[:16]}"
    by_owner = sender == "Me"
    return Record(
        id=stable_id("signal", thread, sender, written, body, ordinals.next(written, sender, body)),
        source="signal",
        kind=Kind.MESSAGE,
        author_id=OWNER if by_owner else f"signal:{sender}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=said_at,
        text=body,
        attachments=tuple(Attachment("file") for _ in as_list(message.get("attachments"))[:20]),
        audience=thread,
        origin=where,
        zone_source=ZoneSource.EXPLICIT if local.tzinfo else ZoneSource.OWNER,
    )


def _frames(export: Export) -> list[str]:
    return [name for name in export.names if name.endswith(".jsonl") and _FRAMES.search(_head(export, name))]


def _lines(export: Export) -> list[str]:
    names = (name for name in export.names if name.rpartition("/")[2] == "data.json")
    return [name for name in names if _LINE.search(_head(export, name))]


def _head(export: Export, name: str) -> str:
    return export.head(name, 1 << 16).decode("utf-8", errors="replace")


SOURCE = Source("signal", recognise, read, people)

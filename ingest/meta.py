"""How do Instagram and Facebook write messages? A folder for each chat, message_1.json and on, no ids.

Every string is UTF-8 that was taken for Latin-1. Messenger's end-to-end encrypted chats come in a schema of
their own, one file a chat.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from ingest.clean import well_formed
from ingest.drift import known
from ingest.files import Export
from ingest.ordinals import Ordinals
from ingest.rows import Piece, json_pieces
from ingest.source import OWNER, Owner, Person
from ingest.values import as_dict, as_list, as_text, from_epoch
from storage.records import Attachment, Kind, Record, Skipped, stable_id

_INBOX = re.compile(
    r"(?:.*/)?(?:inbox|archived_threads|filtered_threads|message_requests|e2ee_cutover)"
    r"/(?P<chat>[^/]+)/message_\d+\.json"
)
_HEAD = 1 << 14
_ENCRYPTED = re.compile(r'"(?:threadName|senderName|isUnsent)"\s*:')
_NOTICE = re.compile(  # what the app wrote, after the sender's name
    r"\s?(?:sent an attachment|sent a (?:photo|video|voice message|GIF|sticker|link|live location)"
    r"|missed (?:your|a) .{0,20}call|(?:started|joined|left|ended) (?:a|the|an) .{0,20}(?:call|chat)"
    r"|(?:named the group|changed the (?:theme|group|chat)|added .{1,80} to the group|left the group).{0,200}"
    r"|liked a message)\.?"
)
_NAMELESS = re.compile(r"(?:Reacted .{1,16} to your message|Liked a message)\.?\s?")
_MEDIA = {
    "photos": "image",
    "gifs": "image",
    "videos": "video",
    "audio_files": "audio",
    "files": "file",
    "sticker": "sticker",
    "share": "link",
    "media": "file",
}

_ROOT = known(
    "participants messages title thread_path is_still_participant magic_words image joinable_mode threadName"
    " thread_type"
)
_MESSAGE = known(
    "sender_name timestamp_ms content call_duration missed is_unsent is_geoblocked_for_viewer"
    " bumped_message_metadata is_unsent_image_by_messenger_kid_parent users ip"
    f" senderName text timestamp isUnsent reactions {' '.join(_MEDIA)}",
    values={"type": "Generic Share Call Subscribe Unsubscribe text link media placeholder"},
)


def mended(text: str) -> str:
    """The string as it was typed. One that does not go there and back again was never broken."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return text


def said_in(value: Any) -> str:
    return well_formed(mended(value)) if isinstance(value, str) else ""


@dataclass(slots=True)
class Names:
    """Who takes part where; from that, which name is the owner's when nothing says so."""

    seen: Counter[str] = field(default_factory=Counter)
    chats: int = 0

    def owners(self, owner: Owner, platform: str, profile: set[str]) -> set[str]:
        """By the export's own profile and the settings; else the one who is in every chat of several."""
        known = profile | {owner.name, *owner.aliases, *owner.accounts.get(platform, ())}
        known = {name.casefold() for name in known if name}
        if found := {name for name in self.seen if name.casefold() in known}:
            return found
        everywhere = [name for name, count in self.seen.items() if count == self.chats]
        return set(everywhere) if self.chats > 1 and len(everywhere) == 1 else set()


def chat_files(export: Export) -> list[str]:
    """Those of message_N.json, then those of encrypted chats."""
    inbox = [name for name in export.names if _INBOX.fullmatch(name)]
    others = [name for name in export.names if name.endswith(".json") and not _INBOX.fullmatch(name)]
    return inbox + [name for name in others if is_encrypted_chat(export, name)]


def is_encrypted_chat(export: Export, name: str) -> bool:
    head = export.head(name, _HEAD).decode("utf-8", errors="replace")
    return '"participants"' in head and '"messages"' in head and bool(_ENCRYPTED.search(head))


def names_in(export: Export) -> Names:
    names, told = Names(), set()
    for name in chat_files(export):
        chat = _chat_of(name)
        for piece in json_pieces(export, name, about=("participants",)):
            if isinstance(piece, Skipped) or chat in told:
                continue
            told.add(chat)
            names.chats += 1
            names.seen.update({_name(one) for one in as_list(piece.value)} - {""})
    return names


def people_in(export: Export, platform: str, own: set[str]) -> Iterator[Person]:
    """Everybody who takes part in a chat, or wrote in one and has left it."""
    told: set[str] = set(own)
    for name in chat_files(export):
        for piece in json_pieces(export, name, lists=("messages",), about=("participants",)):
            if isinstance(piece, Skipped):
                continue
            found = [piece.value] if piece.key == "messages" else as_list(piece.value)
            for who in map(_sender, found) if piece.key == "messages" else map(_name, found):
                if who and who not in told:
                    told.add(who)
                    yield Person(f"{platform}:{who}", (who,))


def messages_in(export: Export, source: str, own: set[str]) -> Iterator[Record | Skipped]:
    for name in chat_files(export):
        thread, ordinals = f"{source}:{stable_id(source, _chat_of(name))[:16]}", Ordinals()
        for piece in json_pieces(export, name, lists=("messages",), root=_ROOT):
            if isinstance(piece, Skipped):
                yield piece
                continue
            export.drift.look("message", piece.value, _MESSAGE)
            yield _record(piece, source, thread, own, ordinals)


def _record(piece: Piece, source: str, thread: str, own: set[str], ordinals: Ordinals) -> Record | Skipped:
    message, where = piece.value, piece.where
    if not isinstance(message, dict):
        return Skipped(where, "not a message")
    sender, text = _sender(message), said_in(message.get("content", message.get("text")))
    if reason := _left_out(message, sender, text):
        return Skipped(where, reason, failed=False)
    written = message.get("timestamp_ms", message.get("timestamp"))
    said_at = from_epoch(written, per_second=1000)
    if said_at is None:
        return Skipped(where, "no time that can be read")
    if not sender:
        return Skipped(where, "no sender")
    if not text.strip():
        return Skipped(where, "no words in it", failed=False)
    nth = ordinals.next(str(written), sender, text)
    by_owner = sender in own
    return Record(
        id=stable_id(source, thread, sender, str(written), text, nth),
        source=source,
        kind=Kind.MESSAGE,
        author_id=OWNER if by_owner else f"{source}:{sender}",
        by_owner=by_owner,
        thread_id=thread,
        said_at=said_at,
        text=text,
        attachments=tuple(Attachment(kind) for key, kind in _MEDIA.items() if message.get(key)),
        audience=thread,
        origin=where,
    )


def _left_out(message: dict[Any, Any], sender: str, text: str) -> str | None:
    if message.get("is_unsent") is True or message.get("isUnsent") is True:
        return "deleted"
    if (
        message.get("type") in ("Call", "Subscribe", "Unsubscribe", "placeholder")
        or "call_duration" in message
    ):
        return "a system message"
    names = ("You", sender, *sender.split()[:1])
    told = (text.removeprefix(name) for name in names if name and text.startswith(name))
    notice = _NAMELESS.fullmatch(text) or any(map(_NOTICE.fullmatch, told))
    return "a system message" if notice else None


def _sender(message: Any) -> str:
    return said_in(as_dict(message).get("sender_name") or as_dict(message).get("senderName")).strip()


def _name(participant: Any) -> str:
    return said_in(participant if isinstance(participant, str) else as_dict(participant).get("name")).strip()


def _chat_of(name: str) -> str:
    """The chat a file belongs to, by the number at the end of its folder: the slug before it may change."""
    found = _INBOX.fullmatch(name)
    slug = found["chat"] if found else PurePosixPath(name).stem
    number = re.search(r"_(\d{6,})$", slug)
    return number[1] if number else as_text(slug)

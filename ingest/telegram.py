"""What is one message of a Telegram export? Decoded as what it should be, or looked at field by field."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal, get_args

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import Decoder
from msgspec.structs import fields

from ingest.clean import well_formed
from ingest.drift import Drift, known
from ingest.source import Owner, marked
from ingest.values import as_dict
from storage.records import Attachment, ZoneSource

MEDIA = {"voice_message": "audio", "audio_file": "audio", "animation": "image", "sticker": "sticker"}
_MEDIA_TYPES = frozenset((*MEDIA, "video_message", "video_file"))
_LABELS = {"email": "email", "phone": "phone", "bank_card": "card"}
NOTHING = Raw()

_PartType = Literal[
    "unknown",
    "mention",
    "hashtag",
    "bot_command",
    "link",
    "email",
    "bold",
    "italic",
    "code",
    "pre",
    "plain",
    "text_link",
    "mention_name",
    "phone",
    "cashtag",
    "underline",
    "strikethrough",
    "blockquote",
    "bank_card",
    "spoiler",
    "custom_emoji",
]


class Part(Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """A piece of rich text."""

    type: _PartType | None = None
    text: str | None = None
    user_id: int | str | None = None
    href: Raw = NOTHING
    language: Raw = NOTHING
    document_id: Raw = NOTHING
    collapsed: Raw = NOTHING


Text = str | list[str | Part]
Name = int | str | None


class SaidBy(Struct, frozen=True, gc=False, rename={"from_": "from"}):
    """All that matters of a message to know whose names are to be hidden."""

    from_id: Name = None
    from_: str | None = None
    forwarded_from_id: Name = None
    forwarded_from: str | None = None


class Service(Struct, tag_field="type", tag="service", gc=False, rename={"from_": "from"}):
    """Never read; it has fields of its own for each action."""

    from_: Any = None
    from_id: Any = None


class Said(
    Struct, tag_field="type", tag="message", forbid_unknown_fields=True, gc=False, rename={"from_": "from"}
):
    """What is Raw is known, but not read; a message with a field that is not here comes as a dict."""

    id: Any = None
    date: Any = None
    date_unixtime: Any = None
    from_: Any = None
    from_id: Any = None
    text: Text = ""
    text_entities: Text = ""
    reply_to_message_id: Any = None
    reply_to_peer_id: Any = None
    edited: Any = None
    edited_unixtime: Any = None
    forwarded_from: Any | UnsetType = UNSET
    forwarded_from_id: Any | UnsetType = UNSET
    saved_from: Any = None
    via_bot: Any = None
    photo: Any = None
    file: Any = None
    media_type: Any = None
    author: Raw = NOTHING
    photo_file_size: Raw = NOTHING
    file_size: Raw = NOTHING
    file_name: Raw = NOTHING
    thumbnail: Raw = NOTHING
    thumbnail_file_size: Raw = NOTHING
    performer: Raw = NOTHING
    title: Raw = NOTHING
    sticker_emoji: Raw = NOTHING
    mime_type: Raw = NOTHING
    duration_seconds: Raw = NOTHING
    width: Raw = NOTHING
    height: Raw = NOTHING
    media_spoiler: Raw = NOTHING
    self_destruct_period_seconds: Raw = NOTHING
    contact_information: Raw = NOTHING
    contact_vcard: Raw = NOTHING
    contact_vcard_file_size: Raw = NOTHING
    location_information: Raw = NOTHING
    live_location_period_seconds: Raw = NOTHING
    place_name: Raw = NOTHING
    address: Raw = NOTHING
    game_title: Raw = NOTHING
    game_description: Raw = NOTHING
    game_link: Raw = NOTHING
    invoice_information: Raw = NOTHING
    poll: Raw = NOTHING
    todo_list: Raw = NOTHING
    giveaway_information: Raw = NOTHING
    giveaway_results: Raw = NOTHING
    paid_media: Raw = NOTHING
    inline_bot_buttons: Raw = NOTHING
    reactions: Raw = NOTHING


class Unsupported(Said, tag="unsupported"):
    """Which the export does not support; what is in it is looked at all the same."""


SPEAKERS: Decoder[list[Any]] = Decoder(list[SaidBy])
MESSAGES: Decoder[list[Any]] = Decoder(list[Said | Service | Unsupported])

_PART = known((one.encode_name for one in fields(Part)), values={"type": get_args(_PartType)})
_MESSAGE = known(
    (one.encode_name for one in fields(Said)),
    values={"type": ("message", "service", "unsupported"), "media_type": _MEDIA_TYPES},
    text=_PART,
    text_entities=_PART,
)
_READ = {one.encode_name: one.name for one in fields(Said) if one.type is not Raw}


def look_for_news(message: Any, drift: Drift) -> None:
    """What has been decoded as a Said can only have a new kind of medium."""
    if isinstance(message, Said):
        kind = message.media_type
        if kind is not None and isinstance(kind, (str, int)) and kind not in _MEDIA_TYPES:
            drift.kind("message", "media_type", str(kind))
    elif not isinstance(message, Service) and as_dict(message).get("type") != "service":
        drift.look("message", message, _MESSAGE)


def as_said(message: Any) -> Said | Service | None:
    """Whatever is in it: nothing here has been looked at. None: no message."""
    if not isinstance(message, dict):
        return message if isinstance(message, (Said, Service)) else None
    kind = message.get("type")
    if kind == "service":
        return Service(message.get("from"), message.get("from_id"))
    read = {name: message[written] for written, name in _READ.items() if written in message}
    return (Unsupported if kind == "unsupported" else Said)(**read | {"text": _parts(message.get("text"))})


def _parts(value: Any) -> Text:
    if not isinstance(value, list):
        return value if isinstance(value, str) else ""
    return [part if isinstance(part, str) else _part(as_dict(part)) for part in value]


def _part(part: dict[Any, Any]) -> Part:
    kind, text = part.get("type"), part.get("text")
    return Part(
        kind if kind in get_args(_PartType) else None,
        text if isinstance(text, str) else None,
        part.get("user_id"),
    )


def speakers(message: Any) -> SaidBy | None:
    """Whatever is in it: what has not been decoded as one has not been looked at, either."""
    if not isinstance(message, dict):
        return message if isinstance(message, SaidBy) else None
    return SaidBy(
        peer(message.get("from_id")),
        string(message.get("from")),
        peer(message.get("forwarded_from_id")),
        string(message.get("forwarded_from")),
    )


def plain(value: Text) -> str:
    """Plain text of Telegram's rich one; what it labels (person, e-mail, phone, card) keeps its label."""
    return well_formed(value if isinstance(value, str) else "".join(_plain(value)))


def _plain(parts: list[str | Part]) -> Iterator[str]:
    for part in parts:
        if isinstance(part, str):
            yield part
        elif part.text is not None:
            if part.type == "mention_name" and (user := number(part.user_id)):
                yield marked("person", f"telegram:{user}")
            elif part.type and part.type in _LABELS:
                yield marked(_LABELS[part.type], part.text)
            else:
                yield f"```\n{part.text}\n```" if part.type == "pre" else part.text


def time(since_1970: Any, written: Any, owner: Owner) -> tuple[datetime | None, ZoneSource]:
    """`date_unixtime` is the truth. `date` alone, in exports before 2021-12, is the owner's wall clock."""
    try:
        return datetime.fromtimestamp(int(since_1970), UTC), ZoneSource.EXPLICIT
    except (TypeError, ValueError, OverflowError, OSError):
        pass
    try:
        local = datetime.fromisoformat(written)
        said_at = owner.to_utc(local) if local.tzinfo is None else local.astimezone(UTC)
        return (said_at if said_at.year > 1970 else None), ZoneSource.OWNER
    except (TypeError, ValueError, OverflowError):
        return None, ZoneSource.OWNER


def attachments(message: Said) -> tuple[Attachment, ...]:
    if message.photo:
        return (Attachment("image"),)
    if isinstance(message.media_type, str):
        return (Attachment(MEDIA.get(message.media_type, "video")),)
    return (Attachment("file"),) if message.file else ()


def peer(value: Any) -> str | None:
    """ "user123", "channel123"; a bare number, as old exports and contacts have it, is a user."""
    return _named_peer(value) if isinstance(value, str) else _user(value)


@lru_cache(maxsize=10_000)
def _named_peer(value: str) -> str | None:
    return value if re.fullmatch(r"(?:user|chat|channel)\d{1,20}", value, re.ASCII) else _user(value)


def _user(value: Any) -> str | None:
    return f"user{digits}" if (digits := number(value)) else None


def number(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    if isinstance(value, int):
        return str(value) if 0 <= value < 1 << 63 else None
    return value if re.fullmatch(r"\d{1,20}", value, re.ASCII) else None


def string(value: Any) -> str:
    return well_formed(value).strip() if isinstance(value, str) else ""

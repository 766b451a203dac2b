"""What hangs on a Telegram message? Nothing is fetched here unless it is asked for."""

from __future__ import annotations

import asyncio

from telegram import Bot, Message, Sticker

from bot.platform import ChatRefused, ChatUnavailable
from storage.records import Media

SECONDS = 10.0
MOST_EMOJI = 2  # of one message, to be looked at; what stands for them is in the text
CUSTOM = "custom_emoji:"  # how the `ref` of one begins: it has no file until Telegram is asked
SMALL = 20_000  # bytes of a text file that is read at once
READ = 4_000  # characters of it
TEXT_FILES = (".txt", ".md", ".csv", ".json", ".log", ".py", ".js", ".ts", ".html", ".xml", ".yaml", ".toml")


def media_of(message: Message) -> tuple[Media, ...]:
    media = _file(message) or _other(message)
    return ((media,) if media else ()) + _emoji(message)


async def text_of(media: Media, bot: Bot) -> str:
    """The beginning of a small text file, "" for anything else. Raises TelegramError."""
    is_text = media.mime.startswith("text/") or media.name.lower().endswith(TEXT_FILES)
    if media.kind != "file" or not is_text or not 0 < media.size <= SMALL:
        return ""
    file = await bot.get_file(media.ref)
    return bytes(await file.download_as_bytearray()).decode("utf-8", "replace")[:READ]


async def bytes_of(media: Media, bot: Bot, most: int) -> bytes:
    """The whole file, from Telegram's own servers. Raises TelegramError, ChatRefused, ChatUnavailable."""
    try:
        async with asyncio.timeout(SECONDS):
            file = await bot.get_file(await _file_id(media, bot))
            if (file.file_size or 0) > most:
                raise ChatRefused("it is too large")
            data = bytes(await file.download_as_bytearray())
    except TimeoutError as error:
        raise ChatUnavailable("Telegram's files are too slow") from error
    if len(data) > most:
        raise ChatRefused("it is too large")
    return data


async def _file_id(media: Media, bot: Bot) -> str:
    if not media.ref.startswith(CUSTOM):
        return media.ref
    stickers = await bot.get_custom_emoji_stickers([media.ref.removeprefix(CUSTOM)])
    if not stickers:
        raise ChatRefused("there is no such emoji any more")
    return _still(stickers[0])


def _still(sticker: Sticker) -> str:
    """A drawing that moves is no picture that anybody here decodes; its thumbnail is one."""
    return sticker.thumbnail.file_id if sticker.is_animated and sticker.thumbnail else sticker.file_id


def _emoji(message: Message) -> tuple[Media, ...]:
    """Those that somebody drew; in the text stands the usual one that comes closest."""
    drawn = message.parse_entities(["custom_emoji"]) | message.parse_caption_entities(["custom_emoji"])
    found = {entity.custom_emoji_id: text for entity, text in drawn.items() if entity.custom_emoji_id}
    return tuple(Media("emoji", text, ref=f"{CUSTOM}{id}") for id, text in list(found.items())[:MOST_EMOJI])


def _file(message: Message) -> Media | None:
    if message.photo:
        best = message.photo[-1]
        return Media("image", mime="image/jpeg", size=best.file_size or 0, ref=best.file_id)
    if sticker := message.sticker:
        name, text = sticker.set_name or "", sticker.emoji or ""
        return Media("sticker", name, size=sticker.file_size or 0, ref=_still(sticker), text=text)
    if note := message.video_note:
        return Media("video", mime="video/mp4", size=note.file_size or 0, ref=note.file_id)
    if voice := message.voice:
        mime = voice.mime_type or "audio/ogg"
        return Media("voice", mime=mime, size=voice.file_size or 0, ref=voice.file_id)
    for kind, file in (
        ("video", message.animation),  # it comes as a document, too
        ("video", message.video),
        ("audio", message.audio),
        ("file", message.document),
    ):
        if file:
            name, mime = file.file_name or "", file.mime_type or ""
            return Media(kind, name, mime, file.file_size or 0, file.file_id)
    return None


def _other(message: Message) -> Media | None:
    if venue := message.venue:
        return Media("place", venue.title, text=venue.address)
    if place := message.location:
        return Media("place", text=f"{place.latitude:.5f}, {place.longitude:.5f}")
    if contact := message.contact:  # who, but not their number
        return Media("contact", " ".join(filter(None, (contact.first_name, contact.last_name))))
    if poll := message.poll:
        lines = [poll.question, *(f"- {option.text}" for option in poll.options)]
        return Media("poll", poll.question, text="\n".join(lines))
    if dice := message.dice:
        return Media("sticker", "dice", text=f"{dice.emoji} {dice.value}")
    return None

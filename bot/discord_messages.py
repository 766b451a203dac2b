"""What does a message on Discord say, in our own words? Texts as people read them, files as Media."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Collection, Sequence

import aiohttp
import discord

from storage.records import Media, Message, message_key

log = logging.getLogger(__name__)

PLATFORM = "discord"
MARKUP = re.compile(r"<(?:@!?(?P<user>\d+)|@&(?P<role>\d+)|#(?P<channel>\d+)|a?:(?P<emoji>\w+):\d+)>")
MOST_EMOJI = 2  # of one message, to be looked at; the names of all are in the text
SMALL_FILE, SHOWN_OF_A_FILE, FETCH_SECONDS = 20_000, 4_000, 10.0
TEXT_ENDINGS = (
    ".txt",
    ".md",
    ".csv",
    ".json",
    ".toml",
    ".yaml",
    ".yml",
    ".py",
    ".js",
    ".ts",
    ".html",
    ".log",
)


async def to_message(
    event: discord.Message, me: discord.ClientUser, *, owner_ids: Collection[str], names: Sequence[str]
) -> Message | None:
    """None for what nobody says to anybody: our own messages, system messages, webhooks."""
    if event.author.id == me.id or event.webhook_id is not None:
        return None
    if event.type not in (discord.MessageType.default, discord.MessageType.reply):
        return None
    server_id = event.guild.id if event.guild else getattr(event.channel, "guild_id", None)
    ours = _our_roles(event)
    return Message(
        key=message_key(PLATFORM, event.channel.id, event.id),
        platform=PLATFORM,
        chat_id=str(event.channel.id),
        author_id=str(event.author.id),
        author_name=event.author.display_name,
        text=_readable(event.content, event, me, ours),
        sent_at=event.created_at,
        edited_at=event.edited_at,
        server_id=None if server_id is None else str(server_id),
        private=server_id is None,
        by_owner=str(event.author.id) in owner_ids,
        by_bot=event.author.bot,
        to_twin=_names_us(event.content, me, ours, names),
        to_others=_is_for_others(event, me, ours),
        reply_to=_reply_to(event),
        quote="\n".join(_readable(one.content, event, me, ours) for one in event.message_snapshots) or None,
        media=(*await _files(event), *_stickers(event), *_emoji(event), *_previews(event), *_poll(event)),
    )


def _our_roles(event: discord.Message) -> set[str]:
    """Without @everyone: its id is the server's, and nobody is meant by it."""
    if event.guild is None or event.guild.me is None:
        return set()
    return {str(role.id) for role in event.guild.me.roles} - {str(event.guild.id)}


def _readable(content: str, event: discord.Message, me: discord.ClientUser, ours: set[str]) -> str:
    """The mention of us is left out; everything else that Discord writes as a number gets its name."""
    mentioned = {str(user.id): user.display_name for user in event.mentions}
    us = "|".join([f"@!?{me.id}", *(f"@&{role}" for role in ours)])

    def named(found: re.Match[str]) -> str:
        if user := found["user"]:
            return f"@{mentioned.get(user, 'somebody')}"
        if role := found["role"]:
            known = event.guild and event.guild.get_role(int(role))
            return f"@{known.name if known else 'some role'}"
        if channel := found["channel"]:
            place = event.guild and event.guild.get_channel_or_thread(int(channel))
            return f"#{place.name if place else 'some channel'}"
        return f":{found['emoji']}:"

    return MARKUP.sub(named, re.sub(rf" ?<(?:{us})>", "", content)).strip()


def _names_us(content: str, me: discord.ClientUser, ours: set[str], names: Sequence[str]) -> bool:
    """By the literal mention: `event.mentions` holds us for every reply that pings us, too."""
    for found in MARKUP.finditer(content):
        if found["user"] == str(me.id) or found["role"] in ours:
            return True
    words = MARKUP.sub(" ", content)
    return any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", words, re.IGNORECASE) for name in names if name)


def _is_for_others(event: discord.Message, me: discord.ClientUser, ours: set[str]) -> bool:
    not_others = {str(me.id), str(event.author.id)}
    for found in MARKUP.finditer(event.content):
        if found["user"] and found["user"] not in not_others:
            return True
        if found["role"] and found["role"] not in ours:
            return True
    answered = event.reference.resolved if event.reference and _reply_to(event) else None
    return isinstance(answered, discord.Message) and str(answered.author.id) not in not_others


def _reply_to(event: discord.Message) -> str | None:
    reference = event.reference
    if event.type is not discord.MessageType.reply or reference is None or reference.message_id is None:
        return None
    return message_key(PLATFORM, reference.channel_id, reference.message_id)


# what hangs on it


async def _files(event: discord.Message) -> list[Media]:
    attachments = [*event.attachments, *(one for shot in event.message_snapshots for one in shot.attachments)]
    return [
        Media(
            kind="voice" if attachment.is_voice_message() else _kind(attachment),
            name=attachment.filename,
            mime=_mime(attachment),
            size=attachment.size,
            ref=attachment.url,
            text=await _text_of(attachment),
        )
        for attachment in attachments
    ]


def _mime(attachment: discord.Attachment) -> str:
    return (attachment.content_type or "").partition(";")[0].strip()


def _kind(attachment: discord.Attachment) -> str:
    kind = _mime(attachment).partition("/")[0]
    return kind if kind in ("image", "video", "audio") else "file"


async def _text_of(attachment: discord.Attachment) -> str:
    is_text = _mime(attachment).startswith("text/") or attachment.filename.lower().endswith(TEXT_ENDINGS)
    if not is_text or attachment.size > SMALL_FILE:
        return ""
    try:
        async with asyncio.timeout(FETCH_SECONDS):
            data = await attachment.read()
    except (discord.DiscordException, aiohttp.ClientError, OSError):
        log.warning("attachment %s could not be fetched", attachment.id)
        return ""
    return data.decode("utf-8", errors="replace")[:SHOWN_OF_A_FILE]


def _stickers(event: discord.Message) -> list[Media]:
    stickers = [*event.stickers, *(one for shot in event.message_snapshots for one in shot.stickers)]
    return [Media(kind="sticker", name=sticker.name, ref=sticker.url) for sticker in stickers]


def _emoji(event: discord.Message) -> list[Media]:
    """What a server drew for itself; those that everybody has are words to the model."""
    found = dict.fromkeys(one[0] for one in MARKUP.finditer(event.content) if one["emoji"])
    drawn = [discord.PartialEmoji.from_str(one) for one in list(found)[:MOST_EMOJI]]
    return [Media(kind="emoji", name=emoji.name, ref=emoji.url) for emoji in drawn]


def _previews(event: discord.Message) -> list[Media]:
    embeds = [*event.embeds, *(one for shot in event.message_snapshots for one in shot.embeds)]
    media = []
    for embed in embeds:
        fields = [f"{field.name}: {field.value}" for field in embed.fields]
        text = "\n".join(part for part in (embed.title, embed.description, *fields) if part)
        if text:
            name, text = embed.title or "", text[:SHOWN_OF_A_FILE]
            media.append(Media(kind="link", name=name, ref=embed.url or "", text=text))
    return media


def _poll(event: discord.Message) -> list[Media]:
    if event.poll is None:
        return []
    answers = "".join(f"\n- {answer.text}" for answer in event.poll.answers)
    return [Media(kind="poll", name=event.poll.question, text=event.poll.question + answers)]

"""Discord as a chat app: how does the twin speak there? Hearing is in discord_client.py."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import aiohttp
import discord

from bot import discord_files
from bot.discord_client import DiscordClient
from bot.discord_commands import MESSAGE_LENGTH, buttons_of, pieces
from bot.discord_messages import PLATFORM
from bot.discord_missed import Missed
from bot.discord_trouble import (
    BAD_TOKEN,
    NO_MESSAGE_CONTENT,
    another_discord,
    broken,
    reaching_discord,
)
from bot.platform import Button, ChatRefused, ChatUnavailable, Ears, Limits
from storage.cursors import CursorStore
from storage.records import Media, stable_id

log = logging.getLogger(__name__)

TYPING_SECONDS = 8.0  # Discord shows it for ten
NONCE_LENGTH = 25
REMEMBER_SECONDS = 1.0  # between two notes of how far we have heard
LOOK_BACK = 200  # messages that find_sent looks through at most


class DiscordApp:
    """A Platform. `run` connects and stays connected until `stop`."""

    name = PLATFORM
    limits = Limits(message_length=MESSAGE_LENGTH, edit_seconds=1.5)

    def __init__(
        self,
        token: str,
        ears: Ears,
        *,
        owner_ids: Collection[str],
        names: Sequence[str],
        fresh_for: timedelta,
        cursors: CursorStore | None = None,
        api_url: str | None = None,
        gateway_url: str | None = None,
        sync_commands: bool = True,
        call_seconds: float = 60.0,
        guild_ready_seconds: float = 2.0,
        identify_pause: float = 5.0,
    ) -> None:
        self.call_seconds = call_seconds
        self._token = token
        self._api_url = api_url
        self._ears = ears
        self._options: dict[str, Any] = {
            "owner_ids": owner_ids,
            "names": names,
            "fresh_for": fresh_for,
            "sync_commands": sync_commands,
            "call_seconds": call_seconds,
            "guild_ready_seconds": guild_ready_seconds,
            "identify_pause": identify_pause,
        }
        self._missed = Missed(cursors)
        self._client: DiscordClient | None = None
        self._running: asyncio.Task[None] | None = None
        self._heard = time.monotonic()
        another_discord(api_url, gateway_url)

    # its life

    async def run(self) -> None:
        """Connect and hear until `stop`; raises ChatUnavailable or ChatRefused with what to do about it."""
        before = await self._missed.before()
        client = self._client = DiscordClient(
            self._ears, self, missed=partial(self._missed.private_chats, self._token, before), **self._options
        )
        remembering = asyncio.create_task(self._remember(client))
        running = self._running = asyncio.create_task(client.start(self._token))
        try:
            await running
        except asyncio.CancelledError:
            if self._client is client:  # it is us who are cancelled; otherwise `stop` did it
                raise
        except Exception as error:
            raise _end(error, client) from error
        finally:
            self._heard = client.heard
            self._client = self._running = None
            remembering.cancel()
            await client.finish(0)
            await client.close()
            await asyncio.wait([remembering])  # or its transaction outlives us, and perhaps the database

    async def _remember(self, client: DiscordClient) -> None:
        while True:
            await asyncio.sleep(REMEMBER_SECONDS)
            await self._missed.remember(await client.heard_up_to())

    async def stop(self) -> None:
        """Hear nothing new, finish what has begun, leave."""
        client, running = self._client, self._running
        if client is None or running is None:
            return
        await client.finish()
        await self._missed.remember(await client.heard_up_to())
        self._client = None
        await client.close()
        running.cancel()
        await asyncio.wait([running])

    def alive(self) -> float:
        """Seconds since the gateway gave a sign of life: an event, or an answer to a heartbeat."""
        return time.monotonic() - (self._client.heard if self._client else self._heard)

    # what the flow asks of a platform

    def length(self, text: str) -> int:
        return len(text)  # in code points: Discord's API counts as Python does

    async def send(
        self,
        chat_id: str,
        text: str,
        *,
        reply_to: str | None = None,
        nonce: str | None = None,
        buttons: Sequence[Button] = (),
    ) -> str:
        more: dict[str, Any] = {"view": buttons_of(buttons)} if buttons else {}
        if nonce:
            more["nonce"] = nonce if len(nonce) <= NONCE_LENGTH else stable_id(nonce)[:NONCE_LENGTH]
        if reference := _reference(reply_to):
            try:
                return await self.post(chat_id, text, reference=reference, mention_author=False, **more)
            except ChatRefused as refusal:
                if getattr(refusal.__cause__, "status", None) != 400:
                    raise
                log.info("chat %s: no reply to %s is possible, so it is sent without", chat_id, reply_to)
        return await self.post(chat_id, text, **more)

    async def post(self, chat_id: str, text: str, **more: Any) -> str:
        chat = self._chat(chat_id)
        async with reaching_discord(self.call_seconds, changes=True):
            message = await chat.send(text, **more)
        return str(message.id)

    async def show_growing(self, chat_id: str, text: str, *, nonce: str) -> bool:
        return False

    async def find_sent(
        self, chat_id: str, text: str, *, nonce: str, after: str, known: set[str]
    ) -> str | None:
        chat, us = self._chat(chat_id), self._connected().user
        start = _reference(after)
        since = discord.Object(start.message_id) if start and start.message_id else None
        async with reaching_discord(self.call_seconds):
            async for message in chat.history(limit=LOOK_BACK, after=since):
                ours = us is not None and message.author.id == us.id and str(message.id) not in known
                if ours and message.content.strip() == text.strip():
                    return str(message.id)
        return None

    async def edit(self, chat_id: str, message_id: str, text: str, *, buttons: Sequence[Button] = ()) -> None:
        message = self._chat(chat_id).get_partial_message(int(message_id))
        async with reaching_discord(self.call_seconds, changes=True):
            await message.edit(content=text, view=buttons_of(buttons) if buttons else None)

    async def delete(self, chat_id: str, message_id: str) -> None:
        message = self._chat(chat_id).get_partial_message(int(message_id))
        async with reaching_discord(self.call_seconds, changes=True):
            with suppress(discord.NotFound):
                await message.delete()

    async def react(self, chat_id: str, message_id: str, emoji: str) -> None:
        message = self._chat(chat_id).get_partial_message(int(message_id))
        async with reaching_discord(self.call_seconds, changes=True):
            await message.add_reaction(emoji)

    @asynccontextmanager
    async def typing(self, chat_id: str) -> AsyncIterator[None]:
        task = asyncio.create_task(self._type(chat_id))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _type(self, chat_id: str) -> None:
        while True:
            try:
                client = self._connected()
                async with reaching_discord(self.call_seconds):
                    await client.http.send_typing(int(chat_id))
            except (ChatUnavailable, ChatRefused) as error:
                log.info("chat %s: typing is not shown: %s", chat_id, error)
            await asyncio.sleep(TYPING_SECONDS)

    async def tell(self, chat_id: str, text: str, buttons: Sequence[Button] = ()) -> str:
        *first, last = pieces(text) or [text]
        for piece in first:
            await self.post(chat_id, piece)
        return await self.send(chat_id, last, buttons=buttons)

    async def fetch(self, media: Media, most: int) -> bytes:
        return await discord_files.fetch(media, most, self._api_url)

    async def private_chat(self, person_id: str) -> str:
        client = self._connected()
        async with reaching_discord(self.call_seconds):
            channel = await client.create_dm(discord.Object(int(person_id)))
        return str(channel.id)

    def _chat(self, chat_id: str) -> discord.PartialMessageable:
        return self._connected().get_partial_messageable(int(chat_id))

    def _connected(self) -> DiscordClient:
        if self._client is None or self._client.user is None:
            raise ChatUnavailable("Discord is not connected")
        return self._client


def _reference(key: str | None) -> discord.MessageReference | None:
    """None for a key that names no message on Discord."""
    _, _, place = (key or "").partition(":")
    channel_id, _, message_id = place.partition(":")
    if not (channel_id.isdigit() and message_id.isdigit()):
        return None
    return discord.MessageReference(
        message_id=int(message_id), channel_id=int(channel_id), fail_if_not_exists=False
    )


def _end(error: Exception, client: DiscordClient) -> Exception:
    """What the end of a connection means; an error of our own stays what it is."""
    match error:
        case discord.LoginFailure():
            return ChatRefused(BAD_TOKEN)
        case discord.PrivilegedIntentsRequired():
            return ChatRefused(NO_MESSAGE_CONTENT)
        case discord.ConnectionClosed():
            if error.code == 4004:
                return ChatRefused(BAD_TOKEN)
            return ChatUnavailable(f"Discord closed the connection with code {error.code}")
        case discord.DiscordException() | aiohttp.ClientError() | OSError():
            return ChatUnavailable(broken(error))
        case AttributeError() if client.ws is None:  # the library's own, when its first connection fails
            return ChatUnavailable("Discord's gateway cannot be reached")
    return error

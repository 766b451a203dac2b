"""The real DiscordApp with ears that write down what they hear, on a Discord of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import discord_quietly  # noqa: F401  before anything that imports discord
from discord_server import DiscordServer
from discord_world import Json

from bot.discord_app import DiscordApp
from bot.platform import Ears, Invocation, Person, Platform, Press, Question, Reaction, Said
from storage.records import Message, message_key


class Heard:
    """Everything that came in, and what to answer to commands and presses."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.edited: list[Message] = []
        self.deleted: list[str] = []
        self.typing: list[tuple[str, str]] = []
        self.reactions: list[Reaction] = []
        self.commands: list[Invocation] = []
        self.presses: list[Press] = []
        self.asked: list[tuple[str, str, str, str]] = []
        self.known_private: list[str] = []
        self.on_message: Callable[[Message], Awaitable[object]] | None = None
        self.on_reaction: Callable[[Reaction], Awaitable[object]] | None = None
        self.on_command: Callable[[Invocation], Awaitable[Said | Question]] | None = None
        self.on_press: Callable[[Press], Awaitable[Said | Question | None]] | None = None
        self.found: list[str] = []

    def ears(self) -> Ears:
        return Ears(
            message_arrived=self._message,
            message_edited=self._edit,
            message_deleted=self._delete,
            typing_seen=self._typing,
            reaction_changed=self._reaction,
            command_given=self._command,
            completions=self._complete,
            button_pressed=self._press,
            question_asked=self._never,
            private_chats=self._private,
        )

    @property
    def texts(self) -> list[str]:
        return [message.text for message in self.messages]

    async def _message(self, message: Message, platform: Platform) -> None:
        if self.on_message:
            await self.on_message(message)
        self.messages.append(message)

    async def _edit(self, message: Message, platform: Platform) -> None:
        self.edited.append(message)

    async def _delete(self, key: str, at: datetime, platform: Platform) -> None:
        self.deleted.append(key)

    async def _typing(self, chat: str, person: str, platform: Platform) -> None:
        self.typing.append((chat, person))

    async def _reaction(self, reaction: Reaction, platform: Platform) -> None:
        if self.on_reaction:
            await self.on_reaction(reaction)
        self.reactions.append(reaction)

    async def _command(self, invocation: Invocation, platform: Platform) -> Said | Question:
        self.commands.append(invocation)
        return await self.on_command(invocation) if self.on_command else Said("Done.")

    async def _complete(self, command: str, word: str, so_far: str, person: Person) -> list[str]:
        self.asked.append((command, word, so_far, person.name))
        return self.found

    async def _press(self, press: Press, platform: Platform) -> Said | Question | None:
        self.presses.append(press)
        return await self.on_press(press) if self.on_press else None

    async def _never(self, key: str, action: str, person: str) -> None:
        raise AssertionError("Discord has forms")

    async def _private(self, platform: str) -> list[str]:
        return self.known_private


def app_on(server: DiscordServer, heard: Heard, **options: Any) -> DiscordApp:
    return DiscordApp(
        **{
            "token": server.gateway.token,
            "ears": heard.ears(),
            "owner_ids": {str(server.user("Sam").id)},
            "names": ["Sam"],
            "fresh_for": timedelta(hours=1),
            "api_url": server.api_url,
            "gateway_url": server.gateway_url,
            "guild_ready_seconds": 0.1,
            "identify_pause": 0.05,
            "call_seconds": 30.0,
        }
        | options
    )


@asynccontextmanager
async def a_discord() -> AsyncIterator[DiscordServer]:
    """Nothing unknown may be asked of it, and nobody pinged."""
    server = DiscordServer()
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
    assert server.unknown_routes == []
    assert server.violations == []


@asynccontextmanager
async def connected(server: DiscordServer, heard: Heard, **options: Any) -> AsyncIterator[DiscordApp]:
    """Up, and hearing."""
    app = app_on(server, heard, **options)
    before = server.gateway.identified
    running = asyncio.create_task(app.run())
    await server.wait_for(lambda: server.gateway.identified > before or running.done())
    if running.done():
        await running
    await server.wait_for(lambda: app._client and app._client.is_ready())
    try:
        yield app
    finally:
        await app.stop()
        await running


def key_of(message: Json) -> str:
    return message_key("discord", message["channel_id"], message["id"])

"""A Discord of our own on this machine: what does a bot meet there?

It speaks Discord's protocol over real sockets and keeps everything in memory, so a bot can be killed and
started again against it. People act through its methods, which are plain functions: call them in its loop.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

import overheard
from aiohttp import web
from discord_gateway import Gateway
from discord_interactions import AUTOCOMPLETE, COMMAND, COMPONENT, SUBMIT, Interaction, Interactions
from discord_rest import Fault, Rest
from discord_world import DM, PUBLIC_THREAD, Channel, Guild, Json, Upload, User, World, now_text, snowflake

T = TypeVar("T")
API = "/api/v10"
CONTENT_FLAG, CONTENT_FLAG_LIMITED = 1 << 18, 1 << 19


class DiscordServer:
    def __init__(self, token: str = "the-token") -> None:
        self.world = World()
        self.gateway = Gateway(self.world, token)
        self.violations: list[str] = []  # what is no error but bad manners: pings
        self.interactions = Interactions(self.world, self.violations)
        self.rest = Rest(self)
        self.application_flags = CONTENT_FLAG_LIMITED
        self.refuses_replies_to: set[str] = set()
        self.typed: list[int] = []  # channels where the bot was seen typing, each time
        self.home = self.world.guild()
        self.kitchen = self.world.channel(self.home, "kitchen")
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def start(self, port: int = 0) -> None:
        application = web.Application(client_max_size=64 << 20)
        application.router.add_get("/gateway/", self.gateway.handle)
        application.router.add_routes(self.rest.routes(API))
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.5)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        self.world.cdn_url = self.url
        self.gateway.url = f"ws://127.0.0.1:{port}/gateway/"

    async def stop(self) -> None:
        await self.gateway.close()
        if self._runner:
            await self._runner.cleanup()

    @property
    def api_url(self) -> str:
        return self.url + API

    @property
    def gateway_url(self) -> str:
        return self.gateway.url

    @property
    def unknown_routes(self) -> list[str]:
        return self.rest.unknown

    @property
    def bot(self) -> User:
        return self.world.bot

    # who and where

    def user(self, name: str, *, bot: bool = False) -> User:
        return self.world.user(name, bot=bot)

    def dm(self, user: User) -> Channel:
        return self.world.dm(user)

    def channel(self, name: str, type: int = 0, guild: Guild | None = None, **more: Any) -> Channel:
        channel = self.world.channel(guild or self.home, name, type, **more)
        self.gateway.emit("CHANNEL_CREATE", channel.payload(), channel)
        return channel

    def thread(self, parent: Channel, user: User, name: str) -> Channel:
        """A thread, or a post in a forum."""
        assert parent.guild
        more: Json = {"parent": parent, "owner_id": user.id}
        thread = self.world.channel(parent.guild, name, PUBLIC_THREAD, **more)
        self.gateway.emit("THREAD_CREATE", thread.payload() | {"newly_created": True}, thread)
        return thread

    def join(self, name: str) -> Guild:
        """Somebody invites the bot into another server."""
        guild = self.world.guild(name)
        self.gateway.emit("GUILD_CREATE", guild.payload(self.bot.id))
        return guild

    # what people do

    def say(
        self,
        channel: Channel,
        user: User,
        text: str,
        *,
        reply_to: Json | None = None,
        attachments: tuple[Upload, ...] = (),
        ago: timedelta = timedelta(),
        **more: Any,
    ) -> Json:
        overheard.note(text)
        if reply_to:
            reference = {"message_id": reply_to["id"], "channel_id": str(channel.id), "type": 0}
            more["message_reference"] = reference
        if attachments:
            more["attachments"] = self.world.attach(channel, attachments)
            more.setdefault("flags", 8192 if any(upload.voice for upload in attachments) else 0)
        message = self.world.message(channel, user, text, ago=ago, **more)
        self.gateway.emit("MESSAGE_CREATE", self.world.event_of(channel, message), channel)
        return message

    def forward(self, channel: Channel, user: User, message: Json) -> Json:
        copied = ("content", "timestamp", "edited_timestamp", "embeds", "attachments", "type", "flags")
        snapshot = {"message": {key: message[key] for key in copied}}
        message_id = snowflake()
        forwarded = self.world.message(channel, user, "", id=message_id, message_snapshots=[snapshot])
        reference = {"type": 1, "message_id": message["id"], "channel_id": message["channel_id"]}
        forwarded["message_reference"] = reference
        self.gateway.emit("MESSAGE_CREATE", self.world.event_of(channel, forwarded), channel)
        return forwarded

    def edit(self, channel: Channel, message: Json, text: str) -> None:
        message |= {"content": text, "edited_timestamp": now_text()}
        self.gateway.emit("MESSAGE_UPDATE", self.world.event_of(channel, message), channel)

    def unfurl(self, channel: Channel, message: Json, title: str) -> None:
        """A link in it gets its preview: an update that is no edit."""
        message["embeds"] = [{"type": "article", "title": title, "url": "https://example.org/"}]
        self.gateway.emit("MESSAGE_UPDATE", self.world.event_of(channel, message), channel)

    def delete(self, channel: Channel, *messages: Json) -> None:
        """One, or several in bulk."""
        where: Json = {"channel_id": str(channel.id)}
        if channel.guild:
            where["guild_id"] = str(channel.guild.id)
        for message in messages:
            del channel.messages[int(message["id"])]
        if len(messages) == 1:
            self.gateway.emit("MESSAGE_DELETE", where | {"id": messages[0]["id"]}, channel)
        else:
            ids = [message["id"] for message in messages]
            self.gateway.emit("MESSAGE_DELETE_BULK", where | {"ids": ids}, channel)

    def react(self, channel: Channel, message: Json, user: User, emoji: str | Json) -> None:
        self._reaction("MESSAGE_REACTION_ADD", channel, message, user, emoji)

    def unreact(self, channel: Channel, message: Json, user: User, emoji: str | Json) -> None:
        self._reaction("MESSAGE_REACTION_REMOVE", channel, message, user, emoji)

    def _reaction(self, event: str, channel: Channel, message: Json, user: User, emoji: str | Json) -> None:
        given = message.setdefault("reactions_by", {})
        name = emoji if isinstance(emoji, str) else emoji["name"]
        people = given.setdefault(name, [])
        if event == "MESSAGE_REACTION_ADD":
            people.append(user.name)
        else:
            people.remove(user.name)
        message["reactions"] = [
            {
                "emoji": {"id": None, "name": one} if one != name or isinstance(emoji, str) else emoji,
                "count": len(who),
                "me": self.bot.name in who,
                "me_burst": False,
            }
            for one, who in given.items()
            if who
        ]
        data: Json = {
            "user_id": str(user.id),
            "channel_id": str(channel.id),
            "message_id": message["id"],
            "emoji": {"id": None, "name": emoji} if isinstance(emoji, str) else emoji,
            "burst": False,
            "type": 0,
        }
        if channel.guild:
            data["guild_id"] = str(channel.guild.id)
        if event == "MESSAGE_REACTION_ADD":
            data["message_author_id"] = message["author"]["id"]
            if channel.guild:
                data["member"] = channel.guild.members[user.id].payload()
        self.gateway.emit(event, data, channel)

    def type(self, channel: Channel, user: User) -> None:
        data: Json = {"channel_id": str(channel.id), "user_id": str(user.id), "timestamp": int(time.time())}
        if channel.guild:
            member = channel.guild.members[user.id].payload()
            data |= {"guild_id": str(channel.guild.id), "member": member}
        self.gateway.emit("TYPING_START", data, channel)

    # commands, buttons, forms

    def slash(self, name: str, user: User, channel: Channel, **words: str) -> Interaction:
        command = self.interactions.command(name, 1, channel)
        options = self.interactions.options(command, words)
        return self._interact(COMMAND, user, channel, self._command_data(command, channel, options=options))

    def complete(self, name: str, user: User, channel: Channel, focused: str, **words: str) -> Interaction:
        command = self.interactions.command(name, 1, channel)
        options = self.interactions.options(command, words, focused)
        data = self._command_data(command, channel, options=options)
        return self._interact(AUTOCOMPLETE, user, channel, data)

    def menu(self, title: str, user: User, channel: Channel, message: Json) -> Interaction:
        """An entry in the menu of a message."""
        command = self.interactions.command(title, 3, channel)
        resolved = {"messages": {message["id"]: message}}
        data = self._command_data(command, channel, target_id=message["id"], resolved=resolved)
        return self._interact(COMMAND, user, channel, data)

    def press(self, label: str, user: User, channel: Channel, message: Json) -> Interaction:
        """A button of that message, by what is written on it."""
        for row in message["components"]:
            for button in row["components"]:
                if button["label"] == label:
                    data = {"custom_id": button["custom_id"], "component_type": 2}
                    return self._interact(COMPONENT, user, channel, data, message)
        raise AssertionError(f"there is no button {label!r}")

    def submit(self, asked: Interaction, text: str) -> Interaction:
        """Fill in the form that was the answer to `asked`."""
        assert asked.modal
        label = asked.modal["components"][0]
        value = {"type": 4, "custom_id": label["component"]["custom_id"], "value": text}
        components = [{"type": 18, "id": 1, "component": value}]
        data = {"custom_id": asked.modal["custom_id"], "components": components}
        return self._interact(SUBMIT, asked.user, asked.channel, data, asked.message)

    def _command_data(self, command: Json, channel: Channel, **more: Any) -> Json:
        return {"id": command["id"], "name": command["name"], "type": command.get("type", 1)} | more

    def _interact(
        self, type: int, user: User, channel: Channel, data: Json, message: Json | None = None
    ) -> Interaction:
        interaction, event = self.interactions.begin(type, user, channel, data, message)
        self.gateway.emit("INTERACTION_CREATE", event)
        return interaction

    # what goes wrong

    def fault(self, kind: str, times: int = 1, **more: Any) -> Fault:
        fault = Fault(kind, times, **more)
        self.rest.faults.append(fault)
        return fault

    # what is to be seen

    def messages(self, channel: Channel) -> list[Json]:
        return [channel.messages[message_id] for message_id in sorted(channel.messages)]

    def sent(self, channel: Channel) -> list[str]:
        """What the bot said there."""
        bot_id = str(self.bot.id)
        return [one["content"] for one in self.messages(channel) if one["author"]["id"] == bot_id]

    async def wait_for(self, look: Callable[[], T], seconds: float = 15.0) -> T:
        """The first truth that `look` finds; the whole state is at hand, so looking often is the simplest."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not (found := look()):
                    await asyncio.sleep(0.005)
                return found
        raise AssertionError(f"it did not happen within {seconds} s")


__all__ = ["DM", "DiscordServer", "Upload"]

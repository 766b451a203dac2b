"""When does kill -9 hurt most? At any time, and right when a message gets into a chat or out of one.

The moments in between are hit from the server's side: the message is there, or not quite yet, and the process
that sends it dies before it hears so.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from chat_script import Script
from chat_service import ChatService
from discord_checks import ApiError
from discord_server import DiscordServer
from telegram_methods import Refused
from telegram_server import TelegramServer

MOMENTS = ("any time", "about to be sent", "sent", "edited", "heard", "acknowledged")
PATIENCE = 8.0  # seconds; a moment that does not come by then is any time


class Killer:
    def __init__(self, discord: DiscordServer, telegram: TelegramServer, seed: int) -> None:
        self._random = random.Random(seed)
        self._service: ChatService | None = None
        self._moment = ""
        self._left: list[str] = []  # each moment comes once before any comes again
        self._watch_discord(discord)
        self._watch_telegram(telegram)

    def _watch_discord(self, server: DiscordServer) -> None:
        emit, make, bot = server.gateway.emit, server.world.message, server.bot

        def emit_and_look(event: str, data: dict[str, Any], *more: Any) -> None:
            emit(event, data, *more)
            ours = data.get("author", {}).get("id") == str(bot.id)
            if event == "MESSAGE_CREATE":
                self._reached("sent" if ours else "heard")
            elif event == "MESSAGE_UPDATE":
                self._reached("edited")

        def look_and_make(channel: Any, author: Any, *more: Any, **still_more: Any) -> Any:
            if author is bot and self._reached("about to be sent"):
                raise ApiError(503, 0, "nobody hears this any more")
            return make(channel, author, *more, **still_more)

        server.gateway.emit = emit_and_look  # type: ignore[method-assign]
        server.world.message = look_and_make  # type: ignore[method-assign]

    def _watch_telegram(self, server: TelegramServer) -> None:
        send, edit = server.methods.sendMessage, server.methods.editMessageText
        acknowledge = server._acknowledge

        def send_and_look(asked: Any) -> Any:
            if self._reached("about to be sent"):
                raise Refused(502, "nobody hears this any more")
            sent = send(asked)
            self._reached("sent")
            return sent

        def edit_and_look(asked: Any) -> Any:
            edited = edit(asked)
            self._reached("edited")
            return edited

        def acknowledge_and_look(offset: int) -> None:
            before = server.offset
            acknowledge(offset)
            if server.offset > before:
                self._reached("acknowledged")

        server.methods.sendMessage = send_and_look  # type: ignore[method-assign]
        server.methods.editMessageText = edit_and_look  # type: ignore[method-assign]
        server._acknowledge = acknowledge_and_look  # type: ignore[method-assign]

    def _reached(self, moment: str) -> bool:
        if self._service is None or self._moment != moment:
            return False
        self._service.kill()
        self._service = None
        return True

    async def strike(self, service: ChatService) -> str:
        """Let it live for a while, then kill it. Returns when it was."""
        await asyncio.sleep(self._random.uniform(0.1, 6.0))
        self._left = self._left or self._random.sample(MOMENTS, len(MOMENTS))
        self._moment, self._service = self._left.pop(), service
        if self._moment != "any time":
            for _ in range(int(PATIENCE / 0.05)):
                if self._service is None:
                    return self._moment
                await asyncio.sleep(0.05)
        self._service = None
        service.kill()
        return "any time"


async def talk_and_kill(
    service: ChatService,
    script: Script,
    killer: Killer,
    *,
    messages: int,
    kills: int,
    on_kill: Callable[[int, str], None] = lambda number, moment: None,
) -> None:
    """People talk; meanwhile the service is killed and started again. Ends when all is answered, or a minute
    after the last question."""
    await service.up()
    script.greet()
    await script.until_done(30.0)
    seconds = 6.0 * kills
    talking = asyncio.create_task(script.go_on(messages, seconds / messages, alive=lambda: service.running))
    for number in range(kills):
        moment = await killer.strike(service)
        on_kill(number + 1, moment)
        await asyncio.sleep(script.random.uniform(0.0, 1.0))
        await service.up()
    await talking
    await script.until_done(60.0)

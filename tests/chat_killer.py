"""When does kill -9 hurt most? At any time, and right when a message has got into a chat.

The moments in between are hit from the server's side: the message is there, and the process that sent it
dies before it hears so.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from chat_script import Script
from chat_service import ChatService
from discord_server import DiscordServer
from telegram_server import TelegramServer

MOMENTS = ("any time", "sent", "sent", "edited", "heard")
PATIENCE = 8.0  # seconds; a moment that does not come by then is any time


class Killer:
    def __init__(self, discord: DiscordServer, telegram: TelegramServer, seed: int) -> None:
        self._random = random.Random(seed)
        self._service: ChatService | None = None
        self._moment = ""
        self._bot = str(discord.bot.id)
        self._emit, discord.gateway.emit = discord.gateway.emit, self._on_discord  # type: ignore[method-assign]
        for method, moment in (("sendMessage", "sent"), ("editMessageText", "edited")):
            done = getattr(telegram.methods, method)
            setattr(telegram.methods, method, self._on_telegram(done, moment))

    def _on_discord(self, event: str, data: dict[str, Any], *more: Any) -> None:
        self._emit(event, data, *more)
        ours = data.get("author", {}).get("id") == self._bot
        if event == "MESSAGE_CREATE":
            self._reached("sent" if ours else "heard")
        elif event == "MESSAGE_UPDATE":
            self._reached("edited")

    def _on_telegram(self, do: Callable[[Any], Any], moment: str) -> Callable[[Any], Any]:
        def done(asked: Any) -> Any:
            result = do(asked)
            self._reached(moment)
            return result

        return done

    def _reached(self, moment: str) -> None:
        if self._service and self._moment == moment:
            self._service.kill()
            self._service = None

    async def strike(self, service: ChatService) -> str:
        """Let it live for a while, then kill it. Returns when it was."""
        await asyncio.sleep(self._random.uniform(0.1, 6.0))
        self._moment, self._service = self._random.choice(MOMENTS), service
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
    seconds = 4.5 * kills
    talking = asyncio.create_task(script.go_on(messages, seconds / messages, alive=lambda: service.running))
    for number in range(kills):
        moment = await killer.strike(service)
        on_kill(number + 1, moment)
        await asyncio.sleep(script.random.uniform(0.0, 1.0))
        await service.up()
    await talking
    await script.until_done(60.0)

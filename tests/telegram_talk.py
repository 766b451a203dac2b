"""A Telegram server of ours, the real app on it, and ears that note what they hear."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from telegram_server import TOKEN, TelegramServer

from bot.platform import Ears, Invocation, Press, Question, Reaction, Said
from bot.telegram_app import TelegramApp
from bot.telegram_tuning import Tuning
from storage.cursors import CursorStore
from storage.records import Message

QUICK = Tuning(
    poll_seconds=2,
    request_seconds=5,
    first_pause=0.01,
    stop_seconds=2,
    settle_seconds=0.05,
    per_second=1000,
    chat_seconds=0,
    group_per_minute=1000,
)


@dataclass
class Heard:
    """What the ears were handed. A test may set what they answer, or make them wait."""

    messages: list[Message] = field(default_factory=list)
    edits: list[Message] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    reactions: list[Reaction] = field(default_factory=list)
    commands: list[Invocation] = field(default_factory=list)
    presses: list[Press] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    answer: Said | Question = field(default_factory=lambda: Said("done"))
    press_answer: Said | Question | None = None
    on_message: Callable[[Message], Awaitable[object]] | None = None
    on_command: Callable[[Invocation], Awaitable[object]] | None = None

    def ears(self) -> Ears:
        async def message_arrived(message: Message, _: object) -> None:
            if self.on_message:
                await self.on_message(message)
            self.messages.append(message)

        async def message_edited(message: Message, _: object) -> None:
            self.edits.append(message)

        async def message_deleted(key: str, *_: object) -> None:
            self.deleted.append(key)

        async def reaction_changed(reaction: Reaction, _: object) -> None:
            self.reactions.append(reaction)

        async def command_given(invocation: Invocation, _: object) -> Said | Question:
            if self.on_command:
                await self.on_command(invocation)
            self.commands.append(invocation)
            return self.answer

        async def button_pressed(press: Press, _: object) -> Said | Question | None:
            self.presses.append(press)
            return self.press_answer

        async def question_asked(key: str, action: str, person_id: str) -> None:
            self.asked.append((key, action, person_id))

        async def nothing(*_: object) -> list[str]:
            return []

        return Ears(
            message_arrived,
            message_edited,
            message_deleted,
            nothing,
            reaction_changed,
            command_given,
            nothing,
            button_pressed,
            question_asked,
            nothing,
        )


def app_for(
    server: TelegramServer,
    heard: Heard,
    cursors: CursorStore,
    *,
    owner_ids: tuple[str, ...] = (),
    tuning: Tuning = QUICK,
    **more: Any,
) -> TelegramApp:
    return TelegramApp(
        TOKEN,
        heard.ears(),
        owner_ids=owner_ids,
        names=("Sam", "Sammy"),
        cursors=cursors,
        base_url=more.pop("base_url", server.base_url),
        base_file_url=server.base_file_url,
        tuning=tuning,
        **more,
    )


@asynccontextmanager
async def running(app: TelegramApp) -> AsyncIterator[TelegramApp]:
    """It listens inside the block. What ended it early is raised."""
    listening = asyncio.create_task(app.run())
    try:
        while app.alive() == float("inf") and not listening.done():
            await asyncio.sleep(0.005)
        yield app
    finally:
        await app.stop()
        async with asyncio.timeout(10):
            await listening

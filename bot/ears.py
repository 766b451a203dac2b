"""What do the chat apps hand over to whom? The flow behind every chat app, wired for one of them."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import ParamSpec, TypeVar

from bot.on_command import Commands, completions, on_command
from bot.on_message import Answer, Conversation, on_delete, on_edit, on_message
from bot.on_press import on_press
from bot.on_reaction import on_reaction_changed
from bot.platform import ChatRefused, ChatUnavailable, Ears, Person, Platform, Press, Said
from storage.records import Message
from storage.unavailable import DatabaseUnavailable

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
FIRST_WAIT, LONGEST_WAIT, PATIENCE = 0.5, 10.0, 600.0  # seconds


def ears_of(talk: Conversation, commands: Commands) -> Ears:
    @_patiently
    async def message_arrived(message: Message, platform: Platform) -> Answer | None:
        if await _answers_a_question(message, platform, talk):
            return None
        return await on_message(message, platform, talk=talk)

    @_patiently
    async def message_deleted(key: str, at: datetime, platform: Platform) -> None:
        await on_delete(key, at, platform, talk=talk)

    async def typing_seen(chat_id: str, person_id: str, platform: Platform) -> None:
        talk.turns.typing(platform, chat_id, person_id)

    async def question_asked(message_key: str, action: str, person_id: str) -> None:
        await talk.kept.questions.put(message_key, action, person_id)

    @_patiently
    async def private_chats(platform: str) -> list[str]:
        return [chat.chat_id for chat in await talk.kept.chats.all(platform) if chat.private]

    return Ears(
        message_arrived=message_arrived,
        message_edited=_patiently(partial(on_edit, talk=talk)),
        message_deleted=message_deleted,
        typing_seen=typing_seen,
        reaction_changed=_patiently(partial(on_reaction_changed, talk=talk)),
        command_given=partial(on_command, talk=talk, commands=commands),
        completions=partial(completions, commands=commands),
        button_pressed=partial(on_press, talk=talk),
        question_asked=question_asked,
        private_chats=private_chats,
    )


async def _answers_a_question(message: Message, platform: Platform, talk: Conversation) -> bool:
    """A reply to a question that was put as a message (see Ears.question_asked) is no ordinary message."""
    asked = message.reply_to and await talk.kept.questions.get(message.reply_to)
    if not asked or asked.person_id != message.author_id:
        return False
    by = Person(message.platform, message.author_id, message.author_name, roles=message.author_roles)
    message_id = message.key.rpartition(":")[2]
    press = Press(asked.action, by, message.chat_id, message_id, message.sent_at, text=message.text)
    outcome = await on_press(press, platform, talk=talk)
    if isinstance(outcome, Said):
        with contextlib.suppress(ChatUnavailable, ChatRefused):
            await platform.tell(message.chat_id, outcome.text, outcome.buttons)
    return True


def _patiently(ear: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
    """What is heard while the database is away is kept as soon as it is back: no chat app says it twice."""

    async def listen(*args: P.args, **kwargs: P.kwargs) -> T:
        wait, until = FIRST_WAIT, time.monotonic() + PATIENCE
        while True:
            try:
                return await ear(*args, **kwargs)
            except DatabaseUnavailable as reason:
                if time.monotonic() + wait > until:
                    raise
                log.error("what was heard waits for the database: %s", reason)
                await asyncio.sleep(wait)
                wait = min(2 * wait, LONGEST_WAIT)

    return listen

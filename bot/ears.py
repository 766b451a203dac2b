"""What do the chat apps hand over to whom? The flow behind every chat app, wired for one of them."""

from __future__ import annotations

import contextlib
from datetime import datetime
from functools import partial

from bot.on_command import Commands, completions, on_command
from bot.on_message import Answer, Conversation, on_delete, on_edit, on_message
from bot.on_press import on_press
from bot.on_reaction import on_reaction_changed
from bot.platform import ChatRefused, ChatUnavailable, Ears, Person, Platform, Press, Said
from storage.records import Message


def ears_of(talk: Conversation, commands: Commands) -> Ears:
    async def message_arrived(message: Message, platform: Platform) -> Answer | None:
        if await _answers_a_question(message, platform, talk):
            return None
        return await on_message(message, platform, talk=talk)

    async def message_deleted(key: str, at: datetime, platform: Platform) -> None:
        await on_delete(key, at, platform, talk=talk)

    async def typing_seen(chat_id: str, person_id: str, platform: Platform) -> None:
        talk.turns.typing(platform, chat_id, person_id)

    async def question_asked(message_key: str, action: str, person_id: str) -> None:
        await talk.kept.questions.put(message_key, action, person_id)

    async def private_chats(platform: str) -> list[str]:
        return [chat.chat_id for chat in await talk.kept.chats.all(platform) if chat.private]

    return Ears(
        message_arrived=message_arrived,
        message_edited=partial(on_edit, talk=talk),
        message_deleted=message_deleted,
        typing_seen=typing_seen,
        reaction_changed=partial(on_reaction_changed, talk=talk),
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

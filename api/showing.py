"""How is one of storage's records shown? With what belongs to it looked up in one go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from api.shapes import chat, inbox
from storage.pages import Listed
from storage.records import Feedback, Message

if TYPE_CHECKING:
    from api.world import World


def message_shown(
    message: Message, *, unsent: bool = False, feedback: Sequence[Feedback] = ()
) -> chat.Message:
    stamp = message.stamp
    return chat.Message(
        key=message.key,
        platform=message.platform,
        chat_id=message.chat_id,
        author_id=message.author_id,
        author_name=message.author_name,
        text=message.text,
        sent_at=message.sent_at,
        by_twin=message.by_twin,
        by_owner=message.by_owner,
        reply_to=message.reply_to,
        edited_at=message.edited_at,
        deleted_at=message.deleted_at,
        media=[chat.Media.model_validate(one) for one in message.media],
        adapter=stamp.adapter if stamp else None,
        feedback=[str(one.kind) for one in feedback if one.withdrawn_at is None],
        unsent=unsent,
    )


async def messages_shown(world: World, listed: Sequence[Listed]) -> list[chat.Message]:
    signals = await world.pages.feedback_on([one.message.key for one in listed if one.message.by_twin])
    return [
        message_shown(one.message, unsent=one.unsent, feedback=signals.get(one.message.key, ()))
        for one in listed
    ]


async def replies_shown(world: World, listed: Sequence[Listed]) -> list[inbox.Reply]:
    """Each with what it answers and what was said of it."""
    signals = await world.pages.feedback_on([one.message.key for one in listed])
    asked = {one.message.reply_to for one in listed if one.message.reply_to}
    questions = {one.key: one for one in await world.messages.get_all(asked)}
    replies = []
    for one in listed:
        about = signals.get(one.message.key, [])
        question = questions.get(one.message.reply_to or "")
        message = message_shown(one.message, unsent=one.unsent, feedback=about)
        replies.append(
            inbox.Reply(
                message=message,
                question=message_shown(question) if question else None,
                adapter=message.adapter,
                feedback=[inbox.Feedback.model_validate(signal) for signal in about],
            )
        )
    return replies

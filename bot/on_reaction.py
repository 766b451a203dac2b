"""What happens when somebody reacts, thumbs-down included? One row is written; the next training reads it."""

from __future__ import annotations

from datetime import datetime

from bot.kept import Kept
from bot.on_message import Conversation
from bot.platform import Button, ChatRefused, ChatUnavailable, Platform, Reaction
from bot.settings import ChatSettings
from storage.feedback import FeedbackStore
from storage.messages import MessageStore
from storage.records import Consent, Feedback, Message, Role, Signal

WHAT_THEN = "What should I have said instead of this?\n> {}"


def bare(emoji: str) -> str:
    """Without skin tone and variation selector: those do not matter."""
    return "".join(letter for letter in emoji if letter not in "\N{VARIATION SELECTOR-16}🏻🏼🏽🏾🏿")


def thumb(emoji: str, settings: ChatSettings = ChatSettings()) -> Signal | None:
    """Up, down, or nothing to us."""
    if bare(emoji) in map(bare, settings.thumbs_up):
        return Signal.UP
    return Signal.DOWN if bare(emoji) in map(bare, settings.thumbs_down) else None


async def on_reaction_changed(reaction: Reaction, platform: Platform, *, talk: Conversation) -> None:
    """A thumb on one of the twin's own replies counts until it is taken back, however old the reply is."""
    signal = thumb(reaction.emoji, talk.settings)
    reply_key = (
        await carried_by(reaction.message_key, talk.kept) if signal and not reaction.by.is_bot else None
    )
    if signal is None or reply_key is None:
        return
    kept, by = talk.kept, reaction.by
    if not reaction.added:
        await on_reaction_withdrawn(reply_key, signal, given_by=by.id, at=reaction.at, feedback=kept.feedback)
        return
    role = talk.authority.role_of(by)
    opted_out = await kept.people.consent(by.platform, by.id) is Consent.OPTED_OUT
    if opted_out and role is not Role.OWNER:
        return
    counted = await on_reaction(
        reply_key,
        signal,
        given_by=by.id,
        role=role,
        at=reaction.at,
        messages=kept.messages,
        feedback=kept.feedback,
    )
    if counted and signal is Signal.DOWN and role is not Role.OTHER:
        talk.turns.in_background(_ask_what_then(reply_key, reaction, platform, talk))


async def carried_by(message_key: str, kept: Kept) -> str | None:
    """The key of the twin's reply that this message of a chat app is (a part of)."""
    name, _, rest = message_key.partition(":")
    chat_id, _, message_id = rest.rpartition(":")
    return await kept.deliveries.reply_of(name, chat_id, message_id)


async def on_reaction(
    reply_key: str,
    signal: Signal,
    *,
    given_by: str,
    role: Role,
    at: datetime,
    messages: MessageStore,
    feedback: FeedbackStore,
) -> bool:
    """Keep the verdict if it is about one of the twin's own replies; say whether it was."""
    reply = await messages.get(reply_key)
    if reply is None or not reply.by_twin:
        return False
    await feedback.record(Feedback(reply_key, given_by, role, signal, at))
    return True


async def on_reaction_withdrawn(
    reply_key: str, signal: Signal, *, given_by: str, at: datetime, feedback: FeedbackStore
) -> bool:
    """A verdict that is taken back stops counting; say whether there was one."""
    return await feedback.withdraw(reply_key, given_by, signal, at)


async def _ask_what_then(reply_key: str, reaction: Reaction, platform: Platform, talk: Conversation) -> None:
    """Once for each reply, and where only they see it."""
    reply = await talk.kept.messages.get(reply_key)
    if reply is None or not await talk.kept.questions.put(f"what then {reply_key}", "", reaction.by.id):
        return
    buttons = (Button("Tell you", f"ask-correct:{reply_key}"),)
    text = WHAT_THEN.format(_first_line(reply))
    try:
        await platform.tell(await platform.private_chat(reaction.by.id), text, buttons)
    except (ChatRefused, ChatUnavailable):  # their private chat is closed to us
        await platform.tell(reply.chat_id, text, buttons)


def _first_line(reply: Message) -> str:
    return reply.text.splitlines()[0][:200]

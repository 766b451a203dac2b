"""What happens when somebody reacts, thumbs-down included? One row is written; the next training reads it."""

from __future__ import annotations

from datetime import datetime

from bot.on_message import Conversation
from bot.platform import Button, ChatRefused, ChatUnavailable, Person, Platform, Reaction
from bot.settings import ChatSettings
from bot.which_reply import about
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
    """A thumb on one of the twin's own replies counts until it is taken back, however old the reply is.

    The reply may still be growing: then it is not kept yet, and has its key all the same.
    """
    signal = thumb(reaction.emoji, talk.settings)
    if signal is None or reaction.by.is_bot:
        return
    kept, by = talk.kept, reaction.by
    reply_key = await about(reaction.message_key, kept)
    if reply_key is None:
        return
    if not reaction.added:
        await on_reaction_withdrawn(reply_key, signal, given_by=by.id, at=reaction.at, feedback=kept.feedback)
        return
    if await _counts_already(reply_key, signal, by.id, kept.feedback):
        return
    role = talk.authority.role_of(by)
    if role is not Role.OWNER and not await may_judge(by, reply_key, talk):
        return
    await kept.feedback.record(Feedback(reply_key, by.id, role, signal, reaction.at))
    if signal is Signal.DOWN and role is not Role.OTHER:
        talk.turns.in_background(_ask_what_then(reply_key, reaction, platform, talk))


async def may_judge(by: Person, reply_key: str, talk: Conversation) -> bool:
    """Whether somebody other than the owner is heard where that reply is, and wants to be."""
    if await talk.kept.people.consent(by.platform, by.id) is Consent.OPTED_OUT:
        return False
    reply = await talk.kept.messages.get(reply_key)
    chat_id = reply.chat_id if reply else ""
    chat = await talk.kept.chats.get(by.platform, chat_id)
    return talk.authority.admits(by, chat_id, chat.server_id if chat else None)


async def _counts_already(reply_key: str, signal: Signal, given_by: str, feedback: FeedbackStore) -> bool:
    """A chat app that tells us again what we missed says nothing new."""
    given = await feedback.about(reply_key)
    return any((one.given_by, one.kind, one.withdrawn_at) == (given_by, signal, None) for one in given)


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

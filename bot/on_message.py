"""What happens when a message arrives, is changed, or is deleted?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from bot.allowance import Allowance
from bot.authority import Authority
from bot.drafts import Drafts
from bot.kept import Kept
from bot.manners import LOOK_BACK, Situation, is_addressed, why_silent
from bot.on_correction import on_correction
from bot.owner_news import OwnerNews
from bot.platform import Person, Platform
from bot.settings import ChatSettings
from bot.turns import Turns
from bot.which_reply import about
from storage.records import Chat, Consent, Message, Role, now

log = logging.getLogger(__name__)

Answer = asyncio.Future[Message | None]
Demonstrate = Callable[[str, str], Awaitable[bool]]
"""Keeps what the owner answers when asked, to be learned from; False when there were no words in it."""


Unlearn = Callable[[str, str], Awaitable[int]]
"""Takes what this person (platform, id) said out of everything there is; returns how many entries went."""


TakeBack = Callable[[str], Awaitable[str]]
"""Lets the one before this adapter answer again, if it still answers; returns what to say."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that a message meets on its way."""

    kept: Kept
    turns: Turns
    drafts: Drafts
    news: OwnerNews
    settings: ChatSettings
    zone: tzinfo = UTC  # of the owner
    demonstrate: Demonstrate | None = None  # None: nobody here keeps it
    unlearn: Unlearn | None = None  # None: nothing is learned from here
    take_back: TakeBack | None = None  # None: nothing new was learned here
    allowance: Allowance | None = None  # None: everybody may ask as much as they like

    @property
    def authority(self) -> Authority:
        return self.news.authority


async def on_message(message: Message, platform: Platform, *, talk: Conversation) -> Answer | None:
    """Keep the message, decide whether it is answered, and leave the rest to its turn.

    Written down before anything else; one that is known already is not answered again. Returns the answer to
    come, or None when there will be none.
    """
    if await _ignored(message, talk):
        return None
    message, answers_twin = await _with_its_reply(message, talk)
    if answers_twin and message.reply_to and await _corrects(message, talk):
        return None
    situation = await _situation(message, answers_twin, talk)
    silent = why_silent(message, situation, talk.settings)
    if not await talk.kept.messages.add(message, waiting=silent is None):
        return None
    if silent is None:
        if talk.allowance and (limit := await talk.allowance.exceeded(message)):
            await talk.kept.messages.settle([message.key], f"over {limit}")
            await talk.allowance.tell(message, limit, platform)
            return None
        return talk.turns.hear(message, platform)
    log.info("%s is not answered: %s", message.key, silent)
    if message.by_owner and not message.to_twin and (message.as_owner or not message.private):
        await _step_back(message, situation.chat, talk)
    return None


async def on_edit(message: Message, platform: Platform, *, talk: Conversation) -> None:
    """An edited question is answered anew: the answer that is there changes, and is not learned from."""
    message, _ = await _with_its_reply(message, talk)
    if not await talk.kept.messages.rewrite(message, message.edited_at or now()):
        return
    if talk.turns.changed(message.key):
        return
    if answer := await _answer_to(message.key, talk):
        await talk.turns.redo(answer, message, platform)


async def on_delete(key: str, at: datetime, platform: Platform, *, talk: Conversation) -> None:
    """What was said is forgotten, and so is the answer to it."""
    answer = await _answer_to(key, talk)
    await talk.kept.messages.settle([key], "deleted")
    if not await talk.kept.messages.delete(key, at):
        return
    if not talk.turns.changed(key) and answer:
        await talk.turns.take_back(answer, platform)


async def _ignored(message: Message, talk: Conversation) -> bool:
    """Whoever opted out, or is not on the list, is not even kept."""
    if not talk.authority.hears(message):
        return True
    consent = await talk.kept.people.consent(message.platform, message.author_id)
    return consent is Consent.OPTED_OUT and not message.by_owner


async def _with_its_reply(message: Message, talk: Conversation) -> tuple[Message, bool]:
    """The twin's replies go by keys of their own: name the reply instead of the message that carries it."""
    if not message.reply_to:
        return message, False
    message_id = message.reply_to.rpartition(":")[2]
    own = await talk.kept.deliveries.reply_of(message.platform, message.chat_id, message_id)
    mark = talk.settings.correction_mark
    if own is None and mark and message.text.startswith(mark):
        own = await about(message.reply_to, talk.kept)
    return (replace(message, reply_to=own, to_others=False), True) if own else (message, False)


async def _corrects(message: Message, talk: Conversation) -> bool:
    """A reply that begins with the mark says what should have been said."""
    mark = talk.settings.correction_mark
    if not mark or not message.text.startswith(mark) or message.reply_to is None:
        return False
    by = Person(message.platform, message.author_id, message.author_name, roles=message.author_roles)
    role = talk.authority.role_of(by)
    if role is Role.OTHER:  # to them it is just a message
        return False
    await on_correction(
        message.reply_to,
        message.text.removeprefix(mark),
        given_by=by.id,
        role=role,
        at=message.sent_at,
        messages=talk.kept.messages,
        feedback=talk.kept.feedback,
        growing=True,
    )
    return True  # even one that changes nothing: who corrects has not come to talk there


async def _situation(message: Message, answers_twin: bool, talk: Conversation) -> Situation:
    chat, everywhere = await talk.kept.chats.here_and_everywhere(message.platform, message.chat_id)
    if chat is None:
        chat = Chat(message.platform, message.chat_id, message.server_id, message.private)
        await talk.kept.chats.put(chat)
    return Situation(
        at=now(),
        chat=chat,
        everywhere=everywhere,
        answers_twin=answers_twin,
        recent=await _recent(message, answers_twin, talk),
        zone=talk.zone,
    )


async def _recent(message: Message, answers_twin: bool, talk: Conversation) -> list[Message]:
    """What was said there before, where it matters."""
    if not message.by_bot and is_addressed(message, answers_twin):
        return []
    return await talk.kept.messages.recent(message.chat_id, message.platform, limit=LOOK_BACK)


async def _step_back(message: Message, chat: Chat | None, talk: Conversation) -> None:
    """The owner writes there: keep quiet for a while, and learn from what they say instead of a draft."""
    if chat and talk.settings.takeover_minutes:
        until = message.sent_at + timedelta(minutes=talk.settings.takeover_minutes)
        if chat.quiet_until is None or chat.quiet_until < until:
            await talk.kept.chats.put(replace(chat, quiet_until=until, quiet_why="the owner writes there"))
    talk.turns.in_background(talk.drafts.owner_spoke(message))


async def _answer_to(key: str, talk: Conversation) -> Message | None:
    outcome = await talk.kept.messages.outcome(key) or ""
    how, _, reply = outcome.rpartition(" ")
    return await talk.kept.messages.get(reply) if how in ("answered by", "proposed as") else None

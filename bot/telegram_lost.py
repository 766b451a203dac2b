"""A send was not answered: is the message there all the same?

Telegram gives bots no history and knows no nonces. But it lets us edit our own messages only, and says when
an edit would change nothing. So each id that the message may have got is asked to have no buttons:

    "message is not modified"    it is ours. It is then asked to have exactly this text: again "not modified",
                                 it is the one; done, it was an earlier part of it, and now is all of it
    "message can't be edited"    somebody else's
    "message to edit not found"  there is none, or it is in another chat

Nothing is ever sent, so that looking twice is safe. Ids of ours that are accounted for must be left out: they
would be given this text. Not for chats of an owner's own account, where we may edit what the owner wrote.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from enum import Enum

from telegram import Bot, LinkPreviewOptions, MessageEntity
from telegram.error import BadRequest

from bot.telegram_errors import is_gone, not_modified
from bot.telegram_places import Place

log = logging.getLogger(__name__)

AT_ONCE = 5


class Found(Enum):
    OURS = "ours"
    ANOTHERS = "another's"
    NOTHING = "nothing"


async def find_lost(
    bot: Bot,
    place: Place,
    text: str,
    entities: Sequence[MessageEntity],
    ids: Sequence[int],
    *,
    there_up_to: int,
    gap: int,
    turn: Callable[[], Awaitable[None]],
) -> int | None:
    """`there_up_to`: the highest id known to exist; `gap`: so many missing ones beyond it mean the end."""

    async def look(message_id: int) -> Found:
        await turn()
        return await _whose(bot, place, message_id)

    missing = 0
    for start in range(0, len(ids), AT_ONCE):
        some = ids[start : start + AT_ONCE]
        for message_id, found in zip(some, await asyncio.gather(*map(look, some)), strict=True):
            if found is Found.OURS:
                await turn()
                if await _has_now(bot, place, message_id, text, entities):
                    return message_id
            missing = missing + 1 if found is Found.NOTHING and message_id > there_up_to else 0
            if missing >= gap:
                return None
    log.warning("looked at %d messages of a chat and found no end", len(ids))
    return None


async def _whose(bot: Bot, place: Place, message_id: int) -> Found:
    try:
        await bot.edit_message_reply_markup(place.chat, message_id)
    except BadRequest as error:
        if not_modified(error):
            return Found.OURS
        if is_gone(error):
            return Found.NOTHING
        if "can't be edited" in error.message:
            return Found.ANOTHERS
        raise
    return Found.OURS  # it had buttons


async def _has_now(
    bot: Bot, place: Place, message_id: int, text: str, entities: Sequence[MessageEntity]
) -> bool:
    try:
        await bot.edit_message_text(
            text,
            place.chat,
            message_id,
            entities=entities,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        )
    except BadRequest as error:
        if not_modified(error):
            return True
        log.info("message %s of ours is no text", message_id)
        return False
    return True

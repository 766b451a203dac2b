"""Which reply of the twin is this message of a chat app? It may not be known yet that it is there."""

from __future__ import annotations

import asyncio
import time

from bot.kept import Kept
from storage.records import DeliveryState, whole_chat

BEING_SENT_SECONDS, LOOK_SECONDS = 20.0, 0.2  # a restart finds out within that what was being sent


async def about(message_key: str, kept: Kept) -> str | None:
    """The reply that was judged. People may see it before we know that it is there: that is waited for."""
    name, _, rest = message_key.partition(":")
    chat = whole_chat(rest.rpartition(":")[0])
    until = time.monotonic() + BEING_SENT_SECONDS
    while (found := await carried_by(message_key, kept)) is None and time.monotonic() < until:
        undone = await kept.deliveries.undone(name)
        here = [one for one in undone if whole_chat(one.chat_id) == chat]
        if not any(one.state is DeliveryState.SENDING for one in here):
            return await carried_by(message_key, kept)  # it may have arrived between the two looks
        await asyncio.sleep(LOOK_SECONDS)
    return found


async def carried_by(message_key: str, kept: Kept) -> str | None:
    """The key of the twin's reply that this message of a chat app is (a part of)."""
    name, _, rest = message_key.partition(":")
    chat_id, _, message_id = rest.rpartition(":")
    return await kept.deliveries.reply_of(name, chat_id, message_id)

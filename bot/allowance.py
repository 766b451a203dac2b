"""How much may one person, or one chat, ask for? The owner as much as they like.

The settings say it for everybody, and the owner for single people. Counted in the database, so that it
holds for all copies of the service together. Whoever is over a limit hears it once in a while, in one polite
sentence, and is otherwise met with silence.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from bot.platform import ChatRefused, ChatUnavailable, Platform
from bot.settings import LimitSettings
from brain import metrics
from storage.chats import PersonStore
from storage.records import Message
from storage.usage import UsageStore
from storage.whose import whose

log = logging.getLogger(__name__)

MINUTE = 60.0
A_WHILE = timedelta(minutes=10)
TOO_FAST = "That is more than I can keep up with just now. Give me a minute, then write again."
ENOUGH = "I have talked about as much as I can for today. Write to me again tomorrow."


class Allowance:
    def __init__(self, usage: UsageStore, people: PersonStore, settings: LimitSettings) -> None:
        self._usage = usage
        self._people = people
        self._settings = settings

    async def exceeded(self, message: Message) -> str | None:
        """Which limit a message that is kept already goes beyond; None: it is answered."""
        limits = self._settings
        if message.by_owner:
            return None
        own = await self._people.limits(message.platform, message.author_id)
        for name, most, of_chat in (
            ("person_per_minute", own.per_minute or limits.person_per_minute, False),
            ("chat_per_minute", limits.chat_per_minute, True),
        ):
            if most is not None and await self._usage.asked(message, MINUTE, of_chat=of_chat) > most:
                return name
        for name, most, of_chat in (
            ("person_tokens_per_day", own.tokens_per_day or limits.person_tokens_per_day, False),
            ("chat_tokens_per_day", limits.chat_tokens_per_day, True),
        ):
            if most is not None and await self._usage.tokens(message, of_chat=of_chat) >= most:
                return name
        return None

    async def tell(self, message: Message, limit: str, platform: Platform) -> None:
        """One sentence, and for a while no other one; never in the owner's own name."""
        metrics.REFUSALS.labels(whose(), limit).inc()
        log.info("%s is not answered: %s", message.key, limit)
        if message.as_owner or message.by_bot or not await self._usage.first_notice(message, A_WHILE):
            return
        try:
            await platform.tell(message.chat_id, ENOUGH if limit.endswith("day") else TOO_FAST)
        except (ChatUnavailable, ChatRefused) as reason:
            log.info("nobody could be told of %s: %s", limit, reason)

"""How does a planned reply go out like a person's, and what becomes of one that was left half sent?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from bot.delivery import Courier, Growing, Overtaken
from bot.drafts import owner_took_over
from bot.floor import Floor
from bot.kept import Kept
from bot.manners import too_old
from bot.pieces import bubbles, pieces
from bot.platform import ChatRefused, Platform
from bot.rhythm import Rhythm
from bot.settings import ChatSettings
from storage.records import Delivery, DeliveryState, Message, now


class Outbox:
    """`overtaken` hears of a reply of which nothing was sent because the owner answered, and its question."""

    def __init__(
        self,
        kept: Kept,
        settings: ChatSettings,
        rhythm: Rhythm,
        floor: Floor,
        overtaken: Callable[[Message, Message], None],
    ) -> None:
        self._kept = kept
        self._settings = settings
        self._rhythm = rhythm
        self._floor = floor
        self._overtaken = overtaken

    async def plan(self, reply: Message, platform: Platform, questions: Iterable[str]) -> None:
        """From now on it is sent, whatever happens."""
        own = min(self._settings.bubbles, self._rhythm.most_bubbles())
        most = own if self._settings.delivery == "bubbles" else 1
        limit = platform.limits.message_length
        parts = [
            one for bubble in bubbles(reply.text, most) for one in pieces(bubble, limit, platform.length)
        ]
        await self._kept.messages.plan(reply, parts, questions)

    async def bring(self, reply: Message, question: Message, courier: Courier) -> None:
        """Send what is planned and not there yet, one message after the other."""

        async def may_go_on(delivery: Delivery) -> bool:
            await self._floor.keep(delivery.platform, delivery.chat_id)
            return not await owner_took_over(question, self._kept.messages)

        begun = False
        for delivery in await self._kept.deliveries.of(reply.key):
            if delivery.state is DeliveryState.DROPPED:
                continue
            if begun and delivery.state is DeliveryState.PLANNED:
                seed = seed_of(question) + delivery.part
                await asyncio.sleep(
                    self._rhythm.pause_before(delivery.text, seed, speed=self._settings.speed)
                )
            try:
                await courier.bring(delivery, may_go_on)
                begun = True
            except Overtaken:
                await self._kept.deliveries.drop(reply.key)
                if not begun:
                    self._overtaken(reply, question)
                return
            except ChatRefused:
                await self._kept.deliveries.drop(reply.key)
                raise

    async def finish(self, platform: Platform, chat_id: str) -> bool:
        """Replies that were on their way when something broke. Whether there were any."""
        undone = await self._kept.deliveries.undone(platform.name, chat_id)
        for key in dict.fromkeys(delivery.reply_key for delivery in undone):
            await self._finish(key, platform)
        return bool(undone)

    async def _finish(self, key: str, platform: Platform) -> None:
        parts = await self._kept.deliveries.of(key)
        reply = await self._kept.messages.get(key)
        question = await self._kept.messages.get(parts[0].question_key)
        courier = Courier(platform, self._kept.deliveries, quotes=not (question and question.private))
        if reply and question and not reply.deleted_at:
            begun = any(part.state in (DeliveryState.SENT, DeliveryState.SENDING) for part in parts)
            if not begun and too_old(question, now(), self._settings):
                await self._kept.deliveries.drop(key)
            else:
                await self.bring(reply, question, courier)
        elif question and question.key in {one.key for one in await self._kept.messages.waiting()}:
            await Growing(courier, parts[0]).settle()  # it goes on growing in the turn to come
        else:
            for part in parts:  # an answer that was begun to something that is gone
                await courier.take_back(part)


def seed_of(message: Message) -> int:
    """So that a pause is the same whenever the same answer is sent."""
    return int.from_bytes(message.key.encode()[-4:], "big")

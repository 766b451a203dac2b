"""How does a reply get into a chat exactly once, whatever breaks on the way?

Each message of it is in the journal before it is sent (SENDING) and after (SENT). What is found there as
SENDING after a crash, or after an answer that was lost, may be in the chat or not: the chat app is asked
(`find_sent`) before anything is sent again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from bot.pieces import pieces
from bot.platform import ChatRefused, ChatUnavailable, Platform
from storage import tracing
from storage.deliveries import DeliveryStore
from storage.records import Delivery, DeliveryState

log = logging.getLogger(__name__)

ATTEMPTS = 4
LONGEST_REST = 30.0  # seconds that a rate limit may ask for before we come back later

MayGoOn = Callable[[Delivery], Awaitable[bool]]
"""Asked right before each message of a reply is sent."""


class Overtaken(Exception):
    """What was to be sent is not wanted any more: the owner has taken over, or somebody else answers."""


@dataclass(frozen=True, slots=True)
class Courier:
    """Brings replies into one chat. `quotes`: the first message of each refers to what it answers."""

    platform: Platform
    journal: DeliveryStore
    quotes: bool = True

    async def bring(self, delivery: Delivery, may_go_on: MayGoOn) -> Delivery:
        """See to it that this message is there, once, with this text. Returns it as SENT.

        Raises ChatUnavailable when that has to be tried again later, ChatRefused when it never will be there,
        Overtaken when it should not be sent any more.
        """
        rest = 1.0
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._try(delivery, may_go_on)
            except ChatUnavailable as trouble:
                if attempt == ATTEMPTS or trouble.retry_after > LONGEST_REST:
                    raise
                log.warning("%s will be sent again: %s", delivery.nonce, trouble)
                await asyncio.sleep(max(rest, trouble.retry_after))
                rest *= 2
                [delivery] = [
                    one for one in await self.journal.of(delivery.reply_key) if one.part == delivery.part
                ]
        raise AssertionError("unreachable")

    async def _try(self, delivery: Delivery, may_go_on: MayGoOn) -> Delivery:
        if delivery.state is DeliveryState.SENDING:
            delivery = await self.look_for(delivery)
        if delivery.state is DeliveryState.SENT:
            return delivery
        if delivery.state is DeliveryState.SHOWN and delivery.message_id:
            try:
                await self.platform.edit(delivery.chat_id, delivery.message_id, delivery.text)
                return await self.journal.put(replace(delivery, state=DeliveryState.SENT))
            except ChatRefused:  # somebody deleted it meanwhile
                delivery = replace(delivery, state=DeliveryState.PLANNED, message_id=None)
        if not await may_go_on(delivery):
            raise Overtaken
        return await self.send(delivery, DeliveryState.SENT)

    async def send(self, delivery: Delivery, then: DeliveryState) -> Delivery:
        """Send it now; `then` is what it is afterwards."""
        delivery = await self.journal.put(replace(delivery, state=DeliveryState.SENDING))
        quoted = delivery.question_key if self.quotes and delivery.part == 0 else None
        try:
            with tracing.span(tracing.SEND, platform=delivery.platform, part=delivery.part):
                message_id = await self.platform.send(
                    delivery.chat_id,
                    delivery.text,
                    reply_to=quoted,
                    nonce=delivery.nonce,
                )
        except ChatUnavailable as trouble:
            if not trouble.maybe_done:
                await self.journal.put(replace(delivery, state=DeliveryState.PLANNED))
            raise
        return await self.journal.put(replace(delivery, state=then, message_id=message_id))

    async def look_for(self, delivery: Delivery) -> Delivery:
        """It may be there: find out. It comes back as SENT, or as PLANNED when it is not."""
        known = await self.journal.ids(delivery.platform, delivery.chat_id)
        found = await self.platform.find_sent(
            delivery.chat_id,
            delivery.text,
            nonce=delivery.nonce,
            after=delivery.question_key,
            known=known,
        )
        state = DeliveryState.SENT if found else DeliveryState.PLANNED
        return await self.journal.put(replace(delivery, state=state, message_id=found))

    async def take_back(self, delivery: Delivery) -> None:
        """It is not there any more, or never comes."""
        if delivery.state is DeliveryState.SENDING:
            delivery = await self.look_for(delivery)
        if delivery.message_id:
            await self.platform.delete(delivery.chat_id, delivery.message_id)
        await self.journal.put(replace(delivery, state=DeliveryState.DROPPED))


class Growing:
    """One answer that people can watch grow: sent when it begins, edited as often as the chat app allows."""

    def __init__(self, courier: Courier, stub: Delivery) -> None:
        self._courier = courier
        self.stub = stub  # the message it grows in; PLANNED while nothing is there
        self._next = 0.0
        self._shown_unsent = True  # as long as the chat app can show what is not sent

    async def so_far(self, text: str) -> None:
        """Show it if it is time; what cannot be shown now is not: the final text comes anyway."""
        limits = self._courier.platform.limits
        if not (text := text.strip()) or time.monotonic() < self._next:
            return
        text = pieces(text, limits.message_length, self._courier.platform.length)[0]
        self._next = time.monotonic() + limits.edit_seconds
        try:
            if self.stub.message_id is None and self._shown_unsent:
                chat_id, nonce = self.stub.chat_id, self.stub.nonce
                self._shown_unsent = await self._courier.platform.show_growing(chat_id, text, nonce=nonce)
                if self._shown_unsent:
                    return
            if self.stub.message_id is None:
                # Should its answer be lost, this is what `settle` finds.
                self.stub = replace(self.stub, text=text, state=DeliveryState.SENDING)
                self.stub = await self._courier.send(self.stub, DeliveryState.SHOWN)
            elif text != self.stub.text:
                await self._courier.platform.edit(self.stub.chat_id, self.stub.message_id, text)
                self.stub = replace(self.stub, text=text)
        except ChatUnavailable as trouble:
            log.warning("the answer %s is not shown growing: %s", self.stub.nonce, trouble)
            self._next = time.monotonic() + max(trouble.retry_after, 5 * limits.edit_seconds, 5.0)
            if self.stub.state is DeliveryState.SENDING:
                self._next = float("inf")  # it may be there or not: `settle` finds out, the final text comes

    async def take_back(self) -> None:
        """Half an answer is worse than none."""
        stub = await self.settle()
        if stub.state is not DeliveryState.PLANNED:
            await self._courier.take_back(stub)

    async def settle(self) -> Delivery:
        """What is on the screen now: SHOWN, or PLANNED when nothing is. Raises ChatUnavailable."""
        if self.stub.state is not DeliveryState.PLANNED and self.stub.message_id is None:
            [stub] = await self._courier.journal.of(self.stub.reply_key)
            if stub.state is DeliveryState.SENDING:
                stub = await self._courier.look_for(stub)
            if stub.state is DeliveryState.SENT:
                stub = await self._courier.journal.put(replace(stub, state=DeliveryState.SHOWN))
            self.stub = stub
        return self.stub

"""Is a judgement of a reply that is only just arriving a judgement of that reply?"""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

from bot.which_reply import about
from storage.deliveries import DeliveryStore
from storage.records import Delivery, DeliveryState

SENDING = Delivery(
    "discord:~ab", 0, "discord", "kitchen", "discord:kitchen:1", "rain ofc", DeliveryState.SENDING
)


class Arriving(DeliveryStore):
    """A journal in which the reply arrives right before somebody looks what is under way."""

    async def undone(self, platform=None, chat_id=None):
        await self.put(replace(SENDING, state=DeliveryState.SHOWN, message_id="2"))
        return await super().undone(platform, chat_id)


async def test_a_reply_that_arrives_between_two_looks_is_found(sqlite_database):
    journal = Arriving(sqlite_database)
    await journal.put(SENDING)
    assert await about("discord:kitchen:2", SimpleNamespace(deliveries=journal)) == "discord:~ab"


async def test_what_is_no_reply_of_ours_is_not_waited_for(sqlite_database):
    journal = DeliveryStore(sqlite_database)
    await journal.put(replace(SENDING, chat_id="hall"))
    assert await about("discord:kitchen:2", SimpleNamespace(deliveries=journal)) is None


async def test_another_chat_of_the_owners_account_keeps_nobody_waiting(sqlite_database):
    journal = DeliveryStore(sqlite_database)
    await journal.put(replace(SENDING, reply_key="telegram:~ab", platform="telegram", chat_id="b77/42"))
    assert await about("telegram:b77/43:2", SimpleNamespace(deliveries=journal)) is None

"""Which message of which reply is where? The send journal: written before a message is sent, and after."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import Select, select, update

from storage.database import Database
from storage.records import Delivery, DeliveryState, now, whole_chat
from storage.tables import DeliveryRow, MessageRow, selecting, values

UNDONE = (DeliveryState.PLANNED, DeliveryState.SENDING, DeliveryState.SHOWN)


class DeliveryStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, delivery: Delivery) -> Delivery:
        """Remember this state of it; returns it with the time. A reply counts as sent with its first part."""
        delivery = replace(delivery, updated_at=now())
        fields = values(delivery)
        insert = self._database.insert(DeliveryRow).values(fields)
        keys = [DeliveryRow.reply_key, DeliveryRow.part]
        async with self._database.transaction() as session:
            await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=fields))
            if delivery.state is DeliveryState.SENT:
                reply = update(MessageRow).where(MessageRow.key == delivery.reply_key, MessageRow.unsent)
                await session.execute(reply.values(unsent=False))
        return delivery

    async def of(self, reply_key: str) -> list[Delivery]:
        """All parts of one reply, in order."""
        return await self._all(_select().filter_by(reply_key=reply_key).order_by(DeliveryRow.part))

    async def undone(self, platform: str | None = None, chat_id: str | None = None) -> list[Delivery]:
        """What was planned or begun and is not known to be there, oldest first."""
        wanted = {"platform": platform, "chat_id": chat_id}
        query = _select().where(DeliveryRow.state.in_(UNDONE))
        query = query.filter_by(**{name: value for name, value in wanted.items() if value is not None})
        return await self._all(query.order_by(DeliveryRow.updated_at, DeliveryRow.part))

    async def drop(self, reply_key: str) -> int:
        """What is not there yet of this reply is not going to be sent. Returns how many parts that were."""
        undone = update(DeliveryRow).filter_by(reply_key=reply_key).where(DeliveryRow.state.in_(UNDONE))
        async with self._database.transaction() as session:
            return await self._database.touched(session, undone.values(state=DeliveryState.DROPPED))

    async def reply_of(self, platform: str, chat_id: str, message_id: str) -> str | None:
        """The reply that this message of the chat is a part of. Any topic of the chat will do: some apps
        do not say in which one a reaction happened."""
        query = _select().filter_by(platform=platform, message_id=message_id)
        for found in await self._all(query):
            if whole_chat(found.chat_id) == whole_chat(chat_id):
                return found.reply_key
        return None

    async def ids(self, platform: str, chat_id: str) -> set[str]:
        """The chat app's ids of all that the twin is known to have sent there."""
        query = select(DeliveryRow.message_id).filter_by(platform=platform, chat_id=chat_id)
        async with self._database.reading() as session:
            return {found for found in await session.scalars(query) if found}

    async def in_the_owners_name(self) -> set[tuple[str, str, str]]:
        """Platform, whom it was written to, and the chat app's id of all that stands there as the owner's."""
        mine = DeliveryRow.chat_id.like("b%/%"), DeliveryRow.message_id.is_not(None)
        query = select(DeliveryRow.platform, DeliveryRow.chat_id, DeliveryRow.message_id).where(*mine)
        async with self._database.reading() as session:
            found = [(str(app), str(chat), str(id)) for app, chat, id in await session.execute(query)]
        return {(app, chat.split("/")[1], id) for app, chat, id in found if "/" in whole_chat(chat)}

    async def _all(self, query: Select[Any]) -> list[Delivery]:
        async with self._database.reading() as session:
            return [Delivery(*row) for row in await session.execute(query)]


def _select() -> Select[Any]:
    return selecting(DeliveryRow, Delivery)

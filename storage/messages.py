"""How is a live chat kept, and what in it still waits for an answer?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, select, tuple_, update
from sqlalchemy.orm import aliased

from storage.database import Database
from storage.records import Message
from storage.tables import MessageRow, columns, values


class MessageStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, message: Message) -> bool:
        """Keep it; False when it was already there, so that a message delivered twice is answered once."""
        insert = self._database.insert(MessageRow).values(values(message))
        async with self._database.transaction() as session:
            once = insert.on_conflict_do_nothing(index_elements=[MessageRow.key])
            return await self._database.touched(session, once) == 1

    async def get(self, key: str) -> Message | None:
        return await self._first(_select().where(MessageRow.key == key))

    async def recent(
        self, chat_id: str, platform: str, limit: int = 20, before: datetime | None = None
    ) -> list[Message]:
        """The last messages of one chat, oldest first, without the deleted ones."""
        query = _newest_first().filter_by(platform=platform, chat_id=chat_id, deleted_at=None).limit(limit)
        if before is not None:
            query = query.where(MessageRow.sent_at < before)
        return list(reversed(await self._all(query)))

    async def replies_to(self, key: str) -> list[Message]:
        """Everything that answered this message, oldest first, deleted answers too: they were given."""
        return await self._all(
            _select().filter_by(reply_to=key).order_by(MessageRow.sent_at, MessageRow.number)
        )

    async def unanswered(self, since: datetime) -> list[Message]:
        """What people have said from `since` on and the twin has not answered, oldest first.

        People write in bursts and get one answer: it counts for all that its receiver said there before.
        """
        answer, question = aliased(MessageRow), aliased(MessageRow)
        answered = exists().where(
            answer.by_twin,
            answer.reply_to == question.key,
            question.platform == MessageRow.platform,
            question.chat_id == MessageRow.chat_id,
            question.author_id == MessageRow.author_id,
            tuple_(question.sent_at, question.number) >= tuple_(MessageRow.sent_at, MessageRow.number),
        )
        query = _select().filter_by(by_twin=False, by_owner=False, deleted_at=None)
        query = query.where(MessageRow.sent_at >= since, ~answered)
        return await self._all(query.order_by(MessageRow.sent_at, MessageRow.number))

    async def last_reply(self, platform: str, chat_id: str) -> Message | None:
        """The twin's newest message in this chat."""
        query = _newest_first().filter_by(platform=platform, chat_id=chat_id, by_twin=True, deleted_at=None)
        return await self._first(query.limit(1))

    async def edit(self, key: str, text: str, at: datetime) -> bool:
        """False when there is no such message."""
        return await self._change(key, text=text, edited_at=at)

    async def delete(self, key: str, at: datetime) -> bool:
        """Forget what it said; False when there is no such message. A reply of the twin keeps its words:
        what people thought of them is still learned from."""
        message = await self.get(key)
        if message is None:
            return False
        return await self._change(key, text=message.text if message.by_twin else "", deleted_at=at)

    async def _change(self, key: str, **changes: Any) -> bool:
        async with self._database.transaction() as session:
            change = update(MessageRow).where(MessageRow.key == key).values(changes)
            return await self._database.touched(session, change) == 1

    async def _first(self, query: Select[Any]) -> Message | None:
        return next(iter(await self._all(query)), None)

    async def _all(self, query: Select[Any]) -> list[Message]:
        async with self._database.reading() as session:
            return [Message(*row) for row in await session.execute(query)]


def _select() -> Select[Any]:
    return select(*columns(MessageRow, Message))


def _newest_first() -> Select[Any]:
    return _select().order_by(MessageRow.sent_at.desc(), MessageRow.number.desc())

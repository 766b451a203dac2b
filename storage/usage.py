"""How many tokens and how much time did answers take, by person, chat and day? Days are in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import delete, func, or_, select

from storage.database import Database
from storage.records import Message, Spent, now
from storage.tables import MessageRow, UsageRow

By = Literal["day", "person", "chat"]
KEYS = {
    "day": (UsageRow.day,),
    "person": (UsageRow.platform, UsageRow.person_id),
    "chat": (UsageRow.platform, UsageRow.chat_id),
}


class UsageStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, question: Message, spent: Spent) -> None:
        """What one answer to this message took. Several processes may do so at once."""
        row = _place(question) | {
            "replies": spent.replies,
            "prompt_tokens": spent.prompt_tokens,
            "completion_tokens": spent.completion_tokens,
            "milliseconds": spent.milliseconds,
        }
        insert = self._database.insert(UsageRow).values(row)
        sums = {name: getattr(UsageRow, name) + row[name] for name in row if name not in _place(question)}
        async with self._database.transaction() as session:
            await session.execute(
                insert.on_conflict_do_update(index_elements=list(_place(question)), set_=sums)
            )

    async def tokens(self, message: Message, *, of_chat: bool = False) -> int:
        """Read and written today for this message's author on that platform, or for all of its chat."""
        place = _place(message)
        which = "chat_id" if of_chat else "person_id"
        query = select(func.sum(UsageRow.prompt_tokens + UsageRow.completion_tokens)).filter_by(
            day=place["day"], platform=message.platform, **{which: place[which]}
        )
        async with self._database.reading() as session:
            return int(await session.scalar(query) or 0)

    async def asked(self, message: Message, seconds: float, *, of_chat: bool = False) -> int:
        """How many messages of its author (or its chat), this included, came in that time to be answered."""
        since = message.sent_at - timedelta(seconds=seconds)
        theirs = {"chat_id": message.chat_id} if of_chat else {"author_id": message.author_id}
        number = select(MessageRow.number).where(MessageRow.key == message.key).scalar_subquery()
        query = (
            select(func.count())
            .select_from(MessageRow)
            .filter_by(platform=message.platform, by_twin=False, by_owner=False, **theirs)
            .where(MessageRow.sent_at > since, MessageRow.number <= number)
            .where(or_(MessageRow.waiting, MessageRow.outcome.startswith("answered by")))
        )
        async with self._database.reading() as session:
            return int(await session.scalar(query) or 0)

    async def first_notice(self, message: Message, pause: timedelta) -> bool:
        """Whether nobody has told them of a limit there for so long; from now on somebody has."""
        at = now()
        row = _place(message) | dict.fromkeys(
            ("replies", "prompt_tokens", "completion_tokens", "milliseconds"), 0
        )
        insert = self._database.insert(UsageRow).values(row | {"told_at": at})
        told = insert.on_conflict_do_update(
            index_elements=list(_place(message)),
            set_={"told_at": at},
            where=or_(UsageRow.told_at.is_(None), UsageRow.told_at <= at - pause),
        )
        async with self._database.transaction() as session:
            return await self._database.touched(session, told) == 1

    async def sums(self, by: By, since: datetime) -> dict[str, Spent]:
        """Sums since that day, the most tokens first; persons and chats as "platform:id"."""
        keys = KEYS[by]
        tokens = func.sum(UsageRow.prompt_tokens + UsageRow.completion_tokens)
        query = (
            select(
                *keys,
                func.sum(UsageRow.replies),
                func.sum(UsageRow.prompt_tokens),
                func.sum(UsageRow.completion_tokens),
                func.sum(UsageRow.milliseconds),
            )
            .where(UsageRow.day >= _day(since), UsageRow.replies > 0)
            .group_by(*keys)
            .order_by(tokens.desc(), *keys)
        )
        async with self._database.reading() as session:
            rows = [tuple(row) for row in await session.execute(query)]
        return {":".join(row[: len(keys)]): Spent(*map(int, row[len(keys) :])) for row in rows}

    async def forget(self, platform: str, person_id: str) -> None:
        """Whose tokens they were; how many, the chat's own sums still tell."""
        async with self._database.transaction() as session:
            await session.execute(delete(UsageRow).filter_by(platform=platform, person_id=person_id))


def _place(message: Message) -> dict[str, str]:
    return {
        "day": _day(now()),
        "platform": message.platform,
        "chat_id": message.chat_id,
        "person_id": message.author_id,
    }


def _day(at: datetime) -> str:
    return f"{at:%Y-%m-%d}"

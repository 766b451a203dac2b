"""What was decided about a chat, what a person allows, what was asked, what everybody may know."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, tuple_

from storage.database import Database
from storage.records import Asked, Chat, Consent, Fact, Limits, now, stable_id
from storage.tables import Base, ChatRow, FactRow, PersonRow, QuestionRow, selecting, values

EVERYWHERE = "*"  # the platform and the chat id of the row that holds for all chats


class ChatStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, platform: str, chat_id: str) -> Chat | None:
        query = selecting(ChatRow, Chat).filter_by(platform=platform, chat_id=chat_id)
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return Chat(*row) if row else None

    async def here_and_everywhere(self, platform: str, chat_id: str) -> tuple[Chat | None, Chat | None]:
        """What was decided about this chat, and about all of them."""
        both = [(platform, chat_id), (EVERYWHERE, EVERYWHERE)]
        query = selecting(ChatRow, Chat).where(tuple_(ChatRow.platform, ChatRow.chat_id).in_(both))
        async with self._database.reading() as session:
            found = [Chat(*row) for row in await session.execute(query)]
        named = {(chat.platform, chat.chat_id): chat for chat in found}
        return named.get(both[0]), named.get(both[1])

    async def put(self, chat: Chat) -> None:
        await _replace(self._database, ChatRow, values(chat), ["platform", "chat_id"])

    async def all(self, platform: str | None = None) -> list[Chat]:
        """Of one platform, or of all."""
        query = selecting(ChatRow, Chat).order_by(ChatRow.platform, ChatRow.chat_id)
        query = query.filter_by(platform=platform) if platform else query
        async with self._database.reading() as session:
            return [Chat(*row) for row in await session.execute(query)]


class PersonStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def consent(self, platform: str, person_id: str) -> Consent:
        query = select(PersonRow.consent).filter_by(platform=platform, person_id=person_id)
        async with self._database.reading() as session:
            return await session.scalar(query) or Consent.UNKNOWN

    async def set_consent(self, platform: str, person_id: str, consent: Consent) -> None:
        row = {"platform": platform, "person_id": person_id, "consent": consent, "changed_at": now()}
        await _replace(self._database, PersonRow, row, ["platform", "person_id"])

    async def limits(self, platform: str, person_id: str) -> Limits:
        """Their own; where one is None, the settings say."""
        query = select(PersonRow.per_minute, PersonRow.tokens_per_day)
        async with self._database.reading() as session:
            found = await session.execute(query.filter_by(platform=platform, person_id=person_id))
            row = found.one_or_none()
        return Limits(*row) if row else Limits()

    async def set_limits(self, platform: str, person_id: str, limits: Limits) -> None:
        """What they allow stays as it is."""
        row = {"platform": platform, "person_id": person_id, "consent": Consent.UNKNOWN, "changed_at": now()}
        insert = self._database.insert(PersonRow).values(row | asdict(limits))
        keys = ["platform", "person_id"]
        async with self._database.transaction() as session:
            await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=asdict(limits)))

    async def who(self, consent: Consent) -> set[str]:
        """Everybody of that mind, as "platform:id"."""
        query = select(PersonRow.platform, PersonRow.person_id).filter_by(consent=consent)
        async with self._database.reading() as session:
            return {f"{platform}:{person_id}" for platform, person_id in await session.execute(query)}


class QuestionStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, key: str, action: str, person_id: str) -> bool:
        """False when something was asked under this key before."""
        row = values(Asked(key, action, person_id, now()))
        once = self._database.insert(QuestionRow).values(row).on_conflict_do_nothing(index_elements=["key"])
        async with self._database.transaction() as session:
            return await self._database.touched(session, once) == 1

    async def get(self, key: str) -> Asked | None:
        query = selecting(QuestionRow, Asked).filter_by(key=key)
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return Asked(*row) if row else None


class FactStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, text: str) -> bool:
        """False when it was known."""
        fact = values(Fact(stable_id("fact", text.casefold()), text, now()))
        once = self._database.insert(FactRow).values(fact).on_conflict_do_nothing(index_elements=["id"])
        async with self._database.transaction() as session:
            return await self._database.touched(session, once) == 1

    async def forget(self, text: str) -> int:
        """Drop the facts that contain this; how many there were."""
        wanted = text.casefold().strip()
        ids = [fact.id for fact in await self.all() if wanted in fact.text.casefold()]
        async with self._database.transaction() as session:
            return await self._database.touched(session, delete(FactRow).where(FactRow.id.in_(ids)))

    async def remove(self, id: str) -> bool:
        """False when there is none."""
        async with self._database.transaction() as session:
            return await self._database.touched(session, delete(FactRow).filter_by(id=id)) == 1

    async def all(self) -> list[Fact]:
        return [Fact(*row) for row in await self._database.rows(FACTS)]


FACTS = selecting(FactRow, Fact).order_by(FactRow.told_at)  # made once: every answer asks this


def quiet(chat: Chat | None, at: datetime) -> bool:
    return chat is not None and chat.quiet_until is not None and chat.quiet_until > at


async def _replace(database: Database, row: type[Base], fields: dict[str, Any], keys: list[str]) -> None:
    insert = database.insert(row).values(fields)
    async with database.transaction() as session:
        await session.execute(insert.on_conflict_do_update(index_elements=keys, set_=fields))

"""Was this very request answered before? Then it is answered the same again, and nothing is done twice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select, update

from storage.database import Database
from storage.records import now
from storage.tables import AnsweredRow

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Answered:
    """`status` 0: it is being worked on."""

    request_hash: str
    status: int
    body: str


class AnsweredStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, key: str, request_hash: str) -> Answered | None:
        """None: it is new, and now ours to answer."""
        row = {"key": key, "request_hash": request_hash, "status": 0, "body": "", "at": now()}
        once = self._database.insert(AnsweredRow).values(row).on_conflict_do_nothing(index_elements=["key"])
        async with self._database.transaction() as session:
            await session.execute(delete(AnsweredRow).where(AnsweredRow.at < now() - KEPT))
            if await self._database.touched(session, once):
                return None
            query = select(AnsweredRow.request_hash, AnsweredRow.status, AnsweredRow.body).filter_by(key=key)
            return Answered(*(await session.execute(query)).one())

    async def finish(self, key: str, status: int, body: str) -> None:
        done = update(AnsweredRow).filter_by(key=key).values(status=status, body=body)
        async with self._database.transaction() as session:
            await session.execute(done)

    async def give_up(self, key: str) -> None:
        """It failed for a reason that may pass: the next one of this key is a new one."""
        async with self._database.transaction() as session:
            await session.execute(delete(AnsweredRow).filter_by(key=key))

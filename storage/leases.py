"""Who does it, where several copies of the service could? One holder at a time, for a while."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, or_, select

from storage.database import Database
from storage.processes import is_gone
from storage.records import now
from storage.tables import LeaseRow


class LeaseStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Hold it from now on for so long, if nobody else does; taking it again renews it.

        `holder`: a process, by storage/processes.py. One that was killed on this machine holds nothing.
        """
        at = now()
        until = at + timedelta(seconds=seconds)
        insert = self._database.insert(LeaseRow).values(name=name, holder=holder, until=until)
        take = insert.on_conflict_do_update(
            index_elements=[LeaseRow.name],
            set_={"holder": holder, "until": until},
            where=or_(LeaseRow.holder == holder, LeaseRow.until < at),
        )
        async with self._database.transaction() as session:
            if await self._database.touched(session, take) == 1:
                return True
            other = await session.scalar(select(LeaseRow.holder).filter_by(name=name))
            if other is None or not is_gone(other):
                return False
            await session.execute(delete(LeaseRow).filter_by(name=name, holder=other))
            return await self._database.touched(session, take) == 1

    async def give_back(self, name: str, holder: str) -> None:
        async with self._database.transaction() as session:
            await session.execute(delete(LeaseRow).filter_by(name=name, holder=holder))

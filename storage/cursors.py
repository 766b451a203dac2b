"""How far has each source been read?"""

from __future__ import annotations

from storage.database import Database
from storage.records import Cursor
from storage.tables import CursorRow, selecting, values


class CursorStore:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, source: str, container: str) -> Cursor | None:
        query = selecting(CursorRow, Cursor).filter_by(source=source, container=container)
        async with self._database.reading() as session:
            row = (await session.execute(query)).one_or_none()
        return Cursor(*row) if row else None

    async def put(self, cursor: Cursor) -> None:
        """Remember this one instead of the former."""
        insert = self._database.insert(CursorRow).values(values(cursor))
        replace = insert.on_conflict_do_update(
            index_elements=[CursorRow.source, CursorRow.container],
            set_={"value": insert.excluded.value, "updated_at": insert.excluded.updated_at},
        )
        async with self._database.transaction() as session:
            await session.execute(replace)

    async def once(self, cursor: Cursor) -> Cursor:
        """Remember this one unless there is one; the one that holds, in whatever process it was put first."""
        insert = self._database.insert(CursorRow).values(values(cursor)).on_conflict_do_nothing()
        async with self._database.transaction() as session:
            await session.execute(insert)
        kept = await self.get(cursor.source, cursor.container)
        return kept or cursor

    async def all(self, source: str) -> list[Cursor]:
        query = selecting(CursorRow, Cursor).filter_by(source=source).order_by(CursorRow.container)
        async with self._database.reading() as session:
            return [Cursor(*row) for row in await session.execute(query)]

"""How is the footprint kept, found again and forgotten?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Delete, Insert, Select, Update, delete, func, literal_column, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.bulk import BulkInsert, all_as_kept
from storage.columns import contains
from storage.database import Database
from storage.records import READ_EXPORTS, Kind, Record, with_changes
from storage.tables import CursorRow, RecordRow, selecting
from storage.twins import COLUMN

Item = TypeVar("Item")
MANY = 500  # records; with fewer, asking first what is there takes no time
CHUNK = 4000  # records per transaction: long enough to be fast, and a chat waits a tenth of a second at most

FORGOTTEN = "forgotten"  # the origin of what the owner took out: nothing is left of where it was
# Written out, because a BulkInsert binds the values of records and no others.
_MAY_RETURN = RecordRow.deleted_at.is_not(None) & (RecordRow.origin != literal_column(f"'{FORGOTTEN}'"))


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of the records handed in; the three add up to how many there were."""

    added: int = 0
    merged: int = 0  # already there
    updated: int = 0  # already there, and now different: an edit, or better tags


class RecordStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._bulk: dict[bool | None, BulkInsert] = {}  # see `_put`
        self._all_new = True  # so far as this process has met what it was to keep

    async def add_all(self, records: Iterable[Record], *, live: bool = False) -> Kept:
        """Keep them, each id once; what was deleted stays deleted. The same records again change nothing.

        With `live` they were seen just now where they come from: one that was deleted there and is back again
        (out of the trash) comes back here. What the owner has forgotten never does.

        Stores chunk by chunk: after a crash, a prefix is kept, and doing it all again completes it.
        """
        total = Kept()
        for chunk in _chunks(records):
            kept = await self._add_chunk(all_as_kept(chunk), live)
            total = Kept(total.added + kept.added, total.merged + kept.merged, total.updated + kept.updated)
        return total

    async def get(self, id: str) -> Record | None:
        async with self._database.reading() as session:
            row = (await session.execute(_select().where(RecordRow.id == id))).one_or_none()
        return Record(*row) if row else None

    async def beginning_with(self, start: str, limit: int = 2) -> list[Record]:
        """The records whose id begins so: ids are long, and people type the first letters."""
        query = _select().where(RecordRow.id.startswith(start, autoescape=True)).order_by(RecordRow.id)
        async with self._database.reading() as session:
            return [Record(*row) for row in await session.execute(query.limit(limit))]

    async def find(
        self,
        *,
        source: str | None = None,
        tag: str | None = None,
        kind: Kind | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        by_owner: bool | None = None,
        author_id: str | None = None,
        thread_id: str | None = None,
        limit: int | None = None,
        offset: int = 0,
        deleted: bool = False,
        newest_first: bool = False,
    ) -> list[Record]:
        """What fits all the filters, oldest first; from `since` to before `until`; deleted ones left out."""
        order = (RecordRow.said_at, RecordRow.id)
        query = _select().order_by(*(column.desc() if newest_first else column for column in order))
        query = query.offset(offset or None).limit(limit)
        wanted = {
            RecordRow.source: source,
            RecordRow.kind: kind,
            RecordRow.by_owner: by_owner,
            RecordRow.author_id: author_id,
            RecordRow.thread_id: thread_id,
        }
        query = query.where(*(column == value for column, value in wanted.items() if value is not None))
        if tag is not None:
            query = query.where(contains(RecordRow.tags, tag))
        if since is not None:
            query = query.where(RecordRow.said_at >= since)
        if until is not None:
            query = query.where(RecordRow.said_at < until)
        if not deleted:
            query = query.where(RecordRow.deleted_at.is_(None))
        async with self._database.reading() as session:
            return [Record(*row) for row in await session.execute(query)]

    async def counts(self) -> dict[str, int]:
        """How many records each source gave, the deleted ones not counted."""
        return await self._count_by(RecordRow.source)

    async def of_owner(self) -> int:
        """How many texts of the owner there are."""
        query = select(func.count()).select_from(RecordRow).filter_by(by_owner=True, deleted_at=None)
        async with self._database.reading() as session:
            return (await session.execute(query)).scalar_one()

    async def threads(self) -> dict[str, int]:
        """Every thread and how many records it has, the longest first."""
        return await self._count_by(RecordRow.thread_id)

    async def mark_deleted(self, ids: Iterable[str], at: datetime) -> int:
        """Empty these records, but remember them: no later import of the same export brings them back."""
        emptied = update(RecordRow).values(text="", attachments=(), deleted_at=at)
        return await self._for_each(ids, emptied.where(RecordRow.deleted_at.is_(None)))

    async def forget(self, ids: Iterable[str], at: datetime) -> int:
        """Empty these records for good: not even where they were is left, and nothing brings them back."""
        nothing: dict[str, Any] = {"text": "", "attachments": (), "tags": (), "reply_to": None}
        nothing |= {"author_id": FORGOTTEN, "thread_id": FORGOTTEN, "audience": "owner", "by_owner": False}
        emptied = update(RecordRow).values(**nothing, origin=FORGOTTEN, deleted_at=at)
        return await self._for_each(ids, emptied.where(RecordRow.origin != FORGOTTEN))

    async def deleted_at_source(self, source: str) -> set[str]:
        """The ids of what was deleted where it came from, and may come back; not of what was forgotten."""
        query = select(RecordRow.id).where(RecordRow.source == source, _MAY_RETURN)
        async with self._database.reading() as session:
            return set(await session.scalars(query))

    async def remove(self, ids: Iterable[str]) -> int:
        """Remove these records without a trace; importing the same export again brings them back."""
        async with self._database.transaction() as session:
            await session.execute(delete(CursorRow).where(CursorRow.source == READ_EXPORTS))
        return await self._for_each(ids, delete(RecordRow))

    async def _add_chunk(self, records: Sequence[Record], live: bool) -> Kept:
        added = merged = updated = 0
        async with self._writing() as session:
            ids = {record.id for record in records}
            if self._all_new and len(ids) == len(records) >= MANY and await self._put_new(session, records):
                return Kept(added=len(records))
            there = _select().where(self._database.is_among(RecordRow.id, ids))
            known = {row.id: Record(*row) for row in await session.execute(there)}
            self._all_new = not known
            changed: dict[str, Record] = {}
            for record in records:
                before = known.get(record.id)
                back = live and before is not None and bool(before.deleted_at and before.origin != FORGOTTEN)
                if before and before.source != record.source and not back:
                    record = _joined(before, record)
                # The origin may differ: the same message came in two exports. The first one stays.
                if before is None:
                    added += 1
                elif not back and (before.deleted_at or record == with_changes(before, origin=record.origin)):
                    merged += 1
                    continue
                else:
                    updated += 1
                changed[record.id] = known[record.id] = record
            if changed:
                await self._put(session, changed.values(), live)
        return Kept(added, merged, updated)

    async def _put_new(self, session: AsyncSession, records: Sequence[Record]) -> bool:
        """The usual import: nothing of it is there, and looking first takes longer than finding out."""
        try:
            async with session.begin_nested():
                await self._put(session, records, None)
        except IntegrityError:
            return False
        return True

    async def _put(self, session: AsyncSession, records: Iterable[Record], live: bool | None) -> None:
        """`live`: see `add_all`; None: what is there already is an IntegrityError."""
        connection = await session.connection()
        if live not in self._bulk:
            insert = self._database.insert(RecordRow) if live is None else self._upsert(live)
            self._bulk[live] = BulkInsert(insert, connection.dialect)
        # What one audience may hear side by side, because that is how its memories are indexed.
        in_order = sorted(records, key=attrgetter("audience", "id"))
        for sql, values in self._bulk[live].statements(in_order):
            await connection.exec_driver_sql(sql, values)

    def _upsert(self, live: bool) -> Insert:
        insert = self._database.insert(RecordRow)
        # Postgres lets another process in between our look and this: what it deleted meanwhile stays deleted.
        return insert.on_conflict_do_update(
            index_elements=[RecordRow.id],
            set_={column.name: column for column in insert.excluded if column.name not in ("id", COLUMN)},
            where=RecordRow.deleted_at.is_(None) | _MAY_RETURN if live else RecordRow.deleted_at.is_(None),
        )

    async def _for_each(self, ids: Iterable[str], change: Update | Delete) -> int:
        """How many rows it touched."""
        touched = 0
        for chunk in _chunks(ids):
            async with self._writing() as session:
                touched += await self._database.touched(session, change.where(RecordRow.id.in_(chunk)))
        return touched

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[AsyncSession]:
        """One import at a time: two would lock the same rows, and their memories, each in its own order."""
        async with self._database.transaction() as session:
            await self._database.alone(session, "records")
            yield session

    async def _count_by(self, column: InstrumentedAttribute[str]) -> dict[str, int]:
        how_many = func.count()
        query = select(column, how_many).where(RecordRow.deleted_at.is_(None)).group_by(column)
        async with self._database.reading() as session:
            rows = await session.execute(query.order_by(how_many.desc(), column))
            return dict(rows.all())


def _select() -> Select[Any]:
    return selecting(RecordRow, Record)


def _joined(before: Record, record: Record) -> Record:
    """The same message came by two routes: what is known of it stays, with what only the other one knows."""
    newer = record if (record.edited_at or record.said_at) > (before.edited_at or before.said_at) else before
    return with_changes(
        before,
        text=newer.text,
        edited_at=newer.edited_at,
        reply_to=before.reply_to or record.reply_to,
        attachments=before.attachments or record.attachments,
        lang=before.lang or record.lang,
    )


def _chunks(items: Iterable[Item]) -> Iterator[list[Item]]:
    remaining = iter(items)
    while chunk := list(islice(remaining, CHUNK)):
        yield chunk

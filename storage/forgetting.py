"""What is left of a person beyond what they said: chats, consents, questions, their words in others' rows?

Their rows go; whatever other row holds their name or their words verbatim keeps its place without them. Every
table is looked through, also those that this file has never heard of.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Delete,
    Table,
    Text,
    and_,
    bindparam,
    cast,
    delete,
    literal,
    or_,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import Enum, TypeDecorator

from storage.columns import Words
from storage.database import Database
from storage.memories import SHELF
from storage.records import Consent
from storage.snapshot import MADE_BY_TRIGGERS
from storage.tables import (
    Base,
    ChatRow,
    FeedbackRow,
    LeaseRow,
    MemoryRow,
    MessageRow,
    PersonRow,
    QuestionRow,
    RecordRow,
    ShelfRow,
)

AT_ONCE = 500
NO_WORDS = {  # columns of names that we gave, of places, of figures
    *("path", "log_path", "worker", "origin", "lineage", "sha256", "recipe", "audience", "thread", "source"),
    *("platform", "lang", "tags", "attachments", "author_roles", "method", "base_model", "target", "holder"),
    *("requested_by", "cancelled_by", "mode", "container", "version", "twin"),
}
Clean = Callable[[str], str]
"""A text without what is forgotten; the same text where nothing of it is in there."""


async def private_chats(database: Database, platform: str, person_id: str) -> list[str]:
    """The chats that only they, the twin and the owner read; not the owner's own with somebody else."""
    theirs = select(MessageRow.chat_id).filter_by(platform=platform, author_id=person_id, private=True)
    theirs = theirs.where(~(MessageRow.by_owner & MessageRow.as_owner))
    known = select(ChatRow.chat_id).filter_by(platform=platform, private=True, chat_id=person_id)
    async with database.reading() as session:
        return sorted({*await session.scalars(theirs), *await session.scalars(known)})


async def erase_person(
    database: Database, platform: str, person_id: str, chats: Collection[str]
) -> dict[str, int]:
    """Take out what is kept of them besides what they said; how many rows went, by table.

    Of every table that knows people or chats. That they opted out stays: they must not be heard again.
    """
    gone: Counter[str] = Counter()
    async with database.transaction() as session:
        here = and_(MessageRow.platform == platform, MessageRow.chat_id.in_(chats))
        keys = select(MessageRow.key).where(here)
        asked = await _asked(session, person_id, {*await session.scalars(keys)})
        leases = [f"chat {platform}:{chat}" for chat in chats]
        first = [
            ("feedback", delete(FeedbackRow).where(FeedbackRow.reply_key.in_(keys))),
            ("leases", delete(LeaseRow).where(LeaseRow.name.in_(leases))),
            ("questions", delete(QuestionRow).where(database.is_among(QuestionRow.key, asked))),
        ]
        for table, statement in [*first, *_of_theirs(platform, person_id, chats)]:
            gone[table] += await database.touched(session, statement)
    return {table: count for table, count in gone.items() if count}


def _of_theirs(platform: str, person_id: str, chats: Collection[str]) -> Iterator[tuple[str, Delete]]:
    for table in Base.metadata.sorted_tables:
        if "platform" not in table.c:
            continue
        theirs = []
        if "person_id" in table.c:
            theirs.append(table.c.person_id == person_id)
        if "chat_id" in table.c:
            theirs.append(table.c.chat_id.in_(chats))
        if theirs:
            statement = delete(table).where(table.c.platform == platform, or_(*theirs))
            if table.name == PersonRow.__tablename__:
                statement = statement.where(table.c.consent != Consent.OPTED_OUT)
            yield table.name, statement


async def rename_thread(database: Database, old: str, new: str) -> int:
    """A private chat goes by the account of the person in it: what is left of it gets another name."""
    moved = 0
    async with database.transaction() as session:
        for row, column in (
            (RecordRow, RecordRow.thread_id),
            (RecordRow, RecordRow.audience),
            (MemoryRow, MemoryRow.thread),  # no trigger follows that one
        ):
            change = update(row).where(column == old).values({column: new})
            moved += await database.touched(session, change)
    return moved


async def drop_shelves(database: Database, audiences: Collection[str]) -> None:
    """Shelves of these that hold no memory any more: they go by the account of who could hear them."""
    first = cast(ShelfRow.number, BigInteger) * literal(SHELF, BigInteger)
    last = first + literal(SHELF - 1, BigInteger)
    held = select(MemoryRow.number).where(MemoryRow.number.between(first, last)).exists()
    async with database.transaction() as session:
        await session.execute(delete(ShelfRow).where(ShelfRow.audience.in_(list(audiences)), ~held))


async def clean_rows(database: Database, clean: Clean, apart: Collection[str] = ()) -> dict[str, int]:
    """Replace every text of every table by what `clean` makes of it; how many changed, by table and column.

    `apart`: tables that are not looked through. Keys and ids stay as they are; what triggers make of other
    tables follows by itself.
    """
    changed: dict[str, int] = {}
    for table in Base.metadata.sorted_tables:
        for name in _texts(table) if table.name not in {*apart, *MADE_BY_TRIGGERS} else ():
            if count := await _clean_column(database, table, name, clean):
                changed[f"{table.name}.{name}"] = count
    return changed


async def _asked(session: AsyncSession, person_id: str, keys: Collection[str]) -> list[str]:
    """The questions put to them, or about one of these messages."""
    found = await session.execute(select(QuestionRow.key, QuestionRow.person_id))
    return [key for key, who in found if who == person_id or key.rpartition(" ")[2] in keys]


def _texts(table: Table) -> list[str]:
    """The columns in which somebody's words can be."""
    keys = {column.name for column in table.primary_key.columns} | NO_WORDS
    keys |= {
        column.name for column in table.columns if column.unique or column.name.endswith(("_id", "_key"))
    }
    return [
        column.name
        for column in table.columns
        if column.name not in keys and not isinstance(column.type, Enum) and _as(column.type) is not None
    ]


def _as(kind: Any) -> Any:
    """Read and written as what lies there, a text or plain JSON, whatever record it is a part of."""
    inner = kind.impl if isinstance(kind, TypeDecorator) else kind
    if isinstance(inner, JSON):
        return JSON(none_as_null=True)
    return Words() if isinstance(inner, Text) else None


async def _clean_column(database: Database, table: Table, name: str, clean: Clean) -> int:
    kind = _as(table.c[name].type)
    keys = list(table.primary_key.columns)
    found: list[dict[str, Any]] = []
    async with database.one_moment() as session:
        value = type_coerce(table.c[name], kind).label("value")
        rows = await session.stream(select(*keys, value).where(table.c[name].is_not(None)))
        async for row in rows:
            if (cleaned := _cleaned(row.value, clean)) != row.value:
                found.append(
                    {f"key_{key.name}": row._mapping[key.name] for key in keys} | {"cleaned": cleaned}
                )
    which = and_(*(key == bindparam(f"key_{key.name}") for key in keys))
    change = update(table).where(which).values({name: type_coerce(bindparam("cleaned", type_=kind), kind)})
    for start in range(0, len(found), AT_ONCE):
        async with database.transaction() as session:
            await _each(session, change, found[start : start + AT_ONCE])
    return len(found)


async def _each(session: AsyncSession, change: Any, rows: list[dict[str, Any]]) -> None:
    connection = await session.connection()
    for row in rows:
        await connection.execute(change, row)


def _cleaned(value: Any, clean: Clean) -> Any:
    if isinstance(value, str):
        is_path = "/" in value and " " not in value
        return value if is_path else clean(value)
    if isinstance(value, Mapping):
        return {clean(str(key)): _cleaned(item, clean) for key, item in value.items()}
    if isinstance(value, list):
        return [_cleaned(item, clean) for item in value]
    return value

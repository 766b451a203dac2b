"""How do we reach the database, and what is a transaction? A file on this machine, or a Postgres server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator, Coroutine, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import (
    ARRAY,
    URL,
    ColumnElement,
    Connection,
    CursorResult,
    ExceptionContext,
    Executable,
    Select,
    Text,
    any_,
    event,
    func,
    literal,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import InstrumentedAttribute

from storage import postgres, schema, tracing
from storage.copies import copies_of, drop_tables, keep_copy, keep_tables
from storage.migrations import twins
from storage.prepared import prepared
from storage.reader import NotNow, Reader, Steps, following, only
from storage.tables import Base
from storage.twins import COLUMN, SETTING, THE_ONE, Insert, checked
from storage.unavailable import POOLED, DatabaseTooNew, DatabaseUnavailable, explain, shown

__all__ = ["Database", "DatabaseTooNew", "DatabaseUnavailable"]

T = TypeVar("T")

DRIVERS = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}
PRAGMAS = (
    "journal_mode = WAL",  # readers and the writer do not wait for one another
    "synchronous = NORMAL",
    "foreign_keys = ON",
    "secure_delete = ON",  # what is forgotten leaves zeros, not words on a free page
    # 16 MiB for every connection, and a checkpoint every 40: with what SQLite would do a large import is half
    # as fast, with more it is no faster, and a long life fills what there is.
    "cache_size = -16384",
    "wal_autocheckpoint = 10000",
)
PATIENCE_SECONDS = 10.0  # how long a writer waits for its turn, and anybody for an answer


class Database:
    """Everything the repositories share. Open it once per process, close it at the end."""

    def __init__(self, engine: AsyncEngine, twin: str = THE_ONE) -> None:
        self.twin = twin  # whose rows these are; on one server there may be others'
        self._engine = engine
        self._system = engine.dialect.name
        self._is_sqlite = self._system == "sqlite"
        if self._is_sqlite:
            self._reading = engine
            self._writing = engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._reading = postgres.reading(engine)
            self._writing = engine
        # SQLite has one writer at a time anyway; queueing here is fair, its own waiting is not.
        self._turn = asyncio.Lock() if self._is_sqlite else None
        self.name = shown(engine.url)  # for people and logs: without the password
        self.file = Path(str(engine.url.database)) if self._is_sqlite else None
        self._reader = Reader(self.file, PATIENCE_SECONDS) if self.file else None
        self.revision: str | None = None  # of its tables when it was opened; None: it was empty
        self.kept: Path | str | None = None  # a copy from before they were changed: a file, or a schema
        self.sees_past_row_security = False  # Postgres does not hold this role to the rows of its twin

    @classmethod
    async def open(cls, url: str, twin: str = THE_ONE, *, keep: bool = True) -> Database:
        """Connect, make the tables that are missing. Raises DatabaseUnavailable, DatabaseTooNew.

        `twin`: whose it is. An SQLite file is of one twin; on a Postgres server each sees its own rows only.
        `keep`: tables are copied before they are changed.
        """
        address, twin = _parse(url), checked(twin)
        if address.drivername == "sqlite+aiosqlite":
            await asyncio.to_thread(_make_file, address)
            engine = _sqlite_engine(address)
        else:
            engine = postgres.postgres_engine(address, twin, PATIENCE_SECONDS)
        database = cls(engine, twin)
        try:
            await database._bring_up_to_date(keep)
        except BaseException:
            await database.close()
            raise
        return database

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """Read and write, all of it or nothing. Not inside another one: on SQLite it would wait in vain."""
        with tracing.storing(tracing.WRITE, self._system):
            async with self._my_turn(), self._session(self._writing) as session:
                yield session

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A look that waits for no writer and keeps none waiting. On SQLite all of it is of one moment."""
        with tracing.storing(tracing.READ, self._system):
            async with self._session(self._reading) as session:
                yield session

    @asynccontextmanager
    async def one_moment(self) -> AsyncIterator[AsyncSession]:
        """However many queries: all of them see the database as it is at the first one."""
        frozen = self._reading if self._is_sqlite else postgres.of_one_moment(self._engine)
        async with self._session(frozen) as session:
            yield session

    async def look(self, steps: Steps[T]) -> T:
        """What comes of these questions; on SQLite, of one moment. They are made on another thread."""
        with tracing.storing(tracing.READ, self._system):
            if self._reader is None:
                async with self._session(self._reading) as session:
                    query, result = await asyncio.to_thread(following, steps, None)
                    while query is not None:
                        rows = [*await session.execute(text(query[0]), query[1])]
                        query, result = await asyncio.to_thread(following, steps, rows)
                    return cast(T, result)
            try:
                return await self._reader.look(steps)
            except sqlite3.Error as error:
                raise explain(self._engine.url, error) or error from error

    async def rows(self, query: Select[*tuple[Any, ...]], **values: Any) -> Sequence[Sequence[Any]]:
        """What a query finds that is made once, asked often and answered by a page or two, by an index.

        On SQLite the event loop waits for it: that is shorter than handing it to a thread.
        """
        if self._reader is None:
            async with self.reading() as session:
                return [*await session.execute(query, values)]
        with tracing.storing(tracing.READ, self._system):
            known = prepared(query)
            asked = known.asking(values)
            try:
                try:
                    found = self._reader.glance(asked)
                except NotNow:
                    found = await self._reader.look(only(asked))
            except sqlite3.Error as error:
                raise explain(self._engine.url, error) or error from error
            return known.found(found)

    async def alone(self, session: AsyncSession, name: str) -> None:
        """Until this transaction ends, nobody else gets past this name. SQLite's writers are alone anyway."""
        if not self._is_sqlite:
            mine = func.pg_advisory_xact_lock(func.hashtext(self.twin), func.hashtext(name))
            await session.execute(select(mine))

    def insert(self, row: type[Base]) -> sqlite.Insert | Insert:
        """An INSERT that may say ON CONFLICT, in this database's dialect."""
        table = row.metadata.tables[
            row.__tablename__
        ]  # not the class: its bulk inserts take another, slow road
        return sqlite.insert(table) if self._is_sqlite else Insert(table)

    def mine(self, alias: str) -> str:
        """What SQL that is given as text says of each table of Postgres it reads; a file is of one twin."""
        return "TRUE" if self._is_sqlite else f"{alias}.{COLUMN} = '{self.twin}'"

    def is_among(self, column: InstrumentedAttribute[str], values: Iterable[str]) -> ColumnElement[bool]:
        """Is it one of these? They are one parameter: naming thousands takes longer than looking them up."""
        listed = list(values)
        if self._is_sqlite:
            return column.in_(select(func.json_each(json.dumps(listed)).table_valued("value").c.value))
        return column == any_(literal(listed, ARRAY(Text)))

    async def touched(self, session: AsyncSession, statement: Executable) -> int:
        """Do it, and say how many rows it inserted, changed or deleted."""
        result = await session.execute(statement)
        assert isinstance(result, CursorResult)
        return result.rowcount

    async def scrub(self) -> bool:
        """What was deleted is gone from the disk, too, as far as that is ours to do; False: not all yet.

        SQLite's pages hold copies of rows that once were there, so its file is written anew: writers wait, a
        second for every hundred megabytes or so. Its journal holds the old pages until nobody reads them.
        """
        if self.file is None:
            how = self._engine.execution_options(isolation_level="AUTOCOMMIT")
            async with how.connect() as connection:
                await connection.exec_driver_sql("VACUUM")
            return True
        async with self._my_turn():
            try:
                return await asyncio.to_thread(_scrub, self.file)
            except sqlite3.Error as error:
                raise self.explained(error) or error from error

    def explained(self, error: Exception) -> DatabaseUnavailable | None:
        """What to raise instead of what the driver raised; None: it is our own mistake."""
        return explain(self._engine.url, error)

    async def close(self) -> None:
        if self._reader:
            self._reader.close()
        await self._engine.dispose()

    async def _bring_up_to_date(self, keep: bool) -> None:
        async with self.reading() as session:
            connection = await session.connection()
            self.revision = await connection.run_sync(schema.revision_of)
            await self._check_whose(connection)
            if await connection.run_sync(schema.is_newest):
                return
        async with self.transaction() as session:
            connection = await session.connection()
            if self.file is None:
                tables = keep_tables if keep else None
                self.kept = await connection.run_sync(schema.bring_up_to_date, self.twin, tables)
                return
            if keep and self.revision and not await connection.run_sync(schema.is_newest):
                self.kept = await asyncio.to_thread(keep_copy, self.file, self.revision)
            await connection.run_sync(schema.bring_up_to_date, self.twin)

    async def _check_whose(self, connection: AsyncConnection) -> None:
        """A file has one owner; a server has many, and is asked whether it holds them apart itself."""
        if not self._is_sqlite:
            query = (
                f"SELECT rolsuper OR rolbypassrls, current_setting('{SETTING}', true)"
                " FROM pg_roles WHERE rolname = current_user"
            )
            past, said = tuple((await connection.exec_driver_sql(query)).one())
            if said != self.twin:
                raise DatabaseUnavailable(f"cannot use the database {self.name}: {POOLED}.")
            self.sees_past_row_security = bool(past)
            return
        owner = await connection.run_sync(twins.owner_of)
        if owner not in (None, self.twin):
            raise DatabaseUnavailable(
                f"cannot use the database {self.name}: it belongs to the twin {owner!r}, and this one is "
                f"{self.twin!r}. Set [storage] twin to {owner!r}, or name another file."
            )

    async def forget_copies(self) -> tuple[list[str], list[str]]:
        """What was kept before upgrades goes, for somebody is to be forgotten.

        Returns what they were called, and those that this user may not remove.
        """
        if self.file is None:
            async with self.transaction() as session:
                return await (await session.connection()).run_sync(drop_tables)
        copies = copies_of(self.file)
        for copy in copies:
            await asyncio.to_thread(copy.unlink, missing_ok=True)
        return [copy.name for copy in copies], []

    @asynccontextmanager
    async def _my_turn(self) -> AsyncIterator[None]:
        if self._turn is None:
            yield
            return
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._turn.acquire()
        except TimeoutError as error:
            raise DatabaseUnavailable(
                f"cannot use the database {self.name}: this program kept writing for too long. Try again."
            ) from error
        try:
            yield
        finally:
            self._turn.release()

    @asynccontextmanager
    async def _session(self, engine: AsyncEngine) -> AsyncIterator[AsyncSession]:
        session = AsyncSession(engine, expire_on_commit=False)
        try:
            try:
                await _to_its_end(self._connect(session))
                yield session
                await _to_its_end(session.commit())
            finally:
                await _to_its_end(session.close())
        except DBAPIError as error:
            if unavailable := explain(engine.url, error):
                raise unavailable from error
            raise

    async def _connect(self, session: AsyncSession) -> None:
        """Apart from the rest, because here the driver's errors come bare."""
        try:
            await session.connection()
        except (OSError, TimeoutError, TypeError, sqlite3.Error) as error:
            raise explain(self._engine.url, error) or error from error


async def _to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """However often we are cancelled meanwhile: cut off in the middle, it would leave the database locked."""
    task, cancelled = asyncio.ensure_future(work), False
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError:
            cancelled = True
    task.result()
    if cancelled:
        raise asyncio.CancelledError


def _scrub(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=PATIENCE_SECONDS, isolation_level=None)) as connection:
        connection.execute("VACUUM")
        busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        return not busy


def _parse(url: str) -> URL:
    wanted = "Write sqlite+aiosqlite:///path/to/twin.db or postgresql+asyncpg://user:password@host/name."
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # "from None", and not a word of the URL: who knows where in it the password is.
        raise DatabaseUnavailable(f"the database URL in [storage] cannot be read. {wanted}") from None
    if address.drivername not in DRIVERS:
        raise DatabaseUnavailable(
            f"there is no driver for {address.drivername}:// in [storage] url. {wanted}"
        )
    is_file = address.database not in (None, "", ":memory:") and not str(address.database).startswith("file:")
    if address.get_backend_name() == "sqlite" and not is_file:
        raise DatabaseUnavailable(f"a twin that forgets at every start learns nothing: name a file. {wanted}")
    return address.set(drivername=DRIVERS[address.drivername])


def _make_file(address: URL) -> None:
    """Where that fails, aiosqlite would leave a thread behind that complains when the program ends."""
    path = Path(str(address.database))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"cannot make the folder for {shown(address)}: {error.strerror}. "
            "Choose a folder this user may write to."
        ) from error
    try:
        sqlite3.connect(path).close()
    except sqlite3.Error as error:
        raise explain(address, error) or error from error


def _sqlite_engine(address: URL) -> AsyncEngine:
    engine = create_async_engine(address, connect_args={"timeout": PATIENCE_SECONDS})

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below; Python's sqlite3 says it too late
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "handle_error")
    def keep_what_was_cancelled(context: ExceptionContext) -> None:
        # Closed with a query under way, a connection keeps SQLite's lock until Python forgets the query.
        # It is sound: its thread does one thing after the other, and what comes next is ROLLBACK.
        if isinstance(context.original_exception, asyncio.CancelledError):
            context.is_disconnect = False

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        # A writer takes the lock at once: two that read first and write later would each wait for the other.
        # Straight to the driver: through a cursor it costs three trips to its thread, here one.
        how = connection.get_execution_options().get("begin", "BEGIN")
        driver: Any = connection.connection.dbapi_connection
        driver.run_async(lambda raw: raw.execute(how))

    return engine

import asyncio
import os
import signal
import socket
import sqlite3
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import func, make_url, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import AsyncAdaptedQueuePool

from storage import postgres
from storage.cursors import CursorStore
from storage.database import Database, DatabaseUnavailable
from storage.messages import MessageStore
from storage.reader import AT_ONCE, only
from storage.records import Cursor
from storage.tables import MessageRow

ROOT = Path(__file__).parents[2]


def a_cursor(name: str, size: int = 1) -> Cursor:
    return Cursor("source", name, {"text": "x" * size}, datetime(2026, 1, 1, tzinfo=UTC))


async def kept(database: Database) -> list[str]:
    return [cursor.container for cursor in await CursorStore(database).all("source")]


async def read(url: str) -> list[str]:
    database = await Database.open(url)
    try:
        return await kept(database)
    finally:
        await database.close()


async def a_writer(url: str, name: str, count: int) -> Process:
    script = Path(__file__).with_name("write_messages.py")
    return await asyncio.create_subprocess_exec(
        sys.executable,
        script,
        url,
        name,
        str(count),
        stdout=PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


# What a transaction promises


async def test_a_transaction_that_fails_leaves_nothing(database: Database) -> None:
    async def fail() -> None:
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM alembic_version"))
            raise KeyError

    with pytest.raises(KeyError):
        await fail()
    async with database.reading() as session:
        assert (await session.execute(text("SELECT count(*) FROM alembic_version"))).scalar() == 1


async def test_a_reader_waits_for_no_writer_and_sees_what_was_before(database: Database) -> None:
    await CursorStore(database).put(a_cursor("before"))
    async with asyncio.timeout(5), database.transaction() as session:
        await session.execute(text("DELETE FROM cursors"))
        assert await kept(database) == ["before"]
    assert await kept(database) == []


async def test_a_reader_sees_one_moment_however_long_it_looks(sqlite_database: Database) -> None:
    async with sqlite_database.reading() as session:
        before = (await session.execute(text("SELECT count(*) FROM cursors"))).scalar()
        await CursorStore(sqlite_database).put(a_cursor("meanwhile"))
        assert (await session.execute(text("SELECT count(*) FROM cursors"))).scalar() == before == 0


async def test_what_connections_keep_of_a_large_file_is_bounded(
    sqlite_database: Database,
) -> None:
    pool = sqlite_database._engine.pool
    assert isinstance(pool, AsyncAdaptedQueuePool)
    kib: list[int] = []
    async with AsyncExitStack() as together:
        for _ in range(pool.size()):  # more are closed when they are given back
            session = await together.enter_async_context(sqlite_database.reading())
            kib.append((await session.execute(text("PRAGMA cache_size"))).scalar_one())
        [(each,)] = await sqlite_database.look(only(("PRAGMA cache_size", {})))
        kib += [each] * (AT_ONCE + 1)  # on threads, and one at once
    assert all(one < 0 for one in kib)  # KiB and no pages
    assert -sum(kib) <= 160 * 1024


async def test_a_reader_cannot_write_by_mistake_on_a_server(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    with pytest.raises(RuntimeError, match="a reader only asks, it does not DELETE"):
        async with database.reading() as session:
            await session.execute(text("DELETE FROM cursors"))
    with pytest.raises(DatabaseUnavailable, match="only allows reading"):
        async with database.one_moment() as session:
            await session.execute(text("DELETE FROM cursors"))
    await database.close()


async def test_a_cancelled_writer_keeps_nobody_waiting(database: Database) -> None:
    async def write_slowly() -> None:
        async with database.transaction() as session:
            await session.execute(text("DELETE FROM cursors"))
            await asyncio.sleep(60)

    writing = asyncio.create_task(write_slowly())
    await asyncio.sleep(0.1)
    writing.cancel()
    async with asyncio.timeout(5):
        await CursorStore(database).put(a_cursor("after"))
    assert await kept(database) == ["after"]


@pytest.mark.parametrize("steps", range(0, 40, 4))
async def test_a_writer_cancelled_at_any_moment_and_again_leaves_the_file_to_others(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture, steps: int
) -> None:
    assert sqlite_database.file

    async def write() -> None:
        async with sqlite_database.transaction() as session:
            await session.execute(text("DELETE FROM cursors"))
            await session.execute(text("DELETE FROM cursors"))

    with closing(sqlite3.connect(sqlite_database.file, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # whoever writes waits in SQLite, where no cancelling reaches
        writing = asyncio.create_task(write())
        for _ in range(steps):
            await asyncio.sleep(0)
        for _ in range(5):
            writing.cancel()
            await asyncio.sleep(0.001)
        other.execute("ROLLBACK")
        await asyncio.wait([writing])
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    assert writing.cancelled()
    assert not caplog.records  # and no connection was given up on


async def test_a_writer_cancelled_while_it_reads_leaves_the_file_to_others_at_once(
    sqlite_database: Database,
) -> None:
    """Also while something still knows of the query, as the traceback of the cancelling does."""
    assert sqlite_database.file
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)"
    counting = asyncio.Event()

    async def write() -> None:
        async with sqlite_database.transaction() as session:
            await session.execute(text("DELETE FROM cursors"))
            counting.set()
            await session.execute(text(f"{numbers} SELECT max(i) FROM n"))

    writing = asyncio.create_task(write())
    await counting.wait()
    await asyncio.sleep(0.01)
    writing.cancel()
    with pytest.raises(asyncio.CancelledError) as kept_alive:
        await writing
    with closing(sqlite3.connect(sqlite_database.file, timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.execute("ROLLBACK")
    assert kept_alive


async def test_our_own_mistakes_are_seen_as_they_are(database: Database) -> None:
    with pytest.raises(DBAPIError):
        async with database.reading() as session:
            await session.execute(text("SELECT nonsense FROM nowhere"))


# Many at once


async def test_many_tasks_write_at_once_and_nothing_is_lost(database: Database) -> None:
    store = CursorStore(database)
    names = [f"{number:03}" for number in range(100)]
    await asyncio.gather(*(store.put(a_cursor(name)) for name in names))
    assert await kept(database) == names


async def test_two_processes_write_at_once_and_nothing_is_lost(database: Database, tables_url: str) -> None:
    writers = [await a_writer(tables_url, name, 150) for name in ("ada", "bob")]
    for writer in writers:
        await writer.communicate()
    assert [writer.returncode for writer in writers] == [0, 0]
    async with database.reading() as session:
        count = select(MessageRow.chat_id, func.count()).group_by(MessageRow.chat_id)
        assert dict((await session.execute(count)).all()) == {"ada": 150, "bob": 150}


async def test_a_writer_killed_midway_loses_nothing_it_had_kept(database: Database, tables_url: str) -> None:
    writer = await a_writer(tables_url, "ada", 1_000_000)
    assert writer.stdout
    said = [(await writer.stdout.readline()).decode().strip() for _ in range(50)]
    writer.send_signal(signal.SIGKILL)
    said += (await writer.stdout.read()).decode().split()
    await writer.wait()
    after = await Database.open(tables_url)
    store = MessageStore(after)
    missing = [key for key in said if await store.get(key) is None]
    assert missing == []
    await CursorStore(after).put(a_cursor("after"))
    if tables_url.startswith("sqlite"):
        async with after.reading() as session:
            assert (await session.execute(text("PRAGMA integrity_check"))).scalar() == "ok"
    await after.close()


# When there is no database


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("sesame", r"cannot be read\. Write sqlite\+aiosqlite:///"),
        ("postgresql://sam:sesame@host:port/twin", "cannot be read"),
        ("mysql://sam:sesame@127.0.0.1/twin", "no driver for mysql://"),
        ("sqlite://", "name a file"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////dev/null/twin/twin.db", "Choose a folder"),
        ("sqlite:////dev", "Check the path"),
        ("postgresql://sam:sesame@host.invalid/twin", "nobody answers there"),
        ("postgresql://sam:sesame@127.0.0.1:{closed}/twin", "nobody answers there"),
        ("postgresql://127.0.0.1:{closed}/twin?user=sam&password=sesame", "nobody answers there"),
        ("postgresql://sam:sesame@127.0.0.1:{closed}/twin?sesame=1", "an option in the URL"),
    ],
)
async def test_a_wrong_url_says_what_to_do_and_never_the_password(url: str, words: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, and nobody listens
        url = url.format(closed=closed.getsockname()[1])
        with pytest.raises(DatabaseUnavailable, match=words) as caught:
            await Database.open(url)
    assert "sesame" not in str(caught.value)


async def test_a_server_without_our_database_or_user_says_which_is_missing(postgres_url: str) -> None:
    address = make_url(postgres_url)
    with pytest.raises(DatabaseUnavailable, match=r"nowhere: the server has no such database.*createdb"):
        await Database.open(address.set(database="nowhere").render_as_string(hide_password=False))
    with pytest.raises(DatabaseUnavailable, match="refused the user"):
        await Database.open(address.set(username="nobody").render_as_string(hide_password=False))


async def test_a_server_that_restarted_is_simply_asked_again(postgres_url: str) -> None:
    async with a_cut_database(postgres_url) as (database, processes):
        while any(Path(f"/proc/{process}").exists() for process in processes):
            await asyncio.sleep(0.01)
        await CursorStore(database).put(a_cursor("after"))
        assert await kept(database) == ["after"]


async def test_a_connection_that_rested_is_tried_before_it_is_used(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "RESTED_SECONDS", 0.0)
    async with a_cut_database(postgres_url) as (database, _):
        await CursorStore(database).put(a_cursor("after"))
        assert await kept(database) == ["after"]


@asynccontextmanager
async def a_cut_database(url: str) -> AsyncIterator[tuple[Database, list[int]]]:
    """Open, its server's processes told to end this moment."""
    database, admin = await Database.open(url), await Database.open(url)
    await kept(database)
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    async with admin.reading() as session:
        found = await session.scalars(text(f"SELECT pid, pg_terminate_backend(pid) {others}"))
    yield database, list(found)
    await admin.close()
    await database.close()


async def test_questions_take_no_more_trips_to_a_server_than_there_are(postgres_url: str) -> None:
    database, said = await Database.open(postgres_url), []
    store = CursorStore(database)
    await store.put(a_cursor("before"))  # what a connection says when it is new
    async with database.reading() as session:
        driver = (await (await session.connection()).get_raw_connection()).driver_connection
        assert driver is not None
    driver.add_query_logger(lambda said_too: said.append(said_too.query.split()[0].strip(";")))
    await kept(database)
    await store.put(a_cursor("after"))
    assert said == ["BEGIN", "COMMIT"]  # apart from what is prepared: the question, and the change
    await database.close()


async def test_a_connection_cut_midway_says_so(postgres_url: str) -> None:
    database, admin = await Database.open(postgres_url), await Database.open(postgres_url)

    async def write() -> None:
        async with database.transaction() as session:
            pid = (await session.execute(text("SELECT pg_backend_pid()"))).scalar()
            async with admin.reading() as other:
                await other.execute(text(f"SELECT pg_terminate_backend({pid})"))
            await session.execute(text("DELETE FROM cursors"))

    with pytest.raises(DatabaseUnavailable, match=r"Try again in a moment|connection broke"):
        await write()
    await admin.close()
    await database.close()


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    path.write_bytes(b"this is a diary, not a database " * 200)
    with pytest.raises(DatabaseUnavailable, match=r"twin\.db: the file is damaged or is no SQLite database"):
        await Database.open(f"sqlite:///{path}")
    assert path.read_bytes().startswith(b"this is a diary")


async def test_a_damaged_file_is_called_damaged(tmp_path: Path) -> None:
    path = tmp_path / "twin.db"
    database = await Database.open(f"sqlite:///{path}")
    for number in range(50):
        await CursorStore(database).put(a_cursor(str(number), size=2000))
    await database.close()
    pages = path.stat().st_size // 4096
    with path.open("r+b") as file:
        file.seek(4096 * (pages // 2))
        file.write(os.urandom(4096 * (pages // 2)))
    with pytest.raises(DatabaseUnavailable, match=r"damaged.*Restore a backup"):
        await read(f"sqlite:///{path}")


async def test_a_full_disk_says_so_and_keeps_what_was_kept(sqlite_database: Database) -> None:
    store = CursorStore(sqlite_database)
    await store.put(a_cursor("before"))
    async with sqlite_database.transaction() as session:
        pages = (await session.execute(text("PRAGMA page_count"))).scalar()
        await session.execute(text(f"PRAGMA max_page_count = {pages}"))
    with pytest.raises(DatabaseUnavailable, match=r"disk is full\. Make room"):
        await store.put(a_cursor("too much", size=1_000_000))
    assert await kept(sqlite_database) == ["before"]


async def test_a_database_we_may_only_read_says_so_and_can_be_read(sqlite_database: Database) -> None:
    store = CursorStore(sqlite_database)
    await store.put(a_cursor("before"))
    async with sqlite_database.transaction() as session:
        await session.execute(text("PRAGMA query_only = ON"))
    with pytest.raises(DatabaseUnavailable, match=r"can only be read\. Give this user the right"):
        await store.put(a_cursor("after"))
    assert await kept(sqlite_database) == ["before"]


async def test_a_file_that_another_program_keeps_locked_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.PATIENCE_SECONDS", 0.2)
    database = await Database.open(f"sqlite:///{tmp_path / 'twin.db'}")
    other = sqlite3.connect(tmp_path / "twin.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseUnavailable, match="another program kept it locked"):
        await CursorStore(database).put(a_cursor("x"))
    assert await kept(database) == []
    other.execute("ROLLBACK")
    other.close()
    await CursorStore(database).put(a_cursor("x"))
    await database.close()


async def test_a_transaction_inside_a_transaction_ends_with_a_sentence_not_a_hang(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("storage.database.PATIENCE_SECONDS", 0.2)
    with pytest.raises(DatabaseUnavailable, match="this program kept writing for too long"):
        async with sqlite_database.transaction():
            await CursorStore(sqlite_database).put(a_cursor("x"))

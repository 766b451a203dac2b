"""Can one twin see, count, change or be stopped by what another one keeps on the same server? In no way.

Two walls stand between them, and each is tried alone: row security, by an ordinary role that says nothing of
twins, and what every statement says of itself, by a superuser whom row security does not hold.
"""

from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from every_table import fill
from fakes import said
from memories import typed, wrote
from sqlalchemy import Table, delete, func, make_url, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import aliased

from storage import snapshot
from storage.adapters import AdapterStore
from storage.chats import ChatStore, FactStore, PersonStore
from storage.cursors import CursorStore
from storage.database import Database, DatabaseUnavailable
from storage.feedback import FeedbackStore
from storage.forgetting import clean_rows, erase_person
from storage.leases import LeaseStore
from storage.memories import MemoryStore
from storage.messages import MessageStore
from storage.migrations.twins import POLICY, SHARED
from storage.pulse import PulseStore
from storage.records import Adapter, Chat, Consent, Cursor, Feedback, Role, Signal, now
from storage.records_store import RecordStore
from storage.runs import RunStore
from storage.snapshot import MADE_BY_TRIGGERS
from storage.tables import Base

TABLES = {table.name: table for table in Base.metadata.sorted_tables}
HELD = sorted([*TABLES, "memory_words"])  # which SQLAlchemy does not know
ROWS = [row.class_ for row in Base.registry.mappers]


@pytest.fixture(params=["row security alone", "statements alone"])
def shared_url(request: pytest.FixtureRequest) -> str:
    """A server for several twins, whichever wall is left."""
    url: str = request.getfixturevalue(
        "ordinary_url" if request.param == "row security alone" else "postgres_url"
    )
    return url


@pytest.fixture
async def superusers(postgres_url: str) -> AsyncIterator[tuple[Database, Database]]:
    """Two twins whom the server would let see everything."""
    ada, bob = await Database.open(postgres_url, "ada"), await Database.open(postgres_url, "bob")
    yield ada, bob
    await ada.close()
    await bob.close()


@pytest.fixture
async def twins(shared_url: str) -> AsyncIterator[tuple[Database, Database]]:
    ada, bob = await Database.open(shared_url, "ada"), await Database.open(shared_url, "bob")
    if not ada.sees_past_row_security:  # then nothing else holds them apart
        for database in (ada, bob):
            del database._engine.dialect.statement_compiler
            database.mine = lambda alias: "TRUE"  # type: ignore[method-assign]
    yield ada, bob
    await ada.close()
    await bob.close()


async def filled(database: Database) -> None:
    """Something in every table."""
    async with database.transaction() as session:
        await (await session.connection()).run_sync(fill)
    memories = MemoryStore(database)
    await memories.put_vectors("a model", {n: [1.0] for n, _ in await memories.without_vector("a model", 9)})


async def counted(database: Database, *tables: Table) -> dict[str, int]:
    async with database.reading() as session:
        return {
            table.name: await session.scalar(select(func.count()).select_from(table)) or 0
            for table in tables or TABLES.values()
        }


async def connected(url: str, twin: str | None) -> asyncpg.Connection[Any]:
    """Past everything that we have written."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return await asyncpg.connect(plain, server_settings={"twin.id": twin} if twin else {})


# What the server itself holds


async def test_every_table_on_the_server_is_held_apart_by_it(postgres_url: str) -> None:
    database = await Database.open(postgres_url)
    await database.close()
    raw = await connected(postgres_url, None)
    tables = await raw.fetch(
        "SELECT relname AS name, relrowsecurity AND relforcerowsecurity AS held FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'f')"
    )
    policies = await raw.fetch("SELECT * FROM pg_policies WHERE schemaname = 'public'")
    columns = await raw.fetch(
        "SELECT table_name, column_default FROM information_schema.columns"
        " WHERE table_schema = 'public' AND column_name = 'twin' AND is_nullable = 'NO'"
    )
    await raw.close()
    apart = sorted({row["name"] for row in tables} - {*SHARED})
    assert apart == HELD
    assert {row["name"] for row in tables if row["held"]} == {*apart}
    its_own = "(twin = current_setting('twin.id'::text, true))"
    assert sorted(row["tablename"] for row in policies) == apart
    for row in policies:
        assert (row["policyname"], row["permissive"], row["cmd"]) == (POLICY, "PERMISSIVE", "ALL")
        assert (row["qual"], row["with_check"], [*row["roles"]]) == (its_own, its_own, ["public"])
    assert {row["table_name"]: row["column_default"] for row in columns} == dict.fromkeys(
        apart, "current_setting('twin.id'::text)"
    )


async def test_row_security_alone_lets_nobody_across(ordinary_url: str) -> None:
    ada = await Database.open(ordinary_url, "ada")
    assert not ada.sees_past_row_security
    await filled(ada)
    as_ada, as_bob = await connected(ordinary_url, "ada"), await connected(ordinary_url, "bob")
    theirs = {
        name: [row[0] for row in await as_ada.fetch(f"SELECT to_jsonb(t) FROM {name} t ORDER BY 1")]
        for name in HELD
    }
    for name, rows in theirs.items():
        assert rows, name
        assert await as_bob.fetchval(f"SELECT count(*) FROM {name}") == 0, name
        assert await as_bob.execute(f"UPDATE {name} SET twin = twin") == "UPDATE 0", name
        assert await as_bob.execute(f"DELETE FROM {name}") == "DELETE 0", name
        columns = ", ".join(f'"{column}"' for column in json.loads(rows[0]))
        put = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM jsonb_populate_record(NULL::{name}, $1)"
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
            await as_bob.execute(put, rows[0])

    async def same_rows(*names: str) -> None:
        """The very same ones, keys and all, are Bob's as well, and cannot be pushed over to Ada."""
        for name in names:
            mine = [json.dumps({**json.loads(row), "twin": "bob"}) for row in theirs[name]]
            columns = ", ".join(f'"{column}"' for column in json.loads(mine[0]))
            row = f"jsonb_populate_record(NULL::{name}, $1)"
            put = f"INSERT INTO {name} ({columns}) SELECT {columns} FROM {row}"
            await as_bob.executemany(put, [(row,) for row in mine])
            assert await as_bob.fetchval(f"SELECT count(*) FROM {name}") == len(mine), name
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with as_bob.transaction():
                    await as_bob.execute(f"UPDATE {name} SET twin = 'ada'")

    made = ("memory_words", "memory_shelves", "memory_vectors", "memories")
    for names in (made[:1], made[1:], [name for name in TABLES if name not in made]):
        trying = as_bob.transaction()
        await trying.start()
        await same_rows(*names)
        await trying.rollback()
    with pytest.raises(asyncpg.ForeignKeyViolationError):  # what Ada has learned is nothing to refer to
        await as_bob.execute(
            "INSERT INTO promotions (is_rollback, version, at, why) VALUES (false, 'version 0', now(), '')"
        )
    for name, rows in theirs.items():
        assert [row[0] for row in await as_ada.fetch(f"SELECT to_jsonb(t) FROM {name} t ORDER BY 1")] == rows
    await as_ada.close()
    await as_bob.close()
    await ada.close()


async def test_a_connection_that_does_not_say_whose_it_is_sees_nothing_and_keeps_nothing(
    ordinary_url: str,
) -> None:
    ada = await Database.open(ordinary_url, "ada")
    await FactStore(ada).add("bakes")
    await ada.close()
    nobody = await connected(ordinary_url, None)
    assert await nobody.fetchval("SELECT count(*) FROM facts") == 0
    with pytest.raises(asyncpg.UndefinedObjectError, match=r"twin\.id"):
        await nobody.execute("INSERT INTO facts (id, text, told_at) VALUES ('1', 'bakes', now())")
    await nobody.close()


# What every statement says itself


async def test_what_statements_say_alone_lets_nobody_across(superusers: tuple[Database, Database]) -> None:
    ada, bob = superusers
    assert ada.sees_past_row_security
    await filled(ada)
    before = await counted(ada)
    assert all(before.values())
    assert not any((await counted(bob)).values())
    await filled(bob)  # the very same rows: nothing is in the way
    for row in ROWS:
        table = TABLES[row.__tablename__]
        other = aliased(row)
        key = next(iter(table.primary_key.columns))
        async with bob.transaction() as session:
            mine = before[table.name]
            for read in (select(row), select(table), select(other), select(table.alias())):
                assert len((await session.execute(read)).all()) == mine, table.name
            pairs = select(row).outerjoin(other, getattr(other, key.name) == getattr(row, key.name))
            assert len({*(await session.scalars(pairs)).all()}) == mine
            either = select(func.count()).where(
                select(other).exists(), key.in_(select(table.alias().c[key.name]))
            )
            assert await session.scalar(either.select_from(table)) == mine, table.name
            change = update(row).values({key.name: key}).execution_options(synchronize_session=False)
            assert await bob.touched(session, change) == mine, table.name
            assert await bob.touched(session, update(table).values({key.name: key})) == mine, table.name
    async with bob.transaction() as session:
        for table in reversed(TABLES.values()):
            if table.name not in MADE_BY_TRIGGERS:
                assert await bob.touched(session, delete(table)) == before[table.name], table.name
        for table in (TABLES[name] for name in reversed(MADE_BY_TRIGGERS)):
            await session.execute(delete(table))
    assert await counted(ada) == before
    assert not any((await counted(bob)).values())


def _texts(tree: ast.AST, source: str) -> Iterator[str]:
    """Each text of a program, one with gaps as a whole."""
    inner = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node)}
    for node in ast.walk(tree):
        whole = isinstance(node, ast.JoinedStr) or (
            isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in inner
        )
        if whole:
            yield ast.get_source_segment(source, node) or ""


def test_sql_that_is_written_as_text_says_whose_rows_it_means() -> None:
    reads = re.compile(rf"\b(?:FROM|JOIN|UPDATE)\s+(?:{'|'.join(HELD)})\b")
    says = re.compile(r"\bmine\b|_mine\(|\btwin = ")
    found = 0
    for path in sorted((Path(__file__).parents[2] / "storage").glob("*.py")):
        source = path.read_text(encoding="utf-8")
        for words in _texts(ast.parse(source), source):
            if "MATCH" in words:  # SQLite's own index of words
                continue
            assert len(reads.findall(words)) <= len(says.findall(words)), f"{path.name}: {words}"
            found += len(reads.findall(words))
    assert found >= 6


async def test_a_lock_of_one_keeps_no_other_waiting(superusers: tuple[Database, Database]) -> None:
    ada, bob = superusers
    async with asyncio.timeout(5), ada.transaction() as hers, bob.transaction() as his:
        await ada.alone(hers, "runs")
        await bob.alone(his, "runs")


# Either of the two walls, and everything that is kept


async def everything(database: Database, answer: str) -> list[object]:
    """The same export, the same chats, the same names, at the same time; what each repository says to it."""
    messages, runs, adapters = MessageStore(database), RunStore(database), AdapterStore(database)
    told: list[object] = [
        await RecordStore(database).add_all(
            [wrote("r1", "the trombone is in Faro", "telegram:1"), wrote("r2", "my harp is here", "owner")]
        ),
        await messages.add(typed(1, f"where is the trombone, {answer}?", "telegram:1"), waiting=True),
        await messages.add(said("yes", number="2", by="twin", by_twin=True)),
        await FactStore(database).add("plays"),
        await LeaseStore(database).take("leader", answer, 60),
        await LeaseStore(database).take("leader", "a third", 60),
    ]
    await FeedbackStore(database).record(
        Feedback("kitchen-app:kitchen:2", "sam", Role.OWNER, Signal.UP, now())
    )
    await adapters.add(Adapter("sft-1", "pocket", "sft", f"/{answer}", "0", now()))
    await adapters.go_live("sft-1", answer)
    await runs.start("learn", answer)
    assert await runs.enqueue("sync", key="sync")
    await CursorStore(database).put(Cursor("discord", "c", {"whose": answer}, now()))
    await ChatStore(database).put(Chat("telegram", "1", mode=answer))
    await PersonStore(database).set_consent("telegram", "ana", Consent.AGREED)
    return told


async def test_two_twins_of_the_same_chats_and_exports_never_meet(twins: tuple[Database, Database]) -> None:
    ada, bob = twins
    assert await everything(ada, "ada") == await everything(bob, "bob")
    for database, name in ((ada, "ada"), (bob, "bob")):
        assert [one.text for one in await MessageStore(database).recent("1", "telegram")] == [
            f"where is the trombone, {name}?"
        ]
        live = await AdapterStore(database).live()
        assert live
        assert live.path == f"/{name}"
        assert [run.worker for run in await RunStore(database).all(kind="learn")] == [name]
        cursor = await CursorStore(database).get("discord", "c")
        assert cursor
        assert cursor.value == {"whose": name}
        chat = await ChatStore(database).get("telegram", "1")
        assert chat
        assert chat.mode == name
        pulse = PulseStore(database)
        assert await pulse.waiting() == (1, 0)
        assert await MemoryStore(database).counts() == {"said": 3, "fact": 1}
        found = await MemoryStore(database).recall(["trombone"], {"telegram:1"})
        assert sorted(one.memory.text for one in found) == [
            "the trombone is in Faro",
            f"where is the trombone, {name}?",
        ]
    await RecordStore(bob).remove(["r1", "r2"])
    await erase_person(bob, "telegram", "ana", ["1"])
    await clean_rows(bob, lambda words: words.replace("plays", "..."))
    assert await PersonStore(ada).consent("telegram", "ana") is Consent.AGREED
    assert [fact.text for fact in await FactStore(ada).all()] == ["plays"]
    assert await RecordStore(ada).get("r1")
    assert await ChatStore(ada).get("telegram", "1")


async def test_what_one_forgets_or_is_restored_to_is_nothing_to_the_other(
    twins: tuple[Database, Database], tmp_path: Path
) -> None:
    ada, bob = twins
    await filled(ada)
    before = await counted(ada)
    await FactStore(bob).add("bakes")
    await snapshot.write_snapshot(bob, tmp_path / "bob.db")
    assert sum(snapshot.rows_of(tmp_path / "bob.db").values()) == 1
    await snapshot.write_snapshot(ada, tmp_path / "ada.db")
    await snapshot.take_in(bob, tmp_path / "ada.db")  # Bob becomes what Ada is: the same ids and numbers
    assert await snapshot.rows(bob) == await snapshot.rows(ada)
    assert {name: count for name, count in (await counted(bob)).items() if name != "memory_vectors"} == {
        name: count for name, count in before.items() if name != "memory_vectors"
    }
    await snapshot.take_in(bob, tmp_path / "bob.db")
    assert await counted(ada) == before
    assert [fact.text for fact in await FactStore(bob).all()] == ["bakes"]
    await MessageStore(ada).add(said("and on it goes", number="3"))  # the numbers go on


# A file


async def test_a_file_of_one_twin_is_not_opened_as_another(sqlite_url: str) -> None:
    await (await Database.open(sqlite_url, "ada")).close()
    with pytest.raises(DatabaseUnavailable, match=r"belongs to the twin 'ada'.*'bob'.*Set \[storage\] twin"):
        await Database.open(sqlite_url, "bob")
    await (await Database.open(sqlite_url, "ada")).close()


async def test_every_row_of_a_file_says_whose_it_is_and_none_can_say_otherwise(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, "ada")
    await filled(database)
    async with database.reading() as session:
        for row in ROWS:
            assert {*await session.scalars(select(row.twin))} == {"ada"}, row
    try:
        for name in TABLES:
            for lie in (f"INSERT INTO {name} (twin) VALUES ('bob')", f"UPDATE {name} SET twin = 'bob'"):
                with pytest.raises(DBAPIError, match="generated column"):
                    async with database.transaction() as session:
                        await session.execute(text(lie))
    finally:
        await database.close()


async def test_a_file_that_is_handed_over_keeps_everything(sqlite_url: str) -> None:
    database = await Database.open(sqlite_url, "ada")
    await filled(database)
    before = await counted(database)
    await database.close()
    assert database.file
    snapshot.hand_over(database.file, "bob")
    assert snapshot.is_sound(database.file)
    database = await Database.open(sqlite_url, "bob")
    assert await counted(database) == before
    await FactStore(database).add("bakes")
    assert [one.memory.text for one in await MemoryStore(database).recall(["bakes"], {"public"})] == ["bakes"]
    await database.close()


@pytest.mark.parametrize("twin", ["", "Ada", "a'b", "-a", "a-", "a" * 41, "ada\n"])
async def test_an_id_that_could_be_taken_for_anything_else_is_refused(twin: str, sqlite_url: str) -> None:
    with pytest.raises(ValueError, match="cannot be a twin's id"):
        await Database.open(sqlite_url, twin)


# What words there are


async def test_the_words_of_a_memory_go_with_it(postgres_url: str) -> None:
    ada = await Database.open(postgres_url, "ada")
    records = RecordStore(ada)
    await records.add_all(
        [wrote("r1", "the trombone is in Faro", "telegram:1"), wrote("r2", "Faro", "owner")]
    )
    words = text("SELECT word FROM memory_words ORDER BY word")
    async with ada.reading() as session:
        assert [*await session.scalars(words)] == ["faro", "faro", "trombon"]
    await records.remove(["r1"])
    async with ada.reading() as session:
        assert [*await session.scalars(words)] == ["faro"]
    await ada.close()


@pytest.mark.parametrize(
    "words", [["trombone"], ["trombones", "the"], ["Faro", "trombone"], ["trombone"] * 2]
)
async def test_words_are_found_by_their_stems_alone_and_together(postgres_url: str, words: list[str]) -> None:
    ada = await Database.open(postgres_url, "ada")
    said_often = [wrote(f"a{n}", "the trombone again", "telegram:1") for n in range(220)]
    await RecordStore(ada).add_all([wrote("r1", "the trombone is in Faro", "telegram:1"), *said_often])
    found = await MemoryStore(ada).recall(words, {"telegram:1"}, limit=300)
    assert "r1" in {one.memory.key for one in found} or "Faro" not in words
    assert len(found) >= 200
    assert not await MemoryStore(ada).recall(["the"], {"telegram:1"})
    await ada.close()

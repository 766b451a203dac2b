from dataclasses import replace
from datetime import UTC, datetime

from storage.cursors import CursorStore
from storage.database import Database
from storage.records import Cursor

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


async def test_the_last_cursor_put_is_the_one_we_get(database: Database) -> None:
    store = CursorStore(database)
    first = Cursor("github", "repo", {"page": 1, "seen": ["a"]}, NOON)
    assert await store.get("github", "repo") is None
    await store.put(first)
    assert await store.get("github", "repo") == first
    second = replace(first, value={"page": 2})
    await store.put(second)
    assert await store.get("github", "repo") == second


async def test_every_container_of_every_source_has_its_own(database: Database) -> None:
    store = CursorStore(database)
    cursors = [Cursor(source, name, {}, NOON) for source in ("discord", "github") for name in ("a", "b")]
    for cursor in cursors:
        await store.put(cursor)
    assert await store.all("discord") == cursors[:2]
    assert await store.all("nowhere") == []


async def test_what_is_put_once_stays_whoever_comes_second(database: Database) -> None:
    store = CursorStore(database)
    first = Cursor("redis", "namespace", {"name": "a"}, NOON)
    assert await store.once(first) == first
    assert await store.once(replace(first, value={"name": "b"})) == first

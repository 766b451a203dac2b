"""Does the index of words stay quick to search, and do the searches stay what they were?"""

from __future__ import annotations

import pytest
from memories import wrote
from sqlalchemy import text

from storage.memories import MemoryStore
from storage.records_store import RecordStore

WORDS = ["Faro", "Porto", "Lisbon", "Coimbra", "Braga", "Evora", "Aveiro", "Lagos", "Tavira", "Sines"]


async def remember(database, count):
    """In as many pieces as there are transactions."""
    records = RecordStore(database)
    for n in range(count):
        said = f"I saw {WORDS[n % 10]} and {WORDS[n // 10 % 10]} in the year {n}"
        await records.add_all([wrote(f"r{n}", said, "public" if n % 3 else "discord:1")])


async def pieces(database):
    async with database.reading() as session:
        return await session.scalar(text("SELECT count(DISTINCT segid) FROM memory_words_idx"))


async def found(memories, *words):
    return sorted(
        (one.memory.key, one.matched, one.often) for one in await memories.recall(words, {"public"}, limit=9)
    )


async def test_an_index_in_many_pieces_becomes_one_and_finds_the_same(sqlite_database):
    memories = MemoryStore(sqlite_database)
    await remember(sqlite_database, 60)
    before = await found(memories, "faro", "braga", "7"), await found(memories, "nowhere")
    assert before[0]
    assert await pieces(sqlite_database) > 2
    turns = 0
    while await memories.tidy():
        turns += 1
    assert turns
    assert await pieces(sqlite_database) == 1
    assert (await found(memories, "faro", "braga", "7"), await found(memories, "nowhere")) == before


async def test_an_index_that_is_nearly_in_one_piece_is_left_alone(sqlite_database):
    memories = MemoryStore(sqlite_database)
    await remember(sqlite_database, 60)
    while await memories.tidy():
        pass
    async with sqlite_database.reading() as session:
        before = (await session.execute(text("SELECT id, block FROM memory_words_data"))).all()
    assert not await memories.tidy()
    async with sqlite_database.reading() as session:
        assert (await session.execute(text("SELECT id, block FROM memory_words_data"))).all() == before


async def test_a_few_small_pieces_beside_a_large_one_are_left_until_they_are_a_tenth(sqlite_database):
    memories, records = MemoryStore(sqlite_database), RecordStore(sqlite_database)
    many = " ".join(f"aSomewhatLongerWordWhoseNumberIs{n}" for n in range(4_000))
    await records.add_all([wrote("large", many, "public")])
    while await memories.tidy():
        pass
    assert await pieces(sqlite_database) == 1
    await records.add_all([wrote("small", "I saw Faro", "public")])
    assert await pieces(sqlite_database) == 2
    assert not await memories.tidy()
    assert await pieces(sqlite_database) == 2
    await records.add_all([wrote("other", many.replace("Longer", "Shorter")[:40_000], "public")])
    assert await memories.tidy()


async def test_what_is_forgotten_while_the_index_is_put_together_stays_forgotten(sqlite_database):
    memories, records = MemoryStore(sqlite_database), RecordStore(sqlite_database)
    await remember(sqlite_database, 60)
    await memories.tidy()
    await records.remove([f"r{n}" for n in range(30)])
    while await memories.tidy():
        pass
    keys = {key for key, *_ in await found(memories, *WORDS)}
    assert keys
    assert not keys & {f"r{n}" for n in range(30)}


async def test_postgres_keeps_its_own_order(database):
    if not database.file:
        await remember(database, 5)
        assert not await MemoryStore(database).tidy()


@pytest.mark.parametrize("limit", [0, 1, 64])
async def test_so_many_of_each_kind_come_back_and_no_more(database, limit):
    memories = MemoryStore(database)
    await remember(database, 12)
    assert len(await memories.recall(["saw"], {"public", "discord:1"}, limit=limit)) == min(limit, 12)
    assert await memories.recall(["saw"], set()) == []
    assert await memories.recall([], {"public"}) == []

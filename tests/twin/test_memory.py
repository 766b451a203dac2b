"""Does the clock keep in order what the twin remembers?"""

from __future__ import annotations

import asyncio
import contextlib

from memories import wrote
from sqlalchemy import text

from storage.memories import MemoryStore
from storage.records_store import RecordStore
from twin.memory import tidy_by_the_clock


async def pieces(database):
    async with database.reading() as session:
        return await session.scalar(text("SELECT count(DISTINCT segid) FROM memory_words_idx"))


async def test_the_clock_puts_the_index_together_in_turns(sqlite_database):
    records, memories = RecordStore(sqlite_database), MemoryStore(sqlite_database)
    for n in range(20):
        await records.add_all([wrote(f"r{n}", f"I saw Faro in the year {n}", "public")])
    clock = asyncio.create_task(tidy_by_the_clock(memories, every=0.01, breath=0))
    async with asyncio.timeout(10):
        while await pieces(sqlite_database) > 1:
            await asyncio.sleep(0.01)
    clock.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await clock

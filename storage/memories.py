"""What may be recalled by whom? The only way to what anybody said before, and it asks for whom.

Memories are an index over records, messages, facts and corrections, written by triggers alone
(`storage/migrations/memories.py`). A memory's number begins with the number of its shelf, and a shelf holds
what one audience may hear: a search reads the shelves it may read, and nothing else is looked at, let alone
ranked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import delete, func, select, text

from storage.database import Database
from storage.ranking import NEWEST, SHELF
from storage.reader import Steps
from storage.recalling import Found, Search, Wanted
from storage.records import MemoryKind
from storage.tables import MemoryRow, VectorRow
from storage.vectors import Vectors, as_bytes

__all__ = ["NEWEST", "SHELF", "Found", "MemoryStore"]

PIECES_AT_ONCE = 200  # pages of the index of words that are written anew while writers wait
LOOSE = 0.1  # share of the index that may lie beside its largest piece


class MemoryStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sqlite = database.name.startswith("sqlite")
        self._vectors = Vectors(database.mine("v"))

    async def recall(
        self,
        words: Sequence[str],
        audiences: Collection[str],
        *,
        kinds: Collection[MemoryKind] = tuple(MemoryKind),
        vector: Sequence[float] | None = None,
        limit: int = 64,
    ) -> list[Found]:
        """What of these kinds has one of the words, or means nearly the same, and all `audiences` may hear.

        The best `limit` of each kind, in no order. `words`: letters and digits only. `vector`: what is looked
        for, as the model of `put_vectors` sees it.
        """
        wanted = Wanted(words, audiences, kinds, vector, limit)
        search = Search(wanted, self._database.mine, sqlite=self._sqlite)
        return await self._database.look(search.steps(self._vectors))

    async def counts(self) -> dict[str, int]:
        """How many memories of each kind there are."""
        query = select(MemoryRow.kind, func.count()).group_by(MemoryRow.kind)
        async with self._database.reading() as session:
            return {str(kind): count for kind, count in await session.execute(query)}

    async def of(self, keys: Collection[str]) -> int:
        """How many memories these records, messages, facts and signals have."""
        mine = self._database.is_among(MemoryRow.key, keys)
        async with self._database.reading() as session:
            return await session.scalar(select(func.count()).select_from(MemoryRow).where(mine)) or 0

    async def scrub(self) -> None:
        """Let nothing of what is gone stay in the index of words, where SQLite only marks it as gone."""
        if self._sqlite:
            async with self._database.transaction() as session:
                await session.execute(text("INSERT INTO memory_words (memory_words) VALUES ('optimize')"))

    async def tidy(self) -> bool:
        """Put some of the index of words together; False when nothing is left to do.

        SQLite keeps it in pieces as it was written, and looks each word up in every one of them. A call keeps
        writers waiting for some hundredths of a second. Postgres does it by itself.
        """
        if not self._sqlite or not await self._database.look(_is_loose()):
            return False
        async with self._database.transaction() as session:
            changes = text("SELECT total_changes()")
            before = (await session.execute(changes)).scalar_one()
            # A negative number of pages: whatever is there into one piece, however few pieces there are.
            merge = text("INSERT INTO memory_words (memory_words, rank) VALUES ('merge', :pages)")
            await session.execute(merge, {"pages": -PIECES_AT_ONCE})
            return bool((await session.execute(changes)).scalar_one() - before > 1)

    # what they mean

    async def without_vector(self, model: str, limit: int, after: int = 0) -> list[tuple[int, str]]:
        """Number and text of memories beyond `after` whose meaning this model was not asked for yet."""
        known = select(VectorRow.number).where(VectorRow.number == MemoryRow.number, VectorRow.model == model)
        query = select(MemoryRow.number, MemoryRow.text).where(MemoryRow.number > after, ~known.exists())
        there, meant = (
            select(func.count()).select_from(row).scalar_subquery() for row in (MemoryRow, VectorRow)
        )
        async with self._database.reading() as session:
            if not after and await session.scalar(select(there <= meant)):
                return []  # to look at each of a million takes a while, and this is asked all the time
            found = await session.execute(query.order_by(MemoryRow.number).limit(limit))
            return [(number, words) for number, words in found]

    async def only_vectors_of(self, model: str) -> None:
        """What another model said does not compare with what this one says."""
        async with self._database.transaction() as session:
            await session.execute(delete(VectorRow).where(VectorRow.model != model))

    async def put_vectors(self, model: str, vectors: Mapping[int, Sequence[float]]) -> None:
        """Keep what these mean. A memory that went meanwhile is left out; another model's are replaced."""
        async with self._database.transaction() as session:
            there = select(MemoryRow.number).where(MemoryRow.number.in_(vectors))
            for number in await session.scalars(there):
                row = {"number": number, "model": model, "vector": as_bytes(vectors[number])}
                insert = self._database.insert(VectorRow).values(row)
                await session.execute(insert.on_conflict_do_update(index_elements=["number"], set_=row))

    async def load_vectors(self) -> None:
        """Into this process: the first answers need not wait for it."""
        await self._database.look(self._vectors.load())


def _is_loose() -> Steps[bool]:
    rows = yield "SELECT count(*) FROM memory_words_idx GROUP BY segid", {}
    pages = [count for (count,) in rows]
    return len(pages) > 1 and sum(pages) - max(pages) > LOOSE * sum(pages)

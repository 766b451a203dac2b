"""What may be recalled by whom? The only way to what anybody said before, and it asks for whom.

Memories are an index over records, messages, facts and corrections, written by triggers alone
(`storage/migrations/memories.py`). A memory's number begins with the number of its shelf, and a shelf holds
what one audience may hear: a search reads the shelves it may read, and nothing else is looked at, let alone
ranked.
"""

from __future__ import annotations

import heapq
import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sqlalchemy import delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import Database
from storage.records import Memory, MemoryKind
from storage.tables import MemoryRow, ShelfRow, VectorRow, columns
from storage.vectors import Vectors, as_bytes, similarity

SHELF = 1 << 32
MOST_WORDS = 10
NEWEST = 200  # memories looked at for one word on one shelf: of a word that is everywhere, the newest
TOGETHER = 4  # words that are looked for two by two
MOST_SHELVES = 16
COUNTED = 20_000  # memories on a shelf; more are as good as so many


@dataclass(frozen=True, slots=True)
class Found:
    """A memory, and why it was found."""

    memory: Memory
    matched: float  # share of what the words asked for weigh, 0..1; a rare word weighs more
    often: float  # in about how many memories the rarest of those words that it has is found
    among: int  # so many that may be recalled
    similarity: float = 0.0  # of what it means, -1..1; 0 where nothing is known of that


@dataclass(frozen=True, slots=True)
class Shelf:
    number: int
    kind: MemoryKind
    size: int  # about how many memories are on it

    @property
    def first(self) -> int:
        return self.number * SHELF

    @property
    def end(self) -> int:
        return self.first + SHELF - 1


class MemoryStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._sqlite = database.name.startswith("sqlite")
        self._vectors = Vectors()

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
        async with self._database.reading() as session:
            shelves = await self._shelves(session, audiences, kinds)
            if not shelves:
                return []
            hits = await self._lexical(session, words[:MOST_WORDS], shelves)
            chosen = hits.best(limit)
            if vector is not None:
                allowed = [shelf.number for shelf in shelves]
                await self._vectors.catch_up(session, allowed)
                chosen |= await self._vectors.nearest(vector, allowed, limit)
            return await self._fetch(session, chosen, audiences, hits, vector)

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
        async with self._database.reading() as session:
            await self._vectors.load(session)

    # how it is found

    async def _shelves(
        self, session: AsyncSession, audiences: Collection[str], kinds: Collection[MemoryKind]
    ) -> list[Shelf]:
        query = select(ShelfRow.number, ShelfRow.kind, ShelfRow.last)
        query = query.where(ShelfRow.audience.in_(audiences))  # whatever else is done, only these are read
        query = query.where(ShelfRow.kind.in_(kinds)).order_by(ShelfRow.number).limit(MOST_SHELVES)
        shelves = [Shelf(*row) for row in await session.execute(query)]
        if self._sqlite:
            return shelves
        return [replace(shelf, size=await _size(session, shelf)) for shelf in shelves]

    async def _lexical(self, session: AsyncSession, words: Sequence[str], shelves: Sequence[Shelf]) -> _Hits:
        """First each word by itself; then, of the rarest words that are everywhere, those that meet."""
        hits = _Hits(shelves)
        for looked_for in ([(word,) for word in range(len(words))], None):
            together = hits.unsure() if looked_for is None else looked_for
            if not together:
                continue
            which = [[words[word] for word in some] for some in together]
            for place, numbers in await self._newest(session, which, shelves):
                if numbers:
                    hits.add(together[place], [int(number) for number in numbers.split(",")])
        return hits

    async def _newest(
        self, session: AsyncSession, which: Sequence[Sequence[str]], shelves: Sequence[Shelf]
    ) -> Iterable[tuple[int, str | None]]:
        """A row for each of `which`, on each shelf: the newest memories that have all of these words."""
        asked = [(place, some, shelf) for place, some in enumerate(which) for shelf in shelves]
        if self._sqlite:
            bound: list[int | str] = []
            for place, some, shelf in asked:
                words = " AND ".join(f'"{word}"' for word in some)
                bound += [place, words, shelf.first, shelf.end, NEWEST]
            return await self._database.straight(
                session, " UNION ALL ".join([_ON_SQLITE] * len(asked)), bound
            )
        named: dict[str, int | str] = {f"w{place}": " ".join(some) for place, some in enumerate(which)}
        for shelf in shelves:
            named |= {"most": NEWEST, f"a{shelf.number}": shelf.first, f"z{shelf.number}": shelf.end}
        mine = self._database.mine("a")
        parts = [
            _ON_POSTGRES.format(
                word=place,
                shelf=shelf.number,
                mine=mine,
                joined=_AND_ANOTHER.format(word=place, shelf=shelf.number) if len(some) > 1 else "",
            )
            for place, some, shelf in asked
        ]
        return [(row[0], row[1]) for row in await session.execute(text(" UNION ALL ".join(parts)), named)]

    async def _fetch(
        self,
        session: AsyncSession,
        chosen: Collection[int],
        audiences: Collection[str],
        hits: _Hits,
        vector: Sequence[float] | None,
    ) -> list[Found]:
        query = select(MemoryRow.number, VectorRow.vector, *columns(MemoryRow, Memory))
        query = query.outerjoin(VectorRow, VectorRow.number == MemoryRow.number)
        query = query.where(MemoryRow.number.in_(chosen))
        query = query.where(MemoryRow.audience.in_(audiences))  # again: whatever the shelves say
        return [
            Found(
                Memory(*fields),
                hits.matched(number),
                hits.often(number),
                hits.total,
                similarity(vector, meaning) if vector is not None and meaning else 0.0,
            )
            for number, meaning, *fields in await session.execute(query)
        ]


_ON_SQLITE = """SELECT ?, group_concat(n) FROM (SELECT rowid AS n FROM memory_words
    WHERE memory_words MATCH ? AND rowid BETWEEN ? AND ? ORDER BY rowid DESC LIMIT ?)"""
# One word or two; whichever of the two is rarer, Postgres begins with it. Of a pair that is one word by its
# stem, or of which the other says nothing ("the"), the one that is left.
_ON_POSTGRES = """SELECT {word}, string_agg(n::text, ',') FROM (
    SELECT a.number AS n FROM memory_words a {joined}
    WHERE {mine} AND a.word = (tsvector_to_array(to_tsvector('english', :w{word})))[1]
    AND a.number BETWEEN :a{shelf} AND :z{shelf} ORDER BY a.number DESC LIMIT :most) s"""
_AND_ANOTHER = """JOIN memory_words b ON b.number = a.number AND b.number BETWEEN :a{shelf} AND :z{shelf}
    AND b.twin = a.twin AND b.word = coalesce(
    (tsvector_to_array(to_tsvector('english', :w{word})))[2],
    (tsvector_to_array(to_tsvector('english', :w{word})))[1])"""


async def _size(session: AsyncSession, shelf: Shelf) -> int:
    on_it = select(MemoryRow.number).where(MemoryRow.number.between(shelf.first, shelf.end))
    some = on_it.limit(COUNTED).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0


class _Hits:
    """Which words which memories have, and how much each word weighs: the logarithm of how rare it is.

    Of a word that is everywhere only the newest are known; how close they lie says how many there are.
    """

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves = {shelf.number: shelf for shelf in shelves}
        self._numbers: defaultdict[int, set[int]] = defaultdict(set)  # by word
        self._often: defaultdict[int, float] = defaultdict(float)
        self._cut_off: set[int] = set()  # words of which only the newest are known
        self._everything = 0.0  # that all the words weigh
        self._scores: dict[int, float] = {}
        self._rarest: dict[int, float] = {}
        self.total = sum(shelf.size for shelf in shelves)

    def add(self, words: tuple[int, ...], numbers: list[int]) -> None:
        """Memories of one shelf that have all of these words, newest first."""
        for word in words:
            self._numbers[word].update(numbers)
        if len(words) == 1:
            shelf, newest = divmod(numbers[0], SHELF)
            often = float(len(numbers))
            if len(numbers) == NEWEST:
                often = min(self._shelves[shelf].size, often * newest / max(1, numbers[0] - numbers[-1]))
                self._cut_off.add(words[0])
            self._often[words[0]] += often

    def unsure(self) -> list[tuple[int, ...]]:
        """Pairs of the rarest words of which not all memories are known."""
        rarest = sorted(self._often, key=lambda word: self._often[word])[:TOGETHER]
        return [pair for pair in combinations(rarest, 2) if not self._cut_off.isdisjoint(pair)]

    def best(self, limit: int) -> set[int]:
        """The numbers of the memories that have the weightiest words, so many of each kind."""
        scores = self._scores
        for word in sorted(
            self._often, key=lambda word: self._often[word]
        ):  # the first to name one is its rarest
            often = self._often[word]
            weight = math.log(1 + max(1.0, self.total / often))
            self._everything += weight
            for number in self._numbers[word]:
                if number in scores:
                    scores[number] += weight
                else:
                    scores[number], self._rarest[number] = weight, often
        by_kind: defaultdict[MemoryKind, list[int]] = defaultdict(list)
        for number in self._scores:
            by_kind[self._shelves[number // SHELF].kind].append(number)
        return {
            number
            for mine in by_kind.values()
            for number in heapq.nlargest(limit, mine, key=lambda one: (self._scores[one], one))
        }

    def matched(self, number: int) -> float:
        return self._scores.get(number, 0.0) / self._everything if self._everything else 0.0

    def often(self, number: int) -> float:
        return self._rarest.get(number, float(self.total))

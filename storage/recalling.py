"""Which memories have these words, or mean nearly the same? The questions to the database, one after another.

First each word by itself; then, of the rarest words that are everywhere, those that meet. Every question
names the shelves that may be read, and nothing else is looked at, let alone ranked.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from storage.columns import as_time
from storage.ranking import NEWEST, Hits, Shelf
from storage.reader import Query, Steps
from storage.records import Memory, MemoryKind
from storage.vectors import Vectors, similarity

MOST_WORDS = 10
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
class Wanted:
    words: Sequence[str]  # letters and digits only
    audiences: Collection[str]
    kinds: Collection[MemoryKind]
    vector: Sequence[float] | None
    limit: int  # of each kind


class Search:
    """`mine`: what each table's rows have to be, see Database.mine."""

    def __init__(self, wanted: Wanted, mine: Callable[[str], str], *, sqlite: bool) -> None:
        self._wanted = wanted
        self._mine = mine
        self._sqlite = sqlite

    def steps(self, vectors: Vectors) -> Steps[list[Found]]:
        wanted = self._wanted
        shelves = yield from self._shelves()
        if not shelves:
            return []
        hits = yield from self._hits(wanted.words[:MOST_WORDS], shelves)
        chosen = hits.best(wanted.limit)
        if wanted.vector is not None:
            allowed = [shelf.number for shelf in shelves]
            yield from vectors.catch_up(allowed)
            chosen |= vectors.nearest(wanted.vector, allowed, wanted.limit)
        return (yield from self._found(chosen, hits))

    def _shelves(self) -> Steps[list[Shelf]]:
        audiences, heard = _listed("a", self._wanted.audiences)  # whatever else is done, only these are read
        kinds, named = _listed("k", self._wanted.kinds)
        rows = yield (
            f"SELECT h.number, h.kind, h.last FROM memory_shelves h WHERE {self._mine('h')}"
            f" AND h.audience IN ({audiences}) AND h.kind IN ({kinds}) ORDER BY h.number LIMIT :most",
            heard | named | {"most": MOST_SHELVES},
        )
        shelves = [Shelf(number, MemoryKind(kind), last) for number, kind, last in rows]
        if not self._sqlite:
            for place, shelf in enumerate(shelves):
                bounds = {"first": shelf.first, "end": shelf.end, "most": COUNTED}
                [(size,)] = yield _SIZE.format(mine=self._mine("m")), bounds
                shelves[place] = replace(shelf, size=size)
        return shelves

    def _hits(self, words: Sequence[str], shelves: Sequence[Shelf]) -> Steps[Hits]:
        hits = Hits(shelves)
        for each in ([(word,) for word in range(len(words))], None):
            if together := hits.unsure() if each is None else each:
                which = [[words[word] for word in some] for some in together]
                [(found,)] = yield self._newest(which, shelves)
                for one in (found or "").split(";"):
                    place, _, numbers = one.partition(":")
                    if numbers:
                        hits.add(together[int(place)], numbers)
        return hits

    def _newest(self, which: Sequence[Sequence[str]], shelves: Sequence[Shelf]) -> Query:
        """One row, "place:number,number,...;...": the newest that have all the words of a place, by shelf."""
        bound: dict[str, Any] = {"most": NEWEST}
        for place, some in enumerate(which):
            bound[f"w{place}"] = (
                " AND ".join(f'"{word}"' for word in some) if self._sqlite else " ".join(some)
            )
        for place, shelf in enumerate(shelves):
            bound |= {f"a{place}": shelf.first, f"z{place}": shelf.end}
        parts = [
            self._part(place, len(some), shelf)
            for place, some in enumerate(which)
            for shelf in range(len(shelves))
        ]
        joined = "group_concat(found, ';')" if self._sqlite else "string_agg(found, ';')"
        return f"SELECT {joined} FROM ({' UNION ALL '.join(parts)}) AS parts", bound

    def _part(self, word: int, words: int, shelf: int) -> str:
        if self._sqlite:
            return _ON_SQLITE.format(word=word, shelf=shelf)
        joined = _AND_ANOTHER.format(word=word, shelf=shelf) if words > 1 else ""
        return _ON_POSTGRES.format(word=word, shelf=shelf, joined=joined, mine=self._mine("a"))

    def _found(self, chosen: Collection[int], hits: Hits) -> Steps[list[Found]]:
        vector = self._wanted.vector
        audiences, heard = _listed("a", self._wanted.audiences)  # again: whatever the shelves say
        meaning, join = (
            ("NULL", "") if vector is None else ("v.vector", _MEANING.format(mine=self._mine("v")))
        )
        among = _AMONG_ON_SQLITE if self._sqlite else _AMONG_ON_POSTGRES
        rows = yield (
            f"SELECT m.number, {meaning}, {_COLUMNS} FROM memories m {join}"
            f" WHERE {self._mine('m')} AND m.number {among} AND m.audience IN ({audiences})",
            heard | {"chosen": str([*chosen]) if self._sqlite else [*chosen]},
        )
        return [
            Found(
                _memory(*fields),
                *hits.why(number),
                hits.total,
                similarity(vector, meaning) if vector is not None and meaning else 0.0,
            )
            for number, meaning, *fields in rows
        ]


def _memory(*fields: Any) -> Memory:
    """Read past SQLAlchemy: SQLite keeps neither truth nor time as such."""
    named = dict(zip(_NAMES, fields, strict=True))
    kind, by_owner = MemoryKind(named.pop("kind")), bool(named.pop("by_owner"))
    return Memory(kind=kind, by_owner=by_owner, said_at=as_time(named.pop("said_at")), **named)


def _listed(name: str, values: Collection[str]) -> tuple[str, dict[str, Any]]:
    bound = {f"{name}{place}": str(value) for place, value in enumerate(values)}
    return ", ".join(f":{one}" for one in bound) or "NULL", bound


_NAMES = [field.name for field in fields(Memory)]
_COLUMNS = ", ".join(f"m.{name}" for name in _NAMES)
_MEANING = "LEFT JOIN memory_vectors v ON v.number = m.number AND {mine}"
_AMONG_ON_SQLITE = "IN (SELECT value FROM json_each(:chosen))"
_AMONG_ON_POSTGRES = "= ANY(CAST(:chosen AS bigint[]))"
_SIZE = """SELECT count(*) FROM (
    SELECT 1 FROM memories m WHERE {mine} AND m.number BETWEEN :first AND :end LIMIT :most) AS n"""
_ON_SQLITE = """SELECT {word} || ':' || group_concat(n) AS found FROM (
    SELECT rowid AS n FROM memory_words WHERE memory_words MATCH :w{word}
    AND rowid BETWEEN :a{shelf} AND :z{shelf} ORDER BY rowid DESC LIMIT :most)"""
# One word or two; whichever of the two is rarer, Postgres begins with it. Of a pair that is one word by its
# stem, or of which the other says nothing ("the"), the one that is left.
_ON_POSTGRES = """SELECT {word} || ':' || string_agg(n::text, ',') AS found FROM (
    SELECT a.number AS n FROM memory_words a {joined}
    WHERE {mine} AND a.word = (tsvector_to_array(to_tsvector('english', :w{word})))[1]
    AND a.number BETWEEN :a{shelf} AND :z{shelf} ORDER BY a.number DESC LIMIT :most) s"""
_AND_ANOTHER = """JOIN memory_words b ON b.number = a.number AND b.number BETWEEN :a{shelf} AND :z{shelf}
    AND b.twin = a.twin AND b.word = coalesce(
    (tsvector_to_array(to_tsvector('english', :w{word})))[2],
    (tsvector_to_array(to_tsvector('english', :w{word})))[1])"""

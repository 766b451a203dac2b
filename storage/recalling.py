"""Which memories have these words, or mean nearly the same? The questions to the database, one after another.

First each word by itself; then, of the rarest words that are everywhere, those that meet. Every question
names the shelves that may be read, and nothing else is looked at, let alone ranked.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
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


def recalling(wanted: Wanted, vectors: Vectors, *, sqlite: bool) -> Steps[list[Found]]:
    shelves = yield from _shelves(wanted, sqlite)
    if not shelves:
        return []
    hits = yield from _hits(wanted.words[:MOST_WORDS], shelves, sqlite)
    chosen = hits.best(wanted.limit)
    if wanted.vector is not None:
        allowed = [shelf.number for shelf in shelves]
        yield from vectors.catch_up(allowed)
        chosen |= vectors.nearest(wanted.vector, allowed, wanted.limit)
    return (yield from _found(wanted, chosen, hits, sqlite))


def _shelves(wanted: Wanted, sqlite: bool) -> Steps[list[Shelf]]:
    audiences, heard = _listed("a", wanted.audiences)  # whatever else is done, only these are read
    kinds, named = _listed("k", wanted.kinds)
    rows = yield (
        f"SELECT number, kind, last FROM memory_shelves WHERE audience IN ({audiences})"
        f" AND kind IN ({kinds}) ORDER BY number LIMIT :most",
        heard | named | {"most": MOST_SHELVES},
    )
    shelves = [Shelf(number, MemoryKind(kind), last) for number, kind, last in rows]
    if not sqlite:
        for place, shelf in enumerate(shelves):
            [(size,)] = yield _SIZE, {"first": shelf.first, "end": shelf.end, "most": COUNTED}
            shelves[place] = replace(shelf, size=size)
    return shelves


def _hits(words: Sequence[str], shelves: Sequence[Shelf], sqlite: bool) -> Steps[Hits]:
    hits = Hits(shelves)
    for each in ([(word,) for word in range(len(words))], None):
        if together := hits.unsure() if each is None else each:
            [(found,)] = yield _newest([[words[word] for word in some] for some in together], shelves, sqlite)
            for one in (found or "").split(";"):
                place, _, numbers = one.partition(":")
                if numbers:
                    hits.add(together[int(place)], numbers)
    return hits


def _newest(which: Sequence[Sequence[str]], shelves: Sequence[Shelf], sqlite: bool) -> Query:
    """One row, "place:number,number,...;..." : the newest that have all the words of a place, by shelf."""
    part = _ON_SQLITE if sqlite else _ON_POSTGRES
    bound: dict[str, Any] = {"most": NEWEST}
    for place, some in enumerate(which):
        bound[f"w{place}"] = " AND ".join(f'"{word}"' for word in some) if sqlite else " ".join(some)
    for place, shelf in enumerate(shelves):
        bound |= {f"a{place}": shelf.first, f"z{place}": shelf.end}
    parts = [
        part.format(word=word, shelf=shelf) for word in range(len(which)) for shelf in range(len(shelves))
    ]
    joined = "group_concat(found, ';')" if sqlite else "string_agg(found, ';')"
    return f"SELECT {joined} FROM ({' UNION ALL '.join(parts)}) AS parts", bound


def _found(wanted: Wanted, chosen: Collection[int], hits: Hits, sqlite: bool) -> Steps[list[Found]]:
    audiences, heard = _listed("a", wanted.audiences)  # again: whatever the shelves say
    meaning = "v.vector" if wanted.vector is not None else "NULL"
    join = "LEFT JOIN memory_vectors v ON v.number = m.number" if wanted.vector is not None else ""
    among = "IN (SELECT value FROM json_each(:chosen))" if sqlite else "= ANY(CAST(:chosen AS bigint[]))"
    rows = yield (
        f"SELECT m.number, {meaning}, {_COLUMNS} FROM memories m {join}"
        f" WHERE m.number {among} AND m.audience IN ({audiences})",
        heard | {"chosen": str([*chosen]) if sqlite else [*chosen]},
    )
    return [
        Found(
            _memory(*fields),
            *hits.why(number),
            hits.total,
            similarity(wanted.vector, meaning) if wanted.vector is not None and meaning else 0.0,
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
_SIZE = "SELECT count(*) FROM (SELECT 1 FROM memories WHERE number BETWEEN :first AND :end LIMIT :most) AS n"
_ON_SQLITE = """SELECT {word} || ':' || group_concat(n) AS found FROM (
    SELECT rowid AS n FROM memory_words WHERE memory_words MATCH :w{word}
    AND rowid BETWEEN :a{shelf} AND :z{shelf} ORDER BY rowid DESC LIMIT :most)"""
# "+ 0", or Postgres may walk the whole shelf from its end instead of asking the index of words.
_ON_POSTGRES = """SELECT {word} || ':' || string_agg(n::text, ',') AS found FROM (
    SELECT number AS n FROM memories
    WHERE to_tsvector('english', text) @@ plainto_tsquery('english', :w{word})
    AND number BETWEEN :a{shelf} AND :z{shelf} ORDER BY number + 0 DESC LIMIT :most) s"""

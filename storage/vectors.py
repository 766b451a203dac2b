"""Which memories mean nearly the same? One bit for each direction, kept in this process, shelf by shelf.

A million memories of 384 directions are 48 MB; only the shelves that may be read are compared. What is found
so is looked up in the database, which knows whether it is still there, for whom it is, and its whole vector.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import numpy
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.tables import VectorRow

SHELF = 1 << 32
AT_ONCE = 20_000  # vectors read in one go
NEWS = 1_000  # read while somebody waits for an answer; more are for `load`


def as_bytes(vector: Sequence[float]) -> bytes:
    """A byte for each direction, the largest as large as may be; of which the bits are the signs."""
    values = numpy.asarray(vector, dtype=numpy.float32)
    largest = float(numpy.abs(values).max(initial=0.0)) or 1.0
    scaled: bytes = numpy.rint(values * (127 / largest)).astype(numpy.int8).tobytes()
    return scaled


def similarity(vector: Sequence[float], kept: bytes) -> float:
    """The cosine of the two; 0 where they are not of the same model."""
    one = numpy.asarray(vector, dtype=numpy.float32)
    two = numpy.frombuffer(kept, dtype=numpy.int8).astype(numpy.float32)
    if one.shape != two.shape:
        return 0.0
    length = float(numpy.linalg.norm(one) * numpy.linalg.norm(two))
    return float(one @ two) / length if length else 0.0


class Vectors:
    def __init__(self) -> None:
        self._shelves: dict[int, tuple[Any, Any]] = {}  # numbers, ascending, and bits of each
        self._reading = asyncio.Lock()

    async def load(self, session: AsyncSession) -> None:
        """Read all there are."""
        for shelf in await _shelves_with_vectors(session):
            while await self._read(session, shelf, AT_ONCE) == AT_ONCE:
                pass

    async def catch_up(self, session: AsyncSession, shelves: Iterable[int]) -> None:
        """Read what came since on these. What went is noticed when it is looked up."""
        for shelf in shelves:
            await self._read(session, shelf, NEWS)

    async def _read(self, session: AsyncSession, shelf: int, most: int) -> int:
        async with self._reading:
            known = self._shelves.get(shelf)
            after = int(known[0][-1]) if known is not None else shelf * SHELF
            rows = await _rows(session, after, (shelf + 1) * SHELF, most)
            if rows:
                await asyncio.to_thread(self._take, shelf, rows)
            return len(rows)

    async def nearest(self, vector: Sequence[float], allowed: Iterable[int], limit: int) -> set[int]:
        """Numbers of those on these shelves that agree with it in the most directions."""
        shelves = [self._shelves[one] for one in allowed if one in self._shelves]
        bits = _bits(numpy.frombuffer(as_bytes(vector), dtype=numpy.int8)[None])[0]
        mine = [shelf for shelf in shelves if shelf[1].shape[1] == len(bits)]
        return await asyncio.to_thread(_nearest, bits, mine, limit)

    def _take(self, shelf: int, rows: Sequence[tuple[int, bytes]]) -> None:
        size = len(rows[0][1])
        rows = [row for row in rows if len(row[1]) == size]
        numbers = numpy.array([number for number, _ in rows], dtype=numpy.int64)
        whole = numpy.frombuffer(b"".join(vector for _, vector in rows), dtype=numpy.int8)
        bits = _bits(whole.reshape(len(rows), size))
        if (known := self._shelves.get(shelf)) is not None and known[1].shape[1] == bits.shape[1]:
            numbers, bits = numpy.concatenate([known[0], numbers]), numpy.concatenate([known[1], bits])
        self._shelves[shelf] = numbers, bits


def _bits(whole: Any) -> Any:
    """The signs, 64 to a word."""
    packed = numpy.packbits(whole > 0, axis=1)
    padded = numpy.pad(packed, ((0, 0), (0, -packed.shape[1] % 8)))
    return padded.view(numpy.uint64)


def _nearest(bits: Any, shelves: Sequence[tuple[Any, Any]], limit: int) -> set[int]:
    found: list[tuple[int, int]] = []
    for numbers, kept in shelves:
        apart = numpy.bitwise_count(kept ^ bits).sum(axis=1, dtype=numpy.uint16)
        nearest = numpy.argpartition(apart, limit)[:limit] if len(apart) > limit else range(len(apart))
        found += [(int(apart[place]), int(numbers[place])) for place in nearest]
    return {number for _, number in sorted(found)[:limit]}


async def _shelves_with_vectors(session: AsyncSession) -> list[int]:
    """One short look for each: the next number beyond the shelf before."""
    shelves: list[int] = []
    after = 0
    query = select(VectorRow.number).order_by(VectorRow.number).limit(1)
    while (number := await session.scalar(query.where(VectorRow.number >= after))) is not None:
        shelves.append(number // SHELF)
        after = (number // SHELF + 1) * SHELF
    return shelves


async def _rows(session: AsyncSession, after: int, before: int, most: int) -> list[tuple[int, bytes]]:
    query = select(VectorRow.number, VectorRow.vector).order_by(VectorRow.number).limit(most)
    query = query.where(VectorRow.number > after, VectorRow.number < before)
    return [(number, vector) for number, vector in await session.execute(query)]

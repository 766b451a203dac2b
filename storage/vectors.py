"""Which memories mean nearly the same? One bit for each direction, kept in this process, shelf by shelf.

A million memories of 384 directions are 48 MB; only the shelves that may be read are compared. What is found
so is looked up in the database, which knows whether it is still there, for whom it is, and its whole vector.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from typing import Any

import numpy

from storage.reader import Steps

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
    def __init__(self, mine: str = "TRUE") -> None:
        """`mine`: what a row `v` of them has to be."""
        self._mine = mine
        self._shelves: dict[int, tuple[Any, Any]] = {}  # numbers, ascending, and bits of each
        self._taking = threading.Lock()

    def load(self) -> Steps[None]:
        """Read all there are: from shelf to shelf, each by the first number on it."""
        after = 0
        while first := (yield _FIRST.format(mine=self._mine), {"after": after}):
            shelf = first[0][0] // SHELF
            while (yield from self._read(shelf, AT_ONCE)) == AT_ONCE:
                pass
            after = (shelf + 1) * SHELF

    def catch_up(self, shelves: Iterable[int]) -> Steps[None]:
        """Read what came since on these. What went is noticed when it is looked up."""
        for shelf in shelves:
            yield from self._read(shelf, NEWS)

    def _read(self, shelf: int, most: int) -> Steps[int]:
        known = self._shelves.get(shelf)
        after = int(known[0][-1]) if known is not None else shelf * SHELF
        bounds = {"after": after, "before": (shelf + 1) * SHELF, "most": most}
        rows = yield _NEWS.format(mine=self._mine), bounds
        if rows:
            with self._taking:
                self._take(shelf, rows)
        return len(rows)

    def nearest(self, vector: Sequence[float], allowed: Iterable[int], limit: int) -> set[int]:
        """Numbers of those on these shelves that agree with it in the most directions."""
        shelves = [self._shelves[one] for one in allowed if one in self._shelves]
        bits = _bits(numpy.frombuffer(as_bytes(vector), dtype=numpy.int8)[None])[0]
        return _nearest(bits, [shelf for shelf in shelves if shelf[1].shape[1] == len(bits)], limit)

    def _take(self, shelf: int, rows: Sequence[tuple[int, bytes]]) -> None:
        size, known = len(rows[0][1]), self._shelves.get(shelf)
        last = int(known[0][-1]) if known is not None else 0  # somebody else may have read them meanwhile
        rows = [row for row in rows if len(row[1]) == size and row[0] > last]
        if not rows:
            return
        numbers = numpy.array([number for number, _ in rows], dtype=numpy.int64)
        whole = numpy.frombuffer(b"".join(vector for _, vector in rows), dtype=numpy.int8)
        bits = _bits(whole.reshape(len(rows), size))
        if known is not None and known[1].shape[1] == bits.shape[1]:
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


_FIRST = """SELECT v.number FROM memory_vectors v WHERE {mine} AND v.number >= :after
    ORDER BY v.number LIMIT 1"""
_NEWS = """SELECT v.number, v.vector FROM memory_vectors v WHERE {mine} AND v.number > :after
    AND v.number < :before ORDER BY v.number LIMIT :most"""

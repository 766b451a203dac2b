"""Which memories have the weightiest words? A word weighs the logarithm of how rare it is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy

from storage.records import MemoryKind

SHELF = 1 << 32
NEWEST = 200  # memories looked at for one word on one shelf: of a word that is everywhere, the newest
TOGETHER = 4  # words that are looked for two by two


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


class Hits:
    """Which words which memories have.

    Of a word that is everywhere only the newest are known; how close they lie says how many there are.
    """

    def __init__(self, shelves: Sequence[Shelf]) -> None:
        self._shelves = {shelf.number: shelf for shelf in shelves}
        self._numbers: defaultdict[int, list[Any]] = defaultdict(list)  # by word
        self._often: defaultdict[int, float] = defaultdict(float)
        self._cut_off: set[int] = set()  # words of which only the newest are known
        self._everything = 0.0  # that all the words weigh
        # Of every memory that has one of the words, ascending, what those weigh and how often the rarest is.
        self._every: Any = numpy.empty(0, dtype=numpy.int64)
        self._scores: Any = numpy.empty(0)
        self._rarest: Any = numpy.empty(0)
        self.total = sum(shelf.size for shelf in shelves)

    def add(self, words: tuple[int, ...], listed: str) -> None:
        """Memories of one shelf that have all of these words: their numbers, newest first, with commas."""
        numbers = numpy.fromstring(listed, dtype=numpy.int64, sep=",")
        for word in words:
            self._numbers[word].append(numbers)
        if len(words) == 1:
            first, last = int(numbers[0]), int(numbers[-1])
            shelf, newest = divmod(first, SHELF)
            often = float(len(numbers))
            if len(numbers) == NEWEST:
                often = min(self._shelves[shelf].size, often * newest / max(1, first - last))
                self._cut_off.add(words[0])
            self._often[words[0]] += often

    def unsure(self) -> list[tuple[int, ...]]:
        """Pairs of the rarest words of which not all memories are known."""
        rarest = sorted(self._often, key=self._often.__getitem__)[:TOGETHER]
        return [pair for pair in combinations(rarest, 2) if not self._cut_off.isdisjoint(pair)]

    def best(self, limit: int) -> set[int]:
        """The numbers of the memories that have the weightiest words, so many of each kind."""
        words = sorted(self._often, key=self._often.__getitem__)
        if not words:
            return set()
        each = [numpy.unique(numpy.concatenate(self._numbers[word])) for word in words]
        often = [self._often[word] for word in words]
        weights = [math.log(1 + max(1.0, self.total / one)) for one in often]
        self._everything = sum(weights)
        counts = [len(numbers) for numbers in each]
        self._every, first, which = numpy.unique(
            numpy.concatenate(each), return_index=True, return_inverse=True
        )
        self._scores = numpy.bincount(which, weights=numpy.repeat(weights, counts))
        self._rarest = numpy.repeat(often, counts)[first]  # the first word to name one is its rarest
        on = self._every // SHELF
        chosen: set[int] = set()
        for kind in {shelf.kind for shelf in self._shelves.values()}:
            shelves = [number for number, shelf in self._shelves.items() if shelf.kind is kind]
            mine = numpy.flatnonzero(numpy.isin(on, shelves))
            ascending = mine[numpy.lexsort((self._every[mine], self._scores[mine]))]
            chosen.update(self._every[ascending[-limit:]].tolist() if limit else ())
        return chosen

    def why(self, number: int) -> tuple[float, float]:
        """The share of what all the words weigh that this one's do, and how often the rarest of them is."""
        place = int(numpy.searchsorted(self._every, number))
        if place == len(self._every) or self._every[place] != number:
            return 0.0, float(self.total)
        return float(self._scores[place]) / self._everything, float(self._rarest[place])

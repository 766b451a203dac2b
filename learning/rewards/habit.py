"""How is a habit compared? By the owner's share of a value over the twin's: a habit overdone is worth less.

The mean of min(1, owner's share / twin's share) over what the twin does is one minus the total variation
distance of the two distributions. It is largest where the twin varies just as the owner does: neither a cheat
that does one thing always, nor a timid twin that always picks the owner's commonest value, gains by it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import floor, log2

QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)
PRIOR = 8  # replies by which a twin of whom little is known is taken to be like the owner
UNSEEN = 0.5  # times that something the owner never did counts


@dataclass(frozen=True, slots=True)
class Habit:
    """How often each of a few values occurred."""

    counts: dict[str, int]

    def share(self, value: str) -> float:
        """From 0 to 1. A value "a+n" lies n doublings beyond what was ever seen and halves with each."""
        beyond = int(value.partition("+")[2] or 0)
        seen = self.counts.get(value, 0) or UNSEEN * 0.5**beyond
        return seen / (sum(self.counts.values()) + 1)


def habit(values: Iterable[str]) -> Habit:
    return Habit(dict(sorted(Counter(values).items())))


def overlap(share: float, value: str, lately: Sequence[str]) -> float:
    """From 0 to 1: the owner's share of this value over the twin's, in this reply and the ones lately."""
    times = 1 + lately.count(value) + PRIOR * share
    return min(1.0, share * (1 + len(lately) + PRIOR) / times)


@dataclass(frozen=True, slots=True)
class Scale:
    """Cuts a positive number at the owner's quantiles, and at every doubling beyond what they ever did."""

    edges: tuple[float, ...]
    lowest: float
    highest: float

    def value(self, number: float) -> str:
        if number > self.highest:
            return f"above+{1 + _doublings(number, self.highest)}"
        if number < self.lowest:
            return f"below+{1 + _doublings(self.lowest, number)}"
        return str(bisect_right(self.edges, number))


def scale(numbers: Sequence[float]) -> Scale:
    ordered = sorted(numbers) or [0.0]
    edges = {ordered[round(share * (len(ordered) - 1))] for share in QUANTILES}
    return Scale(tuple(sorted(edges)), ordered[0], ordered[-1])


def _doublings(more: float, less: float) -> int:
    return floor(min(20.0, log2(max(more, 1e-6) / max(less, 1e-6))))

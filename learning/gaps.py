"""How long a silence ends a conversation here? Every thread has a pace of its own.

Silences inside a conversation and those between two of them are two heaps on a logarithmic scale. Where the
heaps stand apart, the valley between them is the answer; elsewhere the settings' usual silence is.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import fmean, pstdev

from learning.settings import CorpusSettings
from storage.records import Precision, Record

ENOUGH = 40  # silences; with fewer, a thread's pace cannot be told
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=4)
CROWD = 4  # people from whom on a thread is a channel, where talk moves on sooner
POINTS = 500  # as many quantiles stand for all the silences of a long thread
ROUNDS = 40
NARROWEST = 0.25  # of a heap, in natural logarithms: chats that only know the minute make needles
APART, SMALLEST = 2.0, 0.03  # Ashman's D from which two heaps are two, and the least share of one


@dataclass(frozen=True, slots=True)
class Heap:
    """One normal distribution and its share of all points."""

    share: float
    middle: float
    width: float

    def at(self, point: float) -> float:
        return self.share / self.width * math.exp(-(((point - self.middle) / self.width) ** 2) / 2)


def session_gap(thread: Sequence[Record], settings: CorpusSettings) -> tuple[timedelta, bool]:
    """The silence that ends a conversation in this thread (oldest first), and whether it is its own pace."""
    crowd = len({record.author_id for record in thread}) >= CROWD
    usual = timedelta(minutes=settings.busy_gap_minutes if crowd else settings.session_gap_minutes)
    silences = [
        max(1.0, (later.said_at - earlier.said_at).total_seconds())
        for earlier, later in pairwise(thread)
        if Precision.DAY not in (earlier.precision, later.precision)
    ]
    valley = _valley(silences) if len(silences) >= ENOUGH else None
    if valley is None:
        return usual, False
    return min(max(timedelta(seconds=round(valley)), SHORTEST), LONGEST), True


def _valley(silences: Sequence[float]) -> float | None:
    """Seconds between the two heaps; None when there are not two."""
    near, far = _two_heaps(_thinned([math.log(seconds) for seconds in silences]))
    apart = math.sqrt(2) * (far.middle - near.middle) / math.hypot(near.width, far.width)
    if apart < APART or min(near.share, far.share) < SMALLEST or near.middle > math.log(3600):
        return None
    step = (far.middle - near.middle) / 200
    between = [near.middle + step * number for number in range(201)]
    return math.exp(next((point for point in between if far.at(point) >= near.at(point)), far.middle))


def _thinned(points: list[float]) -> list[float]:
    points.sort()
    if len(points) <= POINTS:
        return points
    return [points[int((number + 0.5) * len(points) / POINTS)] for number in range(POINTS)]


def _two_heaps(points: Sequence[float]) -> tuple[Heap, Heap]:
    """Expectation maximisation from fixed starting places: the same silences, the same heaps."""
    width = max(pstdev(points) / 2, NARROWEST)
    near, far = Heap(0.7, points[len(points) // 4], width), Heap(0.3, points[len(points) * 19 // 20], width)
    for _ in range(ROUNDS):
        shares = [far.at(point) / max(near.at(point) + far.at(point), 1e-300) for point in points]
        near, far = _fitted(points, [1 - share for share in shares]), _fitted(points, shares)
    return (near, far) if near.middle <= far.middle else (far, near)


def _fitted(points: Sequence[float], shares: Sequence[float]) -> Heap:
    total = max(sum(shares), 1e-9)
    middle = sum(point * share for point, share in zip(points, shares, strict=True)) / total
    spread = sum(share * (point - middle) ** 2 for point, share in zip(points, shares, strict=True)) / total
    return Heap(max(fmean(shares), 1e-9), middle, max(math.sqrt(spread), NARROWEST))

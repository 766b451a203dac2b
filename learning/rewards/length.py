"""Is it as long as the owner's answers, in as many bubbles? Given how long that was which is answered.

Range: 0 to 1; about 1 on average for whoever varies as the owner does, 0 for an empty reply.
Source: length hacking is the commonest way of cheating a reward (Singhal et al. 2023, arXiv 2310.03716); here
the owner's distribution is met, not a mean, by histogram intersection (`habit.py`).
Failure mode: it knows nothing of what is said. Far outside the owner's range it is nearly flat, so only the
next doubling tells a training the way back.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from learning.rewards.habit import Habit, Scale, habit, overlap, scale
from learning.rewards.reply import Reply
from learning.rewards.text import bubbles

ENOUGH = 30  # replies; a band of fewer is no band of its own
BANDS = (1 / 3, 2 / 3)
MOST_BUBBLES = 6


@dataclass(frozen=True, slots=True)
class Band:
    """How the owner answers to something of about this length."""

    scale: Scale
    lengths: Habit
    bubbles: Habit


@dataclass(frozen=True, slots=True)
class Lengths:
    edges: tuple[float, ...]  # characters heard, where one band ends and the next begins
    bands: tuple[Band, ...]


def learned(said: Sequence[Reply]) -> Lengths:
    heard = sorted(len(reply.heard) for reply in said)
    edges = tuple(float(heard[round(share * (len(heard) - 1))]) for share in BANDS) if heard else ()
    groups: list[list[Reply]] = [[] for _ in range(len(edges) + 1)]
    for reply in said:
        groups[bisect_right(edges, len(reply.heard))].append(reply)
    if min(map(len, groups)) < ENOUGH:
        edges, groups = (), [list(said)]
    return Lengths(edges, tuple(map(_band, groups)))


def _band(said: Sequence[Reply]) -> Band:
    cut = scale([len(reply.text) for reply in said])
    return Band(
        cut, habit(cut.value(len(reply.text)) for reply in said), habit(_burst(reply) for reply in said)
    )


def reward(reply: Reply, known: Lengths, lately: Sequence[Reply]) -> float:
    """The lower of the two: as long as theirs, and in as many bubbles."""
    number = bisect_right(known.edges, len(reply.heard))
    band = known.bands[number]
    alike = [one for one in lately if bisect_right(known.edges, len(one.heard)) == number]
    length, burst = band.scale.value(len(reply.text)), _burst(reply)
    return min(
        overlap(band.lengths.share(length), length, [band.scale.value(len(one.text)) for one in alike]),
        overlap(band.bubbles.share(burst), burst, [_burst(one) for one in alike]),
    )


def _burst(reply: Reply) -> str:
    return str(min(MOST_BUBBLES, len(bubbles(reply.text))))

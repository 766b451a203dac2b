"""Does it repeat itself? Across replies (distinct-n, Li et al. 2016; overlap) and inside one (loops)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy

from learning.evaluation.uncertainty import interval, mean, resamples
from learning.evaluation.wilson import wilson

LOOP = 3  # the same words so often in a row are a loop
LONGEST_LOOP = 8  # words
OVERLAP = 4  # words of a phrase that another reply has, too

Figures = dict[str, Any]


def variety(replies: Sequence[str], seed: int) -> Figures | None:
    """Shares: of different replies and n-grams, n-grams shared with another reply, replies in loops.

    Each with its 95 % interval: Wilson's for the share of replies, a bootstrap over replies for the others.
    """
    if not replies:
        return None
    once = len(set(replies))
    means = {
        "overlap": _shared(replies, OVERLAP) or [0.0],
        "loops": [float(is_loop(reply)) for reply in replies],
        "characters": [float(len(reply)) for reply in replies],
    }
    found: Figures = {"distinct": once / len(replies), **_named("distinct", wilson(once, len(replies)))}
    for n in (1, 2, 3):
        name = f"distinct_{n}"
        found |= {name: distinct(replies, n), **_named(name, _spread_of_distinct(replies, n, seed))}
    for name, values in means.items():
        spread = mean(values, range(len(values)), seed)
        found |= {name: spread["mean"], **_named(name, spread)}
    return found


def distinct(replies: Sequence[str], n: int) -> float:
    """Different n-grams among all of them; 1 where there are none."""
    grams = [gram for reply in replies for gram in _grams(reply, n)]
    return len(set(grams)) / len(grams) if grams else 1.0


def _spread_of_distinct(replies: Sequence[str], n: int, seed: int) -> dict[str, float]:
    """Resampled replies repeat themselves, which by itself makes them less distinct: that is taken out."""
    columns: dict[tuple[str, ...], int] = {}
    held = [[columns.setdefault(gram, len(columns)) for gram in _grams(reply, n)] for reply in replies]
    table = numpy.zeros((len(replies), len(columns)), dtype=numpy.float32)
    for row, grams in enumerate(held):
        numpy.add.at(table[row], grams, 1)
    drawn = resamples(range(len(replies)), seed).astype(numpy.float32) @ table
    shares = (drawn > 0).sum(1) / numpy.maximum(1, drawn.sum(1))
    return interval(numpy.clip(shares - shares.mean() + distinct(replies, n), 0, 1))


def overlap(replies: Sequence[str], n: int = OVERLAP) -> float:
    """Mean share of a reply's n-grams that another has, too: self-BLEU without its brevity penalty."""
    shares = _shared(replies, n)
    return sum(shares) / len(shares) if shares else 0.0


def _shared(replies: Sequence[str], n: int) -> list[float]:
    """That share, of each reply that has any."""
    of_each = [set(_grams(reply, n)) for reply in replies]
    seen = Counter(gram for grams in of_each for gram in grams)
    return [sum(seen[gram] > 1 for gram in grams) / len(grams) for grams in of_each if grams]


def _named(name: str, found: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}_low": found["low"], f"{name}_high": found["high"]}


def is_loop(reply: str) -> bool:
    """Whether the same words, one to eight of them, come three times in a row."""
    words = reply.split()
    for size in range(1, LONGEST_LOOP + 1):
        run = 0
        for place in range(len(words) - size):
            run = run + 1 if words[place] == words[place + size] else 0
            if run >= (LOOP - 1) * size and (size > 1 or len(words[place]) > 2):  # "ha ha ha" is laughter
                return True
    return False


def _grams(reply: str, n: int) -> list[tuple[str, ...]]:
    words = reply.lower().split()
    return list(zip(*(words[start:] for start in range(n)), strict=False))

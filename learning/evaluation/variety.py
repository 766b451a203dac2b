"""Does it repeat itself? Across replies (distinct-n, Li et al. 2016; overlap) and inside one (loops)."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from learning.evaluation.uncertainty import mean

LOOP = 3  # the same words so often in a row are a loop
LONGEST_LOOP = 8  # words

Figures = dict[str, Any]


def variety(replies: Sequence[str], seed: int) -> Figures | None:
    """Shares: of different replies and n-grams, n-grams shared with another reply, replies in loops."""
    if not replies:
        return None
    loops = [float(is_loop(reply)) for reply in replies]
    spread = mean(loops, range(len(loops)), seed)
    return {
        "distinct": len(set(replies)) / len(replies),
        **{f"distinct_{n}": distinct(replies, n) for n in (1, 2, 3)},
        "overlap": overlap(replies),
        "loops": spread["mean"],
        "loops_low": spread["low"],
        "loops_high": spread["high"],
        "characters": statistics.fmean(map(len, replies)),
    }


def distinct(replies: Sequence[str], n: int) -> float:
    """Different n-grams among all of them; 1 where there are none."""
    grams = [gram for reply in replies for gram in _grams(reply, n)]
    return len(set(grams)) / len(grams) if grams else 1.0


def overlap(replies: Sequence[str], n: int = 4) -> float:
    """Mean share of a reply's n-grams that another has, too: self-BLEU without its brevity penalty."""
    of_each = [set(_grams(reply, n)) for reply in replies]
    seen: dict[tuple[str, ...], int] = {}
    for grams in of_each:
        for gram in grams:
            seen[gram] = seen.get(gram, 0) + 1
    shares = [sum(seen[gram] > 1 for gram in grams) / len(grams) for grams in of_each if grams]
    return sum(shares) / len(shares) if shares else 0.0


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

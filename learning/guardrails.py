"""Is the adapter on trial ill? Errors, delays and repetition need no opinions, and are not waited with.

Each is compared with the live adapter over the same time, by Wilson's 99.9 % interval (Wilson 1927), so
that a bad minute of the model server, which hits both, condemns nobody.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

Z = 3.29  # of a two-sided interval of 99.9 %
MIN_REPLIES = 10  # of the new one, before its delays are looked at


@dataclass(frozen=True, slots=True)
class Health:
    """What the replies of one adapter looked like. `seconds`: until each was complete."""

    replies: int
    failed: int
    repeated: int  # said the same as the one before, or the same thing over and over
    seconds: Sequence[float] = ()


def symptoms(canary: Health, live: Health, *, slower: float = 2.0) -> list[str]:
    """Why it must go at once, as sentences; none when it is well. `slower`: by median, than the live one."""
    found = []
    for what, ours, theirs in (
        ("failed", canary.failed, live.failed),
        ("repeated themselves", canary.repeated, live.repeated),
    ):
        if wilson(ours, canary.replies)[0] > wilson(theirs, live.replies)[1]:
            found.append(f"{ours} of its {canary.replies} replies {what}, {theirs} of {live.replies} before.")
    if len(canary.seconds) >= MIN_REPLIES <= len(live.seconds):
        middle, usual = statistics.median(canary.seconds), statistics.median(live.seconds)
        if middle > slower * usual:
            found.append(f"Its replies take {middle:.1f} s in the middle, {usual:.1f} s before.")
    return found


def wilson(hits: int, tries: int, z: float = Z) -> tuple[float, float]:
    """The interval of a share; (0, 1) when nothing was tried."""
    if not tries:
        return 0.0, 1.0
    share, square = hits / tries, z**2 / tries
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / tries + square / (4 * tries)) / (1 + square)
    return max(0.0, middle - half), min(1.0, middle + half)

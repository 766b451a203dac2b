"""How quickly does the owner write, and in how many bubbles?"""

from __future__ import annotations

import math
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations, pairwise
from statistics import median

BURST_SECONDS = 120.0  # a longer silence begins a new burst
ENOUGH = 50  # bursts, or pauses, below which nobody's rhythm can be told
BANDS = 12  # of message lengths, each with as many messages
MOST_BUBBLES = 10
READING = 25.0  # characters a second, an ordinary reader
SHORTEST_PAUSE, LONGEST_PAUSE = 0.6, 6.0
SHORTEST_LOOK, LONGEST_LOOK = 0.3, 4.0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """What to expect before a bubble: `start_seconds`, and a second for every `characters_per_second`.

    `shares[i]` is the share of bursts with i + 1 bubbles; the last one also counts the longer ones. `spread`:
    how much the logarithm of a pause varies (one standard deviation). `bursts`: learned from how many.
    The defaults are an ordinary person on a phone.
    """

    shares: tuple[float, ...] = (0.6, 0.25, 0.1, 0.05)
    median_seconds: float = 4.0  # between the bubbles of a burst, whatever their length
    start_seconds: float = 1.2
    characters_per_second: float = 6.5
    spread: float = 0.5
    bursts: int = 0

    def most_bubbles(self, of_bursts: float = 0.95) -> int:
        """That many bubbles are enough for this share of the owner's bursts."""
        reached = 0.0
        for bubbles, share in enumerate(self.shares, start=1):
            reached += share
            if reached >= of_bursts - 1e-9:
                return bubbles
        return len(self.shares)

    def pause_before(self, bubble: str, seed: int, speed: float = 1.0) -> float:
        """Seconds between the bubble before and this one, 0.6 to 6, times `speed` (0: no pauses)."""
        seconds = self._drawn(self._typing(bubble), f"{seed}:{bubble}")
        return max(0.0, speed) * min(max(seconds, SHORTEST_PAUSE), LONGEST_PAUSE)

    def reading_pause(self, question: str, answer: str, seed: int, speed: float = 1.0) -> float:
        """Seconds before the first bubble, `answer`, is there: 0.3 to 4, times `speed` (0: no pauses)."""
        expected = len(question) / READING + self._typing(answer)
        seconds = self._drawn(expected, f"{seed}:{question}:{answer}")
        return max(0.0, speed) * min(max(seconds, SHORTEST_LOOK), LONGEST_LOOK)

    def _typing(self, text: str) -> float:
        return self.start_seconds + len(text) / self.characters_per_second

    def _drawn(self, expected: float, seed: str) -> float:
        return expected * math.exp(self.spread * random.Random(seed).gauss(0.0, 1.0))


def learn_rhythm(said: Iterable[tuple[str, datetime, int]]) -> Rhythm:
    """From the owner's own messages, in any order: the thread, when, and how many characters.

    Threads that only know the minute are left out. Where too little is known, the defaults stay.
    """
    threads: defaultdict[str, list[tuple[datetime, int]]] = defaultdict(list)
    for thread, when, characters in said:
        threads[thread].append((when, characters))
    sizes: Counter[int] = Counter()
    pauses: list[tuple[int, float]] = []  # characters of a bubble, seconds before it
    for thread in sorted(threads):
        messages = sorted(threads[thread])
        if not _knows_seconds(messages):
            continue
        bubbles = 1
        for (before, _), (when, characters) in pairwise(messages):
            seconds = (when - before).total_seconds()
            if seconds > BURST_SECONDS:
                sizes[min(bubbles, MOST_BUBBLES)] += 1
                bubbles = 1
                continue
            bubbles += 1
            if seconds > 0:  # a tie belongs to the burst, but does not tell which of the two came first
                pauses.append((characters, seconds))
        sizes[min(bubbles, MOST_BUBBLES)] += 1
    bursts = sizes.total()
    if bursts < ENOUGH:
        return Rhythm()
    shares = tuple(sizes[bubbles] / bursts for bubbles in range(1, max(sizes) + 1))
    if len(pauses) < ENOUGH:
        return Rhythm(shares=shares, bursts=bursts)
    start, per_character, spread = _line(pauses)
    return Rhythm(
        shares=shares,
        median_seconds=median(seconds for _, seconds in pauses),
        start_seconds=start,
        characters_per_second=1 / per_character,
        spread=spread,
        bursts=bursts,
    )


def _knows_seconds(messages: Sequence[tuple[datetime, int]]) -> bool:
    """One message in sixty falls on the full minute; where most do, the source cut the seconds off."""
    full = sum(when.second == 0 and when.microsecond == 0 for when, _ in messages)
    return 2 * full <= len(messages)


def _line(pauses: Sequence[tuple[int, float]]) -> tuple[float, float, float]:
    """Seconds to begin, seconds for each character, and the spread around that line (of the logarithm).

    The slope is Theil and Sen's, through the medians of bands of lengths: a quarter of the pauses may be
    somebody fetching a coffee.
    """
    ordered = sorted(pauses)
    size = max(4, math.ceil(len(ordered) / BANDS))
    bands = [ordered[at : at + size] for at in range(0, len(ordered), size)]
    middles = [(median(x for x, _ in band), median(y for _, y in band)) for band in bands]
    slopes = [(y - v) / (x - u) for (u, v), (x, y) in combinations(middles, 2) if x != u]
    per_character = min(max(median(slopes) if slopes else 0.0, 1 / 40), 1 / 1.5)
    start = max(0.2, median(y - x * per_character for x, y in middles))
    residuals = [abs(math.log(y / (start + x * per_character))) for x, y in pauses]
    spread = min(max(1.4826 * median(residuals), 0.05), 1.0)
    return start, per_character, spread

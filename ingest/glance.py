"""Which texts are worth a closer look, and for what? Each different word is looked at once: they repeat.

A text is cut at its blanks, and what is said of it is said of one of its words. So whoever looks has to look
for something without a blank in it; what needs two words at once is for the closer look to find.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate, chain

import numpy as np

MAX_WORDS = 200_000  # remembered; then it begins anew
LONG = 64  # characters; what is longer comes but once

Look = Callable[[str], int]  # one word -> bits, each a reason to look closer at the whole text


class Glance(dict[str, int]):
    """Word -> what the looks said of it, bits of any of them."""

    def __init__(self, *looks: Look) -> None:
        self._looks = looks

    def __missing__(self, word: str) -> int:
        bits = 0
        for look in self._looks:
            bits |= look(word)
        if len(word) <= LONG:
            self[word] = bits
        return bits

    def of(self, text: str) -> int:
        """Its words' bits together."""
        bits = 0
        for word in text.split():
            bits |= self[word]
        return bits

    def at(self, texts: Sequence[str]) -> tuple[list[int], list[list[str]]]:
        """Of each text, none of them blank: its words' bits together, and the words."""
        if len(self) > MAX_WORDS:
            self.clear()
        words = [text.split() for text in texts]
        if not words:
            return [], words
        ends = list(accumulate(map(len, words)))
        bits = np.fromiter(map(self.__getitem__, chain.from_iterable(words)), np.uint8, ends[-1])
        return np.bitwise_or.reduceat(bits, [0, *ends[:-1]]).tolist(), words

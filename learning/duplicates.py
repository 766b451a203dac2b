"""Has this been said before, or nearly so? What keeps the test's answers out of training."""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable

LETTERS = 5  # length of the pieces that are compared
SKETCH = 12  # pieces by which candidates are found; the comparison itself uses all of them
NEARLY = 0.8  # Jaccard similarity from which two texts count as one


def plain(text: str) -> str:
    """Lower case, words and digits only, single spaces: spelling variants of one text become equal."""
    bare = " ".join(re.findall(r"\w+", text.lower()))
    return bare or text.strip()  # an emoji alone is still something


class Duplicates:
    """Texts to look out for. `text in duplicates` is true for equal and for nearly equal ones."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._exact: set[str] = set()
        self._pieces: list[frozenset[int]] = []
        self._by_piece: defaultdict[int, list[int]] = defaultdict(list)
        for text in texts:
            if (bare := plain(text)) in self._exact:
                continue
            self._exact.add(bare)
            pieces = _pieces(bare)
            self._pieces.append(pieces)
            for piece in _sketch(pieces):
                self._by_piece[piece].append(len(self._pieces) - 1)

    def __contains__(self, text: str) -> bool:
        bare = plain(text)
        if bare in self._exact:
            return True
        pieces = _pieces(bare)
        candidates = {index for piece in _sketch(pieces) for index in self._by_piece.get(piece, ())}
        return any(
            len(pieces & self._pieces[index]) >= NEARLY * len(pieces | self._pieces[index])
            for index in candidates
        )


def _pieces(text: str) -> frozenset[int]:
    slices = {text[i : i + LETTERS] for i in range(max(1, len(text) - LETTERS + 1))}
    return frozenset(
        int.from_bytes(hashlib.blake2b(piece.encode(), digest_size=8).digest(), "big") for piece in slices
    )


def _sketch(pieces: frozenset[int]) -> list[int]:
    """The smallest hashes: texts that share most of their pieces share some of these."""
    return sorted(pieces)[:SKETCH]

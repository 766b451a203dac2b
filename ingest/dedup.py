"""Has this been said already in the same export? By id first; long messages also by their words."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import chain, pairwise

from msgspec import Struct

from storage.records import Record

MIN_WORDS = 8  # "ha" twice is style; a long message twice was sent twice
CLOSE = 3600.0  # seconds
SAME = 0.8
_RECENT = 40  # messages of one author in one thread
_SPEAKERS = 500  # exports go thread by thread: whoever spoke long ago is not compared with any more
_IDS = 150_000  # half of what is remembered; of what is forgotten, the store still knows the ids
_WORD = re.compile(r"\w+")
_MOST_PIECES, _LONG = 50_000, 64  # remembered, and of how many characters


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An item that adds nothing to the record `of`."""

    where: str
    of: str


class _Said(Struct, gc=False):
    """Most are never compared, so the words of their text wait."""

    id: str
    at: float  # seconds since 1970
    latest: float  # of it and of all before it
    text: str
    length: int  # in words, as blanks divide them
    known: frozenset[tuple[str, str]] | None = None

    def pairs(self) -> frozenset[tuple[str, str]]:
        if self.known is None:
            self.known = frozenset(pairwise(chain.from_iterable(map(_WORDS.__getitem__, self.text.split()))))
            self.text = ""
        return self.known


class _Words(dict[str, list[str]]):
    """What stood between two blanks -> the words in it, in small letters."""

    def __missing__(self, written: str) -> list[str]:
        found = _WORD.findall(written.casefold())
        if len(self) > _MOST_PIECES:
            self.clear()
        if len(written) <= _LONG:
            self[written] = found
        return found


_WORDS = _Words()


class Dedup:
    """Remembers one export, of a large one the later part. Between two exports the store does it, by id."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._former: set[str] = set()
        self._recent: OrderedDict[tuple[str, str], deque[_Said]] = OrderedDict()

    def check(self, record: Record, words: int | None = None) -> Record | Duplicate:
        """The record itself when it is new. Words are compared with its author's last ones in the thread.

        `words`: how many there are in its text, as blanks divide them, where that is known.
        """
        if record.id in self._ids or record.id in self._former:
            return Duplicate(record.origin, record.id)
        self._ids.add(record.id)
        if len(self._ids) >= _IDS:
            self._former, self._ids = self._ids, set()
        if len(record.text) < 2 * MIN_WORDS - 1:
            return record
        if (length := len(record.text.split()) if words is None else words) < MIN_WORDS:
            return record
        at = record.said_at.timestamp()
        recent = self._said_by(record.thread_id, record.author_id)
        said = _Said(record.id, at, max(at, recent[-1].latest) if recent else at, record.text, length)
        for earlier in reversed(recent):
            if at - earlier.latest > CLOSE:
                break
            if abs(at - earlier.at) <= CLOSE and _overlap(said, earlier) >= SAME:
                return Duplicate(record.origin, earlier.id)
        recent.append(said)
        return record

    def _said_by(self, thread_id: str, author_id: str) -> deque[_Said]:
        speaker = thread_id, author_id
        if recent := self._recent.get(speaker):
            self._recent.move_to_end(speaker)
            return recent
        recent = self._recent[speaker] = deque(maxlen=_RECENT)
        if len(self._recent) > _SPEAKERS:
            self._recent.popitem(last=False)
        return recent


def _overlap(said: _Said, earlier: _Said) -> float:
    """The share of pairs of words in both; 0 where one is too much longer, whatever the two share."""
    if min(said.length, earlier.length) < SAME * max(said.length, earlier.length):
        return 0.0
    one, other = said.pairs(), earlier.pairs()
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared or 1)

"""Has this been said already in the same export? By id first; long messages also by their words."""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from dataclasses import dataclass
from itertools import pairwise

from storage.records import Record

MIN_WORDS = 8  # "ha" twice is style; a long message twice was sent twice
CLOSE = 3600.0  # seconds
SAME = 0.8
_RECENT = 40  # messages of one author in one thread
_SPEAKERS = 500  # exports go thread by thread: whoever spoke long ago is not compared with any more
_IDS = 150_000  # half of what is remembered; of what is forgotten, the store still knows the ids
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An item that adds nothing to the record `of`."""

    where: str
    of: str


class _Said:
    """No dataclass: a frozen one takes its time. Most are never compared, so their text waits as it is."""

    __slots__ = ("_pairs", "_text", "at", "id", "latest", "length")

    def __init__(self, id: str, at: float, latest: float, text: str, length: int) -> None:
        self.id, self.at = id, at  # seconds since 1970
        self.latest = latest  # of it and of all before it
        self.length = length  # in words, as blanks divide them
        self._text, self._pairs = text, frozenset[tuple[str, str]]()

    def pairs(self) -> frozenset[tuple[str, str]]:
        if self._text:
            self._pairs, self._text = frozenset(pairwise(_WORD.findall(self._text.casefold()))), ""
        return self._pairs


class Dedup:
    """Remembers one export, of a large one the later part. Between two exports the store does it, by id."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._former: set[str] = set()
        self._recent: OrderedDict[tuple[str, str], deque[_Said]] = OrderedDict()

    def check(self, record: Record) -> Record | Duplicate:
        """The record itself when it is new. Words are compared with its author's last ones in the thread."""
        if record.id in self._ids or record.id in self._former:
            return Duplicate(record.origin, record.id)
        self._ids.add(record.id)
        if len(self._ids) >= _IDS:
            self._former, self._ids = self._ids, set()
        if len(record.text) < 2 * MIN_WORDS - 1 or (length := len(record.text.split())) < MIN_WORDS:
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
    return len(one & other) / (len(one | other) or 1)

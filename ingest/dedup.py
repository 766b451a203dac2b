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
_IDS = 250_000  # half of what is remembered; of what is forgotten, the store still knows the ids
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An item that adds nothing to the record `of`."""

    where: str
    of: str


class _Said:
    """No dataclass: a frozen one takes its time. Most are never compared, so their words wait as they are."""

    __slots__ = ("_pairs", "_words", "at", "id", "latest")

    def __init__(self, id: str, at: float, latest: float, words: list[str]) -> None:
        self.id, self.at = id, at  # seconds since 1970
        self.latest = latest  # of it and of all before it
        self._words, self._pairs = words, frozenset[tuple[str, str]]()

    def pairs(self) -> frozenset[tuple[str, str]]:
        if self._words:
            self._pairs, self._words = frozenset(pairwise(self._words)), []
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
        if len(record.text) < 2 * MIN_WORDS - 1:
            return record
        words = _WORD.findall(record.text.casefold())
        if len(words) < MIN_WORDS:
            return record
        at = record.said_at.timestamp()
        recent = self._said_by(record.thread_id, record.author_id)
        said = _Said(record.id, at, max(at, recent[-1].latest) if recent else at, words)
        for earlier in reversed(recent):
            if at - earlier.latest > CLOSE:
                break
            if abs(at - earlier.at) <= CLOSE and _overlap(said.pairs(), earlier.pairs()) >= SAME:
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


def _overlap(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    if min(len(one), len(other)) < SAME * max(len(one), len(other)):
        return 0.0  # too little, whatever the two share
    return len(one & other) / len(one | other)

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


@dataclass(frozen=True, slots=True)
class _Said:
    id: str
    at: float  # seconds since 1970
    latest: float  # of it and of all before it
    pairs: frozenset[tuple[str, str]]


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
        words = _WORD.findall(record.text.casefold())
        if len(words) < MIN_WORDS:
            return record
        pairs, at = frozenset(pairwise(words)), record.said_at.timestamp()
        recent = self._said_by(record.thread_id, record.author_id)
        for earlier in reversed(recent):
            if at - earlier.latest > CLOSE:
                break
            if abs(at - earlier.at) <= CLOSE and _overlap(pairs, earlier.pairs) >= SAME:
                return Duplicate(record.origin, earlier.id)
        latest = max(at, recent[-1].latest) if recent else at
        recent.append(_Said(record.id, at, latest, pairs))
        return record

    def _said_by(self, thread_id: str, author_id: str) -> deque[_Said]:
        speaker = thread_id, author_id
        recent = self._recent.pop(speaker, None) or deque(maxlen=_RECENT)
        self._recent[speaker] = recent
        if len(self._recent) > _SPEAKERS:
            self._recent.popitem(last=False)
        return recent


def _overlap(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    if min(len(one), len(other)) < SAME * max(len(one), len(other)):
        return 0.0  # too little, whatever the two share
    return len(one & other) / len(one | other)

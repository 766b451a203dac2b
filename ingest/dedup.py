"""Has this been said already in the same export? By id first; long messages also by their words."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from storage.records import Record

MIN_WORDS = 8  # "ha" twice is style; a long message twice was sent twice
CLOSE = timedelta(hours=1)
SAME = 0.8
_RECENT = 40
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Duplicate:
    """An item that adds nothing to the record `of`."""

    where: str
    of: str


@dataclass(frozen=True, slots=True)
class _Said:
    id: str
    at: datetime
    pairs: frozenset[tuple[str, str]]


class Dedup:
    """Remembers one export. Between two exports the store does it, by id."""

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._recent: defaultdict[tuple[str, str], deque[_Said]] = defaultdict(lambda: deque(maxlen=_RECENT))

    def check(self, record: Record) -> Record | Duplicate:
        """The record itself when it is new. Words are compared with its author's last ones in the thread."""
        if record.id in self._ids:
            return Duplicate(record.origin, record.id)
        self._ids.add(record.id)
        words = _WORD.findall(record.text.casefold())
        if len(words) < MIN_WORDS:
            return record
        said = _Said(record.id, record.said_at, frozenset(pairwise(words)))
        recent = self._recent[record.thread_id, record.author_id]
        for earlier in recent:
            if not SAME * len(said.pairs) <= len(earlier.pairs) <= len(said.pairs) / SAME:
                continue  # whatever the two share, it is too little
            if abs(said.at - earlier.at) <= CLOSE and _overlap(said.pairs, earlier.pairs) >= SAME:
                return Duplicate(record.origin, earlier.id)
        recent.append(said)
        return record


def _overlap(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    return len(one & other) / len(one | other)
